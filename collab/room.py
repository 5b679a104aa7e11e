"""A document held open: bytes, and who waits for them. Knows no engine, no socket, no clock.

    receive -> pending -> (the hub writes them to the log) -> commit: turn += 1 -> news

`head` is what the document will be when all that waits is on disk: it judges what comes in.
`state` is what is on disk: all that anybody is ever told. A room counts what it has told in turns,
one a commit; a session that is a few turns behind gets the news since, one that is further behind
gets what a late joiner gets.
"""

from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from collab.awareness import Awareness
from collab.claims import Claim, Claims
from collab.errors import CollabError
from collab.limits import DEFAULT, Limits
from collab.parts import PART, Plan
from collab.state import Admission, Head, News, State, merge
from collab.update import Changes

if TYPE_CHECKING:
    from collab.session import Session

KEPT_TURNS = 256  # how far a session may fall behind and still be told the news alone
KEPT_BYTES = 1 << 20
TURN_BYTES = 128 << 10  # what one turn tells at most, give or take one edit: to merge takes time
FOLD_ROWS = 1_000  # fold when so many rows came since the last time,
FOLD_SHARE = 4  # or a quarter of the document's structs if that is more: folding stays cheap,
FOLD_MOST = 4_000  # but no document is opened by reading many more rows than this
FOLD_STRUCTS = 200_000  # nor with so many structs more than when it was folded
RANGE = 8  # bytes that a range of deletes counts for in a document's size
GUARD = 0.5  # the share of a document whose deletion by one edit is worth a way back,
GUARDED = 200  # if it is so many units at least: characters, values, elements
FULL = {
    "document_bytes": "This document is full. What you typed is not saved: delete something first.",
    "document_clients": "Too many have written in this document. What you typed is not saved.",
}


class Pending(NamedTuple):
    """An edit that is not on disk yet."""

    author: str
    time: int  # ms since the epoch
    news: News
    claims: tuple[Claim, ...] = ()  # that are to be written down with it


_pending = partial(tuple.__new__, Pending)  # half the time of calling Pending


