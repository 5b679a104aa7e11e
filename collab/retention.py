"""What goes for good: by thinning, and by erasing.

Of what is older than some age, thinning keeps one moment an hour or a day, and every one that has a
name. It is off unless somebody asks for it.

Who wrote what of all that is still there, and when that author's turn ended, stays known: where
authors take turns within an hour there is a row for each turn. What was written and deleted again
between two moments that are kept is gone (`collab.past.thinning`).
"""

import asyncio
import logging
import time
from collections.abc import Container
from typing import TYPE_CHECKING, NamedTuple

from collab.errors import CollabError, NotFound, Unavailable
from collab.names import checked_key
from collab.storage import Damaged, Moment

if TYPE_CHECKING:
    from collab.hub import Hub

PERIODS = {"hour": 3_600_000, "day": 86_400_000}  # milliseconds; they begin as those of UTC do
SLICE = 10_000  # rows whose times and authors are read at once
PAGE = 500  # documents that are read at once
ROUND = 3_600  # seconds from one round through all documents to the next

logger = logging.getLogger(__name__)


class Policy(NamedTuple):
    """What is kept of what is older than `age`: one moment in each `period`; milliseconds."""

    period: int
    age: int

    @classmethod
    def of(cls, period: str, days: int) -> "Policy":
        """By the name of a period in PERIODS, and days."""
        return cls(PERIODS[period], days * PERIODS["day"])

    def limit(self, now: int) -> int:
        """From when on everything is kept: periods are thinned when they are over."""
        return (now - self.age) // self.period * self.period


class Plan:
    """Which rows a thinned log has: `ends`, and which of them stay as moments: `kept`. Add the rows
    one by one."""

    def __init__(self, named: Container[int], period: int) -> None:
        self.named = named
        self.period = period
        self.ends: list[Moment] = []
        self.kept: list[int] = []
        self.rows = 0
        self._last: Moment | None = None

    def add(self, row: Moment | None) -> None:
        """The next row; None: there are no more."""
        last, self._last = self._last, row
        if last is None:
            return
        self.rows += 1
        over = row is None or row.time // self.period != last.time // self.period
        if over or last.seq in self.named:
            self.kept.append(last.seq)
        elif row is not None and row.author == last.author:
            return
        self.ends.append(last)


async def thin(
    hub: "Hub", name: str, policy: Policy, start: int = 0, user: str = ""
) -> tuple[int, int]:
    """Thins a document's log behind row `start`, as far as it is old enough: up to which row, and
    how many rows it has less; `user` is who has it done. May be repeated at any time, also when it
    failed: whole periods are thinned or not. NotFound; Unavailable when the log is damaged or does
    not answer; ValueError when a moment got a name meanwhile."""
    name = checked_key(name)
    await hub.start()
    document = await hub.store.find(name)
    if document is None or document.erased:
        raise NotFound(f"There is no document {name!r}.")
    named = {version.seq for version in await hub.store.versions(name)}
    try:
        plan = await _plan(hub, name, policy, start, document.head, named)
    except Damaged as damage:
        raise Unavailable(f"Edit {damage.seq} of document {name!r} is damaged.") from None
    if len(plan.kept) == plan.rows:
        return (plan.kept[-1] if plan.kept else start), 0
    gone = plan.rows - await hub.archive.thin(name, start, plan.ends, plan.kept, plan.rows)
    if gone:
        detail = f"{gone} edits fewer up to {plan.kept[-1]}"
        hub.audit.note("thin", user=user, document=name, detail=detail, now=time.time())
    return plan.kept[-1], gone


async def erase(hub: "Hub", name: str, user: str = "") -> None:
    """Ends a document's sessions and takes everything of it from the store, for good: see
    `Store.erase`. Its name stays taken, for an editor somewhere may have a copy. NotFound."""
    name = checked_key(name)
    await hub.delete(name)
    while name in hub.rooms:  # until what waits is written: it goes with the rest
        await asyncio.sleep(0.01)
    await hub.store.erase(name)
    await hub.archive.forget(name)
    hub.audit.note("erase", user=user, document=name, now=time.time())


async def keep_thinning(hub: "Hub", policy: Policy) -> None:
    """Thins all documents, again and again, until it is cancelled. What fails is tried again the
    next time, and said."""
    done: dict[str, int] = {}  # up to which row; forgotten with the process, then all are looked at
    while True:
        try:
            await _round(hub, policy, done)
        except Exception:  # a store that does not answer, or an error of ours: try again
            logger.exception("the past of the documents could not be thinned")
        await asyncio.sleep(ROUND)


async def _round(hub: "Hub", policy: Policy, done: dict[str, int]) -> None:
    for deleted in (False, True):
        after = None
        while page := await hub.store.documents(after=after, limit=PAGE, deleted=deleted):
            after = page[-1].name
            for document in page:
                start = done.get(document.name, 0)
                if document.head > start:
                    try:
                        done[document.name], _ = await thin(hub, document.name, policy, start)
                    except (CollabError, OSError, ValueError) as error:
                        logger.warning("document %r is not thinned: %s", document.name, error)


async def _plan(
    hub: "Hub", name: str, policy: Policy, start: int, head: int, named: Container[int]
) -> Plan:
    plan = Plan(named, policy.period)
    now = int(time.time() * 1000)
    limit = policy.limit(now)
    ahead: list[Moment] = []  # rows of a wrong clock: as old as what follows them, at least
    for first in range(start + 1, head + 1, SLICE):
        for row in await hub.store.moments(name, first, min(head, first + SLICE - 1)):
            if row.time > now:
                ahead.append(row)
                continue
            if row.time >= limit:
                plan.add(None)
                return plan
            for one in (*ahead, row):
                plan.add(one)
            ahead.clear()
    plan.add(None)
    return plan
