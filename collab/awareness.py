"""Who is here: the last state of every client in one room. Keeps no clock and sends nothing.

y-protocols' awareness is a last-writer-wins map: client id -> (clock, JSON state or null), where
null says "gone". A server that only relays it gets three things wrong, and this is the cure:

- An editor that comes back at the clock it left with is ignored by everybody who was told that it
  had gone, for about 15 s, and ignores everybody who has not moved meanwhile. So towards the peers
  an id has a clock of our own (`told`): it begins with the time of day, so that it rises over a
  restart as well, rises with each newcomer, and is never what an owner claims.
- A connection that dies leaves a ghost for about 30 s. So every id has an owner, the session that
  spoke of it, and goes when its owner goes: at once when it said goodbye, else `GRACE` seconds
  later, time enough for a reconnect without a flicker.
- y-websocket clients repeat what they hear of others, which makes N clients send N² frames. So
  what is owned by another session, or is not newer, goes no further.

A browser's tabs tell each other their states aside, so a session may be the first to speak of an
id whose own connection is still on its way. The first frame of a connection speaks of one id, its
own: that one it takes over from whoever had it.
"""

import json
from collections.abc import Iterable
from itertools import takewhile
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from collab.errors import ProtocolError, TooBig
from collab.reader import Reader, var_uints

if TYPE_CHECKING:
    from collab.session import Session

GRACE = 3.0  # seconds between a connection's sudden end and its ids' going
EXPIRY = 35.0  # seconds without renewal; clients renew every 15 and forget others after 30
MAX_STATE = 16 * 1024  # bytes of one client's JSON state
MAX_CLIENTS = 64  # ids that one session may speak of: a browser's tabs, not an army
MAX_STATES = 10_000  # clients in one awareness update: y-websocket repeats what it hears
MAX_NAME = 100  # characters of a name
MAX_GONE = 10_000  # ids that are gone and whose clocks a room remembers
EPOCH = 1_767_225_600  # 2026-01-01 in seconds since 1970
OURS = 1 << 25  # clocks from here on are our own count, as peers repeat it
TICKS = 8  # a second: more than anybody moves for long, and below 2^31 for 8 years
NULL = b"null"
NEWCOMER = -1  # the turn of a session that has been told of nobody yet


class Presence:
    """One client id: its state as JSON bytes, and who speaks for it."""

    __slots__ = (
        "client", "clock", "deadline", "entry", "owner", "seen", "state", "told", "turn", "user",
    )  # fmt: skip

    def __init__(self, client: int) -> None:
        self.client = client
        self.clock = -1  # as its owner counts
        self.told = 0  # as the peers were told: our own count
        self.state = NULL
        self.entry = b""  # what is written of it in an awareness update, once that was asked for
        self.user: dict[str, object] = {}  # the state's "user", where editors put name and colour
        self.owner: Session | None = None
        self.turn = 0
        self.seen = 0.0
        self.deadline: float | None = None


class Changed(NamedTuple):
    """Who has changed since some turn, whose they are, and the update that tells of all."""

    presences: list[Presence]
    sessions: set["Session | None"]
    clients: set[int]
    update: bytes


