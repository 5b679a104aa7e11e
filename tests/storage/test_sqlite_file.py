"""The file of a SQLite store: where it is, who may open it, what it has to be."""

import asyncio
import gc
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from collab.storage import Store, open_store, sqlite_file, sqlite_rows
from tests.storage.contract import entries
from tests.storage.files import listed, load, mode, write


def test_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path, or sqlite:/// before one; anything else is refused by a sentence that helps."""
    monkeypatch.chdir(tmp_path)
    for url, name in [
        ("plain.db", "plain.db"),
        ("sqlite:///relative.db", "relative.db"),
        (f"sqlite:///{tmp_path}/absolute.db", "absolute.db"),
        (tmp_path / "a.path", "a.path"),
    ]:
        asyncio.run(write(url, "a:1"))  # type: ignore[arg-type]
        assert name in listed(tmp_path)
    for url in ("postgresql://host/name", "sqlite://", "sqlite:///", "sqlite://host/name"):
        with pytest.raises(ValueError, match="sqlite:///path"):
            open_store(url)


def test_only_the_owner_reads(path: Path) -> None:
    """Our folder is 0700 and every file of ours 0600, whatever the umask."""
    file = path.parent / "new" / "folder" / "q.db"

    async def tell() -> None:
        async with open_store(file) as store:
            await store.append(entries("a:1"))
            await store.load("a")
            found = {name.name: mode(name) for name in file.parent.iterdir()}
            names = ["q.db", "q.db-shm", "q.db-wal", "q.db.lock"]
            assert found == dict.fromkeys(names, 0o600)

    before = os.umask(0)
    try:
        asyncio.run(tell())
    finally:
        os.umask(before)
    assert mode(file.parent) == mode(file.parent.parent) == 0o700


def test_no_memory_even_to_open_it_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a write that failed: it is said as of a disk that does not answer, and the next write
    tries again."""

    def breaks(*_: object) -> None:
        raise MemoryError

    async def tell() -> None:
        async with open_store(path) as store:
            with monkeypatch.context() as patch:
                patch.setattr(sqlite_rows, "append", breaks)
                patch.setattr(sqlite_file, "_connect", breaks)
                with pytest.raises(OSError, match="there is no memory"):
                    await store.append(entries("a:1"))
            assert await store.append(entries("a:1")) == [1]

    asyncio.run(tell())


HOLD = """
import asyncio, sys
from collab.storage import open_store

async def hold(path):
    async with open_store(path):
        print("open", flush=True)
        sys.stdin.read()

asyncio.run(hold(sys.argv[1]))
"""


def test_a_second_process_is_refused(path: Path) -> None:
    """Another process has the file: a clear sentence, also by another name; SIGKILL frees it."""
    (path.parent / "link.db").symlink_to(path)
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"open\n"
        for name in ("q.db", "link.db"):
            with pytest.raises(OSError, match="already open in this or another Quire"):
                asyncio.run(write(path.parent / name, "a:1"))
        other.send_signal(signal.SIGKILL)

    asyncio.run(write(path, "a:1"))
    assert listed(path.parent) == ["link.db", "q.db"]


def test_nothing_is_left_behind(path: Path) -> None:
    """Fifty openings, some of them failed: no thread, no descriptor and no file more."""
    gc.collect()  # what other tests left behind must not go meanwhile
    threads = threading.active_count()
    descriptors = len(os.listdir("/proc/self/fd"))

    async def tell() -> None:
        for _ in range(50):
            async with open_store(path) as store:
                await asyncio.gather(*(store.load("a") for _ in range(8)))
                await store.append(entries("a:1"))
                with pytest.raises(OSError):
                    await open_store(path).open()

    loop = asyncio.Runner()
    with loop:
        loop.run(tell())
        assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert listed(path.parent) == ["q.db"]


def test_an_opening_that_is_cancelled(path: Path) -> None:
    """Whenever that happens, the file is free again soon."""

    async def tell() -> None:
        for yields in range(20):
            first = open_store(path)
            opening = asyncio.create_task(first.open())
            for _ in range(yields):
                await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait([opening])
            await first.close()
            store = open_store(path)
            async with asyncio.timeout(10):
                while not await opened(store):
                    pass
            await store.close()

    async def opened(store: Store) -> bool:
        try:
            await store.open()
        except OSError:
            return False
        return True

    asyncio.run(tell())


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    """A file without a byte is taken as it is, and keeps the rights that it has."""
    path.touch(0o640)
    path.chmod(0o640)

    asyncio.run(write(path, "a:1"))

    assert len(asyncio.run(load(path, "a")).updates) == 1
    assert mode(path) == 0o640


def test_a_first_opening_that_was_cut_short(path: Path) -> None:
    """Killed before the tables were made, the file is ours all the same."""
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY,"
            " migration_set TEXT, name TEXT, applied_at TEXT)"
        )
    connection.close()

    asyncio.run(write(path, "a:1"))

    assert len(asyncio.run(load(path, "a")).updates) == 1


def other_program(path: Path) -> None:
    """Make a database with a table that is not ours."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE documents (id INTEGER PRIMARY KEY, name)")
    connection.commit()
    connection.close()


def future(path: Path) -> None:
    """Make a store as a later version could leave it."""
    asyncio.run(write(path, "a:1"))
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('quire', 'segments')"
    )
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path.write_bytes(b"Dear diary, " * 1000), "is not a SQLite database"),
        (lambda path: path.write_bytes(b"x"), "is not a SQLite database"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "is not a SQLite database"),
        (other_program, "belongs to another program"),
        (future, "was written by a newer Quire"),
    ],
    ids=["text", "one byte", "cut short", "another program's", "newer"],
)
def test_a_file_that_is_not_ours(path: Path, make: Callable[[Path], None], sentence: str) -> None:
    """It is refused with a sentence that names it, and no byte of it changes."""
    make(path)
    before = path.read_bytes()

    with pytest.raises(ValueError, match=f"{path} {sentence}"):
        asyncio.run(load(path, "a"))

    assert path.read_bytes() == before
    assert listed(path.parent) == ["q.db"]


def test_a_folder_is_no_file(path: Path) -> None:
    """A folder in the place of the file is an OSError like any other."""
    path.mkdir()

    with pytest.raises(OSError, match="cannot be opened"):
        asyncio.run(load(path, "a"))

    assert listed(path.parent) == ["q.db"]
