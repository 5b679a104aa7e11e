"""The process: all that belongs together, and who goes in and out of the rooms."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary

from collab.access import OURS, Authorize, Credentials, Grant
from collab.archive import Archive
from collab.audit import Audit
from collab.awareness import GRACE
from collab.counts import Counts
from collab.door import Door
from collab.edits import Edits
from collab.engine import Engine
from collab.errors import NotFound, Unavailable
from collab.history import History
from collab.limits import Hits, Limits
from collab.lists import Lists
from collab.names import checked_key, name_of
from collab.rates import network
from collab.replay import read_state
from collab.room import Room
from collab.rooms import Rooms
from collab.session import Session
from collab.state import State
from collab.storage import Document, Store
from collab.upkeep import plan_parts, write_audit
from collab.writer import Writer

if TYPE_CHECKING:
    from collab.editor import Editor

PRESENCE_WINDOW = 0.02  # seconds in which what happens to awareness is told as one
PRESENCE_COST = 60e-6  # seconds a session: telling all of a crowd takes a fifth of the time at most
RENEWAL_WINDOW = 3  # seconds in which renewals are told as one
TICK = 1.0  # seconds between looks at who has gone

logger = logging.getLogger(__name__)


class Hub:
    """All open documents of one process, the store that keeps them, and the door to them:
    `authorize` says who may do what (see `collab.access`), None lets everybody in.

    Use it as `async with Hub(store) as hub`, or call `start` and `close`; the first `join` starts
    it too. Documents are meant by their keys: the name, for one of a tenant `document_key`."""

    def __init__(
        self, store: Store, authorize: Authorize | None = None, limits: Limits | None = None
    ) -> None:
        self.store = store
        self.limits = limits or Limits()
        self.counts = Counts()
        self.engine = Engine()
        # Apart are those that run pycrdt: a crafted document can hang it, and worse, make a mess of
        # the memory of its process, which must not write anybody's snapshot after that.
        self.editing = Engine()
        self.mirrors = Engine(workers=1)
        self.archive = Archive(store)
        self.edits = Edits(self)
        self.audit = Audit()
        self.limits_hit = Hits(self.audit)
        self.door = Door(store, self.audit, authorize, self.spawn, self.limits)
        self.lists = Lists(self)
        self.aside = 0  # bytes of answers beside documents that are on their way to peers
        self.answering = 0  # bytes of answers by HTTP that are
        self._exports: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self.rooms = Rooms(store, self.engine, self.archive, self.spawn, self.limits, self.lists)
        self.writer = Writer(store, self.rooms)
        self._starting: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._audited = asyncio.Event()  # set when nothing is noted any more
        self._ticks = 0

    async def start(self) -> None:
        """Opens the store and starts to write. OSError when the store cannot be opened."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        try:
            await asyncio.shield(self._starting)
        except (OSError, ValueError):
            self._starting = None  # the next one tries again
            raise

    async def close(self) -> None:
        """Ends the sessions, writes what waits, folds nothing any more, closes the store."""
        self.rooms.closed = True
        if self._starting is None:
            return
        await self._starting
        await self.rooms.opened()
        for room in list(self.rooms.values()):
            self.rooms.end(room, Unavailable("The server is going down. Try again soon."))
        self.writer.close()
        (error,) = await asyncio.gather(self._writing, return_exceptions=True)
        if error is not None:
            logger.error("the writer ended by an error of ours", exc_info=error)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.engine.close()
        await self.editing.close()
        await self.mirrors.close()
        await self.archive.close()
        self._audited.set()
        await self._auditing
        await self.store.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def join(
        self,
        key: str,
        wake: Callable[[], None],
        grant: Grant = OURS,
        credentials: Credentials | None = None,
    ) -> Session:
        """A session in the room of a document, which is opened if need be. `wake` is called
        whenever the session's `next_message` may have something to say; key and grant are what the
        door gave for the credentials. Call `touched` after the session received something and
        `leave` when the peer has gone. BadName, NotFound (it was deleted), Unauthenticated (it was
        revoked a moment ago), TooMany or Unavailable (try again)."""
        reviews = self.door.reviews
        await self.start()
        room = await self.rooms.enter(checked_key(key))
        # Opening takes its time: what the grant came from may have been revoked meanwhile.
        session = Session(room, self.door.capped(grant), wake, credentials)
        self.door.enter(session, reviews)
        return session

    def leave(self, session: Session, clean: bool) -> None:
        """The peer has gone; `clean` when it said goodbye."""
        room = session.room
        self.door.leave(session)
        self.counts.left(session)
        room.awareness.leave(session, time.time(), clean)
        if not clean and not self.rooms.closed:
            asyncio.get_running_loop().call_later(GRACE + 0.01, self._sweep, room)
        self.touched(room)
        self.rooms.retire(room)

    @contextlib.asynccontextmanager
    async def open(self, key: str, author: str = "") -> AsyncIterator["Editor"]:
        """A document for this very program, to read and to edit: see `collab.editor`."""
        from collab.editor import Editor  # pycrdt is loaded by those alone who edit in-process

        editor = Editor(self, author)
        await editor.join(key)
        try:
            yield editor
            await editor.saved()
        finally:
            editor.leave()

    def history(self, key: str) -> History:
        """The past of a document: see `collab.history`. BadName."""
        return History(self, key)

    def touched(self, room: Room) -> None:
        """Call it after a session received something: what it changed goes its way."""
        if room.pending:
            self.writer.add(room)
        if room.over or room.awareness.refused or room.awareness.crowding:
            self._tell_refused(room)
        if room.wants_plan and not room.copying:
            room.copying = True
            self.spawn(plan_parts(self.engine, room))
        if room.presence_told < room.awareness.moved and not room.presence_waits:
            room.presence_waits = True
            window = max(PRESENCE_WINDOW, PRESENCE_COST * len(room.sessions))
            asyncio.get_running_loop().call_later(window, self._tell_presence, room)

    def hit(self, session: Session, limit: str) -> None:
        """A peer, or this very program, has hit a limit."""
        address = session.credentials.address if session.credentials else ""
        user, document = session.grant.user, session.room.name
        self.limits_hit.note(limit, address, time.time(), user=user, document=document)

    def hit_from(self, address: str, limit: str) -> None:
        """Somebody who connects from there has hit a limit, in no document in particular."""
        self.limits_hit.note(limit, address, time.time())

    async def describe(
        self, key: str, *, title: str | None = None, kind: str | None = None
    ) -> Document:
        """Changes what is given. NotFound when there is no such document."""
        key = checked_key(key)
        return await _existing(key, self.store.describe(key, title=title, kind=kind))

    async def delete(self, key: str) -> Document:
        """Puts a document away and ends its sessions; nothing of it is lost, see `undelete`."""
        key = checked_key(key)
        document = await _existing(key, self.store.delete(key, int(time.time() * 1000)))
        await self.rooms.opened(key)
        if room := self.rooms.get(key):
            self.rooms.end(room, NotFound("The document was deleted."))
            self.rooms.retire(room)
        return document

    async def undelete(self, key: str) -> Document:
        """Brings a deleted document back."""
        key = checked_key(key)
        return await _existing(key, self.store.undelete(key))

    async def state(self, key: str) -> State:
        """A document as it is on disk. NotFound when there is none."""
        key = checked_key(key)
        if room := self.rooms.get(key):
            return room.state
        await self.start()
        return await read_state(self.store, self.engine, key)

    def exporting(self, grant: Grant, address: str) -> asyncio.Lock:
        """Held by a request for which a worker reads a whole document: those of one user, or of one
        address where nobody knows who it is, wait for one another, and not everybody for them."""
        known = grant.user and not grant.crowd
        who = (grant.tenant, grant.user) if known else ("", network(address))
        return self._exports.setdefault(who, asyncio.Lock())

    async def _start(self) -> None:
        await self.store.open()
        await self.door.open()
        self._writing = asyncio.create_task(self.writer.run())
        self._auditing = asyncio.create_task(write_audit(self.store, self.audit, self._audited))
        self.spawn(self._tick_forever())

    def _tell_refused(self, room: Room) -> None:
        """What was not taken without anybody having to go; once for each of them."""
        awareness = room.awareness
        for session in {session for session, _ in awareness.refused}:
            self.door.refused(session, "presence of somebody else's client")
        for session, limit in set(room.over):
            self.hit(session, limit)
        for session in awareness.crowding:
            self.hit(session, "presence_clients")
        awareness.refused.clear()
        awareness.crowding.clear()
        room.over.clear()

    def _tell_presence(self, room: Room) -> None:
        room.presence_waits = False
        room.presence_told = room.awareness.turn
        for session in list(room.sessions):
            session.wake()

    async def _tick_forever(self) -> None:
        while True:
            due = time.monotonic() + TICK
            await asyncio.sleep(TICK)
            self.counts.delays.add(max(0.0, time.monotonic() - due))
            self._ticks += 1
            with contextlib.suppress(MemoryError):  # there may be some at the next tick
                self._tick_all()

    def _tick_all(self) -> None:
        self.rooms.weigh()
        for room in list(self.rooms.values()):
            try:
                self._tick(room)
            except Exception:
                logger.exception("document %r: an error of ours", room.name)

    def _tick(self, room: Room) -> None:
        for session in list(room.sessions):
            session.tick()
        self.door.tick(room, time.time())
        self._sweep(room)
        self.rooms.tick(room)

    def _sweep(self, room: Room) -> None:
        room.awareness.sweep(time.time())
        self.touched(room)
        if room.awareness.turn != room.presence_told and self._ticks % RENEWAL_WINDOW == 0:
            self._tell_presence(room)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work beside, which does not outlive the hub: `close` cancels it, and waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _existing(key: str, change: Awaitable[Document]) -> Document:
    try:
        return await change
    except LookupError:
        raise NotFound(f"There is no document {name_of(key)!r}.") from None
