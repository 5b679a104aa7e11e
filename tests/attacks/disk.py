"""Attacks on what is stored: kills, damage, a full disk, two servers. Rows 7 and 14 to 16."""

import asyncio
import json
import os
import resource
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient

from collab.wire import Receipt, SyncStep2, SyncUpdate
from tests.attacks import Stage, Verdict, attack, errors
from tests.durability.faults import fill, small_disk
from tests.durability.kill import kill_again_and_again
from tests.live import FAST, QUIRE, STEP1, STEP2, Peer, Server, typed

PIECE = "x" * 20_000  # what is typed onto a full disk


@attack(
    "7", "kill -9, ten times, under eight typists", "0 lost; synced only when all is loaded", 300
)
async def kill(stage: Stage) -> Verdict:
    assert shutil.which("node"), "needs Node: run scripts/test once"
    with Server(stage.folder / "quire.db", QUIRE, *FAST) as server:
        figures = await kill_again_and_again(server, stage.some(10), stage.seed)
    return Verdict(str(figures), not (figures.lost or figures.doubled))


async def shown(server: Server, name: str) -> bytes:
    """A document as a new client gets it."""
    late = await Peer.connect(server.url(name))
    await late.send(STEP1 + STEP2)
    whole = await late.hear(SyncStep2)
    late.close()
    assert isinstance(whole, SyncStep2)
    return whole.update


async def saved(server: Server, name: str, client: int, *words: str) -> bool:
    """Types words one after the other; whether they were acknowledged within 3 s."""
    peer, clock = await Peer.join(server.url(name)), 0
    for word in words:
        await peer.say(SyncUpdate(typed(client, clock, word)))
        clock += len(word)
    await peer.say(Receipt(len(words)))
    try:
        async with asyncio.timeout(3):
            while await peer.hear(Receipt) != Receipt(len(words)):
                pass
    except (TimeoutError, AssertionError):  # closed, or no receipt
        return False
    finally:
        peer.close()
    return True


@attack(
    "14", "a stored document is cut off", "read-only at the last good state, repair, others fine"
)
async def truncated(stage: Stage) -> Verdict:
    with stage.server() as server:
        assert await saved(server, "broken", 5, "first ", "second ")
        assert await saved(server, "broken", 6, "third ")
        assert await saved(server, "sound", 5, "whole ")
    with closing(sqlite3.connect(stage.folder / "quire.db")) as database, database:
        cut = "UPDATE updates SET data = substr(data, 1, length(data) / 2) WHERE seq = 3"
        assert database.execute(cut).rowcount == 1
    with stage.server() as server:
        update = await shown(server, "broken")
        last_good = b"second " in update and b"third" not in update
        read_only = not await saved(server, "broken", 9, "lost ")
        others = b"whole " in await shown(server, "sound")
        others &= await saved(server, "sound", 9, "more ")
        alive = server.alive
    repaired = stage.quire("repair", "broken", "--yes").returncode == 0
    with stage.server() as server:
        repaired &= await saved(server, "broken", 9, "again ")
        repaired &= b"second " in await shown(server, "broken")
    told = {
        "shown at the last good state": last_good,
        "read-only": read_only,
        "others fine": others and alive,
        "editable after repair": repaired,
    }
    said = ", ".join(name if ok else f"NOT {name}" for name, ok in told.items())
    return Verdict(said, all(told.values()))


@contextmanager
def disk(folder: Path) -> Iterator[Path]:
    """A disk of 8 MiB, where one may be mounted; else the folder as it is."""
    place = folder / "disk"
    place.mkdir()
    if os.geteuid() == 0:
        with small_disk(place, 8 << 20):
            yield place
    else:
        yield place


@contextmanager
def full(server: Server, place: Path) -> Iterator[None]:
    """No more room: the disk has none, or the server may write no larger files."""
    assert server.process is not None
    if os.path.ismount(place):
        fill(place / "ballast")
        yield
        (place / "ballast").unlink()
        return
    limit = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, limit[1]))
    yield
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limit)


@attack("15", "the disk is full", "no receipt, clients told within 2 s, goes on by itself")
async def full_disk(stage: Stage) -> Verdict:
    with disk(stage.folder) as place:
        server = Server(place / "quire.db")
        server.log = stage.folder / "quire.log"
        with server:
            assert await saved(server, "notes", 5, "before ")
            ann, bob = await Peer.join(server.url("notes")), await Peer.join(server.url("notes"))
            with full(server, place):
                began, clock = time.monotonic(), 0
                for _ in range(20):
                    await ann.say(SyncUpdate(typed(6, clock, PIECE)))
                    clock += len(PIECE)
                await ann.say(Receipt(20))
                while await saving(server) and time.monotonic() < began + 5:
                    await asyncio.sleep(0.02)
                told = time.monotonic() - began
                early = await heard(ann, Receipt(20), 3) or await heard(bob, None, 0.1)
            began = time.monotonic()
            late = await heard(ann, Receipt(20), 20)
            seconds = time.monotonic() - began
            server.kill()
            server.start()
            kept = len(await shown(server, "notes")) > clock
            wrong = errors(server)
    said = (
        f"{'a' if early else 'no'} receipt while it is full, told after {told:.1f} s, "
        f"{'all 20 edits' if late else 'nothing'} acknowledged {seconds:.1f} s after there is "
        f"room, {'all' if kept else 'NOT all'} there after kill -9"
    )
    return Verdict(said, not early and told <= 2 and late and kept and not wrong)


async def saving(server: Server) -> bool:
    """What the page asks to know whether edits are saved."""
    answer = await AsyncHTTPClient().fetch(server.page("/api/status"))
    return bool(json.loads(answer.body)["saving"])


async def heard(peer: Peer, receipt: Receipt | None, seconds: float) -> bool:
    """Whether this receipt, or with None any edit of another, comes within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if receipt is None:
                    await peer.hear(SyncUpdate)
                    return True
                if await peer.hear(Receipt) == receipt:
                    return True
    except TimeoutError:
        return False


@attack("16", "a second server on the same file", "refused, or both converge")
async def second(stage: Stage) -> Verdict:
    with stage.server() as server:
        assert await saved(server, "notes", 5, "of the first ")
        other = stage.quire("serve", "--port", "0")
        refused = other.returncode != 0 and "already open" in other.stderr
        goes_on = await saved(server, "notes", 6, "and more ")
        kept = b"of the first " in await shown(server, "notes")
    said = other.stderr.strip().replace(str(stage.folder), "...")
    said = f"refused: {said}" if refused else f"exit code {other.returncode}"
    return Verdict(
        f"{said}; the first {'goes on' if goes_on else 'FAILS'}", refused and goes_on and kept
    )