class Awareness:
    """The presences of one room. `turn` counts the changes; a session is behind while its own
    turn is lower, and `since` tells it what it lacks. `moved` is the last turn that was more than
    a renewal: others have to hear of a renewal before they forget its owner, and not sooner."""

    def __init__(self) -> None:
        self.turn = 0
        self.moved = 0
        self._presences: dict[int, Presence] = {}  # who changed last comes last
        self._changed: dict[int, Changed] = {}
        self._due = inf  # nobody is overdue before then

    def receive(self, session: "Session", update: bytes, now: float) -> bool:
        """Takes what a session says of its clients; `now` in seconds. True when it changed
        anything. ProtocolError or TooBig when the update is not one."""
        states = read_awareness(update)
        if session.client is None and len(states) == 1:
            client, clock, _ = states[0]
            if not self._repeats(session, client, clock):
                session.client = client
        changed = False
        for client, clock, state in states:
            changed |= self._receive(session, client, clock, state, now)
        return changed

    def _repeats(self, session: "Session", client: int, clock: int) -> bool:
        """Whether a peer says what it was told of somebody who is here, not who it is itself."""
        presence = self._presences.get(client)
        return presence is not None and presence.owner not in (None, session) and clock >= OURS

    def since(self, turn: int, session: "Session") -> bytes | None:
        """The awareness update with everything that happened after `turn`, or None; with everybody
        who is here when it is `NEWCOMER`."""
        if turn == NEWCOMER:
            return self._introduce(session)
        changed = self._changed.get(turn) or self._since(turn)
        if session in changed.sessions or session.client in changed.clients:
            others = _others(changed.presences, session)
            return write_awareness(others) if others else None
        return changed.update if changed.presences else None

    def _since(self, turn: int) -> Changed:
        """What all sessions that have been told up to `turn` lack."""
        presences = list(takewhile(lambda p: p.turn > turn, reversed(self._presences.values())))
        sessions = {p.owner for p in presences}
        clients = {p.client for p in presences}
        changed = Changed(presences, sessions, clients, write_awareness(presences))
        self._changed[turn] = changed
        return changed

    def _introduce(self, session: "Session") -> bytes | None:
        """Everybody who is here, for one who has just come. It may be back from a lost connection:
        then it has forgotten the others and not their clocks, and takes only higher ones."""
        others = _others(filter(_here, self._presences.values()), session)
        for presence in others:
            presence.told += 1
            presence.entry = b""
        return write_awareness(others) if others else None

    def users(self) -> list[dict[str, object]]:
        """The "user" of everyone who is here, as their editors tell it: usually name and color."""
        return [p.user for p in self._presences.values() if _here(p)]

    def name(self, client: int | None) -> str:
        """What the user of this client is called; "" when nobody knows."""
        presence = self._presences.get(client) if client is not None else None
        name = presence.user.get("name") if presence else None
        if not isinstance(name, str):
            return ""
        return "".join(c for c in name[:MAX_NAME] if c.isprintable())  # it goes into the log

    def leave(self, session: "Session", now: float, clean: bool) -> bool:
        """The session has ended; `clean` when it said goodbye. True when that changed anything;
        otherwise `sweep` will, after `GRACE` seconds."""
        mine = [p for p in self._presences.values() if p.owner is session]
        for presence in mine:
            presence.owner = None
            if clean:
                self._remove(presence)
            else:
                presence.deadline = now + GRACE
                self._due = min(self._due, presence.deadline)
        return clean and bool(mine)

    def sweep(self, now: float) -> bool:
        """Removes who is overdue. Call it every second or so; True when that changed anything."""
        if now < self._due:
            return False
        overdue = [
            p
            for p in self._presences.values()
            if _here(p)
            and (now > p.seen + EXPIRY or (p.deadline is not None and now >= p.deadline))
        ]
        for presence in overdue:
            self._remove(presence)
        here = filter(_here, self._presences.values())
        self._due = min((p.deadline or p.seen + EXPIRY for p in here), default=inf)
        self._forget()
        return bool(overdue)

    def _receive(
        self, session: "Session", client: int, clock: int, state: bytes, now: float
    ) -> bool:
        presence = self._presences.get(client)
        if presence is None:
            if state == NULL:
                return False
        elif not _counts(presence, session, clock, state):
            return False
        user = {} if state == NULL else read_user(state)
        presence = self._own(session, presence or Presence(client), now)
        presence.user = user
        presence.clock = clock
        presence.deadline = None
        self._tell(presence, state, now)
        return True

    def _own(self, session: "Session", presence: Presence, now: float) -> Presence:
        """The presence, spoken for by the session from now on."""
        if presence.owner is not session:
            if sum(p.owner is session for p in self._presences.values()) >= MAX_CLIENTS:
                raise TooBig(f"One connection may speak for {MAX_CLIENTS} clients at most.")
            # Pages that were open before a restart remember what the last process told them.
            presence.told = max(presence.told, int((now - EPOCH) * TICKS))
            presence.owner = session
            self._presences[presence.client] = presence
        return presence

    def _tell(self, presence: Presence, state: bytes, now: float) -> None:
        self.turn += 1
        if state != presence.state:
            self.moved = self.turn
        presence.told += 1
        presence.state = state
        presence.seen = now
        presence.entry = b""
        presence.turn = self.turn
        self._presences[presence.client] = self._presences.pop(presence.client)
        self._changed.clear()
        self._due = min(self._due, now + EXPIRY)

    def _remove(self, presence: Presence) -> None:
        presence.deadline = None
        if _here(presence):
            self._tell(presence, NULL, presence.seen)

    def _forget(self) -> None:
        gone = [p for p in self._presences.values() if not _here(p)]
        if len(gone) > MAX_GONE:
            for presence in sorted(gone, key=lambda p: p.turn)[:-MAX_GONE]:
                del self._presences[presence.client]


