"""Attacks on memory and patience: floods, giants, and crowds. Rows 1, 2, 8, 9, 10 and 17."""

import asyncio
import contextlib
import resource
import time
from collections.abc import Iterator
from itertools import count

from collab.wire import AwarenessUpdate, Receipt, SyncUpdate
from tests import hostile
from tests.attacks import MIB, Stage, Verdict, Watch, attack
from tests.hostile import item, update
from tests.live import FAST, STEP1, STEP2, Peer, Server, messages, typed, until, var_bytes
from tests.presence import Presence
from tests.stalled import HANDSHAKE, Stalled, type_much
from tests.witness import Witnesses

READERS = 100
STATE = b'{"user":{"name":"Mallory"},"x":"%s","n":%d}'


@attack(
    "1", "100 readers who stall under 262 MB of presence", "+8 MiB each, right within 30 s", 300
)
async def presence_flood(stage: Stage) -> Verdict:
    with stage.server(*FAST) as server:
        stalled = [Stalled(server, "flooded") for _ in range(READERS)]
        evil, number = await Peer.join(server.url("flooded")), stage.some(65_500)
        listening = asyncio.ensure_future(evil.end())
        async with Watch(server, "elsewhere") as watch:
            for at in range(number):
                state = STATE % (b"x" * 3_950, at)
                if not await evil.pour(hostile.frame(hostile.awareness((666, at, state)))):
                    number = at
                    break
            assert await _quiet(server)
        began = time.monotonic()
        for reader in stalled:
            await asyncio.to_thread(_see, reader, b'"n":%d}' % (number - 1))
            reader.close()
        seconds = time.monotonic() - began
        evil.close()
        listening.cancel()
        said = f"{number * 4_000 / 1e6:.0f} MB: {watch}; all were right after {seconds:.1f} s"
        ok = watch.growth <= READERS * 8 * MIB and seconds <= 30 and watch.unaffected
        return Verdict(said, ok)


def _see(stalled: Stalled, last: bytes) -> None:
    """Reads until the last state of the flood shows, or its owner has gone."""
    shown, deadline = Presence(5), time.monotonic() + 30
    while last not in shown.states.get(666, b""):
        for message in messages(stalled.frame()):
            if isinstance(message, AwarenessUpdate):
                shown.apply(message.update)
                if 666 in shown.clocks and 666 not in shown.states:
                    return
        assert time.monotonic() < deadline, "what it was told last is not what is"


async def _quiet(server: Server) -> bool:
    """When the server has read all that was sent to it so far."""
    probe = await Peer.join(server.url("flooded"))
    probe.close()
    return True


@attack("1b", "the same with 66 MB of edits", "three times the document + 8 MiB", 300)
async def edit_flood(stage: Stage) -> Verdict:
    size = stage.some(66_000_000)
    with stage.server(*FAST) as server:
        stalled = Stalled(server, "flooded")
        async with Watch(server, "elsewhere") as watch:
            clock = await type_much(server, "flooded", size)
        await asyncio.to_thread(stalled.read, {5: clock})
        stalled.close()
        ok = watch.growth <= 3 * size + 8 * MIB and watch.unaffected
        return Verdict(f"{watch}; it read everything then", ok)


@attack("2", "a valid update of 99 MB", "1009 before it is buffered, nobody waits 50 ms")
async def giant(stage: Stage) -> Verdict:
    text = var_bytes(b"x" * max(stage.some(99_000_000), hostile.LIMIT))
    return await _giant(stage, hostile.frame(update(item(text))))


