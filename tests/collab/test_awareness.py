"""Presence: who is seen by whom, and for how long. Time is a number that the test sets."""

import pytest

from collab.awareness import ARMY, EPOCH, EXPIRY, GRACE
from collab.errors import ProtocolError, TooBig
from collab.limits import DEFAULT
from collab.presence import read_awareness
from collab.reader import write_var_bytes, write_var_uint
from collab.wire import AwarenessUpdate, QueryAwareness
from tests.collab.story import Table

GONE = b"null"


def says(*states):
    """The message of a client that tells (client, clock, state) of each."""
    update = bytearray()
    write_var_uint(update, len(states))
    for client, clock, state in states:
        write_var_uint(update, client)
        write_var_uint(update, clock)
        write_var_bytes(update, state)
    return AwarenessUpdate(bytes(update))


def told(seat):
    """What an editor has been told of presences since this was last asked, oldest first."""
    seat.read()
    return [s for message in seat.heard(AwarenessUpdate) for s in read_awareness(message.update)]


def test_a_caret_is_seen_by_the_others():
    """Everybody else hears of it, whoever comes later too. The one who moved knows it, and might
    take it for something newer."""
    table = Table()
    ann, bob = table.editors(2)

    ann.say(says((1, 1, b'{"at":1}')))

    assert told(bob) == [(1, 1, b'{"at":1}')]
    assert told(ann) == []
    (cleo,) = table.editors(1)
    assert told(cleo) == [(1, 2, b'{"at":1}')]


def test_many_moves_are_told_as_the_last_one():
    """A session is a cursor here as well."""
    table = Table()
    ann, bob = table.editors(2)

    for clock in range(1, 10):
        ann.say(says((1, clock, b'{"at":%d}' % clock)))

    assert told(bob) == [(1, 9, b'{"at":9}')]


def test_what_is_not_newer_goes_no_further():
    """A lower clock or the same one says nothing; the same one with null says goodbye."""
    table = Table()
    ann, bob = table.editors(2)
    ann.say(says((1, 5, b'{"at":5}')))
    told(bob)

    ann.say(says((1, 5, b'{"at":6}')))
    ann.say(says((1, 4, b'{"at":4}')))
    assert told(bob) == []

    ann.say(says((1, 5, GONE)))
    assert told(bob) == [(1, 2, GONE)]


def test_repeating_others_makes_no_noise():
    """y-websocket clients send on what they hear: that is not Bob's to say."""
    table = Table()
    ann, bob, cleo = table.editors(3)
    bob.say(says((2, 1, b"{}")))
    ann.say(says((1, 1, b'{"at":1}')))
    told(cleo)

    bob.say(says((1, 2, b'{"at":666}'), (2, 2, b"{}")))

    assert told(cleo) == [(2, 2, b"{}")]


def test_goodbye_takes_all_ids_along():
    """A connection that closes has spoken for several tabs: all of them go at once."""
    table = Table()
    ann, bob = table.editors(2)
    ann.say(says((1, 1, b"{}")))
    ann.say(says((1, 2, b"{}"), (11, 1, b"{}"), (12, 1, b"{}")))
    told(bob)

    ann.offline()

    assert sorted(told(bob)) == [(1, 3, GONE), (11, 2, GONE), (12, 2, GONE)]


def test_a_sudden_end_has_a_moment_of_grace():
    """Who comes back within three seconds has never been away; who does not is gone then."""
    table = Table()
    ann, bob = table.editors(2)
    ann.say(says((1, 7, b"{}")))
    told(bob)

    ann.offline(clean=False)
    table.room.awareness.sweep(table.now + GRACE - 0.1)
    assert told(bob) == []
    ann.online()
    ann.say(says((1, 7, b"{}")))
    table.room.awareness.sweep(table.now + 2 * GRACE)
    assert GONE not in [state for _, _, state in told(bob)]

    ann.offline(clean=False)
    table.room.awareness.sweep(table.now + GRACE)
    assert [state for _, _, state in told(bob)] == [GONE]


def test_who_comes_back_at_the_clock_it_left_with_is_seen_at_once():
    """What the peers are told is a count of our own, which only rises."""
    table = Table()
    ann, bob = table.editors(2)
    ann.say(says((1, 7, b'{"at":7}')))
    told(bob)
    ann.offline()
    assert told(bob)[-1] == (1, 2, GONE)

    ann.online()
    ann.say(says((1, 7, b'{"at":7}')))
    assert told(bob) == [(1, 3, b'{"at":7}')]
    ann.say(says((1, 8, b'{"at":8}')))
    assert told(bob) == [(1, 4, b'{"at":8}')]


def test_who_comes_back_sees_the_others_at_once():
    """A client that lost its connection has forgotten the others, but not their clocks."""
    table = Table()
    ann, bob = table.editors(2)
    ann.say(says((1, 7, b'{"at":7}')))
    assert told(bob) == [(1, 1, b'{"at":7}')]

    bob.offline(clean=False)
    bob.online()

    assert told(bob) == [(1, 2, b'{"at":7}')]
    ann.say(says((1, 8, b'{"at":8}')))
    assert told(bob) == [(1, 3, b'{"at":8}')]


