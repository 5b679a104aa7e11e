"""Sessions and their room: who is told what, and when. Told as stories, without loop or disk."""

import pytest
from pycrdt import Doc, Text

from collab.access import OURS, Grant, Level
from collab.errors import NotFound, ProtocolError
from collab.fold import fold
from collab.room import KEPT_TURNS
from collab.session import HEARTBEAT, Session
from collab.state import Admission, State
from collab.wire import (
    AwarenessUpdate,
    Denied,
    QueryAwareness,
    Receipt,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)
from tests.collab.story import Table


def test_what_one_types_the_other_reads():
    """Two editors, typing in turn and at once."""
    table = Table()
    ann, bob = table.editors(2)

    ann.type("Hello")
    table.settle()
    bob.type(" world")
    ann.type("Oh! ", at=0)

    assert table.agree() == "Oh! Hello world"


def test_nobody_hears_before_the_disk():
    """News, receipt and a joiner's state all wait for the commit."""
    table = Table()
    ann, bob = table.editors(2)
    bob.received.clear()

    ann.type("Hello")
    ann.say(Receipt(1))

    assert ann.read() and ann.heard(Receipt) == [Receipt(0)]
    assert bob.read() == 0
    late = Session(table.room, OURS, lambda: None)
    late.receive(SyncStep1(b"\x00"), table.now)
    told = [late.next_message() for _ in range(2)]
    assert SyncStep2(b"\x00\x00") in told

    table.commit()

    assert isinstance(late.next_message(), SyncUpdate)
    assert bob.read() == 1
    assert ann.read() == 2 and ann.heard(Receipt) == [Receipt(1)]
    assert str(bob.text) == "Hello"


def test_the_author_is_told_as_well():
    """The echo is the durable acknowledgement of clients that count their ids."""
    table = Table()
    (ann,) = table.editors(1)
    ann.received.clear()

    ann.type("x")
    table.settle()

    assert len(ann.heard(SyncUpdate)) == 1


def test_a_slow_reader_gets_one_bigger_update():
    """A session is a cursor: what piled up comes as one."""
    table = Table()
    ann, bob = table.editors(2)
    bob.received.clear()

    for letter in "slow and steady":
        ann.type(letter)
        table.commit()
    bob.read()

    assert len(bob.heard(SyncUpdate)) == 1
    assert table.agree() == "slow and steady"


def test_who_fell_far_behind_gets_what_a_late_joiner_gets():
    """Beyond the kept turns there are no news to tell: the state, as far as it was missing."""
    table = Table()
    ann, bob = table.editors(2)
    bob.received.clear()

    for _ in range(KEPT_TURNS + 1):
        ann.type("x")
        table.commit()
    bob.read()

    assert len(bob.heard(SyncStep2)) == 1
    assert table.agree() == "x" * (KEPT_TURNS + 1)


def test_offline_edits_come_along_on_return():
    """Both sides edit while apart, and nothing is lost or doubled."""
    table = Table()
    ann, bob = table.editors(2)
    ann.type("one ")
    table.settle()

    ann.offline()
    ann.type("two ")
    bob.type("three ")
    table.settle()
    ann.online()

    assert table.agree() in ("one two three ", "one three two ")


def test_edits_before_the_synchronisation_are_contained_in_it():
    """An update that comes ahead of the peer's SyncStep2 is passed over, and not lost."""
    table = Table()
    ann, bob = table.editors(2)
    bob.offline()
    bob.online()

    bob.type("early")
    assert table.room.pending == []
    table.settle()

    assert table.agree() == "early"
    assert len(table.log) == 1


def test_a_gap_is_asked_for():
    """An update whose foundations are missing is not kept: SyncStep1 brings the whole."""
    table = Table()
    ann, bob = table.editors(2)
    lost: list[SyncUpdate] = []
    say, ann.say = ann.say, lost.append
    ann.type("lost ")
    ann.say = say
    ann.received.clear()

    ann.type("found")
    assert table.room.pending == []
    ann.read()

    assert len(lost) == 1
    assert len(ann.heard(SyncStep1)) == 1
    assert table.agree() == "lost found"


