"""Thinning is done or not, whenever it is cut short: what stays is as it was before, or after.

The kill is real; the power cut is modelled below SQLite. QUIRE_SOAK=N makes the tests N times as
long.
"""

import asyncio
import pickle
import random
import subprocess
import sys
from functools import partial
from pathlib import Path
from zlib import crc32

import pytest

from collab.storage import Entry, Store, open_store
from tests.durability import powercut
from tests.durability.appender import BLOCK, DOCUMENTS, FOLDED, folded
from tests.durability.faults import file_size_limit
from tests.durability.test_store import ROOT, SOAK, fast_folder, killed_life, restored

Rows = dict[tuple[str, int], bytes]

__all__ = ["fast_folder"]  # a fixture


async def contents(store: Store) -> Rows:
    """Return every row; all of them have to be readable, however they are asked for."""
    assert [problem async for problem in store.verify()] == []
    rows = {}
    for document in await store.documents(limit=10_000):
        loaded = await store.load(document.name)
        assert loaded.damaged is None
        moments = await store.moments(document.name, 1, document.head)
        assert [row[1:4] for row in loaded.updates] == [tuple(moment) for moment in moments]
        rows.update({(row.document, row.seq): row.data for row in loaded.updates})
    return rows


def require_all(known: Rows, rows: Rows) -> int:
    """Check that each row that is known is there, or one stands for it and all of its block; return
    how many these are."""
    thinned = 0
    for (name, seq), data in known.items():
        if rows.get((name, seq)) != data:
            first = (seq - 1) // BLOCK * BLOCK + 1
            last = first + BLOCK - 1
            checks = rows[name, last].removeprefix(FOLDED)
            assert len(checks) == 4 * BLOCK
            place = 4 * (seq - first)
            assert checks[place : place + 4] == crc32(data).to_bytes(4, "big")
            assert not any((name, other) in rows for other in range(first, last))
            thinned += 1
    return thinned


def test_kill(tmp_path: Path, seed: int) -> None:
    """A process is killed while it thins, packs and appends."""
    chance = random.Random(seed)
    path = tmp_path / "q.db"
    known: Rows = {}

    async def fill(life: int) -> None:
        """Give the next life something to thin, some of it packed."""
        name = f"doc{life % DOCUMENTS}"
        written = [Entry(name, n, "al", b"%d/%d " % (life, n) + bytes(9)) for n in range(1500)]
        async with open_store(path) as store:
            for seq, entry in zip(await store.append(written), written, strict=True):
                known[name, seq] = entry.data
            await store.pack(name, 1 << 40)

    async def check() -> int:
        """Everything that was acknowledged is there; what was not, may be from now on."""
        async with open_store(path) as store:
            rows = await contents(store)
        thinned = require_all(known, rows)
        known.update({key: data for key, data in rows.items() if not data.startswith(FOLDED)})
        return thinned

    thinned = 0
    command = [sys.executable, "-m", "tests.durability.appender", "thin"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        for life in range(15 * SOAK):
            asyncio.run(fill(life))
            patience = chance.choice([0, 1, chance.randrange(20), chance.randrange(60)])
            known.update(killed_life(process, path, life, patience))
            thinned = asyncio.run(check())
        assert process.stdin is not None
        process.stdin.close()
    assert thinned > 1000


def test_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    """What cannot be written is not done at all; to repeat the same call is right."""
    path = tmp_path / "q.db"

    async def tell() -> None:
        async with open_store(path) as store:
            await store.append([Entry("doc0", n, "al", b"%d" % n) for n in range(1, 4001)])
            rows = (await store.load("doc0")).updates
            kept = folded(rows)
            for attempt, after in (
                (partial(store.thin, "doc0", 1, 4000, kept), kept),
                (store.compact, kept),
                (partial(store.erase, "doc0"), []),
            ):
                with file_size_limit(Path(f"{path}-wal").stat().st_size):
                    with pytest.raises(OSError, match="the disk reports an error"):
                        await attempt()
                    assert (await store.load("doc0")).updates == rows
                await attempt()
                rows = after
                assert (await store.load("doc0")).updates == rows
            assert [problem async for problem in store.verify()] == []

    asyncio.run(tell())


THINNING = """
import _sqlite3, asyncio, ctypes, pickle, sys
from collab.storage import Entry
from collab.storage.sqlite import SQLiteStore
from tests.durability import appender
from tests.durability.powercut import Recorder

async def tell(recorder, path):
    async with SQLiteStore(path) as store:
        for turn in range(120):
            names = ["doc0", "doc1"] * 45
            batch = [Entry(name, turn, "al", b"%d:%d" % (turn, n)) for n, name in enumerate(names)]
            for entry, seq in zip(batch, await store.append(batch), strict=True):
                recorder.trace.append(("acknowledged", entry.document, seq, entry.data))
            if turn % 15 == 0:
                await appender.thin(store)

recorder = Recorder(ctypes.CDLL(getattr(_sqlite3, "__file__", None)))
asyncio.run(tell(recorder, sys.argv[1]))
with open(sys.argv[2], "wb") as output:
    pickle.dump(recorder.trace, output)
"""


def test_power_cut(fast_folder: Path, seed: int) -> None:
    """Writes that were not synced are lost or torn."""
    chance = random.Random(seed)
    trace_path = fast_folder / "trace"
    program = [sys.executable, "-c", THINNING, str(fast_folder / "q.db"), str(trace_path)]
    subprocess.run(program, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    trace = pickle.loads(trace_path.read_bytes())
    moments = {*chance.sample(range(len(trace)), 25 * SOAK), len(trace) - 1}
    disk = powercut.Disk()
    known: Rows = {}
    thinned = 0

    async def check(path: Path) -> int:
        async with open_store(path) as store:
            return require_all(known, await contents(store))

    for moment, step in enumerate(trace):
        if step[0] == "acknowledged":
            known[step[1], step[2]] = step[3]
        else:
            disk.apply(step)
        if moment in moments:
            thinned = asyncio.run(check(restored(fast_folder, disk.after_cut(chance))))
    assert thinned > 1000