def test_a_restart_makes_nobody_invisible():
    """Open pages remember the clocks that the last process told: the next one tells higher ones,
    however often somebody came and went before."""
    clocks = []
    for start in (EPOCH + 1_000_000, EPOCH + 1_000_060):
        table = Table()
        table.now = start
        ann, bob = table.editors(2)
        ann.say(says((1, 7, b"{}")))
        table.editors(100)
        ann.say(says((1, 8, b"{}")))
        clocks.append(told(bob)[-1][1])

    assert clocks[0] < clocks[1] < 2**31


def test_a_restamped_state_does_not_come_back_to_its_owner():
    """Its owner may have moved on, and would take the old state with the higher clock for true."""
    table = Table()
    ann, bob = table.editors(2)
    ann.say(says((1, 7, b"{}")))
    ann.offline()
    ann.online()
    bob.say(says((2, 1, b"{}")))
    ann.say(says((1, 7, b"{}")))

    assert [client for client, _, _ in told(ann)] == [2]
    assert [client for client, _, _ in told(bob)] == [1]


def test_a_new_connection_takes_its_own_id_over():
    """After a cut the old connection may not have ended yet: it is the new one that counts, and
    the old one's end takes nothing away."""
    table = Table()
    ann, bob = table.editors(2)
    ann.say(says((1, 3, b"{}")))
    before, ann.session = ann.session, None
    ann.online()
    ann.say(says((1, 3, b'{"back":1}')))
    assert told(bob)[-1] == (1, 2, b'{"back":1}')

    table.room.awareness.leave(before, table.now, clean=True)

    assert told(bob) == []


def test_a_tab_that_another_spoke_for_speaks_for_itself():
    """Ann's browser told of Bob's tab before its own connection did; then it is Bob's."""
    table = Table()
    ann, bob, cleo = table.editors(3)
    ann.say(says((1, 1, b"{}")))
    ann.say(says((2, 1, b'{"from":"ann"}')))
    bob.say(says((2, 2, b'{"from":"bob"}')))
    told(cleo)

    ann.offline()

    assert [client for client, _, _ in told(cleo)] == [1]


def test_a_late_repetition_raises_nobody_from_the_dead():
    """Another tab repeats what it had heard of one that has closed meanwhile."""
    table = Table()
    ann, bob, cleo = table.editors(3)
    ann.say(says((1, 1, b"{}")))
    bob.say(says((2, 1, b"{}")))
    told(cleo)
    ann.say(says((1, 2, GONE)))
    ann.offline()
    assert told(cleo) == [(1, 2, GONE)]

    bob.say(says((1, 1, b"{}")))
    assert told(cleo) == []
    bob.say(says((1, 2, b"{}")))
    assert told(cleo) == []
    bob.say(says((1, 3, b"{}")))
    assert told(cleo) == [(1, 3, b"{}")]


def test_who_falls_silent_is_forgotten():
    """Clients renew every 15 s. Who does not is gone, also for those who come later."""
    table = Table()
    ann, bob = table.editors(2)
    ann.say(says((1, 1, b"{}")))
    told(bob)

    table.room.awareness.sweep(table.now + EXPIRY + 1)

    assert told(bob) == [(1, 2, GONE)]


def test_nobody_hears_of_the_dead_who_never_saw_them():
    """A late joiner is told of those who are here."""
    table = Table()
    ann, bob = table.editors(2)
    ann.say(says((1, 1, b"{}")))
    ann.offline()

    (cleo,) = table.editors(1)

    assert told(cleo) == []


def test_names_are_what_editors_show():
    """The user of a state, as far as it is text that people can read."""
    table = Table()
    ann, bob = table.editors(2)
    ann.say(says((1, 1, b'{"user":{"name":"Ann \\u0000\\ud800Lee","color":"#fff"}}')))
    bob.say(says((2, 1, b'{"user":7}')))

    assert table.room.awareness.name(1) == "Ann Lee"
    assert table.room.awareness.name(2) == table.room.awareness.name(None) == ""
    assert [user.get("color") for user in table.room.awareness.users()] == ["#fff", None]


def test_a_pinned_clock_pins_nobody_but_its_owner():
    """One who claims the highest clock there is has said its last word; the others are told a
    clock of our own, and go on."""
    table = Table()
    ann, bob, cleo = table.editors(3)
    ann.say(says((1, 1, b"{}")))

    bob.say(says((2, 2**53 - 1, b"{}"), (1, 2**53 - 1, b'{"not":"Ann"}')))
    ann.say(says((1, 2, b'{"at":2}')))

    assert sorted(told(cleo)) == [(1, 2, b'{"at":2}'), (2, 1, b"{}")]