def test_what_a_gap_waits_for_is_asked_for_again():
    """Ann has an edit of Bob's that builds on one nobody else has. When that comes at last, the
    server asks her again, and has the whole."""
    table = Table()
    ann, bob = table.editors(2)
    bob.offline()
    bob.type("first ")
    first, known = bob.doc.get_update(b"\x00"), bob.doc.get_state()
    bob.type("second")
    second = bob.doc.get_update(known)

    ann.hear(SyncUpdate(second))
    ann.say(SyncStep2(second))
    assert table.room.pending == []
    (cleo,) = table.editors(1)
    ann.received.clear()
    cleo.hear(SyncUpdate(first))
    cleo.say(SyncUpdate(first))
    table.settle()

    assert len(ann.heard(SyncStep1)) == 1
    assert table.agree() == "first second"


def test_a_receipt_waits_for_a_gap_to_close():
    """Saved means on disk: not while a part of what was sent is not kept."""
    table = Table()
    (ann,) = table.editors(1)
    say, ann.say = ann.say, lambda message: None
    ann.type("lost ")
    ann.say = say

    ann.type("found")
    ann.say(Receipt(2))
    table.commit()
    asked = ann.session.next_message()
    assert isinstance(asked, SyncStep1)
    assert ann.session.next_message() == Receipt(0)

    ann.hear(asked)
    assert ann.session.next_message() is None
    table.commit()
    ann.received.clear()
    ann.read()
    assert ann.heard(Receipt) == [Receipt(2)]


def test_a_receipt_for_what_another_sent_waits_too():
    """An edit that came from two sides may still be waiting as the other's."""
    table = Table()
    ann, bob = table.editors(2)
    ann.type("shared")

    bob.say(SyncUpdate(ann.doc.get_update(b"\x00")))
    bob.say(Receipt(1))
    bob.read()
    assert bob.heard(Receipt) == [Receipt(0)]

    table.commit()
    bob.read()
    assert bob.heard(Receipt) == [Receipt(1)]


def test_receipts_without_edits_come_at_once():
    """Nothing waits, so all is on disk; later numbers overtake earlier ones."""
    table = Table()
    (ann,) = table.editors(1)
    ann.received.clear()

    ann.say(Receipt(7))
    ann.say(Receipt(8))
    ann.read()

    assert ann.heard(Receipt) == [Receipt(8)]


def test_no_receipt_while_a_peer_is_asked_again():
    """What it was asked for again is not there yet: a receipt asked for meanwhile waits for it,
    and none says less than the one before."""
    table = Table()
    (ann,) = table.editors(1)
    session = ann.session
    session.admitted(Admission(None, {1: 0}), partial=True, now=table.now)
    ann.say(Receipt(1))
    assert isinstance(session.next_message(), SyncStep1)
    assert session.next_message() == Receipt(0)

    ann.say(Receipt(2))
    assert session.next_message() == Receipt(0)
    ann.say(SyncStep2(b"\x00\x00"))
    assert session.next_message() == Receipt(2)
    assert session.next_message() is None


def test_who_asks_for_receipts_and_never_reads_waits_for_one():
    """What has come to disk is owed as one receipt, however many were asked for."""
    table = Table()
    (ann,) = table.editors(1)
    session = ann.session

    for number in range(100):
        ann.type("x")
        ann.say(Receipt(number))
        table.commit()

    assert len(session._promises) == len(session._receipts) == 1
    assert ann.read() and ann.heard(Receipt) == [Receipt(99)]


def test_duplicates_never_reach_the_log():
    """The same update twice, and an empty one."""
    table = Table()
    ann, bob = table.editors(2)
    ann.type("once")
    table.settle()

    ann.say(SyncUpdate(ann.doc.get_update(b"\x00")))
    bob.say(SyncUpdate(b"\x00\x00"))
    table.settle()

    assert len(table.log) == 1


def test_a_frozen_room_says_so_and_keeps_nothing():
    """A damaged document can be read; what is written stays with the editor, unacknowledged."""
    table = Table()
    ann, bob = table.editors(2)
    table.room.frozen = "This document is damaged."
    bob.received.clear()

    ann.type("x")
    ann.say(Receipt(1))
    table.settle()

    assert table.log == []
    assert ann.heard(Denied) == [Denied("This document is damaged.")]
    assert Receipt(1) not in ann.received
    assert bob.read() == 0


