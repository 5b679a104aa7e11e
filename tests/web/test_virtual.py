"""Virtual connections where requests are lost, repeated, late and out of order, and answers too.

What a network does is random, by a seed; when it does so is up to the machine.
"""

import asyncio
import contextlib
import gc
import json
from random import Random

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from collab import wire
from collab.errors import CollabError
from collab.update import read_update
from collab.web.connections import Connections
from collab.web.peers import Peer, one_document
from collab.web.rights import fingerprint
from collab.web.virtual import Line
from collab.wire import SyncStep2, SyncUpdate
from tests.httppeer import BATCH, HttpPeer, Refused, address, batch, piece
from tests.live import FAST, PATIENCE, QUIRE, STEP1, STEP2, Server, messages, run, typed

EDITS = 60
STORIES = 6  # in one test, each in a document of its own


class Lost(Exception):
    """No answer came."""


class RoughPeer(HttpPeer):
    """An editor on a network that does what `dice` says; `told` is all that it was told of the
    edits of others, as (client, clock) of each letter, in the order in which it came."""

    def __init__(self, url: str, dice: Random) -> None:
        super().__init__(url)
        self.dice = dice
        self.late: set[asyncio.Task[None]] = set()
        self.kept: dict[int, bytes] = {}
        self.told: list[tuple[int, int]] = []
        self.spoken = 1  # frames: the first one greets
        self.faults = 0

    async def request(self, method, headers, body=None):
        """One request, as the network has it: Lost, or what the answer says."""
        fault = self.dice.choice(("", "", "", "up", "down", "twice", "late"))
        self.faults += fault != ""
        if fault == "late":  # a copy of it, which the server gets after others
            self.late.add(asyncio.create_task(self._come_late(method, headers, body)))
        if fault == "up":
            raise Lost
        sent = [self.answer(method, headers, body) for _ in range(1 + (fault == "twice"))]
        ends = await asyncio.gather(*sent, return_exceptions=True)
        answers = [end for end in ends if isinstance(end, bytes)]
        if not answers:
            raise ends[0]
        if fault == "down":
            raise Lost
        return answers[-1]

    async def answer(self, method, headers, body):
        """Lost stands for an answer after which one sends again: 429, or 409 for a GET."""
        try:
            return (await self.ask(method, headers, body)).body
        except Refused as refused:
            if refused.status == 429 or (refused.status == 409 and method == "GET"):
                raise Lost from None
            raise

    async def _come_late(self, method, headers, body):
        await asyncio.sleep(self.dice.random() / 10)
        with contextlib.suppress(Lost):
            try:
                await self.answer(method, headers, body)
            except Refused as refused:
                assert refused.status == 409, refused

    async def speak(self, client):
        """All edits, a few in a batch; some of them in pieces of two batches."""
        clock, rest = 0, b""
        while clock < EDITS or rest:
            body, rest = rest, b""
            for _ in range(min(self.dice.randint(1, 3), EDITS - clock)):
                frame = wire.encode(SyncUpdate(typed(client, clock, "x")))
                clock += 1
                self.spoken += 1
                if self.dice.random() < 0.2:
                    cut = self.dice.randrange(1, len(frame))
                    body, rest = body + piece(frame[:cut]), batch(frame[cut:])
                    break
                body += batch(frame)
            await self._deliver(body)

    async def _deliver(self, body):
        self.number += 1
        while True:
            headers = {"Content-Type": BATCH, "Quire-Number": str(self.number)}
            with contextlib.suppress(Lost):
                said = await self.request("POST", headers | {"Quire-After": str(self.after)}, body)
                assert json.loads(said) == {"received": self.number}
                return

    async def listen(self, other):
        """Until all edits of the other one have come."""
        while len(self.told) < EDITS:
            with contextlib.suppress(Lost):
                after = self.after
                frames = self.read(await self.request("GET", {"Quire-After": str(after)}))
                assert self.code is None, self.reason
                assert [number for number, _ in frames] == [
                    after + n for n in range(1, len(frames) + 1)
                ]
                for number, frame in frames:
                    assert self.kept.setdefault(number, frame) == frame
                    self._take(number, frame, other)

    def _take(self, number, frame, other):
        if number <= self.after:
            return
        self.after = number
        for message in messages(frame):
            if isinstance(message, SyncStep2 | SyncUpdate):
                for block in read_update(message.update).blocks:
                    if block.client == other:
                        self.told += [(other, at) for at in range(block.clock, block.end)]


async def story(server, name, seed):
    """Both type at once; the document, and how many requests went wrong."""
    ann, bob = [RoughPeer(address(server.port, name), Random(f"{seed} {name} {n}")) for n in (1, 2)]
    for peer in (ann, bob):
        await peer.open()
        await peer.send(STEP1 + STEP2)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(ann.speak(1), bob.speak(2), ann.listen(2), bob.listen(1))
        await asyncio.gather(*ann.late, *bob.late)
    assert ann.told == [(2, clock) for clock in range(EDITS)]
    assert bob.told == [(1, clock) for clock in range(EDITS)]
    for peer in (ann, bob):
        await peer.close()
    return [ann.spoken, bob.spoken], ann.faults + bob.faults


def test_everything_arrives_once_whatever_becomes_of_requests(tmp_path, seed):
    """Every frame up is taken once, and every frame down comes once, in order."""
    with Server(tmp_path / "quire.db", QUIRE, *FAST) as server:
        for number in range(STORIES):
            spoken, faults = run(story(server, f"rough{number}", seed))
            assert faults > EDITS / 2
            log = server.log.read_text()
            lines = [
                line for line in log.splitlines() if f"closed: document 'rough{number}'" in line
            ]
            taken = [int(line.split(" frames and ")[0].rsplit(" ", 1)[1]) for line in lines]
            assert sorted(taken) == sorted(spoken)
        assert server.troubles() == []


async def ended(hub):
    """A connection that was ended by what it said, and has gone."""
    start = RequestStartLine("POST", "/sync/notes", "HTTP/1.1")
    request = HTTPServerRequest(start_line=start, headers=HTTPHeaders({"Host": "localhost"}))
    peer, visit = Peer(hub, request), Connections(hub).enter("127.0.0.1")
    line = Line(peer, visit, request.path, fingerprint(request), 1 << 20)
    await peer.enter(one_document, ["notes"], line.wake)
    await line.take(1, batch(STEP2))
    try:
        await line.take(2, batch(b"\x63"))
    except CollabError as error:
        assert error.close_code == 1007


@pytest.mark.expects_log("Unknown message type 99")
def test_a_connection_that_was_ended_leaves_nothing_behind(hub, io_loop):
    """It goes at once, with all that it held: a collection of the whole heap holds the loop."""
    gc.collect()
    gc.disable()
    try:
        io_loop.run_sync(lambda: ended(hub))
        assert not [thing for thing in gc.get_objects() if isinstance(thing, Line)]
    finally:
        gc.enable()
