"""A store whose disk fails acknowledges nothing, loses nothing, and heals by itself.

Every fault is a real one, made by the kernel: a full disk, EIO from fsync, a write beyond a
limit, a file without the right to write, a lock, a file that goes away.
"""

import asyncio
import errno
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest
from sqlite_utils import Database

from collab.storage import Entry, Store, open_store, sqlite_log, sqlite_rows
from collab.storage.sqlite import SQLiteStore
from tests.durability.faults import (
    SYNC_CALLS,
    descriptors_of,
    fail_sync,
    file_size_limit,
    fill,
    small_disk,
)
from tests.durability.test_store import contents

Rows = dict[tuple[str, int], bytes]


class Writer:
    """Appends to a store and remembers what it was told; repeats what failed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.told: Rows = {}
        self._pending: list[Entry] = []
        self._turn = 0

    async def append(self, size: int = 100, documents: int = 3) -> None:
        """Append an edit to each of a few documents, after those that failed before."""
        self._turn += 1
        for n in range(documents):
            data = b"%d/%d " % (self._turn, n) + b"." * size
            self._pending.append(Entry(f"doc{n}", self._turn, "al", data))
        seqs = await self.store.append(self._pending)
        for entry, seq in zip(self._pending, seqs, strict=True):
            self.told[entry.document, seq] = entry.data
        self._pending = []

    async def fails(self, number: int, sentence: str) -> None:
        """Try three times: each says what is wrong, and what was written is there to read."""
        for _ in range(3):
            with pytest.raises(OSError, match=sentence) as raised:
                await self.append()
            assert raised.value.errno == number
            assert await contents(self.store) == self.told

    async def heals(self) -> None:
        """The next append writes all that waited, once."""
        await self.append()
        assert not self._pending
        assert await contents(self.store) == self.told


async def check_again(path: Path, told: Rows) -> None:
    """Open the file anew: it holds what was told and nothing else."""
    async with open_store(path) as store:
        assert await contents(store) == told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_full_disk(tmp_path: Path, seed: int) -> None:
    """The disk fills up, in the middle of a write or between two; room heals it."""

    async def tell(path: Path, ballast: Path) -> None:
        chance = random.Random(seed)
        async with open_store(path) as store:
            writer = Writer(store)
            await writer.append()
            for _ in range(8):
                fill(ballast)
                os.truncate(ballast, ballast.stat().st_size - chance.randrange(20_000))
                with pytest.raises(OSError, match="the disk is full"):
                    while True:
                        await writer.append(size=chance.choice([10, 300, 5000]))
                await writer.fails(errno.ENOSPC, "the disk is full")
                os.truncate(ballast, 0)
                await writer.heals()
        fill(ballast)
        with pytest.raises(OSError, match="the disk is full"):
            async with open_store(path):
                pass
        ballast.unlink()
        await check_again(path, writer.told)

    with small_disk(tmp_path, 1 << 22) as disk:
        asyncio.run(tell(disk / "q.db", disk / "ballast"))


def test_a_write_that_fails(tmp_path: Path) -> None:
    """The kernel takes no byte beyond a limit, so each write fails; without it, all is well."""

    async def tell(path: Path) -> None:
        async with open_store(path) as store:
            writer = Writer(store)
            await writer.append(size=20_000)
            for _ in range(3):
                with file_size_limit(os.stat(f"{path}-wal").st_size):
                    await writer.fails(errno.EIO, "the disk reports an error")
                await writer.heals()
        await check_again(path, writer.told)

    asyncio.run(tell(tmp_path / "q.db"))


@pytest.mark.skipif(SYNC_CALLS is None, reason="the numbers of this machine's calls are unknown")
def test_an_fsync_that_fails(tmp_path: Path) -> None:
    """What was not synced is not acknowledged, and is written anew through another handle."""

    async def tell(path: Path) -> None:
        async with SQLiteStore(str(path)) as store:
            writer = Writer(store)
            await writer.append()
            handles = descriptors_of(Path(f"{path}-wal"))
            assert len(handles) == 1
            await asyncio.wrap_future(store._writer.submit(fail_sync, handles))

            with pytest.raises(OSError, match="the disk reports an error"):
                await writer.append()

            await writer.heals()
            assert descriptors_of(Path(f"{path}-wal")) != handles
        await check_again(path, writer.told)

    asyncio.run(tell(tmp_path / "q.db"))


@pytest.mark.skipif(SYNC_CALLS is None, reason="the numbers of this machine's calls are unknown")
def test_a_disk_that_never_syncs_again(tmp_path: Path) -> None:
    """Reading goes on; after a restart all that was acknowledged is there, and nothing twice."""

    async def tell(path: Path) -> Rows:
        async with SQLiteStore(str(path)) as store:
            writer = Writer(store)
            for _ in range(5):
                await writer.append()
            await asyncio.wrap_future(store._writer.submit(fail_sync, None))
            await writer.fails(errno.EIO, "the disk reports an error")
        return writer.told

    async def after(path: Path, told: Rows) -> None:
        async with open_store(path) as store:
            rows = await contents(store)
            assert told.items() <= rows.items()
            assert len(set(rows.values())) == len(rows)
            await store.append([Entry("doc0", 1, "al", b"after")])

    path = tmp_path / "q.db"
    asyncio.run(after(path, asyncio.run(tell(path))))


def test_a_commit_that_fails_and_was_carried_out(tmp_path: Path) -> None:
    """Rows that are on disk count as written, whatever COMMIT said; others do not."""
    entry = Entry("a", 1, "al", b"x")

    def commits(db: Database) -> list[int]:
        seqs = sqlite_rows.append(db, [entry])
        db.conn.execute("COMMIT")  # so the store's own COMMIT finds no transaction and fails
        return seqs

    def rolls_back(db: Database) -> list[int]:
        db.conn.execute("ROLLBACK")
        return [2]

    def carried_out(db: Database, seq: int) -> list[int] | None:
        return [seq] if sqlite_log.has(db, entry, seq) else None

    async def tell(path: Path) -> None:
        async with SQLiteStore(str(path)) as store:
            assert await store._write(commits, partial(carried_out, seq=1)) == [1]
            with pytest.raises(OSError, match="no transaction is active"):
                await store._write(rolls_back, partial(carried_out, seq=2))
            assert await store.append([entry]) == [2]
        await check_again(path, {("a", 1): b"x", ("a", 2): b"x"})

    asyncio.run(tell(tmp_path / "q.db"))


def test_locked_by_another_program(tmp_path: Path) -> None:
    """A shell that holds the file open for writing stops saving within 2 s, no longer than that."""

    async def tell(path: Path) -> None:
        async with open_store(path) as store:
            writer = Writer(store)
            await writer.append()
            shell = sqlite3.connect(path, isolation_level=None)
            shell.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(10):
                await writer.fails(errno.EBUSY, "another program has locked the file")
            shell.execute("ROLLBACK")
            shell.close()
            await writer.heals()
        await check_again(path, writer.told)

    asyncio.run(tell(tmp_path / "q.db"))


def test_moved_away_and_back(tmp_path: Path) -> None:
    """Nothing is acknowledged that only a file without its name holds."""

    async def tell(path: Path, elsewhere: Path) -> None:
        async with open_store(path) as store:
            writer = Writer(store)
            await writer.heals()
            path.rename(elsewhere)
            await writer.fails(errno.ESTALE, "moved, deleted or replaced")
            assert not path.exists()
            elsewhere.rename(path)
            await writer.heals()
        await check_again(path, writer.told)

    asyncio.run(tell(tmp_path / "q.db", tmp_path / "elsewhere.db"))


def test_replaced(tmp_path: Path) -> None:
    """A file that takes the place of ours is left alone, and what ours held is not lost."""

    async def tell(path: Path, elsewhere: Path) -> None:
        async with open_store(path) as store:
            writer = Writer(store)
            await writer.heals()
            path.rename(elsewhere)
            path.write_bytes(b"something else")
            await writer.fails(errno.ESTALE, "moved, deleted or replaced")
        assert path.read_bytes() == b"something else"
        shutil.move(f"{path}-wal", f"{elsewhere}-wal")
        await check_again(elsewhere, writer.told)

    asyncio.run(tell(tmp_path / "q.db", tmp_path / "elsewhere.db"))


READ_ONLY = """
import asyncio, json, os, sys
from collab.storage import Entry, open_store
import collab.storage.sqlite

if os.geteuid() == 0:  # root may write, whatever the mode says
    os.setgid(65534)
    os.setuid(65534)

async def tell(path):
    async with open_store(path) as store:
        rows = [row.data.decode() for row in (await store.load("a")).updates]
        try:
            await store.append([Entry("a", 2, "al", b"two")])
        except OSError as error:
            print(json.dumps([rows, error.errno, str(error)]))

asyncio.run(tell(sys.argv[1]))
"""


def test_read_only_file() -> None:
    """A file that may only be read is read, and says why nothing is written."""

    async def write(path: Path) -> None:
        async with open_store(path) as store:
            await store.append([Entry("a", 1, "al", b"one")])

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "q.db"
        asyncio.run(write(path))
        path.chmod(0o444)
        folder.chmod(0o777)
        command = [sys.executable, "-c", READ_ONLY, str(path)]
        child = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        rows, number, sentence = json.loads(child.stdout)

    assert (rows, number) == (["one"], errno.EROFS)
    assert "the file is read-only" in sentence