def test_silence_is_broken_before_clients_hang_up():
    """A session that has had nothing to say for a while says that nobody moved."""
    table = Table()
    (ann,) = table.editors(1)
    ann.received.clear()

    for _ in range(HEARTBEAT - 1):
        ann.session.tick()
    assert ann.read() == 0
    ann.session.tick()

    assert ann.read() == 1
    assert ann.heard(AwarenessUpdate) == [AwarenessUpdate(b"\x00")]


def test_an_ended_room_sends_everybody_away():
    """The reason is raised wherever the transport asks next."""
    table = Table()
    (ann,) = table.editors(1)
    table.room.ended = NotFound("The document was deleted.")

    with pytest.raises(NotFound, match="deleted"):
        ann.read()


def test_presence_waits_for_the_document():
    """Carets mean nothing to a peer that has not asked for the document; asked again, all come."""
    table = Table()
    (ann,) = table.editors(1)
    state = b'{"user":{"name":"Ann"}}'
    ann.say(AwarenessUpdate(b"\x01\x01\x01" + bytes([len(state)]) + state))
    session = Session(table.room, OURS, lambda: None)

    assert isinstance(session.next_message(), SyncStep1)
    assert session.next_message() is None
    session.receive(SyncStep1(b"\x00"), table.now)
    assert isinstance(session.next_message(), SyncStep2)
    assert session.next_message() == AwarenessUpdate(b"\x01\x01\x02" + bytes([len(state)]) + state)
    assert session.next_message() is None
    session.receive(QueryAwareness(), table.now)
    assert isinstance(session.next_message(), AwarenessUpdate)


def test_the_author_is_who_the_server_knows_or_else_who_the_editor_shows():
    """A row of the log has the name that its author had when it came in."""
    table = Table()
    (ann,) = table.editors(1)
    state = b'{"user":{"name":"Ann"}}'

    ann.type("a")
    ann.say(AwarenessUpdate(b"\x01\x01\x01" + bytes([len(state)]) + state))
    ann.type("b")
    ann.session.grant = Grant(Level.WRITE, name="ann@example.com")
    ann.type("c")

    assert [p.author for p in table.room.pending] == ["", "Ann", "ann@example.com"]
    assert {p.time for p in table.room.pending} == {1_000_000}


def test_malformed_messages_change_nothing():
    """The error says who is at fault; the room is as it was."""
    table = Table()
    ann, bob = table.editors(2)

    for message in (SyncUpdate(b"\x01"), SyncStep1(b"\xff"), AwarenessUpdate(b"\x01\x01")):
        with pytest.raises(ProtocolError):
            ann.say(message)

    bob.type("fine")
    assert table.agree() == "fine"


def test_folding_while_others_type():
    """The state that comes back from folding is put under what was committed meanwhile."""
    table = Table()
    ann, bob = table.editors(2)
    ann.type("before ")
    table.settle()

    data = table.room.begin_fold()
    bob.type("during ")
    table.settle()
    table.room.end_fold(State.load(*fold(data)))
    assert table.room.rows == 1
    ann.type("after")

    assert table.agree() == "before during after"


def test_a_failed_fold_changes_nothing():
    """The room goes on with the state that it had."""
    table = Table()
    (ann,) = table.editors(1)
    ann.type("x")
    table.settle()

    table.room.begin_fold()
    ann.type("y")
    table.settle()
    table.room.end_fold(None)

    assert table.agree() == "xy"
    doc = Doc()
    doc.apply_update(table.room.state.encode())
    assert str(doc.get("content", type=Text)) == "xy"


def test_what_waits_for_another_and_for_itself_is_asked_for():
    """Ann's SyncStep2 builds on an edit of Bob's that nobody has, and deletes what it brings
    itself: once Bob's edit is there, she is asked, though the deleted ids still are not."""
    table = Table()
    ann, bob = table.editors(2)
    bob.offline()
    bob.type("bob")
    ann.offline()
    ann.hear(SyncUpdate(bob.doc.get_update()))
    ann.type("ann!")
    ann.erase(3, 4)
    ann.online()
    only_hers = ann.doc.get_update(bob.doc.get_state())

    ann.session.next_message()
    ann.say(SyncStep2(only_hers))
    assert table.room.pending == []
    (cleo,) = table.editors(1)
    ann.received.clear()
    cleo.hear(SyncUpdate(bob.doc.get_update()))
    cleo.say(SyncUpdate(bob.doc.get_update()))
    table.settle()

    assert len(ann.heard(SyncStep1)) == 1
    assert table.agree() == "bobnn!"
