"""The past of documents: any moment, what changed between two, and the way back.

    history = hub.history("notes")
    seq = await history.find("2026-11-23T18:10:00Z")
    await history.restore(seq, author="Ann")

Questions are answered by a worker: see `collab.archive`. Restoring is an edit like any other, by a
session like any other.
"""

import datetime
import time
from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from collab.access import OURS
from collab.edits import NOTHING, alone, client_of, enter
from collab.errors import Conflict, NotFound, ProtocolError, Unavailable
from collab.names import checked_key, name_of, version_name
from collab.room import Room
from collab.storage import Moment, Stretch, Version

if TYPE_CHECKING:
    from collab.hub import Hub

TRIES = 5  # until a restore has a client id to itself


class History:
    """The past of one document. A moment is a seq: the document as it was after that row, 0 when
    it was empty. Every method raises NotFound where there is no such document, and Unavailable when
    it cannot be answered now."""

    def __init__(self, hub: "Hub", name: str) -> None:
        self.name = checked_key(name)
        self._hub = hub
        self._store = hub.store

    async def head(self) -> int:
        """The last moment."""
        await self._hub.start()
        document = await self._store.find(self.name)
        if document is None or document.erased:
            raise NotFound(f"There is no document {name_of(self.name)!r}.")
        return document.head

    async def find(self, moment: str | int) -> int:
        """The seq that is meant by a seq, by "@" and the name of a version, or by a time (ISO 8601,
        UTC if it does not say). ProtocolError for anything else, NotFound for what is not there."""
        head = await self.head()
        text = str(moment)
        if text.isascii() and text.isdigit():
            if len(text) > 15 or int(text) > head:
                raise NotFound(f"There is no edit {text}: the last one is {head}.")
            return int(text)
        if text.startswith("@"):
            for version in await self._store.versions(self.name):
                if version.name == text[1:]:
                    return version.seq
            raise NotFound(f"There is no version {text[1:]!r}.")
        seq = await self._store.seq_at(self.name, _milliseconds(text))
        if not seq:
            raise NotFound("The document did not exist at that time.")
        return seq

    async def stretches(self, before: int | None = None, limit: int = 50) -> list[Stretch]:
        """Who edited when, newest first: rows of one author without a long pause. Those of rows
        below `before`, to go on with."""
        await self.head()
        return await self._store.stretches(self.name, before, limit)

    async def rows(self, first: int, last: int) -> list[Moment]:
        """Every single edit of a range, without its content; 1,000 at the most."""
        await self._require_range(first, last)
        return await self._store.moments(self.name, first, min(last, first + 999))

    async def row(self, seq: int) -> Moment | None:
        """The edit that a moment ends with; in a thinned log that may be an earlier one. None
        before the first."""
        for stretch in await self._store.stretches(self.name, seq + 1, 1):
            return Moment(stretch.last, stretch.ended, stretch.author)
        return None

    async def content(self, seq: int) -> bytes:
        """Every root at a moment, as one JSON object in UTF-8."""
        data: bytes = await self._ask("content", seq, seq)
        return data

    async def is_now(self, seq: int) -> bool:
        """Whether the document is as it was at a moment: a restore to it would change nothing."""
        head = await self.head()
        return seq == head or await self._ask("go_back", head, seq) == NOTHING

    async def text(self, seq: int) -> str:
        """All text at a moment, root by root; blocks of rich text are lines."""
        text: str = await self._ask("text", seq, seq)
        return text

    async def update(self, seq: int) -> bytes:
        """The document at a moment, as one Yjs update (v1)."""
        data: bytes = await self._ask("update", seq, seq)
        return data

    async def difference(self, before: int, after: int) -> bytes:
        """What changed from one moment to a later one, as one JSON object in UTF-8: "roots" by
        name, see `collab.past.difference`; each run that came or went, or has other formats, says
        `by` which of the "stretches", as `stretches` gives them, but only those that are named."""
        if not 0 <= before <= after:
            raise ProtocolError("The first moment must be the earlier one.")
        row = await self.row(after)
        last, ended = (row.seq, row.time) if row is not None else (0, 0)
        data: bytes = await self._ask("compare", after, before, after, last, ended)
        return data

    async def _ask(self, job: str, upto: int, *arguments: object) -> Any:
        """The answer of a job about moments, none of which is later than `upto`."""
        await self.find(upto)
        return await self._hub.archive.ask(job, self.name, upto, *arguments)

    async def restore(self, seq: int, author: str = "") -> tuple[int, bool]:
        """Brings the document back to how it was at a moment, as one edit by `author` that merges
        with what others do meanwhile, and that can be taken back by restoring again. The head when
        it is on disk, and whether there was anything to change. AccessDenied if the document can
        only be read, NotFound if the moment was thinned out."""
        await self._require(seq)
        return await self._rewrite(author, "go_back", seq)

    async def undo(
        self, first: int, last: int, by: str | None = None, author: str = ""
    ) -> tuple[int, bool]:
        """Takes back the edits of a range, those of one author (`by`) or all, and leaves what
        others did since: as `restore`."""
        await self._require_range(first, last)
        seqs = array("Q")
        for start in range(first, last + 1, 1_000):
            rows = await self.rows(start, min(last, start + 999))
            seqs.extend(row.seq for row in rows if by is None or row.author == by)
        await self._require(first - 1)
        await self._require(last)
        return await self._rewrite(author, "take_back", seqs.tobytes())

    async def _require_range(self, first: int, last: int) -> None:
        """ProtocolError unless there are edits from the first to the last."""
        head = await self.head()
        if not 1 <= first <= last <= head:
            raise ProtocolError(f"Edits are from 1 to {head}, the first one before the last one.")

    async def _require(self, seq: int) -> None:
        """NotFound where a thinned log does not know any more what the document was."""
        row = await self.row(seq) if seq > 0 else None
        if seq > 0 and (row is None or row.seq != seq):
            before = f", the last one before it is {row.seq}" if row is not None else ""
            raise NotFound(f"There is no edit {seq} any more{before}.")

    async def versions(self) -> list[Version]:
        """The named moments, oldest first."""
        await self.head()
        return await self._store.versions(self.name)

    async def name_version(
        self, name: str, seq: int, author: str = "", current: int | None = None
    ) -> Version:
        """Gives a moment a name. Conflict when it is taken, ProtocolError when it is none, NotFound
        when there is no such edit. `current`: see `collab.lists`."""
        if not seq:
            raise ProtocolError("There is no edit yet: there is nothing to name.")
        row = await self.row(seq)
        seq = row.seq if row is not None else seq
        version = Version(version_name(name), seq, author, int(time.time() * 1000))
        try:
            await self._store.name_version(self.name, version)
        except FileExistsError:
            raise Conflict(f"There is a version {version.name!r} already.") from None
        except LookupError:
            raise NotFound(f"There is no document {name_of(self.name)!r}.") from None
        except ValueError:  # never there, or thinned out a moment ago
            raise NotFound(f"There is no edit {seq} that could be named.") from None
        await self._hub.lists.follow(self.name, author, current)
        return version

    async def rename_version(self, name: str, new: str, author: str = "") -> Version:
        """Gives a version another name. Conflict when that is taken, ProtocolError when it is
        none."""
        new = version_name(new)
        try:
            version = await self._store.rename_version(self.name, name, new)
        except LookupError:
            raise NotFound(f"There is no version {name!r}.") from None
        except FileExistsError:
            raise Conflict(f"There is a version {new!r} already.") from None
        await self._hub.lists.follow(self.name, author)
        return version

    async def delete_version(self, name: str, author: str = "") -> None:
        """Takes the name away; the moment stays."""
        try:
            await self._store.delete_version(self.name, name)
        except LookupError:
            raise NotFound(f"There is no version {name!r}.") from None
        await self._hub.lists.follow(self.name, author)

    async def _rewrite(self, author: str, job: str, *arguments: object) -> tuple[int, bool]:
        async def work() -> tuple[int, bool]:
            for _ in range(TRIES):
                head = await self.head()
                update = await self._hub.archive.ask(job, self.name, head, *arguments)
                if update == NOTHING:
                    return head, False
                unused = _unused(client_of(update))  # else somebody took it while this was made
                ours = replace(OURS, name=author)
                applied = await enter(self._hub, self.name, update, ours, unused)
                if applied is not None:
                    return applied, True
            raise Unavailable("The document changes too fast to be restored. Try again.")

        return await alone(self._hub, self.name, work)


def _unused(client: int | None) -> Callable[[Room], bool]:
    return lambda room: client not in room.head.vector


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ProtocolError(
            "A moment is the number of an edit, @ and the name of a version, or a time as in "
            "2026-11-23T18:10:00Z."
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return int(moment.timestamp() * 1000)