@attack("2b", "99 MB of garbage", "refused, not acknowledged, +1 MiB")
async def garbage(stage: Stage) -> Verdict:
    noise = b"\xff\x37" * (max(stage.some(99_000_000), hostile.LIMIT) // 2)
    verdict = await _giant(stage, hostile.frame(update(noise)))
    with stage.server() as server:
        code, acknowledged = await _send(server, hostile.frame(update(noise[: hostile.LIMIT - 9])))
    ok = verdict.ok and code == 1007 and not acknowledged
    return Verdict(f"{verdict.measured}; 8 MB of it: {code}", ok)


@attack("2c", "the header of a message of 106 MB", "1009")
async def header(stage: Stage) -> Verdict:
    return await _giant(stage, hostile.frame(b"", size=106_000_000))


async def _giant(stage: Stage, data: bytes) -> Verdict:
    with stage.server() as server:
        async with Watch(server, "attacked", "elsewhere") as watch:
            code, acknowledged = await _send(server, data)
        ok = code == 1009 and not acknowledged and watch.growth <= MIB and watch.unaffected
        return Verdict(f"{code}, {'' if acknowledged else 'not '}acknowledged; {watch}", ok)


async def _send(server: Server, data: bytes) -> tuple[int | None, bool]:
    """How somebody is closed who sends this and asks whether it is saved; and whether it is."""
    peer = await Peer.join(server.url("attacked"))
    sending = asyncio.create_task(peer.pour(data + hostile.frame(b"\x66\x01\x01")))
    acknowledged = False
    while (frame := await peer.frame()) is not None:
        acknowledged |= Receipt(1) in messages(frame)
    peer.close()
    await sending
    return peer.code, acknowledged


class Idle(asyncio.Protocol):
    """An editor who has joined and does nothing but answer pings."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heard = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(HANDSHAKE.format(name=self.name).encode() + hostile.frame(STEP1 + STEP2))

    def data_received(self, data: bytes) -> None:
        self.heard += len(data)
        if data[0] == 0x89:
            self.transport.write(hostile.frame(b"", 10))


def addresses(each: int) -> Iterator[tuple[str, int]]:
    """Addresses of this machine to connect from, each so often."""
    for number in count():
        place = number // each
        yield f"127.0.{1 + place // 250}.{1 + place % 250}", 0


@attack("8", "5,000 idle sockets", "20 KiB each, others' p99 20 ms", 240)
async def idle(stage: Stage) -> Verdict:
    number, loop = stage.some(5_000), asyncio.get_running_loop()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with stage.server() as server:
        async with Witnesses(server, "elsewhere"):
            before = server.memory
            peers = []
            for at, place in zip(range(number), addresses(100), strict=False):
                name = f"idle-{at // 10}"
                _, peer = await loop.create_connection(
                    lambda name=name: Idle(name), "127.0.0.1", server.port, local_addr=place
                )
                peers.append(peer)
            await until("the joins", lambda: all(peer.heard > 140 for peer in peers), 60)
            each = (server.memory - before) / number / 1024
        async with Witnesses(server, "elsewhere") as witnesses:
            await asyncio.sleep(10 * stage.share)
        open_ = sum(not peer.transport.is_closing() for peer in peers)
        for peer in peers:
            peer.transport.abort()
    p99 = witnesses.share(0.99) * 1e3
    said = f"{each:.1f} KiB each, {open_} of {number} open; others' round trips p99 {p99:.1f} ms"
    return Verdict(said, each <= 20 and p99 <= 20 and open_ == number)


@attack("9", "200,000 presences from one connection", "refused at the fifth")
async def crowd_of_ghosts(stage: Stage) -> Verdict:
    with stage.server() as server:
        evil, bob = await Peer.join(server.url("haunted")), await Peer.join(server.url("haunted"))
        shown, total = Presence(5), stage.some(200_000)
        reading = asyncio.create_task(_watch(bob, shown))
        listening = asyncio.create_task(evil.end())
        async with Watch(server, "haunted", "elsewhere") as watch:
            for at in range(10):  # one by one, and then many at once
                await evil.pour(hostile.frame(hostile.awareness((1_000 + at, 1, b"{}"))))
            for at in range(1_064, 1_064 + total, 64):
                ids = [(client, 1, b"{}") for client in range(at, at + 64)]
                if not await evil.pour(hostile.frame(hostile.awareness(*ids))):
                    break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(listening), 2)
        seen = {client for client in shown.clocks if client >= 1_000}
        reading.cancel()
        listening.cancel()
        return Verdict(
            f"closed with {evil.code}; others were told of {len(seen)}; {watch}",
            evil.code is not None and len(seen) <= 4 and watch.unaffected,
        )


async def _watch(peer: Peer, shown: Presence) -> None:
    while True:
        update = await peer.hear(AwarenessUpdate)
        assert isinstance(update, AwarenessUpdate)
        shown.apply(update.update)


@attack("10", "5,000 documents opened, 2 KB each, and closed", "+10 % after 60 s", 240)
async def documents(stage: Stage) -> Verdict:
    total = stage.some(5_000)
    with stage.server() as server:
        numbers = iter(range(total + 50))

        async def one(number: int) -> None:
            peer = await Peer.join(server.url(f"small {number}"))
            await peer.say(SyncUpdate(typed(5, 0, "x" * 2_000)))
            await peer.say(Receipt(1))
            while await peer.hear(Receipt) != Receipt(1):
                pass
            peer.close()

        for _ in range(50):
            await one(next(numbers))
        before = server.memory

        async def some() -> None:
            for number in numbers:
                await one(number)

        await asyncio.gather(*[some() for _ in range(8)])
        peak, began = server.memory, time.monotonic()
        while server.memory > before * 1.1 and time.monotonic() < began + 60:
            await asyncio.sleep(0.5)
        after, seconds = server.memory, time.monotonic() - began
    said = (
        f"{before / MIB:.0f} -> {peak / MIB:.0f} MiB, {after / MIB:.0f} MiB after {seconds:.0f} s "
        f"({after / before - 1:+.1%})"
    )
    return Verdict(said, after <= before * 1.1)


@attack("17", "500 half handshakes, 500 mute sockets", "gone within 15 s")
async def mute(stage: Stage) -> Verdict:
    """Of the mute ones half say nothing at all, and half nothing after the WebSocket handshake."""
    half = HANDSHAKE.format(name="attacked")[:60].encode()
    whole = HANDSHAKE.format(name="attacked").encode()
    kinds = {"half handshakes": half, "silent": b"", "silent after the handshake": whole}
    numbers = {kind: stage.some(250) for kind in kinds} | {"half handshakes": stage.some(500)}
    with stage.server() as server:
        async with Watch(server, "attacked", "elsewhere") as watch:
            places = addresses(100)
            tasks = [
                asyncio.create_task(_hang(server, kinds[kind], next(places)))
                for kind, number in numbers.items()
                for _ in range(number)
            ]
            taken = iter([await task for task in tasks])
        said, ok = [], watch.unaffected
        for kind, number in numbers.items():
            longest = max(next(taken) for _ in range(number))
            ok &= longest <= 15
            said.append(f"{kind}: " + (f"{longest:.0f} s" if longest < 25 else "not within 25 s"))
        return Verdict(f"{', '.join(said)}; {watch}", ok)


async def _hang(server: Server, data: bytes, place: tuple[str, int]) -> float:
    """Seconds until somebody is closed who says this and no more; 25 if he is not."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=place)
    writer.write(data)
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(25):
            while await reader.read(1 << 16):
                pass
    writer.transport.abort()
    return time.monotonic() - began
