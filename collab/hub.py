"""The process: opens and closes rooms, and lets editors in and out of them.

A room is opened when the first editor comes and freed when the last one has left and all is on
disk. Opening reads the newest snapshot and the few rows after it: folding in the background sees
to it that they stay few.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from collab.archive import Archive
from collab.awareness import GRACE
from collab.engine import Engine
from collab.errors import CollabError, NotFound, Unavailable
from collab.history import History
from collab.names import document_name
from collab.replay import open_room
from collab.room import Room
from collab.session import Session
from collab.state import State
from collab.storage import Document, Store
from collab.upkeep import fold_room, name_alarms, pack_rows, plan_parts
from collab.writer import Writer

if TYPE_CHECKING:
    from collab.editor import Editor

FOLD_LAST = 200  # rows that are worth folding when the last editor has left
PRESENCE_WINDOW = 0.02  # seconds in which what happens to awareness is told as one
PRESENCE_COST = 60e-6  # seconds a session: telling all of a crowd takes a fifth of the time at most
RENEWAL_WINDOW = 3  # seconds in which renewals are told as one
REST = 10  # ticks without an edit after which a document is at rest
TICK = 1.0  # seconds between looks at who has gone

logger = logging.getLogger(__name__)


class Hub:
    """All open documents of one process, and the store that keeps them.

    Use it as `async with Hub(store) as hub`, or call `start` and `close`; the first `join` starts
    it too."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.engine = Engine()
        self.archive = Archive(store)
        self.rooms: dict[str, Room] = {}
        self.writer = Writer(store, self._written, self._failed)
        self._opening: dict[str, asyncio.Task[Room]] = {}
        self._starting: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
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
        self._closed = True
        if self._starting is None:
            return
        await self._starting
        await asyncio.gather(*self._opening.values(), return_exceptions=True)
        for room in list(self.rooms.values()):
            self._end(room, Unavailable("The server is going down. Try again soon."))
        self.writer.close()
        await self._writing
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.engine.close()
        await self.archive.close()
        await self.store.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def join(self, name: str, wake: Callable[[], None], user: str = "") -> Session:
        """A session in the room of document `name`, which is opened if need be. `wake` is called
        whenever the session's `next_message` may have something to say; `user` is who the peer is,
        if that is known. Call `touched` after the session received something and `leave` when the
        peer has gone. BadName, NotFound (it was deleted) or Unavailable (try again)."""
        await self.start()
        name = document_name(name)
        room = await self._open(name)
        while self.rooms.get(name) is not room:  # it was freed before we could enter
            room = await self._open(name)
        session = Session(room, user, wake)
        room.sessions.add(session)
        return session

    def leave(self, session: Session, clean: bool) -> None:
        """The peer has gone; `clean` when it said goodbye."""
        room = session.room
        room.sessions.discard(session)
        room.awareness.leave(session, time.time(), clean)
        if not clean and not self._closed:
            asyncio.get_running_loop().call_later(GRACE + 0.01, self._sweep, room)
        self.touched(room)
        self._retire(room)

    @contextlib.asynccontextmanager
    async def open(self, name: str, author: str = "") -> AsyncIterator["Editor"]:
        """Document `name` for this very program, to read and to edit: see `collab.editor`."""
        from collab.editor import Editor  # pycrdt is loaded by those alone who edit in-process

        editor = Editor(self, author)
        await editor.join(name)
        try:
            yield editor
            await editor.saved()
        finally:
            editor.leave()

    def history(self, name: str) -> History:
        """The past of document `name`: see `collab.history`. BadName."""
        return History(self, name)

    def touched(self, room: Room) -> None:
        """Call it after a session received something: what it changed goes its way."""
        if room.pending:
            self.writer.add(room)
        if room.wants_plan and not room.planning:
            room.planning = True
            self._spawn(plan_parts(self.engine, room))
        if room.presence_told < room.awareness.moved and not room.presence_waits:
            room.presence_waits = True
            window = max(PRESENCE_WINDOW, PRESENCE_COST * len(room.sessions))
            asyncio.get_running_loop().call_later(window, self._tell_presence, room)

    async def describe(
        self, name: str, *, title: str | None = None, kind: str | None = None
    ) -> Document:
        """Changes what is given. NotFound when there is no such document."""
        name = document_name(name)
        return await self._existing(self.store.describe(name, title=title, kind=kind), name)

    async def delete(self, name: str) -> Document:
        """Puts a document away and ends its sessions; nothing of it is lost, see `undelete`."""
        name = document_name(name)
        document = await self._existing(self.store.delete(name, int(time.time() * 1000)), name)
        if name in self._opening:
            await asyncio.wait([self._opening[name]])
        if room := self.rooms.get(name):
            self._end(room, NotFound("The document was deleted."))
            self._retire(room)
        return document

    async def undelete(self, name: str) -> Document:
        """Brings a deleted document back."""
        return await self._existing(self.store.undelete(document_name(name)), name)

    async def state(self, name: str) -> State:
        """A document as it is on disk. NotFound when there is none."""
        name = document_name(name)
        if room := self.rooms.get(name):
            return room.state
        await self.start()
        document = await self.store.find(name)
        if document is None or document.erased:
            raise NotFound(f"There is no document {name!r}.")
        return (await open_room(self.store, self.engine, name)).state

    async def _existing(self, change: Coroutine[Any, Any, Document], name: str) -> Document:
        try:
            return await change
        except LookupError:
            raise NotFound(f"There is no document {name!r}.") from None

    async def _start(self) -> None:
        await self.store.open()
        self._writing = asyncio.create_task(self.writer.run())
        self._spawn(self._tick_forever())

    async def _open(self, name: str) -> Room:
        if self._closed:
            raise Unavailable("The server is going down. Try again soon.")
        if room := self.rooms.get(name):
            if room.ended is not None:  # deleted a moment ago, and not all is on disk yet
                raise Unavailable("The document is being closed. Try again.")
            return room
        if name not in self._opening:
            self._opening[name] = asyncio.create_task(self._enter(name))
        return await asyncio.shield(self._opening[name])

    async def _enter(self, name: str) -> Room:
        try:
            document = await self.store.find(name)
            if document is not None and document.deleted is not None:
                raise NotFound("The document was deleted.")
            room = self.rooms[name] = await open_room(self.store, self.engine, name)
            return room
        except (OSError, ValueError) as error:
            logger.warning("document %r could not be opened: %s", name, error)
            raise Unavailable("The document cannot be opened now. Try again.") from None
        finally:
            del self._opening[name]

    def _written(self, room: Room) -> None:
        if room.alarms:
            self._spawn(name_alarms(self.store, room))
        for session in list(room.sessions):
            session.wake()
        if room.overgrown and not room.folding:
            self._spawn(self._fold(room))
        self._retire(room)

    def _failed(self, room: Room) -> None:
        """The room holds edits that the log does not: the next one is opened from the log."""
        if self.rooms.get(room.name) is room:
            del self.rooms[room.name]
        # What came in meanwhile builds on what was not written: it must not reach the log either.
        room.pending.clear()
        room.frozen = "The document had to be closed."
        self._end(room, Unavailable("The document had to be closed. Try again."))

    async def _fold(self, room: Room) -> None:
        await fold_room(self.store, self.engine, room)
        self._retire(room)

    def _retire(self, room: Room) -> None:
        """Frees the room once nobody is there and nothing waits."""
        busy = room.sessions or room.pending or room.writing or room.folding
        if busy or self.rooms.get(room.name) is not room:
            return
        if room.rows >= FOLD_LAST and not (room.frozen or room.ended or self._closed):
            self._spawn(self._fold(room))
        else:
            del self.rooms[room.name]
            self._rest(room)

    def _rest(self, room: Room) -> None:
        """Nobody edits now: time for what would slow down those who do."""
        if room.seq > room.packed and not self._closed:
            room.packed = room.seq
            self._spawn(pack_rows(self.store, self.archive, room.name, room.seq))

    def _end(self, room: Room, reason: CollabError) -> None:
        room.ended = reason
        for session in list(room.sessions):
            session.wake()

    def _tell_presence(self, room: Room) -> None:
        room.presence_waits = False
        room.presence_told = room.awareness.turn
        for session in list(room.sessions):
            session.wake()

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._ticks += 1
            for room in list(self.rooms.values()):
                try:
                    self._tick(room)
                except Exception:
                    logger.exception("document %r: an error of ours", room.name)

    def _tick(self, room: Room) -> None:
        for session in list(room.sessions):
            session.tick()
        self._sweep(room)
        room.quiet += 1
        if room.quiet == REST:
            self._rest(room)
        self._retire(room)

    def _sweep(self, room: Room) -> None:
        room.awareness.sweep(time.time())
        self.touched(room)
        if room.awareness.turn != room.presence_told and self._ticks % RENEWAL_WINDOW == 0:
            self._tell_presence(room)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
