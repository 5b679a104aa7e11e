"""Folding: other bytes, the same document, also for those who edit it meanwhile."""

import pytest
from pycrdt import Doc, Text

from collab.errors import ProtocolError
from collab.fold import admit_in_worker, fold
from collab.state import Admission, State
from collab.update import read_state_vector, read_update
from tests.collab.genuine import corpus, parts, scattered


def folded(update: str) -> str:
    """One fold, in hexadecimal."""
    return fold(bytes.fromhex(update))[0].hex()


def same(left: str, right: str) -> bool:
    """Whether two fold to the same bytes."""
    return folded(left) == folded(right)


class TestFolding:
    def test_a_run_of_typing(self) -> None:
        """Characters that were typed one after the other become one item."""
        typed = "01 03 05 00  04 01 01 74 01 61  84 05 00 01 62  84 05 01 01 63  00"
        once = "01 01 05 00  04 01 01 74 03 616263  00"
        assert bytes.fromhex(once).hex() == folded(typed)

    def test_two_runs(self) -> None:
        """Typed elsewhere, with another right origin, or in another kind of content: not joined."""
        for second in (
            "c4 05 00 06 00 01 62",
            "44 05 00 01 62",
            "04 01 01 74 01 62",
            "88 05 00 01 7e",
        ):
            update = f"02 01 06 00 00 01  02 05 00  04 01 01 74 01 61  {second}  00"
            assert bytes.fromhex(update).hex() == folded(update)

    def test_what_is_deleted(self) -> None:
        """Deleted characters keep their place and lose their text."""
        update = "01 01 05 00  04 01 01 74 04 61626364  01 05 01 01 02"
        expected = "01 03 05 00  04 01 01 74 01 61  81 05 00 02  84 05 02 01 64  01 05 01 01 02"
        assert bytes.fromhex(expected).hex() == folded(update)

    def test_half_an_emoji_deleted(self) -> None:
        """Deleting half of a surrogate pair leaves U+FFFD of the other half, as in Yjs."""
        update = "01 01 05 00  04 01 01 74 04 f09f9880  01 05 01 00 01"
        expected = "01 02 05 00  01 01 01 74 01  84 05 00 03 efbfbd  01 05 01 00 01"
        assert bytes.fromhex(expected).hex() == folded(update)

    def test_deleted_types_stay(self) -> None:
        """A deleted map stays one: what others put into it meanwhile needs its parent."""
        update = "01 02 05 00  07 01 01 74 01  28 00 05 00 01 6b 01 7e  01 05 01 00 02"
        expected = "01 02 05 00  07 01 01 74 01  21 00 05 00 01 6b 01  01 05 01 00 02"
        assert bytes.fromhex(expected).hex() == folded(update)

    def test_values_stay_byte_for_byte(self) -> None:
        """BigInt, -0, a float64 that is whole, an integer too long, keys in their order."""
        values = (
            "7a0000000000000001 7b8000000000000000 7b4014000000000000 7d8000 7602 0162 7e 0161 7f"
        )
        update = f"01 02 05 00  08 01 01 74 05 {values}  88 05 04 01 7e  00"
        expected = f"01 01 05 00  08 01 01 74 06 {values} 7e  00"
        assert bytes.fromhex(expected).hex() == folded(update)

    def test_entries_of_a_map_stay_one_unit_long(self) -> None:
        """A key that was set twice is two items, of which the first is deleted."""
        update = "01 02 05 00  28 01 01 6d 01 6b 01 7e  a8 05 00 01 7f  01 05 01 00 01"
        expected = "01 02 05 00  21 01 01 6d 01 6b 01  a8 05 00 01 7f  01 05 01 00 01"
        assert bytes.fromhex(expected).hex() == folded(update)
        alive = "01 02 05 00  28 01 01 6d 01 6b 01 7e  a8 05 00 01 7f  00"
        assert bytes.fromhex(alive).hex() == folded(alive)

    def test_what_others_collected(self) -> None:
        """GC structs join; so do deleted items, whether their bytes or the deletes say so."""
        assert same("01 02 05 00 00 01 00 02 00", "01 01 05 00 00 03 00")
        assert same(
            "01 02 05 00  01 01 01 74 02  84 05 01 01 61  01 05 01 02 01",
            "01 01 05 00  01 01 01 74 03  01 05 01 02 01",
        )

    def test_no_document(self) -> None:
        """What has a gap is no document."""
        for gap in ("01 01 05 01 00 01 00", "01 03 05 00 00 01 0a 01 00 01 00"):
            with pytest.raises(ValueError, match="gaps"):
                fold(bytes.fromhex(gap))

    def test_one_fold(self) -> None:
        """However a document came about, whenever it was folded before, and however often: it
        folds to the same bytes, and is as long and as deleted as it was."""
        for document in corpus():
            state, log = scattered(document, document.random())
            data, index = fold(state.encode())
            assert (data, index) == fold(data), document
            loaded = State.load(data, index)
            assert (state.vector, state.deletes) == (loaded.vector, loaded.deletes)
            assert loaded.index() == index

            early = document.random(4).randrange(len(log) + 1)
            other = State()
            for news in log[:early]:
                other.enter(news)
            other = State.load(*fold(other.encode()))
            for news in log[early:]:
                other.enter(news)
            assert data == fold(other.encode())[0], document

    def test_what_stayed_as_it_was_is_not_there_twice(self) -> None:
        """A document that grew is folded again: the blocks that did not change are the old ones,
        and none that only looks alike is taken for another."""
        for document in corpus():
            state, _ = scattered(document, document.random())
            folded = State.load(*fold(state.encode()))
            known = [block for blocks in folded.blocks.values() for block in blocks]
            again = State.load(*fold(folded.encode()), known)
            blocks = [block for blocks in again.blocks.values() for block in blocks]
            assert all(one is other for one, other in zip(known, blocks, strict=True))
            others = [
                block._replace(data=bytes(len(block.data))) if number % 3 else block
                for number, block in enumerate(known)
            ]
            others += [block._replace(clock=block.clock + 1) for block in known]
            assert State.load(*fold(folded.encode()), others).encode() == folded.encode()

    def test_an_empty_document(self) -> None:
        """Nothing folds to nothing."""
        assert fold(b"\x00\x00") == (b"\x00\x00", b"\x00")


