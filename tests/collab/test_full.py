"""Documents that are as large as they may be: who may still do what, and what the others notice."""

from collab.fold import fold
from collab.limits import Limits
from collab.room import Room
from collab.state import State
from collab.wire import Denied, Receipt, SyncStep1
from tests.collab.story import Table


def table_of(**limits):
    """A table whose document has limits."""
    table = Table()
    table.room = Room("notes", State(), 0, limits=Limits(**limits))
    return table


def test_a_full_document_takes_no_more():
    """Who adds to it is told, once, and has no receipt; everybody goes on to read it, and who was
    refused is not asked for the same again and again."""
    table = table_of(document_bytes=1_000)
    ann, bob = table.editors(2)
    ann.type("x" * 1_200)
    table.settle()
    bob.heard(SyncStep1)

    bob.type("more")
    bob.type("and more")
    bob.say(Receipt(2))
    table.settle()

    assert [(bob.session, "document_bytes")] == table.room.over
    heard = bob.received
    assert ["This document is full. What you typed is not saved: delete something first."] == [
        message.reason for message in heard if isinstance(message, Denied)
    ]
    assert not [message for message in heard if message == Receipt(2)]
    assert not [message for message in heard if isinstance(message, SyncStep1)]
    assert "x" * 1_200 == str(ann.text)
    (late,) = table.editors(1)
    assert "x" * 1_200 == str(late.text)


def test_what_is_deleted_makes_room():
    """Deleting is possible all the time. Once the document is folded it is smaller, and what was
    refused is asked for: nothing that somebody typed meanwhile is lost."""
    table = table_of(document_bytes=1_000)
    ann, bob = table.editors(2)
    ann.type("x" * 1_200)
    table.settle()
    bob.type("more")
    table.settle()

    ann.erase(100, 1_200)
    table.settle()
    assert 100 == len(str(bob.text).replace("more", ""))
    assert table.room.full
    table.room.end_fold(State.load(*fold(table.room.begin_fold())))
    bob.session.tick()
    table.settle()

    assert "x" * 100 + "more" == table.agree()
    bob.say(Receipt(1))
    table.settle()
    assert Receipt(1) in bob.heard(Receipt)


def test_deletes_alone_cannot_fill_a_document():
    """Each range takes room as well: they may take as much again as what is written."""
    table = table_of(document_bytes=1_000)
    (ann,) = table.editors(1)
    ann.type("x" * 900)
    for at in range(300):
        ann.erase(at, at + 1)
        table.settle()

    assert table.room.size <= 2_000 + 8
    assert ann.heard(Denied)


def test_a_document_knows_so_many_writers():
    """Those who have written in it go on; a new client id is told that it comes too late."""
    table = table_of(document_clients=2)
    ann, bob, cleo = table.editors(3)
    ann.type("a")
    bob.type("b")
    cleo.type("c")
    table.settle()
    cleo.session.tick()
    ann.type("a")
    table.settle()

    assert "aba" == str(ann.text) == str(bob.text)
    assert {"document_clients"} == {limit for _, limit in table.room.over}
    assert 1 == len(cleo.heard(Denied))
    assert [] == bob.heard(Denied)
    cleo.offline()
    cleo.online()
    table.settle()
    assert cleo.session is not None  # its state vector names one more than the document may have
