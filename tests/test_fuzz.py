"""Mutants of genuine updates: the gate and the core in this process, and a live server.

Small sizes; `scripts/soak gate` does a million in this process, `scripts/soak fuzz` five million
over sockets. QUIRE_SEED=... replays.
"""

import re
import sys
from itertools import islice
from random import Random

import pytest

from collab.access import OURS
from collab.errors import CollabError
from collab.room import Room
from collab.session import Session
from collab.state import State
from collab.web.rights import LEVELS
from collab.wire import Receipt, SyncStep2, SyncUpdate, decode, encode
from tests.barrage import GROWTH, HOLD, Barrage, whole_lines
from tests.collab.genuine import EXACT, Yjs, corpus
from tests.fuzz import attack_all, frames
from tests.live import FAST, QUIRE, STEP1, Peer, Server, messages, run
from tests.requests import TEMPLATES
from tests.turns import WATCHED

SLOWEST = 0.25  # CPU seconds that one mutant may take, with all that is looked at here afterwards
WAIT = 3.0  # seconds of a witness's round trip, on a machine that is busy with other things


def test_mutants_break_nothing(seed):
    """Refused or admitted; and what is admitted can be read, cut, merged, folded and split."""
    figures = attack_all(corpus(), 20_000, seed)
    print(figures)
    assert figures.worst < SLOWEST
    assert figures.admitted > 1_000


def test_frames_break_nothing(seed):
    """A session takes mutated frames, or says what is wrong with them; it never fails itself."""
    refused = 0
    room = Room("notes", State(), 0)
    for frame in islice(frames(corpus(), Random(seed)), 20_000):
        session = Session(room, OURS, lambda: None)
        room.sessions.add(session)
        try:
            for message in decode(frame):
                session.receive(message, 1_800_000_000.0)
            while (said := session.next_message()) is not None:
                encode(said)
        except CollabError:
            refused += 1
        room.sessions.discard(session)
        room.awareness.leave(session, 1_800_000_000.0, clean=refused % 2 == 0)
        if room.pending:
            room.take()
            room.commit(room.seq + len(room.writing))
    assert 0 < refused < 20_000


def test_a_live_server_takes_mutants(tmp_path, seed):
    """Over every way into it; the pairs who type on in the same document and in another one lose
    nothing. One line of its log for each fault, and no error of ours."""
    with Server(tmp_path / "quire.db", WATCHED, *FAST) as server:
        figures = run(Barrage(server, 20_000, seed).run())
    print(figures)
    assert figures.errors == []
    assert figures.growth <= GROWTH
    assert figures.worst <= HOLD  # CPU time of the loop's own thread: a busy machine does not count
    assert figures.slowest < WAIT


@pytest.mark.parametrize(("path", "method"), LEVELS, ids=" ".join)
def test_a_barrage_comes_over_every_route(path, method):
    """Of the API: each has a genuine request that mutants are made of."""
    asked = [(way, where.partition("?")[0].replace("{name}", "x")) for way, where, _ in TEMPLATES]
    assert any(method == way and re.fullmatch(path, where) for way, where in asked)


def test_a_barrage_sees_what_is_wrong(tmp_path, seed):
    """A server that fails at something, and one message that holds its loop, are found out."""
    program = (sys.executable, "-m", "tests.poor_server", "serve")
    with Server(tmp_path / "quire.db", program, *FAST) as server:
        figures = run(Barrage(server, 2_000, seed).run())
    assert any("ZeroDivisionError" in error for error in figures.errors)
    assert figures.worst > HOLD


def test_a_barrage_reads_whole_lines(tmp_path):
    """Of a log that is being written; half a line made it attack for ever."""
    (tmp_path / "log").write_text('one\n{"two":')
    rest = []
    with (tmp_path / "log").open("a") as writing, (tmp_path / "log").open() as log:
        assert list(whole_lines(log, rest)) == ["one\n"]
        print("2}\nthree", file=writing, end="", flush=True)
        assert list(whole_lines(log, rest)) == ['{"two":2}\n']


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("genuine") / "quire.db", QUIRE, *FAST) as server:
        yield server


def test_genuine_updates_are_never_refused(server):
    """Every update that real Yjs clients made, one by one through a socket: none is refused or
    asked for again, all are acknowledged, and a late joiner shows what the clients showed."""
    with Yjs() as yjs:
        sent = sum(run(sync(server, document, yjs)) for document in corpus())
    print(f"{sent} genuine updates, none refused")
    assert server.troubles() == []


async def sync(server, document, yjs):
    url = server.url(f"{document.kind} {document.seed}")
    peer = await Peer.join(url)
    for update in document.updates:
        await peer.say(SyncUpdate(update))
    await peer.say(Receipt(1))
    while True:
        frame = await peer.frame()
        assert frame is not None, f"{document}: closed with {peer.code}, {peer.socket.close_reason}"
        (message,) = messages(frame)
        assert isinstance(message, SyncUpdate | Receipt), f"{document}: {message}"
        if message == Receipt(1):
            break
    late = await Peer.connect(url)
    await late.send(STEP1)
    verdict = yjs.judge([(await late.hear(SyncStep2)).update])
    assert not verdict.pending
    if document.kind in EXACT:
        assert verdict.content == document.content, document
    return len(document.updates)
