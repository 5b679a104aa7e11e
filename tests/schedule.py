"""Random schedules: several editors, one room, a bad network, a slow disk and a server that dies.

The core is played synchronously and from one seeded generator, so each schedule can be replayed.
The editors' documents live elsewhere, in pycrdt or in Node (see `tests.engines`): a schedule is a
Python generator that yields a command for that engine and is sent the answer, so that many of them
can be played in lockstep against one process. Checked on the way: nobody is told what is not on
disk, receipts say the truth, what is told connects. Checked in the end: all who edited, a late
joiner, the replayed log and the folded document show the same, and nobody waits for anything.
"""

from collections import deque
from collections.abc import Generator
from random import Random
from typing import Any

from collab import wire
from collab.access import OURS
from collab.fold import fold
from collab.parts import PART, Plan, plan
from collab.room import Room
from collab.session import Session
from collab.state import State
from collab.update import DeleteSet, read_update
from collab.wire import AwarenessUpdate, Message, Receipt, SyncStep1, SyncStep2, SyncUpdate
from tests.collab.past import crossed, items_of
from tests.presence import Presence

Command = tuple[Any, ...]
"""("join", client), ("edit", client), ("apply", client, update), ("vector", client),
("update", client, vector), ("content", client) or ("show", updates)."""

Play = Generator[Command, Any, Any]

CROSSED = "crossed"
"""What a play returns in which the editors need not agree."""

ROUNDS = 2_000  # until everything must have come to rest
GRACE = 5.0  # seconds after which nobody's ghost is left
STEP = 0.2  # seconds that pass with each step: all of them together less than clients' renewal

STEPS = (
    ("edit", 34),
    ("deliver", 22),
    ("take", 12),
    ("hear", 22),
    ("write", 22),
    ("drop", 3),
    ("reconnect", 5),
    ("stall", 3),
    ("whisper", 3),
    ("ask_again", 1),
    ("refold", 3),
    ("plan", 4),
    ("newcomer", 1),
    ("crash", 0.5),
)


class Editor:
    """One editor's side of the network: frames on their way to the server and from it."""

    def __init__(self, client: int) -> None:
        self.client = client
        self.presence = Presence(client)
        self.session: Session | None = None
        self.up: deque[bytes] = deque()
        self.down: deque[bytes] = deque()
        self.stalled = False
        self.version = 0
        self.made: list[bytes] = []  # its updates, oldest first
        self.promises: dict[int, int] = {}  # receipt asked for -> how many updates it covers
        self.checked = 0  # so many of them are known to be on disk


