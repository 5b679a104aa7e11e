"""What Yjs drops of a document is dropped before pycrdt sees it: both show the same, as we do."""

from typing import Any

import pytest
from pycrdt import Doc, Text

from collab.fold import fold
from collab.jobs import text, to_json
from collab.sound import sound
from collab.state import State
from collab.update import read_update
from tests.collab.genuine import Yjs, corpus, need_node, whole

TYPED = bytes.fromhex("01 03 05 00  04 01 01 74 01 61  84 05 00 01 62  84 05 01 01 63  00")  # "abc"


def state_of(*updates: str | bytes) -> State:
    """The document of some updates, the later ones in hexadecimal."""
    state = State()
    for update in updates:
        data = bytes.fromhex(update) if isinstance(update, str) else update
        news, missing = state.admit(read_update(data), partial=False)
        assert news is not None and not missing
        state.enter(news)
    return state


ODD = {
    # In each, client 7 writes into client 5's letter "a" as if that were a type.
    "a child of a letter": ("01 01 07 00  04 00 05 00 01 78  00",),
    "an entry of a letter": ("01 01 07 00  28 00 05 00 01 6b 01 77 01 76  00",),
    "and what is typed after that": (
        "01 01 07 00  04 00 05 00 01 78  00",
        "01 01 08 00  84 07 00 01 79  00",
        "01 01 09 00  44 08 00 01 7a  00",
    ),
    "a type in it, with children": (
        "01 01 07 00  07 00 05 00 00  00",
        "01 02 08 00  08 00 07 00 01 7d 01  88 08 00 01 7d 02  00",
    ),
    "and it is deleted": (
        "01 01 07 00  04 00 05 00 02 78 79  00",
        "00 01 07 01 00 01",
    ),
}


@pytest.mark.parametrize("updates", ODD.values(), ids=ODD)
def test_what_yjs_drops(updates: tuple[str, ...]) -> None:
    """pycrdt opens the document, and the rest of it is as it was; so after a fold."""
    state = state_of(TYPED, *updates)
    for data in (state.encode(), fold(state.encode())[0]):
        assert text(data) == "abc"
        assert to_json(data) == b'{"t":"abc"}'
        doc: Doc[Any] = Doc()
        doc.apply_update(sound(read_update(data)))
        assert str(doc.get("t", type=Text)) == "abc"
        made = sound(read_update(data))
        assert State.load(*fold(made)).vector == state.vector
        assert sound(read_update(made)) == made


@pytest.mark.parametrize("updates", ODD.values(), ids=ODD)
def test_yjs_drops_the_same(updates: tuple[str, ...]) -> None:
    """Real Yjs shows the odd document as the sound one, with nothing pending."""
    need_node()
    data = state_of(TYPED, *updates).encode()
    with Yjs() as yjs:
        odd, made = yjs.judge([data]), yjs.judge([sound(read_update(data))])
    assert odd.content == made.content
    assert not odd.pending and not made.pending


def test_sound_documents_are_left_alone() -> None:
    """Byte for byte, every kind of document that honest clients write."""
    for document in corpus():
        data = whole(document).encode()
        assert sound(read_update(data)) == data
