"""The past of documents: any moment, what changed between two, and the way back.

    history = hub.history("notes")
    seq = await history.find("2026-11-23T18:10:00Z")
    await history.restore(seq, author="Ann")

Questions are answered by a worker: see `collab.archive`. Restoring is an edit like any other, by a
session like any other.
"""

import asyncio
import datetime
import time
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

from collab.connection import Connection
from collab.errors import AccessDenied, Conflict, NotFound, ProtocolError, Unavailable
from collab.names import document_name, version_name
from collab.reader import read_var_uint
from collab.storage import Moment, Stretch, Version
from collab.wire import Denied, Message, Receipt, SyncStep1, SyncStep2, encode

if TYPE_CHECKING:
    from collab.hub import Hub

TRIES = 5  # until a restore has a client id to itself
NOTHING = b"\x00\x00"  # the update that changes nothing


class History:
    """The past of one document. A moment is a seq: the document as it was after that row, 0 when
    it was empty. Every method raises NotFound where there is no such document, and Unavailable when
    it cannot be answered now."""

    def __init__(self, hub: "Hub", name: str) -> None:
        self.name = document_name(name)
        self._hub = hub
        self._store = hub.store

    async def head(self) -> int:
        """The last moment."""
        await self._hub.start()
        document = await self._store.find(self.name)
        if document is None or document.erased:
            raise NotFound(f"There is no document {self.name!r}.")
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
        head = await self.head()
        if not 1 <= first <= last <= head:
            raise ProtocolError(f"Edits are from 1 to {head}, the first one before the last one.")
        return await self._store.moments(self.name, first, min(last, first + 999))

    async def row(self, seq: int) -> Moment | None:
        """The edit that a moment ends with; in a thinned log that may be an earlier one. None
        before the first."""
        for stretch in await self._store.stretches(self.name, seq + 1, 1):
            return Moment(stretch.last, stretch.ended, stretch.author)
        return None

    async def content(self, seq: int) -> bytes:
        """Every root at a moment, as one JSON object in UTF-8."""
        data: bytes = await self._hub.archive.ask("content", self.name, seq, seq)
        return data

    async def text(self, seq: int) -> str:
        """All text at a moment, root by root; blocks of rich text are lines."""
        text: str = await self._hub.archive.ask("text", self.name, seq, seq)
        return text

    async def update(self, seq: int) -> bytes:
        """The document at a moment, as one Yjs update (v1)."""
        data: bytes = await self._hub.archive.ask("update", self.name, seq, seq)
        return data

    async def difference(self, before: int, after: int) -> bytes:
        """What changed from one moment to a later one, as one JSON object in UTF-8: "roots" by
        name, see `collab.past.difference`; each run that came or went, or has other formats, says
        `by` which of the "stretches", as `stretches` gives them, but only those that are named."""
        if before > after:
            raise ProtocolError("The first moment must be the earlier one.")
        columns = [array("Q") for _ in range(5)]  # first, last, began, ended, author
        authors: dict[str, int] = {}
        upto: int | None = after + 1
        while upto and upto > before + 1:
            page = await self._store.stretches(self.name, upto, 500)
            for one in page:
                author = authors.setdefault(one.author, len(authors))
                numbers = (one.first, one.last, one.began, one.ended, author)
                for column, number in zip(columns, numbers, strict=True):
                    column.append(number)
            upto = page[-1].first if page else None
        data: bytes = await self._hub.archive.ask(
            "compare",
            *(self.name, after, before, after),
            *(list(authors), *(column.tobytes() for column in columns)),
        )
        return data

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
        seqs = array("Q")
        for start in range(first, last + 1, 1_000):
            rows = await self.rows(start, min(last, start + 999))
            seqs.extend(row.seq for row in rows if by is None or row.author == by)
        await self._require(first - 1)
        await self._require(last)
        return await self._rewrite(author, "take_back", seqs.tobytes())

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

    async def name_version(self, name: str, seq: int, author: str = "") -> Version:
        """Gives a moment a name. Conflict when it is taken, ProtocolError when it is none, NotFound
        when there is no such edit."""
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
            raise NotFound(f"There is no document {self.name!r}.") from None
        except ValueError:  # never there, or thinned out a moment ago
            raise NotFound(f"There is no edit {seq} that could be named.") from None
        return version

    async def rename_version(self, name: str, new: str) -> Version:
        """Gives a version another name. Conflict when that is taken, ProtocolError when it is
        none."""
        new = version_name(new)
        try:
            return await self._store.rename_version(self.name, name, new)
        except LookupError:
            raise NotFound(f"There is no version {name!r}.") from None
        except FileExistsError:
            raise Conflict(f"There is a version {new!r} already.") from None

    async def delete_version(self, name: str) -> None:
        """Takes the name away; the moment stays."""
        try:
            await self._store.delete_version(self.name, name)
        except LookupError:
            raise NotFound(f"There is no version {name!r}.") from None

    async def _rewrite(self, author: str, job: str, *arguments: object) -> tuple[int, bool]:
        # Whoever asked may go away: what was begun is ended, before the next one begins.
        return await asyncio.shield(
            asyncio.create_task(self._rewrite_alone(author, job, arguments))
        )

    async def _rewrite_alone(
        self, author: str, job: str, arguments: Sequence[object]
    ) -> tuple[int, bool]:
        async with self._hub.archive.rewriting(self.name):
            for _ in range(TRIES):
                head = await self.head()
                update = await self._hub.archive.ask(job, self.name, head, *arguments)
                if update == NOTHING:
                    return head, False
                applied = await self._apply(update, author)
                if applied is not None:
                    return applied, True
        raise Unavailable("The document changes too fast to be restored. Try again.")

    async def _apply(self, update: bytes, author: str) -> int | None:
        """Sends the edit as a peer would; where the document is once it is on disk. None when
        somebody took the edit's client id while it was made."""
        moved = asyncio.Event()
        session = await self._hub.join(self.name, moved.set, author)
        connection = Connection(self._hub, session)
        try:
            if _client_of(update) in session.room.head.vector:
                return None
            session.next_message()  # a question, which we answer unasked
            await self._send(connection, SyncStep2(update))
            await self._send(connection, Receipt(1))
            while True:
                moved.clear()
                while (message := session.next_message()) is not None:
                    if message == Receipt(1):
                        return session.room.seq
                    if isinstance(message, SyncStep1):  # not all of it was taken at once
                        await self._send(connection, SyncStep2(update))
                    if isinstance(message, Denied):
                        raise AccessDenied(message.reason)
                await moved.wait()
        finally:
            connection.leave(clean=True)

    async def _send(self, connection: Connection, message: Message) -> None:
        busy = connection.receive(encode(message))
        if busy is not None:
            await busy


def _client_of(update: bytes) -> int | None:
    """Whose structs an update of one client holds."""
    clients, at = read_var_uint(update, 0)
    return read_var_uint(update, read_var_uint(update, at)[1])[0] if clients else None


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