# Client 5 types "b" after its "a", clock 0.
TYPED_NEXT = bytes.fromhex("01 01 05 01  84 05 00 01 62  00")


def test_the_worker_refuses_as_the_gate_does() -> None:
    """A malformed update is the peer's fault in a worker, too."""
    with pytest.raises(ProtocolError):
        admit_in_worker(TYPED_NEXT[:-1], b"\x00", b"\x00", False, 9)
    assert read_state_vector(admit_in_worker(TYPED_NEXT, b"\x00", b"\x00", False, 9)[0]) == {5: 1}


def test_over_long_numbers_come_back_short() -> None:
    """A worker's answer holds an update whose blocks can be found, however oddly it was written."""
    update = bytes.fromhex("8100 01 05 00  04 01 01 74 01 61  00")
    admission = Admission.load(admit_in_worker(update, b"\x00", b"\x00", False, 9))

    assert admission.news is not None
    assert admission.news.data == bytes.fromhex("01 01 05 00  04 01 01 74 01 61  00")


def test_pastes_are_not_joined_without_bound() -> None:
    """A document of many pastes still goes in frames of a bounded size."""
    doc: Doc[Text] = Doc()
    text = doc.get("content", type=Text)
    state = State()
    for letter in "abcdef":
        known = doc.get_state()
        text += letter * 50_000
        news = state.admit(read_update(doc.get_update(known)), partial=False).news
        assert news is not None
        state.enter(news)

    data, index = fold(state.encode())

    assert fold(data) == (data, index)
    chunks = parts(State.load(data, index), 100_000)
    assert max(len(chunk) for chunk in chunks) < 120_000
    again: Doc[Text] = Doc()
    for chunk in chunks:
        again.apply_update(chunk)
    assert str(again.get("content", type=Text)) == str(text)
