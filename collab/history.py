"""The past of documents: any moment, what changed between two, and the way back.

    history = hub.history("notes")
    seq = await history.find("2026-11-23T18:10:00Z")
    await history.restore(seq, author="Ann")

A past is built and asked in a worker of its own, which keeps the last few that were asked for: see
`collab.past.archive`. It is told of the rows on disk that it lacks before each question, and what
it has built is saved now and then, so that nobody reads a long log twice. Restoring is an edit like
any other, by a session like any other.
"""

import asyncio
import datetime
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from collab.connection import Connection
from collab.engine import Engine
from collab.errors import AccessDenied, Conflict, NotFound, ProtocolError
from collab.names import document_name, version_name
from collab.storage import Damaged, Moment, Past, Store, Stretch, Version
from collab.wire import Denied, Receipt, SyncStep2, encode

if TYPE_CHECKING:
    from collab.hub import Hub

KEPT = 8  # pasts that the worker keeps
SLICE = 1_000  # rows that it is told at once
SAVE = 5_000  # rows after which a past is saved again
NOTHING = b"\x00\x00"  # the update that changes nothing


class Archive:
    """The worker that keeps pasts, and what is known of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._engine = Engine(workers=1)
        self._known: OrderedDict[str, int] = OrderedDict()  # document -> the last row it was told
        self._lock = asyncio.Lock()
        self._rewriting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def rewriting(self, name: str) -> asyncio.Lock:
        """Held by who makes an edit from a document's past: one at a time."""
        return self._rewriting.setdefault(name, asyncio.Lock())

    async def ask(self, job: str, name: str, *arguments: object) -> Any:
        """The answer of a job of `collab.past.archive` about a document as it is on disk."""
        async with self._lock:
            try:
                await self._tell(name)
                return await self._engine.run(f"past.{job}", name, *arguments)
            except BaseException:  # cancelled, too
                self._known.clear()  # it may be another worker from now on
                raise

    async def keep_up(self, name: str, seq: int) -> None:
        """Builds what has come since the past was saved, if it is much, so that nobody has to wait
        for it who looks at the past; `seq` is where the document is now."""
        past = await self._store.load_past(name)
        if seq >= (past.seq if past else 0) + SAVE:
            await self.ask("exists", name)

    async def close(self) -> None:
        """Ends the worker."""
        async with self._lock:
            await self._engine.close()

    async def _tell(self, name: str) -> None:
        saved = known = self._known.pop(name, -1)
        if known < 0:
            saved = known = await self._load(name)
        while rows := await self._rows(name, known):
            data = [row.data for row in rows]
            await self._engine.run("past.enter", name, rows[0].seq, data)
            known = rows[-1].seq
        if known >= saved + SAVE:
            data = await self._engine.run("past.save", name)
            await self._store.save_past(name, Past(known, data))
        self._known[name] = known
        if len(self._known) > KEPT:
            await self._engine.run("past.drop", self._known.popitem(last=False)[0])

    async def _load(self, name: str) -> int:
        past = await self._store.load_past(name)
        if past is not None and await self._engine.run("past.load", name, past.data):
            return past.seq
        await self._engine.run("past.enter", name, 1, [])
        return 0

    async def _rows(self, name: str, after: int) -> Sequence[Any]:
        try:
            return await self._store.updates(name, after, limit=SLICE)
        except Damaged as error:
            if error.seq > after + 1:
                return await self._store.updates(name, after, error.seq - 1, SLICE)
            return ()  # what comes after what is lost cannot be told


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
        if document is None:
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

    async def content(self, seq: int) -> bytes:
        """Every root at a moment, as one JSON object in UTF-8."""
        data: bytes = await self._hub.archive.ask("content", self.name, seq)
        return data

    async def text(self, seq: int) -> str:
        """All text at a moment, as `collab.views` shows it."""
        text: str = await self._hub.archive.ask("text", self.name, seq)
        return text

    async def update(self, seq: int) -> bytes:
        """The document at a moment, as one Yjs update (v1)."""
        data: bytes = await self._hub.archive.ask("update", self.name, seq)
        return data

    async def difference(self, before: int, after: int) -> tuple[list[Stretch], bytes]:
        """What changed from one moment to a later one: the stretches in which it did, by rising
        seq, and the changes as one JSON object in UTF-8, root by root: `collab.past.difference`.
        Each run that came or went says `by` which of the stretches."""
        if before > after:
            raise ProtocolError("The first moment must be the earlier one.")
        stretches: list[Stretch] = []
        upto: int | None = after + 1
        while upto and upto > before + 1:
            page = await self._store.stretches(self.name, upto, 500)
            stretches += [one for one in page if one.last > before]
            upto = page[-1].first if page else None
        stretches.reverse()
        firsts = [one.first for one in stretches]
        data = await self._hub.archive.ask("compare", self.name, before, after, firsts)
        return stretches, data

    async def restore(self, seq: int, author: str = "") -> tuple[int, bool]:
        """Brings the document back to how it was at a moment, as one edit by `author` that merges
        with what others do meanwhile, and that can be taken back by restoring again. The head when
        it is on disk, and whether there was anything to change. AccessDenied if the document can
        only be read."""
        return await self._rewrite(author, "go_back", seq)

    async def undo(
        self, first: int, last: int, by: str | None = None, author: str = ""
    ) -> tuple[int, bool]:
        """Takes back the edits of a range, those of one author (`by`) or all, and leaves what
        others did since: as `restore`."""
        rows = []
        for start in range(first, last + 1, 1_000):
            rows += await self.rows(start, min(last, start + 999))
        seqs = [row.seq for row in rows if by is None or row.author == by]
        return await self._rewrite(author, "take_back", seqs)

    async def versions(self) -> list[Version]:
        """The named moments, oldest first."""
        await self.head()
        return await self._store.versions(self.name)

    async def name_version(self, name: str, seq: int, author: str = "") -> Version:
        """Gives a moment a name. Conflict when it is taken, ProtocolError when it is none."""
        version = Version(version_name(name), seq, author, int(time.time() * 1000))
        try:
            await self._store.name_version(self.name, version)
        except FileExistsError:
            raise Conflict(f"There is a version {version.name!r} already.") from None
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
        # One at a time, each from what the one before has written: they use the same client id.
        async with self._hub.archive.rewriting(self.name):
            head = await self.head()
            update = await self._hub.archive.ask(job, self.name, *arguments)
            if update == NOTHING:
                return head, False
            return await self._apply(update, author), True

    async def _apply(self, update: bytes, author: str) -> int:
        """Sends the edit as a peer would; where the document is once it is on disk."""
        moved = asyncio.Event()
        session = await self._hub.join(self.name, moved.set, author)
        connection = Connection(self._hub, session)
        try:
            busy = connection.receive(encode(SyncStep2(update)))
            if busy is not None:
                await busy
            connection.receive(encode(Receipt(1)))
            while True:
                moved.clear()
                while (message := session.next_message()) is not None:
                    if message == Receipt(1):
                        return session.room.seq
                    if isinstance(message, Denied):
                        raise AccessDenied(message.reason)
                await moved.wait()
        finally:
            connection.leave(clean=True)


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
