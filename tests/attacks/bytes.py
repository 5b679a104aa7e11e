"""Attacks by what is said: hostile messages, names, handshakes. Rows 3 to 6, 11 to 13 and B."""

import asyncio
import contextlib

from collab.wire import AwarenessUpdate, Receipt, SyncStep2, SyncUpdate
from tests import hostile
from tests.attacks import Stage, Verdict, Watch, attack
from tests.handshakes import UPGRADE, malformed, upgrade
from tests.live import FAST, STEP1, Peer, Server, typed
from tests.presence import Presence

EVIL = "Origin: https://evil.example\r\n"
COOKIE = "Cookie: quire=abc; __Host-quire=abc\r\n"
POST = (
    "POST /api/documents HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 2\r\n{more}\r\n{{}}"
)


async def closed_for(server: Server, data: bytes) -> int | None:
    """The code with which somebody is closed who joined and then sent these bytes."""
    peer = await Peer.join(server.url("attacked"))
    sending = asyncio.create_task(peer.pour(data))
    code = await peer.end()
    await sending
    return code


async def updates_that_wait(server: Server, name: str, count: int) -> int:
    """Sends so many updates that build on what nobody has; the version that is acknowledged. A
    late joiner is told of none of them."""
    peer = await Peer.join(server.url(name))
    for number in range(count):
        await peer.say(SyncUpdate(typed(5, 10 * (number + 1), "waits")))
    await peer.say(Receipt(count))
    receipt = await peer.hear(Receipt)
    peer.close()
    late = await Peer.connect(server.url(name))
    await late.send(STEP1)
    step2 = await late.hear(SyncStep2)
    late.close()
    assert isinstance(receipt, Receipt) and isinstance(step2, SyncStep2)
    assert b"waits" not in step2.update, "a late joiner is told of what waits"
    return receipt.version


