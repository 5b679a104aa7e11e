"""Mutants of genuine updates: the gate and the core in this process, and a live server.

Small sizes; `scripts/soak fuzz` does a million. QUIRE_SEED=... replays.
"""

import asyncio
from random import Random

import pytest

from collab.errors import CollabError
from collab.room import Room
from collab.session import Session
from collab.state import State
from collab.wire import Receipt, SyncStep2, SyncUpdate, decode, encode
from tests import hostile
from tests.collab.genuine import EXACT, Yjs, corpus
from tests.fuzz import attack_all, frames
from tests.live import STEP1, Peer, Server, messages, run
from tests.witness import Witnesses

SLOWEST = 0.25  # CPU seconds that one mutant may take
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
    for frame in frames(corpus(), 20_000, seed):
        session = Session(room, "", lambda: None)
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
    """Four attackers, and two pairs who type on in the same document and in another one."""
    with Server(tmp_path / "quire.db") as server:
        witnesses = run(attack(server, 2_000, seed))
        print(witnesses)
        assert server.alive
        assert witnesses.worst < WAIT
        troubles = server.troubles()
        assert all(line.startswith("warning: 127.0.0.1, 'fuzzed") for line in troubles), troubles


async def attack(server, count, seed):
    """Sends so many frames, over four sockets that are opened again whenever they are closed."""
    dice = Random(seed)
    queue = list(frames(corpus(), count, seed))

    async def attacker(url):
        while queue:
            peer = await Peer.join(url)
            listening = asyncio.ensure_future(peer.end())
            for _ in range(20):
                if not queue or listening.done():
                    break
                await peer.pour(hostile.frame(queue.pop()))
                await asyncio.sleep(0)
            if dice.random() < 0.5:
                peer.vanish()
            peer.close()
            await listening

    async with Witnesses(server, "fuzzed", "elsewhere") as witnesses:
        urls = [server.url("fuzzed")] * 3 + [server.url("fuzzed alone")]
        await asyncio.gather(*[attacker(url) for url in urls])
    return witnesses


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("genuine") / "quire.db") as server:
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