def test_whoever_poses_as_another_does_not_convince_that_one():
    """The first frame of a connection may take an id over, for that is how a lost connection
    comes back. The one it really belongs to is never told of itself, and takes it back."""
    table = Table()
    ann, bob, mallory = table.editors(3)
    ann.say(says((1, 1, b'{"i":"am Ann"}')))
    told(bob)

    mallory.say(says((1, 9, b'{"i":"am Ann, too"}')))
    assert told(ann) == []
    ann.say(says((1, 2, b'{"i":"am Ann"}')))

    assert told(bob) == [(1, 3, b'{"i":"am Ann"}')]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(AwarenessUpdate(b""), id="empty"),
        pytest.param(AwarenessUpdate(b"\x02\x01\x01\x02{}"), id="fewer than announced"),
        pytest.param(says((1, 1, b"{}"), (1, 2, b"{}")), id="a client twice"),
        pytest.param(AwarenessUpdate(b"\x00\x00"), id="bytes after the end"),
        pytest.param(says((1, 2**53, b"{}")), id="clock beyond JavaScript"),
        pytest.param(says((2**53, 1, b"{}")), id="id beyond JavaScript"),
        pytest.param(says((1, 1, b"{")), id="no JSON"),
        pytest.param(says((1, 1, b"[]")), id="no object"),
        pytest.param(says((1, 1, b'{"a":NaN}')), id="not JavaScript's JSON"),
        pytest.param(says((1, 1, b"[" * 4_000)), id="deep"),
        pytest.param(says((1, 1, b'{"\xff":1}')), id="not UTF-8"),
    ],
)
def test_malformed_presence_is_refused(message):
    """ProtocolError, and the others hear nothing of it."""
    table = Table()
    ann, bob = table.editors(2)

    with pytest.raises(ProtocolError):
        ann.say(message)
    assert told(bob) == []


def test_too_much_presence_is_refused():
    """A state has a largest size, and an update a largest number of clients."""
    table = Table()
    (ann,) = table.editors(1)

    with pytest.raises(TooBig) as error:
        ann.say(says((1, 1, b'{"a":"' + b"x" * DEFAULT.presence_bytes + b'"}')))
    assert error.value.limit == "presence_bytes"
    with pytest.raises(TooBig):
        ann.say(AwarenessUpdate(b"\xff\xff\xff\xff\x0f"))


def test_a_connection_brings_few_others():
    """The first few ids are believed, those after them are not shown and do no harm: the tabs of a
    browser tell each other who is there, and each of them comes by itself as well."""
    table = Table()
    ann, bob, cleo = table.editors(3)
    ann.say(says((1, 1, b"{}")))
    told(cleo)

    ann.say(says(*((client, 1, b"{}") for client in range(2, 30))))
    assert [1, 2, 3, 4] == sorted(p.client for p in table.room.awareness._presences.values())
    assert {ann.session} == table.room.awareness.crowding

    ann.say(says((1, 2, b'{"at":1}')))
    bob.say(says((29, 1, b'{"at":2}')))
    assert {1: b'{"at":1}', 2: b"{}", 3: b"{}", 4: b"{}", 29: b'{"at":2}'} == {
        client: state for client, _, state in told(cleo)
    }


def test_nobody_brings_an_army():
    """Who speaks of more strangers at once than a browser has tabs has to go."""
    table = Table()
    (ann,) = table.editors(1)

    with pytest.raises(TooBig) as error:
        ann.say(says(*((client, 1, b"{}") for client in range(100, 100 + 5 + ARMY))))
    assert error.value.limit == "presence_clients"


def test_repeating_a_large_state_is_no_fault():
    """What is told of others may be larger than they said it: their names are put into it."""
    table = Table()
    ann, bob = table.editors(2)
    ann.say(says((1, 1, b"{}")))
    bob.say(says((2, 1, b"{}")))

    bob.say(says((1, 2, b'{"a":"' + b"x" * DEFAULT.presence_bytes + b'"}'), (2, 2, b"{}")))


def test_who_asks_again_and_again_moves_nobody():
    """A query is told who is here as they were last told: peers that count in 32 bits cannot be
    driven to the end of that."""
    table = Table()
    ann, bob = table.editors(2)
    ann.say(says((1, 1, b'{"at":1}')))
    assert told(bob) == [(1, 1, b'{"at":1}')]

    for _ in range(3):
        bob.say(QueryAwareness())
        assert told(bob) == [(1, 1, b'{"at":1}')]


def test_who_shows_nothing_speaks_for_nobody():
    """A y-websocket client without a presence of its own still repeats what it is told of others:
    that does not make it one of them, however long it goes on."""
    table = Table()
    table.now = 1_800_000_000.0
    ann, bob, mute = table.editors(3)
    ann.say(says((1, 1, b'{"at":1}')))
    bob.say(says((2, 1, b'{"at":1}')))
    (heard,) = [state for state in told(mute) if state[0] == 1]

    mute.say(says(heard))
    mute.say(says((heard[0], heard[1], GONE)))
    mute.offline(clean=True)

    assert GONE not in [state for _, _, state in told(bob)]
    ann.say(says((1, 2, b'{"at":2}')))
    assert [(client, state) for client, _, state in told(bob)] == [(1, b'{"at":2}')]
