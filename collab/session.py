"""One editor attached to one room: a cursor, not a queue. Knows no transport and no clock.

What to send is decided when the transport can take it: `next_message` looks how far the peer has
been told and says what comes next. So a slow reader costs nothing, and slow reader, late joiner,
reconnect and normal peer are one rule.

No gaps: a peer's edits count from its SyncStep2 on, for that contains the earlier ones. An edit
that builds on what the document does not have is not kept: the peer is asked with SyncStep1 for
all that is missing, and its SyncStep2 brings the whole.
"""

from collections.abc import Callable, Iterator

from collab.access import Credentials, Grant, Level, needed
from collab.awareness import NEWCOMER
from collab.errors import CollabError
from collab.room import Room
from collab.state import Admission, News
from collab.update import StateVector, encode_state_vector, read_state_vector, read_update
from collab.wire import (
    AwarenessUpdate,
    Denied,
    Message,
    QueryAwareness,
    Receipt,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)  # fmt: skip

Wake = Callable[[], None]
HEARTBEAT = 15  # seconds
NOTHING: Iterator[StateVector] = iter(())
NOBODY_MOVED = AwarenessUpdate(b"\x00")  # an awareness update of no client
READ_ONLY = "You may read this document, not change it. What you typed is not saved."


class Session:
    """`grant` is who it is and what it may do, by the `credentials` that it showed; `wake` is
    called when `next_message` may have something new to say."""

    # There is one for each idle connection, too: without a dict it is half as large.
    __slots__ = (
        "_answered", "_asked", "_asked_again", "_denied", "_durable", "_failed", "_held",
        "_lacking", "_over", "_presence_asked", "_presence_turn", "_promises", "_quiet",
        "_receipt_due", "_receipts", "_refused", "_steps", "_turn", "_vector", "_wants_state",
        "bytes_in", "bytes_out", "client", "credentials", "frames_in", "frames_out", "grant",
        "room", "wake",
    )  # fmt: skip

    def __init__(
        self, room: Room, grant: Grant, wake: Wake, credentials: Credentials | None = None
    ) -> None:
        self.room, self.grant, self.credentials, self.wake = room, grant, credentials, wake
        self.frames_in = self.frames_out = self.bytes_in = self.bytes_out = 0  # by its transport
        self.client: int | None = None  # its own awareness id, once it spoke of it
        self._asked = False  # it got our SyncStep1
        self._answered = False  # we got its SyncStep2
        self._lacking: StateVector = {}  # what its last SyncStep2 waits for
        self._asked_again = False  # whether it was asked for that
        self._vector: StateVector = {}  # what it had when it last asked, and got in parts since
        self._wants_state = False
        self._steps: Iterator[StateVector] = NOTHING  # the parts to come
        self._failed: CollabError | None = None  # why it has to go
        self._turn: int | None = None  # told of content up to here; None: it has not asked
        self._presence_turn, self._presence_asked = NEWCOMER, False
        self._denied = ""  # a reason that it has not been told
        self._refused = False  # whether it has edits that are not kept,
        self._over = False  # and that is because the document is full
        self._receipts: list[Receipt] = []  # oldest first, one for each of:
        self._promises: list[int] = []  # how many of the room's edits must be on disk for it
        self._held: Receipt | None = None  # waits for a SyncStep2 that brings the whole
        self._durable, self._receipt_due = Receipt(0), False
        self._quiet = 0  # seconds since it was last told anything

    @property
    def author(self) -> str:
        """Who is written down as the author of what comes from this session: a user without a
        name, and who is nobody in particular, is called as others see them."""
        return self.grant.name or self.room.awareness.name(self.client) or self.grant.user

    @property
    def ended(self) -> CollabError | None:
        """Why the peer has to go."""
        return self.room.ended or self._failed

    def regrant(self, grant: Grant) -> None:
        """From now on it may do this. What was refused is asked for again if it may write now; who
        is seen no more goes from the others' sight, and who sees no more loses sight of them."""
        before, self.grant = self.grant, grant
        if before.level < Level.WRITE <= grant.level:
            self._ask_for_all()
        if before.seen > grant.seen:
            self.room.awareness.hide(self)
        if grant.sees != before.sees:
            self.wake()

    def _ask_for_all(self) -> None:
        self._asked = self._answered = self._refused = self._over = False
        self.wake()

    def ask(self, now: bool = True) -> None:
        """The peer is to be asked for what it has, once more; if not `now`, the next time."""
        self._asked = not now
        self.wake()

    def dismiss(self, reason: CollabError) -> None:
        """It has to go."""
        self._failed = reason
        self.wake()

    def receive(self, message: Message, now: float) -> None:
        """Takes one message; `now` in seconds since the epoch. ProtocolError or TooBig when it is
        malformed: then nothing of it counts, and the connection must end."""
        if not self.permits(message):
            return
        if isinstance(message, SyncUpdate | SyncStep2):  # before all else: `match` takes its time
            if self.expects(message):
                partial = isinstance(message, SyncStep2)
                changes = read_update(message.update, self.room.limits)
                self.admitted(self.room.admit(changes, partial), partial, now)
            return
        match message:
            case SyncStep1(vector):
                self.asked(read_state_vector(vector, self.room.limits.vector_clients))
            case AwarenessUpdate(update) if self.grant.seen:
                self.room.awareness.receive(self, update, now)
            case QueryAwareness():
                self._presence_asked = True
                self.wake()
            case Receipt():
                self._receipt_due = True
                self._promise(message)

    def asked(self, vector: StateVector) -> None:
        """The peer wants all that it lacks."""
        self._vector, self._steps, self._wants_state = vector, NOTHING, True
        self.wake()

    def fail(self, reason: CollabError) -> None:
        """The document that the peer asked for cannot be had: it has to go, and try again."""
        if self._wants_state:
            self.dismiss(reason)

    def permits(self, message: Message) -> bool:
        """Whether the peer may send this; if not, it is told so. Every message passes here."""
        if self.grant.level < needed(message):
            self._deny(READ_ONLY)
            return False
        return True

    def expects(self, message: SyncUpdate | SyncStep2) -> bool:
        """Whether an update counts now. What comes before the peer's SyncStep2 is contained in
        that; what comes to a room in which nobody may write stays with the peer."""
        if self.room.frozen:
            self._deny(self.room.frozen)
            return False
        return self._answered or isinstance(message, SyncStep2)

    def admitted(self, admission: Admission, partial: bool, now: float) -> None:
        """The gate has judged an update of this peer. `partial`: it was a SyncStep2. AccessDenied
        when it is written under somebody else's client id."""
        if admission.news is not None:
            self._enter(admission.news, partial, now)
        if partial:
            self._answered = True
            self._lacking = admission.missing
            self._asked_again = False
            if self._held is not None and not self._lacking:
                held, self._held = self._held, None
                self._promise(held)
        elif admission.missing and not self._over:
            self._asked = self._answered = False
            self.wake()

    def _enter(self, news: News, partial: bool, now: float) -> None:
        if self.grant.level < Level.WRITE:
            self._deny(READ_ONLY)
            return
        if reason := self.room.objection(self, news):
            self._over = True
            self._deny(reason)
            return
        user, claims = self.grant.user, self.room.claims
        there_are_users = user or claims
        clients = {block.client for block in news.blocks} if there_are_users else ()
        fresh = claims.write(clients, user, claiming=not partial)
        self.room.enter(self.author, int(now * 1000), news, fresh)

    def _deny(self, reason: str) -> None:
        self._denied = reason
        self._refused = True
        self.wake()

    def tick(self) -> None:
        """A second has passed. Clients hang up on a server that is silent for 30."""
        self._quiet += 1
        if self._over and not self.room.full:
            self._ask_for_all()
        if self._quiet >= HEARTBEAT:
            self.wake()

    def next_message(self) -> Message | None:
        """What the peer has to be told next; None when it knows all there is. Call it when the
        transport can take a frame, until it says None; have the hub look at the room (`touched`)
        if that `wants_plan` then. Raises what ended the room or the session."""
        if (ended := self.ended) is not None:
            raise ended
        message = self._next()
        if message is None and self._quiet < HEARTBEAT:
            return None
        self._quiet = 0
        return message or NOBODY_MOVED

    def _next(self) -> Message | None:
        if not self._asked:
            self._asked = True
            return SyncStep1(encode_state_vector(self.room.head.vector))
        if self._denied:
            reason, self._denied = self._denied, ""
            return Denied(reason)
        return self._next_content() or self._next_presence() or self._next_receipt()

    def _next_content(self) -> Message | None:
        turn = self.room.turn
        if self._turn == turn and not self._wants_state:
            return self._ask_again()
        if not self._wants_state:
            if self._turn is None:
                return self._ask_again()  # it only writes
            news = self.room.news(self._turn)
            if news is not None:
                self._turn = turn
                return SyncUpdate(news)
            self._wants_state = True  # it fell too far behind
        return self._next_part()

    def _next_part(self) -> Message | None:
        """All that the peer lacks; if that is much, a part of it, as the room's plan says."""
        room, state = self.room, self.room.state
        while state.far_ahead(self._vector, room.part):
            step = next(self._steps, None)
            if step is not None:
                update, self._vector = state.slice(self._vector, step)
                if update:
                    return SyncUpdate(update)
            elif room.plan is None or state.far_ahead(room.plan.vector, room.part):
                room.wants_plan = True
                return None
            else:
                self._steps = iter(room.plan.steps)
        self._steps = NOTHING
        self._wants_state = False
        self._turn = room.turn
        return SyncStep2(state.cut(self._vector))

    def _ask_again(self) -> Message | None:
        """Something that the peer's last SyncStep2 lacked has come from others, and the peer has
        been told: now it can say what builds on that. Not only when all has come: part of what is
        lacking may be in what the peer itself holds back."""
        known = self.room.state.vector
        lacking = self._lacking.items()
        if self._asked_again or not any(known.get(client, 0) >= clock for client, clock in lacking):
            return None
        self._asked_again = True  # and it goes on to lack that until it has answered
        return SyncStep1(encode_state_vector(self.room.head.vector))

    def _next_presence(self) -> Message | None:
        turn = self.room.awareness.turn if self.grant.sees else NEWCOMER
        asked = self._presence_asked and self.grant.sees
        told = min(self._presence_turn, 0) if asked else self._presence_turn  # 0: everybody anew
        if self._turn is None or told == turn:
            return None
        update = self.room.awareness.since(told, self)
        self._presence_turn, self._presence_asked = turn, False
        return AwarenessUpdate(update) if update is not None else None

    def _next_receipt(self) -> Message | None:
        self._keep_promises()
        due, self._receipt_due = self._receipt_due, False
        return self._durable if due else None

    def _keep_promises(self) -> None:
        while self._promises and self._promises[0] <= self.room.durable:
            self._promises.pop(0)
            self._durable = self._receipts.pop(0)
            self._receipt_due = True

    def _promise(self, receipt: Receipt) -> None:
        """What came before `receipt` is on disk when all is that the room has by now: also what
        others sent, for an edit that came from two sides may be waiting as theirs."""
        if not self._answered or self._lacking or self._refused or self.room.frozen:
            self._held = receipt
        else:
            self._keep_promises()  # so that who never reads waits for the commit in flight at most
            if self._promises[-1:] != [self.room.entered]:
                self._promises.append(self.room.entered)
                self._receipts.append(receipt)
            self._receipts[-1] = receipt
        self.wake()
