"""Whose each client id is, and what happens to those who write under somebody else's."""

from dataclasses import replace

import pytest
from pycrdt import Awareness, Doc

from collab.access import OURS, Grant, Level
from collab.awareness import EPOCH, EXPIRY
from collab.claims import Claims
from collab.errors import AccessDenied
from collab.presence import read_awareness
from collab.reader import var_uints
from collab.wire import AwarenessUpdate, QueryAwareness, SyncStep2, SyncUpdate
from tests.collab.story import Table
from tests.live import typed

ANN = Grant(Level.WRITE, user="ann", name="Ann")
BOB = Grant(Level.WRITE, user="bob", name="Bob")


def says(client, clock, state):
    """An awareness update of one client."""
    return AwarenessUpdate(var_uints(1, client, clock, len(state)) + state)


def told_of(message):
    """The clients of an awareness update, and their states."""
    return [(client, state) for client, _, state in read_awareness(message.update)]


def clock_of(seat, client):
    """The clock of a client in the last that an editor was told of it."""
    heard = [read_awareness(message.update) for message in seat.heard(AwarenessUpdate)]
    return [clock for states in heard for known, clock, _ in states if known == client][-1]


def shown(table, seat, awareness):
    """The clients that an editor shows once it has heard all there is, as y-protocols has them."""
    table.settle()
    for message in seat.heard(AwarenessUpdate):
        awareness.apply_awareness_update(message.update, "")
    return awareness.states.keys() - {awareness.client_id}


def sweep(table, seconds):
    """So much time passes."""
    table.now += seconds
    table.room.awareness.sweep(table.now)


def table_of(*grants):
    table = Table()
    seats = table.editors(len(grants))
    for seat, grant in zip(seats, grants, strict=True):
        seat.session.regrant(grant)
    return table, seats


def test_an_id_belongs_to_the_first_user_who_wrote_under_it():
    """Its claim is written down once, with the row that brought it."""
    table, (ann, bob) = table_of(ANN, BOB)
    ann.say(SyncUpdate(typed(7, 0, "hi")))
    ann.say(SyncUpdate(typed(7, 2, "!")))
    with pytest.raises(AccessDenied):
        bob.say(SyncUpdate(typed(7, 3, "?")))

    assert [((7, "ann"),), ()] == [pending.claims for pending in table.room.pending]


def test_nobody_in_particular_writes_under_no_users_id():
    """Not even where everybody is let in: the victim's edits would vanish."""
    _, (ann, guest) = table_of(ANN, OURS)
    ann.say(SyncUpdate(typed(7, 0, "hi")))
    with pytest.raises(AccessDenied):
        guest.say(SyncUpdate(typed(7, 2, "?")))


def test_a_tab_that_hands_on_what_another_one_typed_claims_nothing():
    """What comes in a SyncStep2 may be somebody else's: it is taken, and the id stays free."""
    table, (ann, bob) = table_of(ANN, BOB)
    bob.say(SyncStep2(typed(7, 0, "ann's")))
    ann.say(SyncUpdate(typed(7, 5, "!")))

    assert [(), ((7, "ann"),)] == [pending.claims for pending in table.room.pending]


def test_an_id_that_somebody_appeared_under_is_theirs_before_they_write():
    """A presence of one's own claims, and the claim is written down with the first edit."""
    table, (ann, bob) = table_of(ANN, BOB)
    ann.say(says(7, 1, b"{}"))
    with pytest.raises(AccessDenied):
        bob.say(SyncUpdate(typed(7, 0, "?")))
    with pytest.raises(AccessDenied):
        bob.say(SyncStep2(typed(7, 0, "?")))
    ann.say(SyncStep2(typed(7, 0, "hi")))

    assert [((7, "ann"),)] == [pending.claims for pending in table.room.pending]


