"""One text of a document as somebody has it who lags behind: an editor, or a file. Knows pycrdt.

A copy is a document of its own. Its owner's edits are made in it, where their positions are right,
and come out as updates for the real document; what the real document gets is told to the copy once
its owner has got it, too. So whatever two sides do at the same time is merged by Yjs, once, and
nowhere else. Only copies write: the real document takes updates.

Positions count characters (code points). pycrdt counts bytes of UTF-8. Things in a text that are no
text, such as pictures, are one character each, U+FFFC, and stay unless that is deleted.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from pycrdt import Doc, Text, TransactionEvent

from collab.changes import Change, changes, patched
from collab.errors import Conflict
from collab.past.items import Items
from collab.past.moments import TEXT, Moment
from collab.past.shapes import kind_of
from collab.update import TRUSTED, read_update

THING = "\N{OBJECT REPLACEMENT CHARACTER}"
EMPTY = b"\x00"  # the state vector of a document that nobody has ever written in


class Reading:
    """`text` is what stands in a pycrdt text; `offset` and `follow` know how pycrdt counts."""

    def __init__(self, content: Text) -> None:
        pieces = [piece for piece, _ in content.diff()]
        self.text = "".join(piece if isinstance(piece, str) else THING for piece in pieces)
        # The same with one byte for each thing, as pycrdt counts them.
        self._measured = "".join(piece if isinstance(piece, str) else "\0" for piece in pieces)

    def offset(self, at: int) -> int:
        """The place in pycrdt of a position."""
        return len(self._measured[:at].encode())

    def follow(self, delta: Iterable[dict[str, Any]]) -> list[Change]:
        """An event of the pycrdt text says what has changed: the same, as positions of the text
        as it was. Asks pycrdt nothing, so that it may be called while the event is told."""
        data, byte, at = self._measured.encode(), 0, 0
        made: list[Change] = []
        measured: list[Change] = []
        for step in delta:
            size = step.get("retain") or step.get("delete") or 0
            end = at + len(data[byte : byte + size].decode())
            if "retain" not in step:
                thing = not isinstance(step.get("insert", ""), str)
                words = THING if thing else step.get("insert", "")
                _join(made, Change(at, end, words))
                _join(measured, Change(at, end, "\0" if thing else words))
            byte, at = byte + size, end
        self.text = patched(self.text, made)
        self._measured = patched(self._measured, measured)
        return made


def _join(made: list[Change], change: Change) -> None:
    """Adds a change to those before it; as one with the last if they touch."""
    if made and made[-1].end == change.start:
        last = made.pop()
        change = Change(last.start, change.end, last.words + change.words)
    made.append(change)


class Copy:
    """The text `root` of a document as it was at some moment, for one who edits it from there.
    It writes under a client id of its own: what two copies write is never taken for the same."""

    def __init__(self, state: bytes, root: str) -> None:
        self.doc: Doc[Any] = Doc()
        self.doc.apply_update(state)
        self._content = self.doc.get(root, type=Text)
        self._reading: Reading | None = None
        self._updates: list[bytes] = []
        self._subscription = self.doc.observe(self._changed)

    @property
    def reading(self) -> Reading:
        if self._reading is None:
            self._reading = Reading(self._content)
        return self._reading

    @property
    def text(self) -> str:
        return self.reading.text

    def follow(self, update: bytes) -> None:
        """The owner has got that."""
        self.doc.apply_update(update)

    def edit(self, made: Sequence[Change]) -> list[bytes]:
        """The owner has changed the text: updates for the document, in order. The changes are in
        order, do not overlap, and have positions of the text as it was."""
        reading = self.reading
        self._updates = []
        with self.doc.transaction():
            for start, end, words in reversed(made):
                begin = reading.offset(start)
                if end > start:
                    del self._content[begin : reading.offset(end)]
                if words:
                    self._content.insert(begin, words)
        return self._updates

    def _changed(self, event: TransactionEvent) -> None:
        self._reading = None
        self._updates.append(event.update)


class Draft(Copy):
    """What somebody makes of a text before it is known what has become of it: `words` is how it
    began, and who begins another draft with the same can tell what is new in this one."""

    def __init__(self, words: str, root: str) -> None:
        super().__init__(seed(root, words), root)
        self._words = words
        self._root = root

    @property
    def edited(self) -> bool:
        return self.text != self._words

    def upon(self, text: str) -> list[Change]:
        """What was edited here, as changes of `text`, which others have made of the same words:
        Yjs merges both, so that what was deleted here takes nothing along that they wrote."""
        theirs = Draft(self._words, self._root)
        theirs.edit(list(changes(self._words, text)))
        reading, deltas = theirs.reading, []
        subscription = theirs._content.observe(lambda event: deltas.append(event.delta))
        theirs.follow(self.doc.get_update())
        theirs._content.unobserve(subscription)
        return [change for delta in deltas for change in reading.follow(delta)]


def text_root(doc: "Doc[Any]", root: str) -> Text:
    """The text `root` of a document. Conflict when it is something else, or when there are other
    things and no such text: to read a root as what it is not can take for ever."""
    items = Items()
    items.enter(1, read_update(doc.get_update(), TRUSTED).data)
    roots = {name: kind_of(branch) for name, branch in Moment(items, 1).items.roots.items()}
    if roots.get(root, TEXT) != TEXT:
        raise Conflict(f"What is called {root!r} in this document is no plain text.")
    if roots and root not in roots:
        names = ", ".join(sorted(roots))
        raise Conflict(f"There is no text {root!r} in this document; it has: {names}. Use --root.")
    text: Text = doc.get(root, type=Text)
    return text


def seed(root: str, words: str) -> bytes:
    """The update by which a document that nobody has ever written in gets its first text. Who
    begins with the same words makes the same update: two who do so at once do not double them."""
    digest = hashlib.sha256(f"{root}\0{words}".encode()).digest()
    doc: Doc[Any] = Doc(client_id=int.from_bytes(digest[:4], "big"))
    doc.get(root, type=Text).insert(0, words)
    return doc.get_update()