class Schedule:
    """One play. `loss` is the share of updates that get lost on their way to the server."""

    def __init__(self, seed: int, steps: int = 120, loss: float = 0.0) -> None:
        self.seed = seed
        self.dice = Random(seed)
        self.steps = steps
        self.loss = loss
        self.now = 1_800_000_000.0
        self.editors: list[Editor] = []
        self.log: list[bytes] = []
        self.disk = State()
        self.snapshot: tuple[int, bytes, bytes] | None = None
        self.folding: tuple[int, bytes] | None = None
        self.part = self.dice.choice((50, 500, PART))  # how much is told at once
        self.room = self.open(State())

    def open(self, state: State) -> Room:
        room = Room("notes", state, len(self.log))
        room.part = self.part
        return room

    def play(self) -> Play:
        """The whole schedule; returns what everybody agrees on."""
        for _ in range(self.dice.randint(2, 4)):
            yield from self.newcomer()
        names, weights = zip(*STEPS, strict=True)
        for name in self.dice.choices(names, weights, k=self.steps):
            self.now += STEP
            if (moves := getattr(self, name)()) is not None:
                yield from moves
        yield from self.settle()
        return (yield from self.judge())

    # What may happen

    def edit(self) -> Play:
        editor = self.dice.choice(self.editors)
        for update in (yield "edit", editor.client):
            self.made(editor, update)
        if not self.loss and self.dice.random() < 0.5:
            editor.version += 1
            editor.promises[editor.version] = len(editor.made)
            self.send(editor, Receipt(editor.version))
        if self.dice.random() < 0.2:
            self.send(editor, AwarenessUpdate(editor.presence.move(self.dice.randrange(100))))

    def deliver(self) -> None:
        """Some of what an editor has sent arrives."""
        editor = self.dice.choice(self.editors)
        for _ in range(self.some(editor.up)):
            assert editor.session is not None
            for message in wire.decode(editor.up.popleft()):
                editor.session.receive(message, self.now)

    def take(self) -> None:
        """An editor's transport takes some of what the server has to say."""
        editor = self.dice.choice(self.editors)
        if editor.stalled or editor.session is None:
            return
        for _ in range(self.dice.randint(1, 4)):
            message = editor.session.next_message()
            if message is None:
                break
            self.check_told(message)
            editor.down.append(wire.encode(message))

    def hear(self) -> Play:
        """An editor reads some of what has arrived."""
        editor = self.dice.choice(self.editors)
        for _ in range(self.some(editor.down)):
            yield from self.heard(editor, editor.down.popleft())

    def write(self) -> None:
        """The disk takes what waits, or says that it could not."""
        if self.room.writing:
            if self.dice.random() < 0.8:  # else the append has failed, and is tried again
                self.commit()
        elif self.room.pending:
            self.room.take()

    def drop(self) -> None:
        self.leave(self.dice.choice(self.editors), clean=self.dice.random() < 0.3)

    def reconnect(self) -> Play:
        editor = self.dice.choice(self.editors)
        if editor.session is None:
            yield from self.connect(editor)

    def stall(self) -> None:
        editor = self.dice.choice(self.editors)
        editor.stalled = not editor.stalled

    def whisper(self) -> Play:
        """A browser's tabs tell each other what the server does not see: BroadcastChannel."""
        one, other = self.dice.sample(self.editors, 2)
        if self.dice.random() < 0.5 and one.made and self.gaps:
            update = one.made[-1]
        else:
            vector = yield "vector", other.client
            update = yield "update", one.client, vector
        for own in (yield "apply", other.client, update):
            self.made(other, own)

    def ask_again(self) -> Play:
        """y-websocket's resyncInterval."""
        editor = self.dice.choice(self.editors)
        self.send(editor, SyncStep1((yield "vector", editor.client)))

    def refold(self) -> None:
        """The document is folded while edits go on."""
        if self.folding is None:
            if self.room.seq:
                self.folding = self.room.seq, self.room.begin_fold()
        else:
            seq, data = self.folding
            self.folding = None
            good = self.dice.random() < 0.8
            folded = fold(data) if good else None
            self.room.end_fold(State.load(*folded) if folded else None)
            if folded:
                self.snapshot = (seq, *folded)

    def plan(self) -> None:
        """A worker has planned how to hand out the document in parts."""
        if self.room.wants_plan:
            self.room.plan = Plan.load(plan(self.room.state.encode(), self.room.part))
            self.room.wants_plan = False

    def newcomer(self) -> Play:
        if len(self.editors) < 6:
            client = self.dice.randint(1, 2**32 - 1)
            yield "join", client
            self.editors.append(Editor(client))
            yield from self.connect(self.editors[-1])

    def crash(self) -> None:
        """The server is killed, and started again from what is on disk."""
        for editor in self.editors:
            self.leave(editor, clean=False)
        state, seq = State(), 0
        if self.snapshot is not None:
            seq, data, index = self.snapshot
            state = State.load(data, index)
        for data in self.log[seq:]:
            news, missing = state.admit(read_update(data), partial=False)
            assert news is not None and not missing
            state.enter(news)
        self.room = self.open(state)
        self.folding = None

    # How it happens

    gaps = True  # whether an editor's document bears updates that do not connect (yrs does not)

    def some(self, frames: deque[bytes]) -> int:
        return min(len(frames), self.dice.randint(1, 5))

    def connect(self, editor: Editor) -> Play:
        editor.session = Session(self.room, OURS, lambda: None)
        self.room.sessions.add(editor.session)
        self.send(editor, SyncStep1((yield "vector", editor.client)))
        self.send(editor, AwarenessUpdate(editor.presence.encode([editor.client])))

    def leave(self, editor: Editor, clean: bool) -> None:
        session, editor.session = editor.session, None
        if session is not None:
            self.room.sessions.discard(session)
            self.room.awareness.leave(session, self.now, clean)
        editor.up.clear()
        editor.down.clear()
        editor.presence.alone()

    def send(self, editor: Editor, message: Message) -> None:
        if editor.session is not None:
            editor.up.append(wire.encode(message))

    def made(self, editor: Editor, update: bytes) -> None:
        """An editor's document says that it has changed by itself."""
        editor.made.append(update)
        if self.dice.random() >= self.loss:
            self.send(editor, SyncUpdate(update))

    def commit(self) -> None:
        rows = [pending.news.data for pending in self.room.writing]
        for row in rows:
            news, missing = self.disk.admit(read_update(row), partial=False)
            assert news is not None, "a row of the log says nothing new"
            assert not missing, "a row of the log does not connect"
            self.disk.enter(news)
        self.log += rows
        self.room.commit(len(self.log))

    def heard(self, editor: Editor, frame: bytes) -> Play:
        """What y-websocket's client does with a frame."""
        (message,) = wire.decode(frame)
        match message:
            case SyncStep1(vector):
                self.send(editor, SyncStep2((yield "update", editor.client, vector)))
            case SyncStep2(update) | SyncUpdate(update):
                for own in (yield "apply", editor.client, update):
                    self.made(editor, own)
            case AwarenessUpdate(update):
                changed = editor.presence.apply(update)
                if changed:
                    self.send(editor, AwarenessUpdate(editor.presence.encode(changed)))
            case Receipt(version):
                self.check_receipt(editor, version)

    # What must hold on the way

    def check_told(self, message: Message) -> None:
        """Nobody hears of what is not on disk."""
        if isinstance(message, SyncStep2 | SyncUpdate):
            changes = read_update(message.update)
            for block in changes.blocks:
                assert block.end <= self.disk.vector.get(block.client, 0), "told before the disk"
            self.check_deleted(changes.deletes)

    def check_receipt(self, editor: Editor, version: int) -> None:
        """What a receipt confirms is on disk, also if the server dies now."""
        upto = editor.promises.get(version, 0)
        for update in editor.made[editor.checked : upto]:
            changes = read_update(update)
            for block in changes.blocks:
                assert block.end <= self.disk.vector.get(block.client, 0), "receipt before the disk"
            self.check_deleted(changes.deletes)
        editor.checked = max(editor.checked, upto)

    def check_deleted(self, deletes: DeleteSet) -> None:
        assert not deletes.subtract(self.disk.deletes), "deleted before the disk"

    # The end

    def settle(self) -> Play:
        """Everybody comes online, and everything arrives."""
        loss, self.loss = self.loss, 0.0
        for editor in self.editors:
            editor.stalled = False
            if loss:
                self.leave(editor, clean=True)
        self.now += GRACE
        for _ in range(ROUNDS):
            self.room.awareness.sweep(self.now)
            if not (yield from self.round()):
                return
        raise AssertionError("it never comes to rest")

    def round(self) -> Play:
        moved = False
        for editor in self.editors:
            if editor.session is None:
                yield from self.connect(editor)
            assert editor.session is not None
            while editor.up:
                moved = True
                for message in wire.decode(editor.up.popleft()):
                    editor.session.receive(message, self.now)
            while (news := editor.session.next_message()) is not None:
                moved = True
                self.check_told(news)
                editor.down.append(wire.encode(news))
            while editor.down:
                yield from self.heard(editor, editor.down.popleft())
        if self.room.wants_plan:
            moved = True
            self.plan()
        if not self.room.writing:
            self.room.take()
        if self.room.writing:
            moved = True
            self.commit()
        return moved

    def judge(self) -> Play:
        late = self.late_joiner()
        state = self.disk.encode()
        folded, index = fold(state)
        assert State.load(folded, index).vector == self.disk.vector
        assert State.load(folded, index).deletes == self.disk.deletes == self.room.state.deletes
        for editor in self.editors:
            present = {e.client: e.presence.state for e in self.editors if e is not editor}
            seen = editor.presence.others()
            assert seen == present, "somebody is not seen, or a ghost is"
        try:
            return (yield from self.compare(state, late, folded))
        except AssertionError:
            if crossed(items_of(self.log)):
                return CROSSED
            raise

    def compare(self, state: bytes, late: list[bytes], folded: bytes) -> Play:
        """All show the same; what that is."""
        agreed = yield "show", [state]
        for who, updates in (("late joiner", late), ("log", self.log), ("fold", [folded])):
            shown = yield "show", updates
            assert shown == agreed, f"the {who} shows {shown}, others {agreed}"
        for editor in self.editors:
            shown = yield "content", editor.client
            assert shown == agreed, f"an editor shows {shown}, others {agreed}"
        assert not agreed[1], "somebody waits for what nobody has"
        return agreed[0]

    def late_joiner(self) -> list[bytes]:
        session = Session(self.room, OURS, lambda: None)
        session.receive(SyncStep1(b"\x00"), self.now)
        told: list[bytes] = []
        while (message := session.next_message()) is not None or self.room.wants_plan:
            self.plan()
            if isinstance(message, SyncStep2 | SyncUpdate):
                told.append(message.update)
        return told
