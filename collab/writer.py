"""The one loop that brings edits to disk: the log first, then the word.

    rooms' pending -> one transaction for all of them -> turn += 1 -> wake the sessions

Nobody hears of an edit before its transaction is on disk. While one transaction is being written
the next one gathers, so the batch window is as long as the disk needs and no timer has to be tuned.
A write that fails acknowledges nothing and loses nothing: it is tried again until it succeeds.

Only memory does not come back by waiting: a document stays open while something of it is unsaved,
and so the largest one would keep what everybody waits for. It is closed then. What was not saved of
it was not acknowledged, so its editors come back with it.
"""

import asyncio
import contextlib
import errno
import logging
import time
from collections.abc import Sequence

from collab.counts import Times
from collab.reserve import reserve
from collab.room import Pending, Room
from collab.rooms import Rooms
from collab.storage import Entry, Store

BACKLOG = 16 << 20  # bytes that may wait for the disk before peers are kept waiting
RETRY = (0.1, 0.2, 0.5, 1.0)  # seconds until a failed write is tried again
LAST_TRIES = 3  # when closing

Batch = dict[Room, list[Pending]]

logger = logging.getLogger(__name__)


class Writer:
    """Writes for `rooms`, and tells them of each room some of whose edits have come to disk, or
    never will. `saving` is False while the store cannot be written."""

    def __init__(self, store: Store, rooms: Rooms) -> None:
        self.saving = True
        self.edits = 0  # that came to disk,
        self.commits = Times()  # and how long that took
        self._store = store
        self._rooms = rooms
        self._dirty: dict[Room, None] = {}
        self._backlog = 0
        self._work = asyncio.Event()
        self._breath = asyncio.Event()
        self._breath.set()
        self._closing = False

    def add(self, room: Room) -> None:
        """The room has edits that are not on disk."""
        self._dirty[room] = None
        self._backlog += room.fresh
        room.fresh = 0
        if self._backlog > BACKLOG:
            self._breath.clear()
        self._work.set()

    def give_up(self, room: Room) -> None:
        """The room is not what its log says any more: nothing of it is written but what already is
        being written, and the next one is opened from the log."""
        # What came in meanwhile builds on what was not written: it must not reach the log either.
        waited, room.pending = room.pending, []
        self._rooms.give_up(room)
        self._backlog += room.fresh
        room.fresh = 0
        self._forget(waited)

    @property
    def backlog(self) -> int:
        """Bytes that wait for the disk."""
        return self._backlog

    @property
    def choked(self) -> bool:
        """So much is waiting that peers have to wait for `breath` before they send more."""
        return not self._breath.is_set()

    async def breath(self) -> None:
        """Returns when there is room for more edits."""
        await self._breath.wait()

    async def run(self) -> None:
        """Writes until `close` is called and nothing is left."""
        while self._dirty or not self._closing:
            await self._work.wait()
            rooms: list[Room] = []
            try:
                rooms, self._dirty = list(self._dirty), {}
                self._work.clear()
                await self._write(rooms)
            except Exception:  # there was no memory even to say what went wrong
                reserve.give()
                for room in rooms:
                    with contextlib.suppress(Exception):  # and there is nobody to say it to
                        self._abandon(room)
                await asyncio.sleep(RETRY[0])

    def close(self) -> None:
        """Lets `run` end once everything is on disk, or cannot be brought there."""
        self._closing = True
        self._work.set()

    async def _write(self, rooms: list[Room]) -> None:
        batch = {room: room.writing for room in rooms if room.take()}
        try:
            seqs = await self._append(batch)
        except Exception:
            logger.exception("edits of %d documents could not be saved together", len(batch))
            await self._write_apart(batch)
        else:
            self._commit(batch, seqs)

    async def _write_apart(self, batch: Batch) -> None:
        """A batch failed for another reason than the disk: whoever is to blame fails alone."""
        for room, edits in batch.items():
            if not room.writing:
                continue  # it was closed while another was tried
            alone = {room: edits}
            try:
                seqs = await self._append(alone)
            except Exception:
                self._abandon(room)
                logger.exception("document %r is closed: its edits cannot be saved", room.name)
            else:
                self._commit(alone, seqs)

    def _commit(self, batch: Batch, seqs: Sequence[int] | None) -> None:
        if seqs is None:
            for room in batch:  # what came after it must not come to the log without it
                self._abandon(room)
            return
        last = 0
        for room, edits in batch.items():
            last += len(edits)
            self._forget(edits)
            try:
                room.commit(seqs[last - 1])
                if room.pending:
                    self.add(room)
                self._rooms.written(room)
            except Exception:  # out of memory, or ours: the others are told all the same
                room.writing = []
                self.give_up(room)
                logger.exception("document %r is closed: it cannot be told", room.name)

    def _abandon(self, room: Room) -> None:
        """Not even what is being written of it comes to disk."""
        edits, room.writing = room.writing, []
        self.give_up(room)
        self._forget(edits)

    def _forget(self, edits: Sequence[Pending]) -> None:
        self._backlog -= sum(len(edit.news.data) for edit in edits)
        if self._backlog <= BACKLOG:
            self._breath.set()

    async def _append(self, batch: Batch) -> Sequence[int] | None:
        """Tries until it succeeds; None when that is hopeless and we are closing."""
        tries = short = 0
        while batch:
            try:
                return await self._append_once(batch)
            except (OSError, MemoryError) as error:
                starved = isinstance(error, MemoryError) or error.errno == errno.ENOMEM
                given = starved and reserve.give()
                if self.saving:
                    reason = str(error) or "there is no memory"
                    logger.warning("saving has stopped, edits wait: %s", reason)
                self.saving = False
            if given:
                continue
            short = short + 1 if starved else 0
            if short == 2:  # it did not come back by itself
                self._close_largest(batch)
                short = 0
                continue  # before the editors are back
            if self._closing and tries >= LAST_TRIES:
                count = sum(map(len, batch.values()))
                logger.error("closing with %d edits that could not be saved", count)
                return None
            await asyncio.sleep(RETRY[min(tries, len(RETRY) - 1)])
            tries += 1
        self.saving = True  # for nothing waits any more
        return []

    async def _append_once(self, batch: Batch) -> Sequence[int]:
        entries = [
            Entry(room.name, edit.time, edit.author, edit.news.data, edit.claims)
            for room, edits in batch.items()
            for edit in edits
        ]
        began = time.monotonic()
        seqs = await self._store.append(entries)
        if not self.saving:
            logger.info("saving goes on: nothing was lost")
        self.saving = True
        self.edits += len(entries)
        self.commits.add(time.monotonic() - began)
        return seqs

    def _close_largest(self, batch: Batch) -> None:
        """For memory, which nothing else lets go of while all wait for the disk."""
        if (room := self._rooms.largest()) is not None:
            self._abandon(room)
            batch.pop(room, None)
            logger.warning("document %r is closed: it is the largest, memory is short", room.name)