class Room:
    """One open document. `frozen` says why nobody may write, '' when everybody may."""

    part = PART
    guard = GUARD
    presence_told = 0  # the sessions were woken for this turn of awareness
    presence_waits = False
    turn = 0
    entered = 0  # edits that came in since the room was opened,
    durable = 0  # and those of them that are on disk
    listed = False  # whether it was seen to that it has its list of versions
    ended: CollabError | None = None  # why every session has to go
    fresh = 0  # bytes that came in and that the writer has not counted yet
    plan: Plan | None = None  # how to hand out the document in parts of that size,
    rows = 0  # committed since the state was last folded
    quiet = 0  # ticks since the last commit
    wants_plan = False  # whether a session waits for a newer plan
    copying = False  # somebody works on a whole copy, to fold, save or plan it: one at a time
    lost = False  # it was given up: it is not what its log says
    torn = False  # in the middle of entering an edit; afterwards: there was no memory for it

    def __init__(
        self,
        name: str,
        state: State,
        seq: int,
        frozen: str = "",
        claims: Iterable[Claim] = (),
        limits: Limits = DEFAULT,
    ) -> None:
        self.name = name
        self.limits = limits
        self.state = state
        self.head = Head(dict(state.vector), state.deletes.copy())
        self.seq = seq
        self.frozen = frozen
        self.sessions: set[Session] = set()
        self.claims = Claims(claims)
        self.awareness = Awareness(self.claims, limits, self.head.vector)
        self.over: list[tuple[Session, str]] = []  # and the limit of the document's that stops it
        self.pending: list[Pending] = []
        self.writing: list[Pending] = []
        self.alive = sum(state.vector.values()) - state.deletes.units  # units
        self.alarms: list[int] = []  # rows before which somebody should be able to go back
        self.folded = state.structs  # structs that the state had when it was last folded
        self._ranges = len(state.deletes)  # at the most
        self.packed = seq  # the rows up to here have been looked through for some to pack
        self._since_fold: list[tuple[int, News]] | None = None
        self._recent: deque[News] = deque()
        self._recent_bytes = 0
        self._news: dict[int, News] = {}

    @property
    def size(self) -> int:
        """Bytes of the document on disk, about: what its size is judged by."""
        return self.state.size + RANGE * self._ranges

    @property
    def weight(self) -> int:
        """Bytes that it takes in memory, about: also what is not on disk yet."""
        return self.size + sum(len(edit.news.data) for edit in (*self.writing, *self.pending))

    @property
    def full(self) -> bool:
        """Whether the document is as large as one may be."""
        limits = self.limits
        return self.size > limits.document_bytes or len(self.head.vector) >= limits.document_clients

    def objection(self, session: "Session", news: News) -> str:
        """Why a document that is full does not take the news, '' when it does. Deletes make room
        sooner or later: they may take as much again."""
        limit, most = "", self.limits.document_bytes
        if self.size > (most if news.blocks else 2 * most):
            limit = "document_bytes"
        elif len(self.head.vector) + len(news.blocks) > self.limits.document_clients:
            fresh = {block.client for block in news.blocks} - self.head.vector.keys()
            if fresh and len(self.head.vector) + len(fresh) > self.limits.document_clients:
                limit = "document_clients"
        if limit:
            self.over.append((session, limit))
        return limit and FULL[limit]

    def admit(self, changes: Changes, partial: bool) -> Admission:
        """What is new in `changes`, and what they lack to be connected; nothing moves yet."""
        return self.head.admit(changes, partial)

    def enter(self, author: str, time: int, news: News, claims: tuple[Claim, ...] = ()) -> None:
        """News that were admitted wait for the disk from now on."""
        self.torn = True
        self.head.enter(news)
        self.pending.append(_pending((author, time, news, claims)))
        self.entered += 1
        self.fresh += len(news.data)
        self.torn = False

    def take(self) -> list[Pending]:
        """What waits, in order, to be written as one; the rest stays `pending` when that is very
        much. Call `commit` when it is on disk."""
        size = count = 0
        while count < len(self.pending) and size < TURN_BYTES:
            size += len(self.pending[count].news.data)
            count += 1
        self.writing, self.pending = self.pending[:count], self.pending[count:]
        return self.writing

    def commit(self, seq: int) -> None:
        """What was taken is on disk, up to row `seq`: everybody may be told."""
        news = merge([pending.news for pending in self.writing])
        for row, pending in enumerate(self.writing, seq - len(self.writing) + 1):
            if self._takes_most(pending.news):
                self.alarms.append(row)
        self.seq = seq
        self.quiet = 0
        self.rows += len(self.writing)
        self.durable += len(self.writing)
        if self._since_fold is not None:
            self._since_fold.append((len(self.writing), news))
        self.writing = []
        self.state.enter(news)
        self.turn += 1
        self._news.clear()
        if news.deletes:
            self._ranges += len(news.deletes)
        self._recent.append(news)
        self._recent_bytes += len(news.data)
        while len(self._recent) > KEPT_TURNS or self._recent_bytes > KEPT_BYTES:
            if len(self._recent) == 1:
                break
            self._recent_bytes -= len(self._recent.popleft().data)

    def _takes_most(self, news: News) -> bool:
        """Whether an edit deletes most of the document; also keeps count of what there is."""
        deleted = news.deletes.units if news.deletes else 0
        most = deleted >= GUARDED and deleted > self.guard * self.alive > 0
        self.alive += sum(block.end - block.clock for block in news.blocks) - deleted
        return most

    def news(self, turn: int) -> bytes | None:
        """All that happened after `turn` as one update; None when that is too long ago."""
        behind = self.turn - turn
        if behind > len(self._recent):
            return None
        if turn not in self._news:
            self._news[turn] = merge([self._recent[-i] for i in range(behind, 0, -1)])
        return self._news[turn].data

    @property
    def overgrown(self) -> bool:
        """Whether it is time to fold."""
        most = max(FOLD_ROWS, min(self.state.structs // FOLD_SHARE, FOLD_MOST))
        return self.rows >= most or self.state.structs - self.folded >= FOLD_STRUCTS

    def begin_fold(self) -> bytes:
        """The state as one update, to be made compact elsewhere. Call `end_fold` in any case."""
        self._since_fold = []
        return self.state.encode()

    def end_fold(self, folded: State | None) -> None:
        """`folded` is the state that `begin_fold` gave, made compact; None when that failed."""
        since, self._since_fold = self._since_fold or [], None
        self.rows = sum(rows for rows, _ in since)  # also when it failed: the next try comes later
        if folded is not None and not self.lost:
            for _, news in since:
                folded.enter(news)
            self.state = folded
            self._ranges = len(folded.deletes)
        self.folded = self.state.structs

    def let_go(self) -> None:
        """Forgets the document: whoever still holds the room needs nothing of it, and memory may be
        short."""
        self.state, self.head, self.plan = State(), Head(), None
        self._recent.clear()
        self._news.clear()
        self._since_fold = None