def test_a_reader_takes_nobodys_id():
    """Of one who shows no presence, and came with edits that were made offline: they go on."""
    table, (ann, rae) = table_of(ANN, Grant(Level.READ, user="rae", name="Rae"))
    ann.say(SyncStep2(typed(7, 0, "offline")))
    rae.say(says(7, 1, b"{}"))
    ann.say(SyncUpdate(typed(7, 7, "!")))

    assert [(), ((7, "ann"),)] == [pending.claims for pending in table.room.pending]
    assert rae.session.client is None
    ann.session.regrant(Grant(Level.READ, user="ann", name="Ann"))
    ann.say(says(7, 1, b"{}"))
    assert 7 == ann.session.client


def test_nobody_poses_as_somebody_else():
    """A foreign id's presence is not taken, whatever its clock, and is remembered as refused."""
    table, (ann, bob) = table_of(ANN, BOB)
    ann.say(says(7, 1, b'{"user":{"name":"Ann"}}'))
    bob.say(says(7, (1 << 31) - 1, b'{"user":{"name":"Ann the second"}}'))
    ann.say(says(7, 2, b'{"user":{"name":"Ann"},"cursor":1}'))

    (user,) = table.room.awareness.users()
    assert {"name": "Ann", "id": "ann"} == user
    assert [(bob.session, 7)] == table.room.awareness.refused
    assert bob.session.client is None


def test_what_a_client_repeats_of_others_is_no_offence():
    """y-websocket says again what it hears."""
    table, (ann, bob) = table_of(ANN, BOB)
    ann.say(says(7, 1, b"{}"))
    table.settle()
    (told,) = bob.heard(AwarenessUpdate)
    bob.say(told)
    bob.say(says(7, 0, b"null"))

    assert [] == table.room.awareness.refused
    assert [{"name": "Ann", "id": "ann"}] == table.room.awareness.users()


def test_who_is_seen_no_more_has_gone_for_the_others():
    """At once: who lost the right to be seen does not stay for as long as one who says nothing."""
    table, (ann, bob) = table_of(ANN, BOB)
    ann.say(says(7, 1, b'{"user":{}}'))
    bob.say(says(8, 1, b'{"user":{}}'))
    table.settle()
    bob.heard(AwarenessUpdate)
    ann.session.regrant(replace(ANN, level=Level.READ, seen=False))
    table.settle()

    assert [{"name": "Bob", "id": "bob"}] == table.room.awareness.users()
    (told,) = bob.heard(AwarenessUpdate)
    assert [(7, b"null")] == told_of(told)
    ann.session.regrant(ANN)
    ann.say(says(7, 2, b'{"user":{}}'))
    assert 2 == len(table.room.awareness.users())


def test_who_begins_to_see_is_told_of_everybody():
    """Also of those who said nothing since; who has seen before hears what it has missed."""
    apart = replace(ANN, level=Level.READ, seen=False, sees=False)
    table, (ann, bob) = table_of(apart, BOB)
    bob.say(says(8, 1, b'{"user":{}}'))
    table.settle()
    assert [] == ann.heard(AwarenessUpdate)
    ann.session.regrant(ANN)
    table.settle()

    (told,) = ann.heard(AwarenessUpdate)
    assert [8] == [client for client, _ in told_of(told)]
    ann.session.regrant(apart)
    ann.session.regrant(ANN)
    bob.say(says(8, 2, b"null"))
    bob.say(says(9, 1, b"{}"))
    table.settle()
    (told,) = ann.heard(AwarenessUpdate)
    assert {8, 9} == {client for client, _ in told_of(told)}


def test_the_others_have_gone_for_who_sees_nobody_any_more():
    """At once, not once their carets time out; also who went a moment before. Nobody else hears of
    it, and who sees again takes everybody for here. Nor does it help to have asked just then."""
    apart = replace(ANN, level=Level.READ, seen=False, sees=False)
    table, (ann, bob, cem) = table_of(ANN, BOB, replace(BOB, user="cem", name="Cem"))
    seen, cems = Awareness(Doc()), Awareness(Doc())
    for client, seat in ((7, ann), (8, bob), (9, cem)):
        seat.say(says(client, 1, b"{}"))
    assert {8, 9} == shown(table, ann, seen)
    assert {7, 8} == shown(table, cem, cems)
    ann.session.regrant(apart)
    bob.say(says(8, 2, b"null"))
    assert set() == shown(table, ann, seen)
    bob.say(says(8, 3, b"{}"))
    table.settle()
    assert [] == ann.heard(AwarenessUpdate)
    assert {8} == shown(table, cem, cems)
    ann.session.regrant(ANN)
    assert {8, 9} == shown(table, ann, seen)
    ann.say(QueryAwareness())
    ann.session.regrant(apart)
    assert set() == shown(table, ann, seen)


