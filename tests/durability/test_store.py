"""What a store acknowledged is there, after SIGKILL and after a power cut.

The kill is real; the power cut is modelled below SQLite. QUIRE_SOAK=N makes the tests N times as
long.
"""

import asyncio
import json
import os
import pickle
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from collab.storage import Store, open_store
from tests.durability import appender, powercut

SOAK = int(os.environ.get("QUIRE_SOAK", "1"))
ROOT = Path(__file__).parents[2]  # where `python -m tests...` is found


async def contents(store: Store) -> dict[tuple[str, int], bytes]:
    """Return every row of every document by its place; all of them have to be readable."""
    assert [problem async for problem in store.verify()] == []
    rows = {}
    for document in await store.documents(limit=10_000):
        loaded = await store.load(document.name)
        assert loaded.damaged is None
        assert [row.seq for row in loaded.updates] == list(range(1, document.head + 1))
        rows.update({(row.document, row.seq): row.data for row in loaded.updates})
    return rows


@pytest.fixture
def fast_folder() -> Iterator[Path]:
    """A folder in memory where there is one: for what does not ask the disk anything."""
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        yield Path(folder)


# SIGKILL


def test_kill(tmp_path: Path, seed: int) -> None:
    """A process is killed at any moment: what it was told is there once, whole batches only."""
    chance = random.Random(seed)
    path = tmp_path / "q.db"
    acknowledged: dict[tuple[str, int], bytes] = {}
    command = [sys.executable, "-m", "tests.durability.appender"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        for life in range(40 * SOAK):
            patience = chance.choice([0, 0, 1, 3, chance.randrange(60)])
            acknowledged.update(killed_life(process, path, life, patience))
            rows = asyncio.run(stored(path))
            assert acknowledged.items() <= rows.items()
            assert whole_batches(rows)
        assert process.stdin is not None
        process.stdin.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def killed_life(
    process: "subprocess.Popen[bytes]", path: Path, life: int, patience: int
) -> dict[tuple[str, int], bytes]:
    """Let a process append, kill it after some answers; return all that it was told."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{path}\n".encode())
    process.stdin.flush()
    chance = random.Random(life)
    acknowledged: dict[tuple[str, int], bytes] = {}
    pid = answers = 0
    while (line := process.stdout.readline().decode().strip()) != "dead":
        kind, _, rest = line.partition(" ")
        if kind == "pid":
            pid = int(rest)
        elif kind == "ack":
            told_life, turn, seqs = json.loads(rest)
            assert told_life == life
            batch = appender.batch_of(life, turn, chance)
            for entry, seq in zip(batch, seqs, strict=True):
                acknowledged[entry.document, seq] = entry.data
        answers += kind != "pid"
        if answers == patience:
            os.kill(pid, signal.SIGKILL)
    return acknowledged


async def stored(path: Path) -> dict[tuple[str, int], bytes]:
    """Open the store as it was left, and return what is in it."""
    async with open_store(path) as store:
        return await contents(store)


def whole_batches(rows: dict[tuple[str, int], bytes]) -> bool:
    """Whether each batch is there with all its entries, each once."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for data in rows.values():
        life, turn, row, size, _ = data.decode().split("/")
        found.setdefault((life, turn, size), []).append(int(row))
    return all(sorted(there) == list(range(int(key[2]))) for key, there in found.items())


# Power


def losses(folder: Path, mode: str, cuts: int, chance: random.Random) -> tuple[int, int]:
    """Append with SQLite set to `mode`, cut the power often; return (acknowledged rows, lost)."""
    trace_path = folder / "trace"
    program = [sys.executable, "-m", "tests.durability.powercut"]
    subprocess.run(
        [*program, str(folder / "q.db"), str(trace_path), "900", mode], check=True, cwd=ROOT
    )
    trace = pickle.loads(trace_path.read_bytes())
    moments = set(chance.sample(range(len(trace)), cuts)) | {len(trace) - 1}
    disk = powercut.Disk()
    acknowledged: dict[tuple[str, int], bytes] = {}
    asked = lost = 0
    for moment, step in enumerate(trace):
        if step[0] == "acknowledged":
            acknowledged[step[1], step[2]] = step[3]
        else:
            disk.apply(step)
        if moment in moments:
            rows = asyncio.run(stored(restored(folder, disk.after_cut(chance))))
            asked += len(acknowledged)
            lost += len(acknowledged.items() - rows.items())
    return asked, lost


def restored(folder: Path, images: dict[str, bytes]) -> Path:
    """Put the files where a store can open them."""
    after = folder / "after"
    shutil.rmtree(after, ignore_errors=True)
    after.mkdir()
    for name, image in images.items():
        (after / Path(name).name).write_bytes(image)
    return after / "q.db"


def test_power_cut(fast_folder: Path, seed: int) -> None:
    """Writes that were not synced are lost or torn: no acknowledged row is among them."""
    asked, lost = losses(fast_folder, "FULL", 60 * SOAK, random.Random(seed))

    assert asked > 10_000
    assert lost == 0


def test_power_cut_would_show(fast_folder: Path, seed: int) -> None:
    """The control: with synchronous=NORMAL the same test finds lost rows."""
    _, lost = losses(fast_folder, "NORMAL", 20, random.Random(seed))

    assert lost > 100
