"""One file that an editor has open, as the Teamtype protocol has it: revisions, and who is where.
Knows the messages, no transport and no clock.

The editor counts its own edits and those of ours that it took. An edit of ours says how many of
its edits we had seen; if it has made another one meanwhile, it drops ours, and waits for what we
make of it then. An edit of its own says how many of ours it had taken. So we never have to guess:

- `Copy` is the document as the editor has it for certain. `_sent` is what it was sent since then.
- An edit that names revision r says that it has taken ours up to r: they go into the copy, the edit
  is made in the copy, where it belongs, and comes out as an update of the document. Whatever else
  was sent has been dropped, and is sent anew as one edit that leads from the editor's text to the
  document's.

The protocol leaves it to us how edits are transformed; here Yjs merges them, once and for all.

What an editor would take for the end of a line, or not at all, is shown to it as one other letter.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from collab.changes import Change, changes, moved, patched
from collab.client.copy import Copy
from collab.errors import ProtocolError

SHOWN = {"\r": "\N{SYMBOL FOR CARRIAGE RETURN}", "\0": "\N{SYMBOL FOR NULL}"}

Delta = list[dict[str, Any]]


class OpenFile:
    """A file from "open" to "close". `content` is what the editor has in it, `copy` the document
    as it is; if they are not the same, `again` is the edit to send."""

    def __init__(self, uri: str, content: str, copy: Copy) -> None:
        self.uri = uri
        self._copy = copy
        self._theirs = plain(content)  # for certain: with all edits of ours up to `_taken`
        self._now = shown(copy.text)  # with all that were sent
        self._sent: list[list[bytes]] = []  # the updates of each edit that it may not have taken
        self._taken = 0  # edits of ours that it has taken,
        self._seen = 0  # and of its own that came here
        self._lost = False  # we do not know any more what it has

    def move(self, copy: Copy) -> None:
        """From now on the copy is another one, of which the editor has been sent nothing yet."""
        self._copy = copy
        self._now = self._theirs

    def news(self, made: Sequence[Change], updates: list[bytes], text: str) -> list[dict[str, Any]]:
        """The document, whose text is `text` now, has got updates that made these changes: the
        messages for the editor."""
        before, self._now = self._now, shown(text)
        if not made:  # nothing that it could see
            if self._sent:
                self._sent[-1] += updates
            else:
                self._follow(updates)
            return []
        self._sent.append(updates)
        return [self._edit(before, made)]

    def edit(self, revision: object, delta: object) -> list[bytes]:
        """The editor has made an edit: updates for the document. Then ask `again`. ProtocolError
        when it cannot be what the editor has: what it sends from there on is not believed."""
        if self._lost:
            raise ProtocolError("The file and the document are not in step: open the file again.")
        try:
            return self._take(revision, delta)
        except ProtocolError:
            self._lost = True
            raise

    def again(self, text: str) -> list[dict[str, Any]]:
        """What the editor lacks after its edit, or at first, of the document's text as it is."""
        self._now = shown(text)
        pending = [update for updates in self._sent for update in updates]
        self._sent = []
        return self._send(self._theirs, pending)

    def offset(self, position: object, text: str) -> int:
        """The place in the document's text, which is `text`, of one in the text that the editor
        most likely has. ProtocolError if it is none."""
        return moved(offset(self._now, position), list(changes(self._now, shown(text))))

    def position(self, at: int) -> dict[str, int]:
        """The position of a place in the document's text."""
        return position(self._now, at)

    def _take(self, revision: object, delta: object) -> list[bytes]:
        if not isinstance(revision, int) or not 0 <= revision - self._taken <= len(self._sent):
            raise ProtocolError("An edit names a revision that there is not.")
        self._seen += 1
        if revision > self._taken:
            for _ in range(revision - self._taken):
                self._follow(self._sent.pop(0))
            self._theirs = shown(self._copy.text)
        self._taken = revision
        made = read_delta(self._theirs, delta)
        before, self._theirs = self._theirs, patched(self._theirs, made)
        ours = shown(self._copy.text)
        if before != ours:  # it has not taken the document yet
            apart = list(changes(before, ours))
            made = [Change(moved(c.start, apart), moved(c.end, apart), c.words) for c in made]
        return self._copy.edit(made)

    def _follow(self, updates: Iterable[bytes]) -> None:
        for update in updates:
            self._copy.follow(update)

    def _send(self, theirs: str, pending: list[bytes]) -> list[dict[str, Any]]:
        made = list(changes(theirs, self._now))
        if not made:
            self._follow(pending)
            return []
        self._sent.append(pending)
        return [self._edit(theirs, made)]

    def _edit(self, before: str, made: Iterable[Change]) -> dict[str, Any]:
        params = {"uri": self.uri, "revision": self._seen, "delta": write_delta(before, made)}
        return {"jsonrpc": "2.0", "method": "edit", "params": params}


def shown(text: str) -> str:
    """The text as an editor can have it, character by character."""
    for letter, other in SHOWN.items():
        text = text.replace(letter, other)
    return text


def plain(words: str) -> str:
    """What an editor says, with lines as documents have them. ProtocolError when it is no text."""
    if any("\ud800" <= letter <= "\udfff" for letter in words):
        raise ProtocolError("Half a letter is no text.")
    return words.replace("\r\n", "\n")


def read_delta(text: str, delta: object) -> list[Change]:
    """The changes of a text that a message tells, in order."""
    made = []
    for step in delta if isinstance(delta, list) else [None]:
        match step:
            case {"range": {"start": start, "end": end}, "replacement": str(words)}:
                begin, stop = sorted((offset(text, start), offset(text, end)))
                made.append(Change(begin, stop, plain(words)))
            case _:
                raise ProtocolError("A delta is a list of ranges and replacements.")
    made.sort(key=lambda change: (change.start, change.end))
    if any(one.end > other.start for one, other in pairwise(made)):
        raise ProtocolError("The ranges of a delta overlap.")
    return made


def write_delta(text: str, made: Iterable[Change]) -> Delta:
    """The changes of a text, as a message tells them."""
    return [
        {
            "range": {"start": position(text, change.start), "end": position(text, change.end)},
            "replacement": shown(change.words),
        }
        for change in made
    ]


def position(text: str, at: int) -> dict[str, int]:
    """The line and the character of a place in a text."""
    at = max(0, min(at, len(text)))
    line = text.count("\n", 0, at)
    return {"line": line, "character": at - (text.rfind("\n", 0, at) + 1)}


def offset(text: str, position: object) -> int:
    """The place in a text of a line and a character. ProtocolError when there is none."""
    match position:
        case {"line": int(line), "character": int(character)} if line >= 0 <= character:
            begin = 0
            for _ in range(line):
                begin = text.find("\n", begin) + 1
                if not begin:
                    raise ProtocolError("A position is behind the last line.")
            end = text.find("\n", begin)
            if begin + character <= (len(text) if end < 0 else end):
                return begin + character
    raise ProtocolError("A position is none in that line.")
