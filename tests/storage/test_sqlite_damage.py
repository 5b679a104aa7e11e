"""A SQLite file that was damaged: nothing wrong is handed out, and everything sound still is.

The damage is real: bytes of the closed file are overwritten, or rows changed behind its back.
"""

import asyncio
import os
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from collab.storage import Damaged, Entry, Loaded, Problem, Snapshot, open_store
from collab.storage.sqlite_caches import PIECE
from tests.storage.contract import entries
from tests.storage.files import everything, load, problems, write


def overwrite(path: Path, old: bytes, new: bytes) -> None:
    """Replace bytes that are in the file exactly once."""
    contents = path.read_bytes()
    assert contents.count(old) == 1 and len(old) == len(new)
    path.write_bytes(contents.replace(old, new))


@pytest.mark.expects_log("damaged row 3 of document 'a'")
def test_a_damaged_row(path: Path) -> None:
    """The rows before it are there; it and what follows are not, and other documents are."""
    asyncio.run(write(path, "a:1", "a:2", "a:30000", "b:1", "a:4"))
    overwrite(path, b"a:30000", b"a:3X000")

    async def tell() -> None:
        async with open_store(path) as store:
            loaded = await store.load("a")
            assert [row.seq for row in loaded.updates] == [1, 2]
            assert loaded.damaged == 3
            assert len(await store.updates("a", upto=2)) == 2
            assert len(await store.updates("a", after=3)) == 1
            with pytest.raises(Damaged, match="row 3 of document 'a' is damaged") as raised:
                await store.updates("a")
            assert (raised.value.document, raised.value.seq) == ("a", 3)
            assert (await store.load("b")).damaged is None
            assert [problem async for problem in store.verify()] == [Problem("a", 3, "damaged row")]

    before = path.read_bytes()
    asyncio.run(tell())
    assert path.read_bytes() == before


@pytest.mark.expects_log("damaged snapshot 2 of document 'a'")
def test_a_damaged_snapshot(path: Path) -> None:
    """The one before it, or the rows alone, take its place."""

    async def make(*seqs: int) -> None:
        async with open_store(path) as store:
            await store.append(entries("a:1", "a:2", "a:3"))
            for seq in seqs:
                await store.save_snapshot("a", Snapshot(seq, b"state %d" % seq, b"index %d" % seq))

    asyncio.run(make(1, 2))
    overwrite(path, b"index 2", b"indeX 2")
    loaded = asyncio.run(load(path, "a"))
    assert loaded.snapshot == Snapshot(1, b"state 1", b"index 1")
    assert [row.seq for row in loaded.updates] == [2, 3]
    assert loaded.damaged is None
    assert asyncio.run(problems(path)) == [Problem("a", 2, "damaged snapshot")]


