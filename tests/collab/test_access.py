"""What a level lets through: grants that rise and fall, and names that cannot be forged."""

import json
from typing import get_args

import pytest

from collab import hocuspocus, tiptap, wire
from collab.access import NEEDED, Grant, Level, needed
from collab.errors import ProtocolError
from collab.limits import DEFAULT
from collab.presence import read_awareness
from collab.wire import AwarenessUpdate, Denied, Message, Receipt, SyncStep1, SyncStep2, SyncUpdate
from tests.collab.story import Table
from tests.collab.test_claims import says
from tests.live import typed

READER = Grant(Level.READ, user="rae", name="Rae")
WRITER = Grant(Level.WRITE, user="rae", name="Rae")


def test_every_message_of_a_peer_has_a_level():
    """One without a row is for nobody; only the server says Denied."""
    assert {*get_args(Message), *get_args(hocuspocus.Message), *get_args(tiptap.Message)} - {
        Denied
    } == set(NEEDED)
    assert Level.NOBODY == needed(Denied(""))
    assert all(kind in NEEDED for kind in (wire.QueryAwareness, Receipt, SyncStep1))


@pytest.mark.parametrize("level", [Level.READ, Level.COMMENT])
def test_who_may_only_read_changes_nothing(level):
    """By no message; each time it is told so, and its receipts are not honoured."""
    table = Table()
    (reader,) = table.editors(1)
    reader.session.regrant(Grant(level))
    for message in (SyncUpdate(typed(7, 0, "x")), SyncStep2(typed(7, 0, "x"))):
        reader.say(message)
        reader.read()
        assert 1 == len(reader.heard(Denied))
    reader.say(Receipt(2))
    table.settle()

    assert [] == table.room.pending and 0 == table.room.entered
    assert Receipt(2) not in reader.heard(Receipt)


def test_a_reader_who_has_nothing_new_is_not_told_off():
    """Its client answers our SyncStep1 as every client does."""
    table = Table()
    ann, reader = table.editors(2)
    ann.type("hi")
    reader.session.regrant(READER)
    table.settle()
    reader.offline()
    reader.online()
    reader.session.regrant(READER)
    table.settle()

    assert [] == reader.heard(Denied)
    assert "hi" == str(reader.text)


def test_what_was_refused_is_asked_for_once_it_is_allowed():
    """Nothing that somebody typed meanwhile is lost."""
    table = Table()
    ann, rae = table.editors(2)
    rae.session.regrant(READER)
    rae.type("mine ")
    table.settle()
    assert "" == str(ann.text)
    rae.session.regrant(WRITER)
    table.settle()

    assert "mine " == str(ann.text) == table.agree()


def test_readers_are_seen_or_not_as_the_operator_wants():
    """`seen`: others hear of them; `sees`: they hear of others."""
    table = Table()
    ann, rae = table.editors(2)
    rae.session.regrant(Grant(Level.READ, user="rae", seen=False, sees=False))
    rae.say(says(7, 1, b'{"user":{"name":"Rae"}}'))
    ann.say(says(8, 1, b'{"user":{"name":"Ann"}}'))
    table.settle()

    assert ["Ann"] == [user["name"] for user in table.room.awareness.users()]
    assert [] == rae.heard(AwarenessUpdate) and [] == ann.heard(AwarenessUpdate)


def test_a_guest_is_called_one():
    """Only who is named by a grant has a name without more words."""
    table = Table()
    ann, guest = table.editors(2)
    ann.session.regrant(Grant(Level.WRITE, user="u1", name="Ann", color="#123456"))
    guest.session.regrant(Grant(Level.WRITE, user="link-9"))
    ann.say(says(8, 1, b'{"user":{"name":"Boss","color":"#ffffff"}}'))
    guest.say(says(7, 1, json.dumps({"user": {"name": "Ann"}, "cursor": 3}).encode()))

    assert {("Ann", "#123456", "u1"), ("Ann (guest)", None, "link-9")} == {
        (user["name"], user.get("color"), user["id"]) for user in table.room.awareness.users()
    }
    assert "Ann (guest)" == guest.session.author


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Ann" + " " * 300, "Ann (guest)"),
        ("Ann" + "\u3164" * 200, "Ann (guest)"),
        ("Ann\u202e\u200b\n\u2800", "Ann (guest)"),
        ("\u00a0\u115f", "Somebody (guest)"),
        ("A" * 300, "A" * 92 + " (guest)"),
        (None, "Somebody (guest)"),
    ],
)
def test_nobody_hides_that_they_are_a_guest(said, shown):
    """Neither from the others nor from the history, by what shows nothing or turns the line."""
    table = Table()
    (guest,) = table.editors(1)
    guest.session.regrant(Grant(Level.WRITE, user="link-9"))
    guest.say(says(7, 1, json.dumps({"user": {"name": said}}).encode()))

    assert [shown] == [user["name"] for user in table.room.awareness.users()]
    assert shown == guest.session.author


def test_what_a_user_says_of_itself_is_read_by_every_client():
    """A number beyond all is none in JavaScript's JSON, half a character is; and what is not ASCII
    stays as large as it was."""
    table = Table()
    ann, bob = table.editors(2)
    ann.session.regrant(WRITER)
    with pytest.raises(ProtocolError):
        ann.say(says(7, 1, b'{"cursor":1e999}'))
    state = '{"a":"' + "\U0001f600" * 900 + '\\ud83d"}'
    ann.say(says(7, 2, state.encode()))
    table.settle()

    ((_, _, told),) = read_awareness(bob.heard(AwarenessUpdate)[-1].update)
    assert len(told) < len(state.encode()) + 100
    assert json.loads(state)["a"] == json.loads(told)["a"]


def test_who_repeats_what_is_too_large_is_not_at_fault():
    """y-websocket says again what it hears, and writes some numbers five times as long."""
    table = Table()
    ann, bob = table.editors(2)
    ann.session.regrant(WRITER)
    ann.say(says(7, 1, b'{"a":[' + b"1e20," * 700 + b"1]}"))
    table.settle()
    ((client, clock, state),) = read_awareness(bob.heard(AwarenessUpdate)[-1].update)
    longer = state.replace(b"1e+20", b"100000000000000000000")

    assert len(longer) > 3 * DEFAULT.presence_bytes
    bob.say(says(client, clock, longer))
