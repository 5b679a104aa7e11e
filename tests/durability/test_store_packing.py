"""Packing loses no row and doubles none, whenever it is cut short.

The kill is real; the power cut is modelled below SQLite. QUIRE_SOAK=N makes the tests N times as
long.
"""

import asyncio
import pickle
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

from collab.storage import Entry, open_store
from tests.durability import powercut
from tests.durability.appender import DOCUMENTS
from tests.durability.test_store import ROOT, SOAK, contents, fast_folder, killed_life, restored

Rows = dict[tuple[str, int], bytes]

__all__ = ["fast_folder"]  # a fixture


def segments_in(path: Path) -> int:
    """Return how many segments there are."""
    connection = sqlite3.connect(path)
    [(count,)] = connection.execute("SELECT count(*) FROM segments")
    connection.close()
    return int(count)


def test_kill(tmp_path: Path, seed: int) -> None:
    """A process is killed while it packs and appends: every row is there once, as it was."""
    chance = random.Random(seed)
    path = tmp_path / "q.db"
    known: Rows = {}

    async def fill(life: int) -> None:
        """Give the next life something to pack."""
        name = f"doc{life % DOCUMENTS}"
        written = [Entry(name, n, "al", b"%d/%d " % (life, n) + bytes(9)) for n in range(1500)]
        async with open_store(path) as store:
            for seq, entry in zip(await store.append(written), written, strict=True):
                known[name, seq] = entry.data

    async def check() -> None:
        """Everything that was acknowledged is there; what was not, may be from now on."""
        async with open_store(path) as store:
            rows = await contents(store)
        assert known.items() <= rows.items()
        known.update(rows)

    command = [sys.executable, "-m", "tests.durability.appender", "pack"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        for life in range(15 * SOAK):
            asyncio.run(fill(life))
            patience = chance.choice([0, 1, chance.randrange(20), chance.randrange(60)])
            known.update(killed_life(process, path, life, patience))
            asyncio.run(check())
        assert process.stdin is not None
        process.stdin.close()
    assert segments_in(path) > 0  # how many depends on how soon it was killed


PACKING = """
import _sqlite3, asyncio, ctypes, pickle, sys
from collab.storage import Entry
from collab.storage.sqlite import SQLiteStore
from tests.durability.powercut import Recorder

async def tell(recorder, path):
    async with SQLiteStore(path) as store:
        for turn in range(120):
            names = ["doc0", "doc1"] * 45
            batch = [Entry(name, turn, "al", b"%d:%d" % (turn, n)) for n, name in enumerate(names)]
            for entry, seq in zip(batch, await store.append(batch), strict=True):
                recorder.trace.append(("acknowledged", entry.document, seq, entry.data))
            if turn % 3 == 0:
                await store.pack(f"doc{turn % 2}", 1 << 40)

recorder = Recorder(ctypes.CDLL(getattr(_sqlite3, "__file__", None)))
asyncio.run(tell(recorder, sys.argv[1]))
with open(sys.argv[2], "wb") as output:
    pickle.dump(recorder.trace, output)
"""


def test_power_cut(fast_folder: Path, seed: int) -> None:
    """Writes that were not synced are lost or torn: a row is in the log or in a segment, once."""
    chance = random.Random(seed)
    trace_path = fast_folder / "trace"
    program = [sys.executable, "-c", PACKING, str(fast_folder / "q.db"), str(trace_path)]
    subprocess.run(program, check=True, cwd=ROOT)
    assert segments_in(fast_folder / "q.db") >= 4
    trace = pickle.loads(trace_path.read_bytes())
    moments = {*chance.sample(range(len(trace)), 25 * SOAK), len(trace) - 1}
    disk = powercut.Disk()
    known: Rows = {}

    async def check(path: Path) -> None:
        async with open_store(path) as store:
            assert known.items() <= (await contents(store)).items()

    for moment, step in enumerate(trace):
        if step[0] == "acknowledged":
            known[step[1], step[2]] = step[3]
        else:
            disk.apply(step)
        if moment in moments:
            asyncio.run(check(restored(fast_folder, disk.after_cut(chance))))