def test_visitors_leave_nothing_behind():
    """An hour later nothing is known of those who only looked, while others stay: neither that they
    were there, nor that an id was theirs. Whose ids are in the document is known for ever."""
    table, (ann, bob) = table_of(ANN, BOB)
    table.now = EPOCH + 1_000.0
    ann.say(SyncStep2(typed(7, 0, "offline")))  # an id that nobody claims yet
    ann.say(says(7, 1, b"{}"))
    bob.say(says(8, 1, b"{}"))
    for client in range(100, 150):
        with_a_word = table.editors(1)[0]
        with_a_word.session.regrant(replace(BOB, level=Level.READ))
        with_a_word.say(says(client, 1, b"{}" if client % 2 else b"null"))
        with_a_word.offline(clean=client % 3 > 0)
        table.seats.remove(with_a_word)
    ann.offline()
    sweep(table, 60)
    assert 150 > len(table.room.claims) >= 25
    with pytest.raises(AccessDenied):
        table.room.claims.write({101}, "ann", claiming=True)

    for clock in range(2, 200):
        bob.say(says(8, clock, b"{}"))
        sweep(table, 30)
    assert {7, 8} == table.room.claims._users.keys()
    assert {8} == table.room.awareness._presences.keys()
    (cem,) = table.editors(1)
    cem.session.regrant(replace(BOB, user="cem"))
    cem.say(says(101, 1, b"{}"))
    assert 101 == cem.session.client
    with pytest.raises(AccessDenied):
        cem.say(SyncUpdate(typed(7, 7, "?")))


def test_who_comes_back_after_it_was_forgotten_is_seen_by_all():
    """Also by those who remember its last clock: theirs is one that the time of day has passed."""
    table, (ann, bob) = table_of(ANN, BOB)
    table.now = EPOCH + 1_000.0
    bob.say(says(8, 1, b"{}"))
    ann.say(says(7, 1, b"{}"))
    ann.say(says(7, 1, b"null"))
    table.settle()
    known = clock_of(bob, 7)
    for clock in range(2, 200):
        bob.say(says(8, clock, b"{}"))
        sweep(table, 30)
    assert 7 not in table.room.awareness._presences
    ann.say(says(7, 2, b"{}"))
    table.settle()
    assert clock_of(bob, 7) > known


def test_who_ran_ahead_of_time_is_not_looked_for_all_the_time(monkeypatch):
    """It is remembered until the time of day has passed its clock, and nobody looks before."""
    monkeypatch.setattr("collab.awareness.MEMORY", 1.0)
    table, (ann,) = table_of(ANN)
    table.now = EPOCH + 1_000.0
    for clock in range(1, 400):  # as many as fifty seconds have
        ann.say(says(7, clock, b"{}"))
    ann.say(says(7, 400, b"null"))
    sweep(table, EXPIRY + 1)
    awareness = table.room.awareness
    assert 7 in awareness._presences and awareness._due > table.now
    sweep(table, 20)
    assert 7 not in awareness._presences


def test_claims_that_were_written_down_are_not_written_again():
    """They come from the store when the document is opened."""
    claims = Claims({7: "ann"}.items())

    assert () == claims.write({7}, "ann", claiming=True)
    assert ((8, "ann"),) == claims.write({7, 8}, "ann", claiming=True)
    with pytest.raises(AccessDenied):
        claims.write({8}, "bob", claiming=True)
