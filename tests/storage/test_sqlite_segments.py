"""Packed rows in a SQLite file: damaged ones, room, and files from before there were any."""

import asyncio
import os
import random
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from collab.storage import Damaged, Entry, Past, Problem, Stretch, Update, Version, open_store
from collab.storage.sqlite_schema import checksum, documents_and_their_logs
from tests.storage.contract import entries
from tests.storage.contract_past import pack_all
from tests.storage.files import load, problems
from tests.storage.test_segments import typed


def change(path: Path, statement: str) -> None:
    """Change the closed file behind its back."""
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def packed(path: Path, count: int = 6000) -> list[Update]:
    """Write rows of document 'doc' and pack all but the last few; return them all."""

    async def tell() -> list[Update]:
        async with open_store(path) as store:
            await store.append(typed(random.Random(3), count))
            rows = (await store.load("doc")).updates
            assert await pack_all(store, "doc", count - 100) > 2
            return rows

    return asyncio.run(tell())


def second_segment(path: Path) -> tuple[int, int]:
    """Return the first and the last seq of the second segment."""
    connection = sqlite3.connect(path)
    [_, place, *_] = connection.execute("SELECT first, last FROM segments ORDER BY first")
    connection.close()
    return (int(place[0]), int(place[1]))


@pytest.mark.expects_log("damaged row")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("contents", "zeroblob(900)"),
        ("contents", "'text'"),
        ("contents_checksum", "x'00000000'"),
        ("moments", "zeroblob(900)"),
        ("moments", "substr(moments, 1, 700)"),
        ("checksum", "x'00000000'"),
        ("latest", "latest + 1"),
        ("last", "last - 1"),
        ("joins", "1 - joins"),
        ("stretches", "'[]'"),
        ("stretches", "CAST(x'ff' AS TEXT)"),
    ],
)
def test_a_damaged_segment(path: Path, column: str, value: str) -> None:
    """Its rows are lost one by one; those of other segments and those that are not packed are not,
    and the timeline goes on around it."""
    rows = packed(path)
    first, last = second_segment(path)
    change(path, f"UPDATE segments SET {column} = {value} WHERE first = {first}")

    async def tell() -> None:
        async with open_store(path) as store:
            loaded = await store.load("doc")
            assert (loaded.updates, loaded.damaged) == (rows[: first - 1], first)
            for after in (0, first - 1, first, last - 1):
                with pytest.raises(Damaged) as raised:
                    await store.updates("doc", after, limit=10_000)
                assert raised.value.seq == max(after + 1, first)
            assert await store.updates("doc", last, limit=10_000) == rows[last:]
            assert await store.updates("doc", 5, first - 1, 10_000) == rows[5 : first - 1]
            stretches = await store.stretches("doc")
            assert {(stretches[0].last, stretches[-1].first)} == {(len(rows), 1)}
            if not column.startswith("contents"):
                with pytest.raises(Damaged):
                    await store.moments("doc", first - 5, last)
                assert [stretch.first for stretch in stretches] == [last + 1, 1]

    asyncio.run(tell())
    assert Problem("doc", first, "damaged segment") in asyncio.run(problems(path))


def test_a_damaged_segment_is_put_aside(path: Path) -> None:
    """Repair rejects its rows one by one: others take their places, and its bytes are kept."""
    rows = packed(path)
    first, last = second_segment(path)
    change(
        path,
        f"UPDATE segments SET contents = CAST(x'00' || contents AS BLOB) WHERE first = {first}",
    )

    async def tell() -> None:
        async with open_store(path) as store:
            lost = dict.fromkeys(range(first, last + 1), "damaged")
            await store.reject("doc", lost, b"\0\0")
            for seq in lost:
                rows[seq - 1] = Update("doc", seq, 0, "", b"\0\0")
            assert (await store.load("doc")).updates == rows
            assert await pack_all(store, "doc", len(rows) - 100) == 1
            assert (await store.load("doc")).updates == rows
            assert [stretch.author for stretch in await store.stretches("doc")] == ["al", "", "al"]

    asyncio.run(tell())
    assert asyncio.run(problems(path)) == []
    connection = sqlite3.connect(path)
    kept = connection.execute("SELECT seq, length(data) > 500 FROM rejected").fetchall()
    assert kept == [(first, 1), (first, 1)]
    connection.close()


@pytest.mark.expects_log("damaged row 1200 of document 'doc'")
def test_a_damaged_row_is_not_packed(path: Path) -> None:
    """It stays where it is, and those around it are packed."""

    async def make() -> None:
        async with open_store(path) as store:
            await store.append(typed(random.Random(3), 6000))

    async def tell() -> None:
        async with open_store(path) as store:
            assert await pack_all(store, "doc", 6000) > 3
            assert (await store.load("doc")).damaged == 1200
            assert len(await store.updates("doc", 1200, limit=10_000)) == 4800
            assert sum(s.last - s.first + 1 for s in await store.stretches("doc")) == 5999

    asyncio.run(make())
    change(path, "UPDATE updates SET data = x'00' WHERE seq = 1200")
    asyncio.run(tell())
    assert asyncio.run(problems(path)) == [Problem("doc", 1200, "damaged row")]
    connection = sqlite3.connect(path)
    left = "SELECT count(*) FROM updates WHERE seq < 3000"
    assert connection.execute(left).fetchall() == [(1,)]
    connection.close()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE documents SET head = 2500", "a row after the last one"),
        (
            "INSERT INTO updates SELECT document, 7, time, author, checksum, data FROM updates"
            " WHERE seq = 6000",
            "a row that is packed already",
        ),
        ("UPDATE segments SET document = 99", "segments of a document 99 that is gone"),
        ("UPDATE pasts SET data = x'00'", "damaged past"),
    ],
)
def test_what_verify_finds(path: Path, statement: str, problem: str) -> None:
    """What cannot be is said."""
    packed(path)

    async def tell() -> None:
        async with open_store(path) as store:
            await store.save_past("doc", Past(100, b"past"))

    asyncio.run(tell())
    change(path, statement)
    assert any(problem in found.reason for found in asyncio.run(problems(path)))


