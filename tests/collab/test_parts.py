"""A large document in parts: nobody waits for anything, whatever happens between two parts."""

from random import Random

import pytest

from collab.access import OURS
from collab.errors import Unavailable
from collab.fold import fold
from collab.parts import PART, Plan, plan
from collab.session import Session
from collab.state import Head, State
from collab.update import read_update
from collab.wire import SyncStep1, SyncStep2, SyncUpdate
from tests.collab.genuine import corpus, parts, scattered, whole
from tests.collab.story import Table


@pytest.mark.parametrize("size", [1, 100, 1000, 1_000_000])
def test_nobody_waits(size: int) -> None:
    """Each part connects to those before it; all of them are the document, deletes last."""
    for document in corpus():
        state = whole(document)
        head = Head()
        updates = parts(state, size)
        for update in updates:
            changes = read_update(update)
            assert changes.plain
            assert bool(changes.deletes) == (update is updates[-1] and bool(state.deletes))
            news, missing = head.admit(changes, partial=False)
            assert missing == {}, document
            if news is not None:
                assert news.data is update, document
                head.enter(news)
        assert (state.vector, state.deletes) == (head.vector, head.deletes), document


def test_sizes() -> None:
    """Parts are about as large as was asked for, but for structs that are larger themselves."""
    state = State()
    for document in corpus():
        for update in document.updates:
            news = state.admit(read_update(update), partial=True).news
            if news is not None:
                state.enter(news)
    updates = parts(state, 10_000)

    assert max(map(len, updates[:-1])) < 12_000
    assert len(updates) <= len(state.encode()) // 7_000 + 3


def test_an_empty_document() -> None:
    """Nothing is one part."""
    assert parts(State(), 1000) == [b"\x00\x00"]


def test_an_old_plan_is_good(seed: int) -> None:
    """A plan that was made before half of the edits, before a fold or both still serves anybody,
    whatever he has already: each part connects, and with the cut at the end it is the document."""
    random = Random(seed)
    for document in corpus():
        state, log = scattered(document, random)
        early, peer = State(), Head()
        for news in log[: len(log) // 2]:
            early.enter(news)
        for news in log[: random.randrange(len(log))]:
            peer.enter(news)
        steps = Plan.load(plan(early.encode(), random.choice((20, 200)))).steps
        vector = dict(peer.vector)
        for step in steps:
            if random.random() < 0.1:
                state = State.load(*fold(state.encode()))
            update, vector = state.slice(vector, step)
            if update:
                enter(peer, update)
            assert peer.vector == vector
        assert all(vector[client] >= end for client, end in early.vector.items())
        enter(peer, state.cut(vector))
        assert (peer.vector, peer.deletes) == (state.vector, state.deletes), document


def enter(head: Head, update: bytes) -> None:
    """An update reaches a peer, who has all that it needs."""
    news, missing = head.admit(read_update(update), partial=False)
    assert missing == {}
    if news is not None:
        head.enter(news)


class TestJoiners:
    def table(self) -> Table:
        """A document of 20 pastes, which goes in parts of five."""
        table = Table()
        (ann,) = table.editors(1)
        for letter in "abcdefghijklmnopqrst":
            ann.type(letter * 1000)
        table.settle()
        table.room.part = 5100
        return table

    def test_a_joiner_gets_parts(self) -> None:
        """Of a large document he is told in updates, and in the end with SyncStep2."""
        table = self.table()
        (bob,) = table.editors(1)
        told = [m for m in bob.received if isinstance(m, SyncUpdate | SyncStep2)]
        assert [type(message) for message in told] == [SyncUpdate] * 3 + [SyncStep2]
        assert len(table.agree()) == 20_000

    def test_who_has_most_gets_the_rest(self) -> None:
        """Who was away for a short time is told what he lacks, at once."""
        table = self.table()
        ann, bob = *table.seats, *table.editors(1)
        bob.offline()
        ann.type("news" * 100)
        table.settle()
        bob.received.clear()
        bob.online()
        table.settle()
        told = [m for m in bob.received if isinstance(m, SyncUpdate | SyncStep2)]
        assert [type(message) for message in told] == [SyncStep2]
        assert len(told[0].update) < 600
        table.agree()

    def test_edits_go_on_between_the_parts(self) -> None:
        """What others do while he is being told is in what he gets at the end."""
        table = self.table()
        ann, joiner = table.seats[0], table.editors(1)[0]
        session = joiner.session
        assert session is not None
        session.receive(SyncStep1(b"\x00"), table.now)
        kinds = []
        while (message := session.next_message()) is not None and len(kinds) < 20:
            kinds.append(type(message))
            joiner.hear(message)
            if kinds[-1] is not SyncStep2:
                ann.type("x", at=0)
                ann.erase(5, 6)
                table.commit()
        assert kinds == [SyncUpdate] * 3 + [SyncStep2]
        table.agree()

    def test_one_plan_serves_all(self) -> None:
        """Joiners hold their place in the room's plan: no bytes, and none of their own."""
        table = self.table()
        sessions = [Session(table.room, OURS, lambda: None) for _ in range(5)]
        for session in sessions:
            session.receive(SyncStep1(b"\x00"), table.now)
            assert type(session.next_message()) is SyncStep1
            assert session.next_message() is None
        assert table.room.wants_plan
        table.plan()
        first = [session.next_message() for session in sessions]
        assert len(set(first)) == 1
        assert not table.room.wants_plan

    def test_no_plan(self) -> None:
        """Where none can be made, those who wait for it have to go; the others stay."""
        table = self.table()
        waiting = Session(table.room, OURS, lambda: None)
        waiting.receive(SyncStep1(b"\x00"), table.now)
        for session in (waiting, *table.room.sessions):
            session.fail(Unavailable("No worker is there."))
        with pytest.raises(Unavailable):
            waiting.next_message()
        table.agree()

    def test_the_usual_document_needs_no_plan(self) -> None:
        """A document of less than a part is told as one message."""
        table = self.table()
        table.room.part = PART
        (bob,) = table.editors(1)
        assert [type(m) for m in bob.received if not isinstance(m, SyncStep1)] == [SyncStep2]
        assert table.room.plan is None