@pytest.mark.expects_log("damaged snapshot 2 of document 'a'")
@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM snapshot_pieces WHERE seq = 2 AND number = 1",
        "UPDATE snapshot_pieces SET data = zeroblob(9) WHERE seq = 2 AND number = 2",
        "UPDATE snapshot_pieces SET data = 'text' WHERE seq = 2 AND number = 2",
        "UPDATE snapshot_pieces SET number = 3 WHERE seq = 2 AND number = 1",
    ],
)
def test_a_piece_of_a_large_snapshot_is_damaged(path: Path, damage: str) -> None:
    """What is left of it is not taken for the whole."""
    large = random.Random(1).randbytes(5 * PIECE // 2)

    async def make() -> None:
        async with open_store(path) as store:
            await store.append(entries("a:1", "a:2"))
            for seq in (1, 2):
                await store.save_snapshot("a", Snapshot(seq, large, b""))
            assert (await store.load("a")).snapshot == Snapshot(2, large, b"")

    asyncio.run(make())
    with sqlite3.connect(path) as database:
        database.execute(damage)
    database.close()
    assert asyncio.run(load(path, "a")).snapshot == Snapshot(1, large, b"")
    assert asyncio.run(problems(path)) == [Problem("a", 2, "damaged snapshot")]


@pytest.mark.parametrize("way", ["newer", "again", "thin", "erase", "quarantine"])
def test_the_pieces_go_with_their_snapshot(path: Path, way: str) -> None:
    """However it goes: what is gone from the history is not left in them."""
    large = b"secret" * PIECE

    async def make() -> None:
        async with open_store(path) as store:
            rows = entries(*(f"a:{number}" for number in range(1, 6)))
            await store.append(rows)
            await store.save_snapshot("a", Snapshot(3, large, b""))
            if way == "newer":
                for seq in (4, 5):
                    await store.save_snapshot("a", Snapshot(seq, b"", b""))
            elif way == "again":
                await store.save_snapshot("a", Snapshot(3, b"", b""))
            elif way == "thin":
                await store.thin("a", 1, 5, (await store.updates("a"))[4:])
            elif way == "erase":
                await store.delete("a", 1)
                await store.erase("a")
            else:
                await store.quarantine("a", 2, "it kills")

    asyncio.run(make())
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM snapshot_pieces").fetchall() == [(0,)]
    database.close()
    assert large[:600] not in path.read_bytes()


@pytest.mark.expects_log("damaged snapshot [12] of document 'a'")
@pytest.mark.expects_log("damaged row 2 of document 'a'")
def test_no_snapshot_can_be_read(path: Path) -> None:
    """Then the rows are all there is, up to a damaged one; a good snapshot hides it again."""

    async def make() -> None:
        async with open_store(path) as store:
            await store.append(entries("a:1", "a:20000", "a:3"))
            await store.save_snapshot("a", Snapshot(1, b"state 1", b""))
            await store.save_snapshot("a", Snapshot(2, b"state 2", b""))

    asyncio.run(make())
    overwrite(path, b"a:20000", b"a:20X00")
    loaded = asyncio.run(load(path, "a"))
    assert loaded.damaged is None
    assert [row.seq for row in loaded.updates] == [3]

    overwrite(path, b"state 1", b"stale 1")
    overwrite(path, b"state 2", b"stale 2")
    loaded = asyncio.run(load(path, "a"))
    assert loaded.snapshot is None
    assert [row.seq for row in loaded.updates] == [1]
    assert loaded.damaged == 2


@pytest.mark.expects_log("damaged row")
@pytest.mark.parametrize(
    ("statement", "damaged"),
    [
        ("DELETE FROM updates WHERE seq = 2", 2),
        ("DELETE FROM updates WHERE seq = 4", 4),
        ("DELETE FROM updates", 1),
        ("UPDATE documents SET head = 3", 4),
        ("UPDATE documents SET head = 5", 5),
        ("UPDATE updates SET time = 7 WHERE seq = 3", 3),
        ("UPDATE updates SET author = 2 WHERE seq = 3", 3),
        ("UPDATE updates SET author = 99 WHERE seq = 3", 3),
        ("UPDATE authors SET name = 'mallory' WHERE id = 1", 1),
        ("UPDATE authors SET name = CAST(x'ff' AS TEXT) WHERE id = 1", 1),
        ("UPDATE updates SET data = 'text' WHERE seq = 1", 1),
        ("UPDATE updates SET checksum = CAST(checksum AS TEXT) WHERE seq = 1", 1),
        ("UPDATE updates SET seq = 0 WHERE seq = 4", 4),
    ],
)
def test_rows_that_are_not_as_written(path: Path, statement: str, damaged: int) -> None:
    """A row that is missing, too many, of another author or time is damage like any other."""
    asyncio.run(write(path, "a:1", "a:2", "a:3", "a:4"))
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO authors (name) VALUES ('bo')")
    connection.execute(statement)
    connection.commit()
    connection.close()

    loaded = asyncio.run(load(path, "a"))

    assert loaded.damaged == damaged
    assert [row.seq for row in loaded.updates] == list(range(1, damaged))
    assert asyncio.run(problems(path)) != []


def test_a_damaged_head_overwrites_nothing(path: Path) -> None:
    """An append where a row stands already is refused; the row stays."""
    asyncio.run(write(path, "a:1", "a:2", "b:1"))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE documents SET head = 1 WHERE name = 'a'")
    connection.commit()
    connection.close()

    async def tell() -> None:
        async with open_store(path) as store:
            with pytest.raises(ValueError, match="is damaged"):
                await store.append(entries("b:2", "a:3"))
            assert await store.append(entries("b:2")) == [2]

    asyncio.run(tell())
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT data FROM updates WHERE document = 1").fetchall() == [
        (b"a:1",),
        (b"a:2",),
    ]
    connection.close()


@pytest.mark.expects_log("damaged (row|snapshot)")
def test_any_damage_is_found(path: Path, seed: int) -> None:
    """Whatever bytes of the file are overwritten: no wrong row is ever handed out.

    The file is refused, or a document loads up to the damage, or `verify` finds it.
    """
    chance = random.Random(seed)
    written = [
        Entry(f"doc{n % 4}", n, f"user {n % 3}", b"%d." % n * chance.randrange(1, 60))
        for n in range(400)
    ]

    async def make() -> None:
        async with open_store(path) as store:
            await store.append(written)
            for n in (0, 1):
                await store.save_snapshot(f"doc{n}", Snapshot(50, b"state" * 500, b"index"))

    async def read(file: Path) -> tuple[dict[str, Loaded], list[Problem]]:
        async with open_store(file) as store:
            documents = {f"doc{n}": await store.load(f"doc{n}") for n in range(4)}
            return documents, [problem async for problem in store.verify()]

    asyncio.run(make())
    sound, _ = asyncio.run(read(path))
    rows = {(row.document, row.seq): row for row in asyncio.run(everything(path))}
    copy = path.with_name("copy.db")
    for _ in range(150 * int(os.environ.get("QUIRE_SOAK", "1"))):
        shutil.copy(path, copy)
        damage = chance.randbytes(chance.choice([1, 1, 8, 512, 4096]))
        with copy.open("r+b") as file:
            file.seek(chance.randrange(path.stat().st_size - len(damage)))
            file.write(damage)
        try:
            documents, found = asyncio.run(read(copy))
        except (OSError, ValueError):
            continue
        for name, loaded in documents.items():
            assert all(row == rows[name, row.seq] for row in loaded.updates)
            assert loaded.snapshot in (None, sound[name].snapshot)
            assert loaded == sound[name] or found != []
