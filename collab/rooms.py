"""The open rooms: opens them, folds them, lets them rest, frees them. Knows no sessions' rights.

A room is opened when the first editor comes and freed when the last one has left and all is on
disk. Opening reads the newest snapshot and the few rows after it: folding in the background sees
to it that they stay few.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from collab.archive import Archive
from collab.engine import Engine
from collab.errors import CollabError, NotFound, Unavailable
from collab.limits import Limits
from collab.lists import Lists
from collab.replay import open_room
from collab.room import Room
from collab.storage import Store
from collab.tiptap import AUTO
from collab.upkeep import fold_room, name_alarms, pack_rows

FOLD_LAST = 200  # rows that are worth folding when the last editor has left
REST = 10  # ticks without an edit after which a document is at rest
MUCH = 1 << 20  # bytes that are worth closing a document for, when there is no memory
ROOM = 4 << 10  # bytes of memory that an open document takes beyond its own

Spawn = Callable[[Coroutine[Any, Any, None]], object]

logger = logging.getLogger(__name__)


class Rooms(dict[str, Room]):
    """The open rooms by their documents' names. `spawn` starts work that nobody waits for."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        archive: Archive,
        spawn: Spawn,
        limits: Limits,
        lists: Lists,
    ) -> None:
        super().__init__()
        self.closed = False
        self._store = store
        self._engine = engine
        self._archive = archive
        self._spawn = spawn
        self._limits = limits
        self._lists = lists
        self._opening: dict[str, asyncio.Task[Room]] = {}
        self._size = 0  # bytes that the open rooms took when they were weighed, and new ones since

    async def enter(self, name: str) -> Room:
        """The room of a document, opened if need be; it stays open while it has sessions. NotFound
        (it was deleted), Unavailable (try again)."""
        room = await self._open(name)
        while self.get(name) is not room:  # it was freed before we could enter
            room = await self._open(name)
        return room

    async def opened(self, *names: str) -> None:
        """Returns when the rooms that are being opened, of these names or all, have opened."""
        opening = [task for name, task in self._opening.items() if not names or name in names]
        await asyncio.gather(*opening, return_exceptions=True)

    def end(self, room: Room, reason: CollabError) -> None:
        """Everybody in the room has to go."""
        room.ended = reason
        for session in list(room.sessions):
            with contextlib.suppress(MemoryError):  # the others have to go all the same
                session.wake()

    def retire(self, room: Room) -> None:
        """Frees the room once nobody is there and nothing waits."""
        busy = room.sessions or room.pending or room.writing or room.copying
        if busy or self.get(room.name) is not room:
            return
        if room.rows >= FOLD_LAST and not (room.frozen or room.ended or self.closed):
            self._begin_fold(room)
        else:
            del self[room.name]
            if not room.lost:
                self.rest(room)

    def tick(self, room: Room) -> None:
        """A second has passed."""
        room.quiet += 1
        if room.quiet == REST:
            self.rest(room)
            if room.full and room.rows and not (room.copying or room.frozen or room.ended):
                self._begin_fold(room)  # for what was deleted makes room then
        self.retire(room)

    def rest(self, room: Room) -> None:
        """Nobody edits now: time for what would slow down those who do."""
        if room.seq > room.packed and not self.closed:
            room.packed = room.seq
            self._spawn(pack_rows(self._store, self._archive, room.name, room.seq))
            if room.state.mentions(AUTO):
                self._spawn(self._lists.pause(room.name))

    def written(self, room: Room) -> None:
        """Some of the room's edits have come to disk."""
        if room.alarms:
            self._spawn(name_alarms(self._store, room, self._lists))
        if room.lost:
            self.give_up(room)
            return
        for session in list(room.sessions):
            session.wake()
        if room.overgrown and not room.copying:
            self._begin_fold(room)
        self.retire(room)

    def give_up(self, room: Room) -> None:
        """The writer has given it up: the next one is opened from the log, once nothing of this one
        is on its way there."""
        room.lost, room.frozen = True, "The document had to be closed."
        try:
            self.end(room, Unavailable("The document had to be closed. Try again."))
        finally:
            if not room.writing:
                if self.get(room.name) is room:
                    del self[room.name]
                room.let_go()

    async def _open(self, name: str) -> Room:
        if self.closed:
            raise Unavailable("The server is going down. Try again soon.")
        if room := self.get(name):
            if room.ended is not None:  # deleted a moment ago, and not all is on disk yet
                raise Unavailable("The document is being closed. Try again.")
            return room
        if name not in self._opening:
            self._opening[name] = asyncio.create_task(self._load(name))
        return await asyncio.shield(self._opening[name])

    async def _load(self, name: str) -> Room:
        try:
            document = await self._store.find(name)
            if document is not None and document.deleted is not None:
                raise NotFound("The document was deleted.")
            self._take_memory(0)
            room = await open_room(self._store, self._engine, name, self._limits)
            self._take_memory(room.size + ROOM)
            self[name] = room
            return room
        except (OSError, ValueError, MemoryError) as error:
            logger.warning("document %r could not be opened: %s", name, error)
            raise Unavailable("The document cannot be opened now. Try again.") from None
        finally:
            del self._opening[name]

    def largest(self) -> Room | None:
        """The room to close when there is no memory; None when they are all small."""
        room = max(self.values(), key=lambda room: room.weight, default=None)
        return room if room is not None and room.weight > MUCH else None

    def weigh(self) -> None:
        """Call it every second or so: what is open grows, and goes."""
        self._size = sum(room.size + ROOM for room in self.values())

    def _take_memory(self, size: int) -> None:
        """So much more is open. Unavailable when that is more than is allowed."""
        most = self._limits.loaded_bytes
        if self._size + size > most:
            self.weigh()
        if self._size + size > most:
            raise Unavailable("Too many documents are open. Try again later.", "loaded_bytes")
        self._size += size

    def _begin_fold(self, room: Room) -> None:
        room.copying = True
        self._spawn(self._fold(room))

    async def _fold(self, room: Room) -> None:
        await fold_room(self._store, self._engine, room)
        for session in list(room.sessions) if room.wants_plan else ():
            session.wake()  # to ask for it again
        self.retire(room)
