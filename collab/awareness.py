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
own: that one it takes over from whoever had it. Of others it may be the first to speak for a few
only; the rest are not believed, and not held against it, for each comes with a connection of its
own if it is honest: so a browser's twenty tabs all get in. Who brings an army has to go.
"""

from collections.abc import Container, Iterable
from itertools import takewhile
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from collab.access import Level
from collab.claims import Claims
from collab.errors import TooBig
from collab.limits import DEFAULT, Limits
from collab.presence import NULL, Presence, read_awareness, read_user, stamp, write_awareness

if TYPE_CHECKING:
    from collab.session import Session

GRACE = 3.0  # seconds between a connection's sudden end and its ids' going
EXPIRY = 35.0  # seconds without renewal; clients renew every 15 and forget others after 30
ARMY = 60  # strangers in one update, more than any browser has tabs
MAX_NAME = 100  # characters of a name
MAX_GONE = 10_000  # ids that are gone and whose clocks a room remembers,
MEMORY = 3600.0  # seconds for which it does so, and for which one without edits stays its user's
EPOCH = 1_767_225_600  # 2026-01-01 in seconds since 1970
OURS = 1 << 25  # clocks from here on are our own count, as peers repeat it
TICKS = 8  # a second: more than anybody moves for long, and below 2^31 for 8 years
NEWCOMER = -1  # the turn of a session that has been told of nobody yet


class Changed(NamedTuple):
    """Who has changed since some turn, whose they are, and the update that tells of all."""

    presences: list[Presence]
    sessions: set["Session | None"]
    clients: set[int]
    update: bytes | None


class Awareness:
    """The presences of one room. `turn` counts the changes; a session is behind while its own
    turn is lower, and `since` tells it what it lacks. `moved` is the last turn that was more than
    a renewal: others have to hear of a renewal before they forget its owner, and not sooner.
    `refused` are those who spoke of somebody else's client as if it was theirs, `crowding` those
    who spoke of too many. `written` has the clients whose edits are in the document."""

    def __init__(
        self, claims: Claims | None = None, limits: Limits = DEFAULT, written: Container[int] = ()
    ) -> None:
        self._claims = Claims() if claims is None else claims
        self._written = written
        self._limits = limits
        self.refused: list[tuple[Session, int]] = []
        self.crowding: set[Session] = set()
        self._strangers = 0  # clients of the update being read that have no place
        self.turn = 0
        self.moved = 0
        self._presences: dict[int, Presence] = {}  # who changed last comes last
        self._changed: dict[int, Changed] = {}
        self._due = inf  # nobody is overdue before then

    def receive(self, session: "Session", update: bytes, now: float) -> bool:
        """Takes what a session says of its clients; `now` in seconds. True when it changed
        anything. ProtocolError or TooBig when the update is not one. What a client repeats of
        others may be as large as they like: it is not its fault."""
        states = read_awareness(update)
        if session.client is None and len(states) == 1:
            client, clock, _ = states[0]
            mine = not self._repeats(session, client, clock) and _could_write(session, client)
            if mine and not self._claims.foreign(client, session.grant.user):
                session.client = client
        changed = False
        self._strangers = 0
        for client, clock, state in states:
            changed |= self._receive(session, client, clock, state, now)
        if session.client in self._presences:  # an id that nobody was seen under is nobody's
            self._claims.claim(session.client, session.grant.user)
        return changed

    def _repeats(self, session: "Session", client: int, clock: int) -> bool:
        """Whether a peer says what it was told of somebody who is here, not who it is itself."""
        presence = self._presences.get(client)
        return presence is not None and presence.owner not in (None, session) and clock >= OURS

    def since(self, turn: int, session: "Session") -> bytes | None:
        """The awareness update with everything that happened after `turn`, or None; with everybody
        who is here when it is `NEWCOMER`, and as gone for one who may see nobody any more."""
        if not session.grant.sees:
            known = (p for p in self._presences.values() if p.came <= turn)
            shown = (p for p in known if p.here or p.turn > turn)
            return write_awareness(_others(shown, session), gone=True)
        if turn == NEWCOMER:
            return self._introduce(session)
        changed = self._changed.get(turn) or self._since(turn)
        if session in changed.sessions or session.client in changed.clients:
            return write_awareness(_others(changed.presences, session))
        return changed.update

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
        others = _others((p for p in self._presences.values() if p.here), session)
        for presence in others:
            presence.told += 1
            presence.entry = b""
        return write_awareness(others)

    def users(self) -> list[dict[str, object]]:
        """The "user" of everyone who is here, as their editors tell it: usually name and color."""
        return [p.user for p in self._presences.values() if p.here]

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

    def hide(self, session: "Session") -> None:
        """The session is not to be seen any more; those it spoke for go at once."""
        for presence in [p for p in self._presences.values() if p.owner is session]:
            self._remove(presence)

    def sweep(self, now: float) -> bool:
        """Removes who is overdue. Call it every second or so; True when that changed anything."""
        if now < self._due:
            return False
        overdue = [
            p
            for p in self._presences.values()
            if p.here and (now > p.seen + EXPIRY or (p.deadline is not None and now >= p.deadline))
        ]
        for presence in overdue:
            self._remove(presence)
        self._forget(now)
        self._due = min(map(_due, self._presences.values()), default=inf)
        return bool(overdue)

    def _receive(
        self, session: "Session", client: int, clock: int, state: bytes, now: float
    ) -> bool:
        presence = self._presences.get(client)
        if self._claims.foreign(client, session.grant.user):
            if state != NULL and (presence is None or clock > presence.told):
                self.refused.append((session, client))  # nobody has told it of that
            return False
        if presence is None:
            if state == NULL:
                return False
        elif not _counts(presence, session, clock, state):
            return False
        if not self._has_place(session, client, presence):
            return False
        if len(state) > (most := self._limits.presence_bytes):
            raise TooBig(f"The presence of a client may have {most} bytes.", "presence_bytes")
        user = {} if state == NULL else read_user(state)
        if session.grant.user and state != NULL:
            state, user = stamp(state, session.grant)
        presence = self._own(session, presence or Presence(client), now)
        presence.user = user
        presence.clock = clock
        presence.deadline = None
        self._tell(presence, state, now)
        return True

    def _has_place(self, session: "Session", client: int, presence: Presence | None) -> bool:
        """Whether a session may speak for a client: its own, one it speaks for, and few others."""
        if client == session.client or (presence is not None and presence.owner is session):
            return True
        if session not in self.crowding:
            others = sum(p.owner is session for p in self._presences.values())
            if others < self._limits.presence_clients:
                return True
        self.crowding.add(session)
        self._strangers += 1
        if self._strangers > ARMY:
            raise TooBig("One connection speaks of too many clients.", "presence_clients")
        return False

    def _own(self, session: "Session", presence: Presence, now: float) -> Presence:
        """The presence, spoken for by the session from now on."""
        if presence.owner is not session:
            # Pages that were open before a restart remember what the last process told them.
            presence.told = max(presence.told, _clock(now))
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
        presence.came = presence.came or self.turn
        self._presences[presence.client] = self._presences.pop(presence.client)
        self._changed.clear()
        self._due = min(self._due, now + EXPIRY)

    def _remove(self, presence: Presence) -> None:
        presence.deadline = None
        if presence.owner is None:
            presence.user = {}  # nobody's edits are to have this name any more
        if presence.here:
            self._tell(presence, NULL, presence.seen)

    def _forget(self, now: float) -> None:
        """Of those who are gone, who went long ago; and the first ones, if they are many."""
        gone = [p for p in self._presences.values() if not p.here]
        for place, presence in enumerate(gone, MAX_GONE - len(gone)):
            client = presence.client
            if place < 0 or now > _due(presence):
                del self._presences[client]
                if client not in self._written:
                    self._claims.forget(client)


def _could_write(session: "Session", client: int) -> bool:
    """Whether an id can be its own: who may only read has written nothing under it, unless it was
    allowed to before, and must not take it from who has."""
    if session.grant.level >= Level.WRITE or client not in session.room.head.vector:
        return True
    return session.room.claims.owns(client, session.grant.user)


def _others(presences: Iterable[Presence], session: "Session") -> list[Presence]:
    """Those that are not the session's own. A client takes a higher clock for the truth about
    itself, too, though it may have moved on since, or be told of itself by somebody else."""
    return [p for p in presences if p.owner is not session and p.client != session.client]


def _counts(presence: Presence, session: "Session", clock: int, state: bytes) -> bool:
    """Whether what a session says of a client that is known has to be passed on."""
    if presence.owner is session:
        if state == NULL:
            return clock >= presence.clock and presence.here
        return clock > presence.clock
    if session.client == presence.client:
        return True
    # A browser's tabs repeat each other, and may be late: what they were told before is no news.
    return presence.owner is None and state != NULL and clock > presence.told


def _clock(now: float) -> int:
    """What the clock of an id begins with."""
    return int((now - EPOCH) * TICKS)


def _due(presence: Presence) -> float:
    """When it has to go, or to be forgotten: then it comes back at a higher clock than anybody
    remembers."""
    if presence.here:
        return presence.deadline or presence.seen + EXPIRY
    return max(presence.seen + MEMORY, EPOCH + (presence.told + 1) / TICKS)
