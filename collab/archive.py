"""The worker that keeps pasts, as the event loop sees it: it is brought up to date, then asked.

A past is costly to build and cheap to ask. So one worker keeps the last few that were asked for
(`collab.past.jobs`); it is told of the rows on disk that it lacks before each question, and what it
has built is saved now and then, so that nobody reads a long log twice. After whatever fault it
begins anew: a past that is not what the log says must never be shown, let alone restored.
"""

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import AsyncIterator, Container, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

from collab.engine import Engine
from collab.errors import Unavailable
from collab.storage import Damaged, Moment, Past, Store, Update

KEPT = 8  # pasts that the worker keeps
SLICE = 1_000  # rows that it is told at once
SAVE = 5_000  # rows after which a past is saved again
PART = 1 << 20  # bytes of a thinned log that are written at once: appends have their turn;
RANGE = 20_000  # and rows in whose places they come, for these are read


class Archive:
    """The pasts of all documents of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.engine = Engine(workers=1)
        self._known: OrderedDict[str, int] = OrderedDict()  # document -> the last row it was told
        self._lock = asyncio.Lock()
        self._closed = False
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._rewriting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def rewriting(self, name: str) -> asyncio.Lock:
        """Held by who makes an edit from a document's past: one at a time."""
        return self._rewriting.setdefault(name, asyncio.Lock())

    async def ask(self, job: str, name: str, upto: int, *arguments: object) -> Any:
        """The answer of a job of `collab.past.jobs` about a document as it is on disk. Unavailable
        when the rows up to `upto` cannot be read: what lacks some is not shown as if it were all.
        """
        async with self._turn(name), self._brought_up(name, upto):
            return await self.engine.run(f"past.{job}", name, *arguments)

    async def keep_up(self, name: str, seq: int) -> None:
        """Builds what has come since the past was saved, if it is much, so that nobody has to wait
        for it who looks at the past; `seq` is where the document is now."""
        past = await self._store.load_past(name)
        if seq >= (past.seq if past else 0) + SAVE:
            async with self._turn(name), self._brought_up(name, 0):
                pass

    async def thin(
        self, name: str, start: int, ends: Sequence[Moment], kept: Sequence[int], rows: int
    ) -> int:
        """Thins the log behind row `start`, as `collab.past.thinning` says, where there are `rows`
        up to the last of `ends`; how many there are then. Unavailable like `ask`; ValueError when
        a moment has got a name meanwhile. What is done when it fails is done."""
        moments = {end.seq: end for end in ends}
        async with self._turn(name):  # so nobody else's past is of rows that are about to go
            async with self._brought_up(name, ends[-1].seq):
                packed = array("Q", moments).tobytes(), array("Q", kept).tobytes()
                seqs, updates = await self.engine.run("past.thin", name, start, *packed)
                await self._drop(name)
            log = [
                Update(name, seq, moments[seq].time, moments[seq].author, update)
                for seq, update in zip(array("Q", seqs), updates, strict=True)
            ]
            if len(log) < rows or not await self._is(name, start, log):
                for part in _parts(log, start, set(kept)):
                    await self._store.thin(name, start + 1, part[-1].seq, part)
                    start = part[-1].seq
        return len(log)

    async def _is(self, name: str, start: int, log: Sequence[Update]) -> bool:
        """Whether the rows behind `start` are these already."""
        for place in range(0, len(log), SLICE):
            there = await self._store.updates(name, start, log[-1].seq, SLICE)
            if there != log[place : place + SLICE]:
                return False
            start = there[-1].seq
        return True

    async def forget(self, name: str) -> None:
        """The document is no more."""
        async with self._turn(name), self._lock:
            if name in self._known:
                await self._drop(name)

    async def close(self) -> None:
        """Ends the worker; who still waits for an answer gets none."""
        self._closed = True
        async with self._lock:
            await self.engine.close()

    def _turn(self, name: str) -> asyncio.Lock:
        """Held by who asks about a document."""
        return self._turns.setdefault(name, asyncio.Lock())

    @asynccontextmanager
    async def _brought_up(self, name: str, upto: int) -> AsyncIterator[None]:
        """The worker knows all rows on disk, and nobody else asks it."""
        async with self._lock:
            if self._closed:
                raise Unavailable("The server is going down. Try again soon.")
            try:
                known = await self._tell(name)
                if known < upto:
                    raise Unavailable(f"What came after edit {known} cannot be read.")
                yield
            except BaseException:  # cancelled, too: then the worker may be in the middle of it
                self._known.clear()
                await self.engine.renew()
                raise

    async def _tell(self, name: str) -> int:
        """Brings the worker up to date; the last row that it knows then."""
        saved = known = self._known.pop(name, -1)
        if known < 0:
            saved = known = await self._load(name)
        while rows := await self._rows(name, known):
            await self.engine.run("past.enter", name, known, *_columns(rows))
            known = rows[-1].seq
        if known >= saved + SAVE:
            data = await self.engine.run("past.save", name)
            await self._store.save_past(name, Past(known, data))
        self._known[name] = known
        if len(self._known) > KEPT:
            await self._drop(next(iter(self._known)))
        return known

    async def _drop(self, name: str) -> None:
        del self._known[name]
        await self.engine.run("past.drop", name)

    async def _load(self, name: str) -> int:
        past = await self._store.load_past(name)
        if past is not None and await self.engine.run("past.load", name, past.data):
            return past.seq
        await self.engine.run("past.begin", name)
        return 0

    async def _rows(self, name: str, after: int) -> Sequence[Update]:
        try:
            return await self._store.updates(name, after, limit=SLICE)
        except Damaged as error:
            if error.seq > after + 1:
                return await self._store.updates(name, after, error.seq - 1, SLICE)
            return ()


def _columns(rows: Sequence[Update]) -> tuple[list[bytes], list[str], list[bytes]]:
    """Rows as the job "past.enter" takes them."""
    names: dict[str, int] = {}
    authors = [names.setdefault(row.author, len(names)) for row in rows]
    numbers = [row.seq for row in rows], [row.time for row in rows], authors
    columns = [array("Q", column).tobytes() for column in numbers]
    return columns, list(names), [row.data for row in rows]


def _parts(log: Sequence[Update], start: int, kept: Container[int]) -> Iterator[list[Update]]:
    """The rows behind a row of the log as it was, in parts that are written at once. A part ends
    with a moment that is kept: what comes and goes between two of them goes with both."""
    part: list[Update] = []
    size = 0
    for row in log:
        part.append(row)
        size += len(row.data)
        if row.seq in kept and (size > PART or row.seq - start > RANGE):
            yield part
            start, part, size = row.seq, [], 0
    if part:
        yield part
