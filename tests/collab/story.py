"""A room and the editors around it, without loop, socket or disk: what the core's stories tell of.

table = Table()
ann, bob = table.editors(2)
ann.type("Hello")
assert table.agree() == "Hello"
"""

from pycrdt import Doc, Text, TransactionEvent

from collab.access import OURS
from collab.parts import Plan, plan
from collab.room import Room
from collab.session import Session
from collab.state import State
from collab.update import read_update
from collab.wire import Message, SyncStep1, SyncStep2, SyncUpdate


class Table:
    """One room. What waits for the disk stays so until `commit`."""

    def __init__(self) -> None:
        self.room = Room("notes", State(), 0)
        self.now = 1_000.0
        self.seats: list[Seat] = []
        self.log: list[bytes] = []

    def editors(self, count: int) -> list["Seat"]:
        """So many editors more, connected and in sync."""
        seats = [Seat(self, 1 + len(self.seats) + i) for i in range(count)]
        self.seats += seats
        for seat in seats:
            seat.online()
        self.settle()
        return seats

    def commit(self) -> None:
        """The disk has taken what waited."""
        if self.room.pending:
            self.log += [pending.news.data for pending in self.room.take()]
            self.room.commit(len(self.log))

    def plan(self) -> None:
        """A worker has planned how to hand out the document in parts."""
        room = self.room
        room.plan = Plan.load(plan(room.state.encode(), room.part))
        room.wants_plan = False

    def settle(self) -> None:
        """Everything is delivered, both ways, until nothing moves."""
        moved = True
        while moved:
            self.commit()
            moved = sum(seat.read() for seat in self.seats) > 0

    def agree(self) -> str:
        """All who are online, a late joiner and the log hold the same text, which is returned."""
        self.settle()
        (late,) = self.editors(1)
        late.offline()
        self.seats.remove(late)
        doc = Doc()
        doc.apply_update(self.replay().encode())
        expected = str(doc.get("content", type=Text))
        assert expected == str(late.text)
        for seat in self.seats:
            assert seat.session is None or expected == str(seat.text)
        return expected

    def replay(self) -> State:
        """The document from its log: every row connects, and none says anything twice."""
        state = State()
        for data in self.log:
            news, missing = state.admit(read_update(data), partial=False)
            assert not missing
            assert news is not None
            state.enter(news)
        return state


class Seat:
    """An editor as y-websocket's client is one: it sends what it does and answers SyncStep1."""

    def __init__(self, table: Table, client: int) -> None:
        self.table = table
        self.client = client
        self.doc = Doc(client_id=client)
        self.text = self.doc.get("content", type=Text)
        self.session: Session | None = None
        self.received: list[Message] = []
        self._applying = False
        self._subscription = self.doc.observe(self._edited)

    def online(self) -> None:
        """Connects, and asks for the document."""
        self.session = Session(self.table.room, OURS, self._wake)
        self.table.room.sessions.add(self.session)
        self.say(SyncStep1(self.doc.get_state()))

    def offline(self, clean: bool = True) -> None:
        """Goes, with a goodbye or without."""
        session, self.session = self.session, None
        if session is not None:
            self.table.room.sessions.discard(session)
            self.table.room.awareness.leave(session, self.table.now, clean)

    def type(self, text: str, at: int | None = None) -> None:
        """Types at a place, or at the end."""
        self.text.insert(len(str(self.text).encode()) if at is None else at, text)

    def erase(self, start: int, end: int) -> None:
        """Deletes from `start` up to `end`."""
        del self.text[start:end]

    def say(self, message: Message) -> None:
        """Sends a message; it is lost while offline."""
        if self.session is not None:
            self.session.receive(message, self.table.now)

    def read(self) -> int:
        """Takes all that the server has to say; how many messages it was."""
        count = 0
        while self.session is not None:
            message = self.session.next_message()
            if message is not None:
                count += 1
                self.hear(message)
            elif self.table.room.wants_plan:
                self.table.plan()
            else:
                break
        return count

    def hear(self, message: Message) -> None:
        """Does what y-websocket's client does with a message."""
        self.received.append(message)
        match message:
            case SyncStep1(vector):
                self.say(SyncStep2(self.doc.get_update(vector)))
            case SyncStep2(update) | SyncUpdate(update):
                self._applying = True
                self.doc.apply_update(update)
                self._applying = False

    def heard(self, kind: type) -> list[Message]:
        """The messages of one kind since this was last asked."""
        found = [message for message in self.received if isinstance(message, kind)]
        self.received.clear()
        return found

    def _edited(self, event: TransactionEvent) -> None:
        if not self._applying:
            self.say(SyncUpdate(event.update))

    def _wake(self) -> None:
        """Nobody waits here: what there is to hear is asked for."""