async def answer(server: Server, request: bytes, seconds: float = 5) -> bytes:
    """What the server says first to these bytes, or nothing, when it closes without a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    said = b""
    with contextlib.suppress(ConnectionError):
        said = await asyncio.wait_for(reader.read(1 << 16), seconds)
    writer.transport.abort()
    return said


def status(said: bytes) -> int:
    """The status of an HTTP answer; 0 for none."""
    return int(said[9:12]) if said.startswith(b"HTTP/1.1 ") else 0


@attack(
    "3", "presence under another's id, its clock as high as it goes", "refused, audited, no harm"
)
async def spoof(stage: Stage) -> Verdict:
    """By one who may write, and by one who may only read; the victim has shown itself before."""
    assert stage.quire("token", "key").returncode == 0
    users = {"ann": "--write", "bob": "--write", "mallory": "--write", "eve": "--read"}
    with stage.server("--keys", str(stage.folder / "quire.keys")) as server:
        peers = {}
        for user, right in users.items():
            token = stage.quire("token", "new", user, right, "*").stdout.strip()
            peers[user] = await Peer.join(f"{server.url('spoof')}?token={token}")
        ann, bob, seen = Presence(7), Presence(8), set[bytes]()
        for place in (1, 2, 3):
            await peers["ann"].say(AwarenessUpdate(ann.move(place)))
            while b'"caret":%d' % place not in bob.states.get(7, b"").replace(b" ", b""):
                update = await peers["bob"].hear(AwarenessUpdate, 5)
                assert isinstance(update, AwarenessUpdate)
                bob.apply(update.update)
                seen.add(bob.states.get(7, b"null"))
            if place == 1:
                for user in ("mallory", "eve"):
                    for clock, state in ((2**32 - 2, b'{"evil":1}'), (2**32 - 1, b"null")):
                        spoofed = hostile.awareness((7, clock, state))
                        await peers[user].pour(hostile.frame(spoofed))
    harm = any(b"evil" in state or state == b"null" for state in seen)
    lines = [line for line in stage.quire("audit").stdout.splitlines() if "refuse" in line]
    audited = all(any(user in line for line in lines) for user in ("mallory", "eve"))
    return Verdict(
        f"the victim {'was taken over' if harm else 'is shown as it is'}, whether by one who may "
        f"write or by a reader; {len(lines)} lines in the audit log",
        not harm and audited,
    )


@attack("4", "all hostile frames and messages", "0 crashes, right close codes", 300)
async def frames(stage: Stage) -> Verdict:
    cases = list(hostile.cases())
    cases = cases[:: max(1, len(cases) // stage.some(len(cases)))]
    with stage.server() as server:
        async with Watch(server, "attacked", "elsewhere") as watch:
            codes = [await closed_for(server, case.data) == case.code for case in cases]
        said = f"{sum(codes)} of {len(codes)} closed with their code, 0 crashes; {watch}"
        return Verdict(said, all(codes) and watch.unaffected)


async def _waiting(stage: Stage, count: int) -> Verdict:
    with stage.server(*FAST) as server:
        async with Watch(server, "attacked", "elsewhere") as watch:
            version = await updates_that_wait(server, "attacked", stage.some(count))
        said = f"{version} acknowledged; {watch.cpu:.1f} s of CPU; {watch}"
        return Verdict(said, version == 0 and watch.unaffected)


@attack("5", "4,000 updates that wait for what nobody has", "no receipt, nobody waits 50 ms")
async def waiting(stage: Stage) -> Verdict:
    return await _waiting(stage, 4_000)


@attack("5b", "12,000 of them", "the same")
async def many_waiting(stage: Stage) -> Verdict:
    return await _waiting(stage, 12_000)


@attack("6", "names of documents", "odd ones are names, impossible ones 4400 or 4xx")
async def names(stage: Stage) -> Verdict:
    good = bad = 0
    with stage.server() as server:
        for path in hostile.NAMES.values():
            peer = await Peer.connect(f"ws://127.0.0.1:{server.port}/sync/{path}")
            refused = await peer.end() == 4400
            get = f"GET /api/documents/{path}/content HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            bad += refused and 400 <= status(await answer(server, get.encode())) < 500
        for number, path in enumerate(hostile.ORDINARY):
            url = f"ws://127.0.0.1:{server.port}/sync/{path}"
            ann, bob = await Peer.join(url), await Peer.connect(url)
            await bob.send(STEP1)
            first = await bob.hear(SyncStep2)
            ann.put(SyncUpdate(typed(5, 0, f"This is {number}.")))
            update = await bob.hear(SyncUpdate)
            assert isinstance(first, SyncStep2) and isinstance(update, SyncUpdate)
            good += first.update == b"\0\0" and b"is %d." % number in update.update
            ann.close()
            bob.close()
        ok = (bad, good) == (len(hostile.NAMES), len(hostile.ORDINARY)) and server.alive
    return Verdict(
        f"{bad} of {len(hostile.NAMES)} impossible ones refused, {good} of "
        f"{len(hostile.ORDINARY)} odd ones are documents of their own",
        ok,
    )


@attack("11", "a page of evil.example, with the user's cookie", "403")
async def origin(stage: Stage) -> Verdict:
    with stage.server() as server:
        said = {
            "socket": upgrade(EVIL + COOKIE),
            "socket of an opaque origin": upgrade("Origin: null\r\n" + COOKIE),
            "POST": POST.format(port=server.port, more=EVIL + COOKIE).encode(),
            "POST of another site": POST.format(
                port=server.port, more="Sec-Fetch-Site: cross-site\r\n" + COOKIE
            ).encode(),
        }
        codes = {name: status(await answer(server, request)) for name, request in said.items()}
    told = ", ".join(f"{name} {code}" for name, code in codes.items())
    return Verdict(told, set(codes.values()) == {403})


@attack("12", "permessage-deflate is offered, then a bomb", "not agreed to; 1002")
async def deflate(stage: Stage) -> Verdict:
    """Where compression is agreed on, which Quire never does: tests/web/test_protocol.py."""
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    with stage.server() as server:
        agreed = b"permessage-deflate" in await answer(server, upgrade(offer))
        bomb = bytearray(hostile.frame(b"\xec\xc1" + bytes(1_000)))
        bomb[0] |= 0x40
        code = await closed_for(server, bytes(bomb))
    return Verdict(f"{'' if agreed else 'not '}agreed to; {code}", not agreed and code == 1002)


@attack("13", "malformed upgrades", "0 crashes, 4xx")
async def upgrades(stage: Stage) -> Verdict:
    requests = list(malformed())
    requests = requests[:: max(1, len(requests) // stage.some(len(requests)))]
    with stage.server() as server:
        assert status(await answer(server, UPGRADE)) == 101
        async with Watch(server, "attacked", "elsewhere") as watch:
            wrong = []
            for request in requests:
                code = status(await answer(server, request))
                if not (400 <= code < 500 or code == 0):
                    wrong.append(f"{code} for {request[:300]!r}")
        said = f"{len(requests) - len(wrong)} of {len(requests)} refused; {watch}"
        return Verdict("; ".join([said, *wrong[:3]]), not wrong and watch.unaffected)


@attack("B", "a value nested 60,000 deep", "refused, others unaffected")
async def nested(stage: Stage) -> Verdict:
    (case,) = [case for case in hostile.cases() if case.name.endswith("nested 60,000 deep")][:1]
    with stage.server() as server:
        async with Watch(server, "attacked", "elsewhere") as watch:
            code = await closed_for(server, case.data)
        return Verdict(f"{code}; {watch}", code == 1007 and watch.unaffected)