def read_awareness(update: bytes) -> list[tuple[int, int, bytes]]:
    """(client, clock, state as JSON bytes) of each client in an awareness update."""
    reader = Reader(update)
    states: dict[int, tuple[int, bytes]] = {}
    count = reader.var_uint()
    if count > MAX_STATES:
        raise TooBig(f"An awareness update may tell of {MAX_STATES} clients at most.")
    for _ in range(count):
        client = reader.var_uint()
        clock = reader.var_uint()
        state = reader.var_bytes()
        if len(state) > MAX_STATE:
            raise TooBig(f"A client's awareness state may have {MAX_STATE} bytes at most.")
        if client in states:
            raise ProtocolError("An awareness update names a client twice.")
        states[client] = clock, state
    reader.end()
    return [(client, clock, state) for client, (clock, state) in states.items()]


def read_user(state: bytes) -> dict[str, object]:
    """The "user" in a client's awareness state. ProtocolError unless the state is a JSON object
    that every client can read: one bad state would throw in all of them."""
    try:
        value = json.loads(state.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ProtocolError("A client's awareness state is not JSON.") from None
    if not isinstance(value, dict):
        raise ProtocolError("A client's awareness state is a JSON object or null.")
    user = value.get("user")
    return user if isinstance(user, dict) else {}


def write_awareness(presences: Iterable[Presence]) -> bytes:
    """The awareness update that tells of these presences."""
    entries = [_entry(presence) for presence in presences]
    return var_uints(len(entries)) + b"".join(entries)


def _entry(presence: Presence) -> bytes:
    if not presence.entry:
        head = var_uints(presence.client, presence.told, len(presence.state))
        presence.entry = head + presence.state
    return presence.entry


def _others(presences: Iterable[Presence], session: "Session") -> list[Presence]:
    """Those that are not the session's own. A client takes a higher clock for the truth about
    itself, too, though it may have moved on since, or be told of itself by somebody else."""
    return [p for p in presences if p.owner is not session and p.client != session.client]


def _counts(presence: Presence, session: "Session", clock: int, state: bytes) -> bool:
    """Whether what a session says of a client that is known has to be passed on."""
    if presence.owner is session:
        if state == NULL:
            return clock >= presence.clock and _here(presence)
        return clock > presence.clock
    if session.client == presence.client:
        return True
    # A browser's tabs repeat each other, and may be late: what they were told before is no news.
    return presence.owner is None and state != NULL and clock > presence.told


def _here(presence: Presence) -> bool:
    return presence.state != NULL


def _refuse(constant: str) -> None:
    raise ValueError(constant)