def test_a_damaged_past_is_none(path: Path) -> None:
    """It is only a cache: whoever kept it makes another."""

    async def save() -> None:
        async with open_store(path) as store:
            await store.append(entries("a:1"))
            await store.save_past("a", Past(1, b"past"))

    async def read() -> Past | None:
        async with open_store(path) as store:
            return await store.load_past("a")

    asyncio.run(save())
    assert asyncio.run(read()) == Past(1, b"past")
    change(path, "UPDATE pasts SET data = x'00'")
    assert asyncio.run(read()) is None


def test_a_damaged_head_doubles_no_packed_row(path: Path) -> None:
    """An append where a packed row stands is refused."""

    async def make() -> None:
        async with open_store(path) as store:
            await store.append([Entry("doc", 1, "al", b"x")] * 2000)
            assert await pack_all(store, "doc", 2000) == 1

    async def tell() -> None:
        async with open_store(path) as store:
            with pytest.raises(ValueError, match="is damaged"):
                await store.append([Entry("doc", 1, "al", b"y")])

    asyncio.run(make())
    change(path, "UPDATE documents SET head = 1000")
    asyncio.run(tell())


def test_packed_rows_need_little_room(path: Path) -> None:
    """Tables and indexes: at most 3.5 bytes for a row of 24, with its time and its author."""
    count = 60_000

    async def tell() -> None:
        async with open_store(path) as store:
            await store.append(typed(random.Random(3), count))
            await pack_all(store, "doc", count)

    asyncio.run(tell())
    connection = sqlite3.connect(path)
    [(pages,)], [(free,)] = (
        connection.execute(f"PRAGMA {what}").fetchall() for what in ("page_count", "freelist_count")
    )
    connection.close()
    assert 4096 * (pages - free) < 3.5 * count + 4096 * 30


def test_a_file_of_the_first_version(path: Path) -> None:
    """It is opened, gets what is new, and has lost nothing."""
    connection = sqlite3.connect(path, isolation_level=None)
    first = Migrations("quire")
    first()(documents_and_their_logs)
    first.apply(Database(connection))
    connection.execute("INSERT INTO documents VALUES (1, 'a', 'The A', 'text', 5, 7, 2, NULL)")
    connection.execute("INSERT INTO authors VALUES (1, 'al')")
    for seq in (1, 2):
        check = checksum("a", seq, 4 + seq, "al", b"x")
        connection.execute(
            "INSERT INTO updates VALUES (1, ?, ?, 1, ?, x'78')", [seq, 4 + seq, check]
        )
    connection.close()
    rows = [Update("a", 1, 5, "al", b"x"), Update("a", 2, 6, "al", b"x")]

    async def tell() -> None:
        async with open_store(path) as store:
            assert (await store.load("a")).updates == rows
            assert await store.stretches("a") == [Stretch(1, 2, "al", 5, 6)]
            await store.name_version("a", Version("v", 2, "al", 8))
            assert await store.append([Entry("a", 9, "bo", b"y")] * 3000) == list(range(3, 3003))
            assert await pack_all(store, "a", 3002) == 1

    asyncio.run(tell())
    assert asyncio.run(load(path, "a")).updates[:2] == rows
    assert asyncio.run(problems(path)) == []


@pytest.mark.expects_log("damaged row")
def test_any_damage_is_found(path: Path, seed: int) -> None:
    """Whatever bytes of the file are overwritten: no wrong row is ever handed out."""
    chance = random.Random(seed)
    rows = packed(path, 3000)
    change(path, "VACUUM")

    async def read(file: Path) -> None:
        async with open_store(file) as store:
            loaded = await store.load("doc")
            found = [problem async for problem in store.verify()]
            assert loaded.updates == rows[: len(loaded.updates)]
            assert len(loaded.updates) == len(rows) or found
            with suppress(Damaged):
                for row, moment in zip(rows, await store.moments("doc", 1, 3000), strict=False):
                    assert (row.seq, row.time, row.author) == moment
            with suppress(Damaged):
                assert 0 <= await store.seq_at("doc", rows[1500].time) <= 3000
            await store.stretches("doc")
            await store.reject("doc", dict.fromkeys([1, 1500, 2999], "why"), b"")

    copy = path.with_name("copy.db")
    for _ in range(50 * int(os.environ.get("QUIRE_SOAK", "1"))):
        shutil.copy(path, copy)
        damage = chance.randbytes(chance.choice([1, 1, 8, 512]))
        with copy.open("r+b") as file:
            file.seek(chance.randrange(path.stat().st_size - len(damage)))
            file.write(damage)
        with suppress(OSError, ValueError):
            asyncio.run(read(copy))
