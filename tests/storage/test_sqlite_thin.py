"""Thinned and erased documents in a SQLite file: what is gone, what is damaged, and old files."""

import asyncio
import random
import sqlite3
from pathlib import Path

import pytest

from collab.storage import Damaged, Entry, Past, Snapshot, Store, Update, Version, open_store
from tests.storage.contract import entries, numbered
from tests.storage.contract_past import history, pack_all, same
from tests.storage.contract_thin import told_at_random
from tests.storage.files import problems
from tests.storage.test_sqlite_segments import change, packed


def marks(name: str, count: int) -> list[Entry]:
    """Return rows that say whose they are, so long that nothing makes them shorter."""
    chance = random.Random(name)
    return [
        Entry(name, n, f"author of {name}", b"<%s %d>" % (name.encode(), n) + chance.randbytes(300))
        for n in range(1, count + 1)
    ]


def found(path: Path, what: bytes) -> int:
    """Return how often these bytes are in the files of the store."""
    files = [path, path.with_name(f"{path.name}-wal")]
    return sum(file.read_bytes().count(what) for file in files if file.exists())


async def all_kinds(store: Store, name: str) -> None:
    """Leave everything of a document in the file that there can be."""
    await store.create(name, f"title of {name}", f"kind of {name}", 1)
    for start in range(0, 1500, 100):
        await store.append(marks(name, 1500)[start : start + 100])
    await pack_all(store, name, 1000)
    await store.reject(name, {1200: f"reason of {name}"}, b"")
    for seq in (1300, 1400, 1500):
        await store.save_snapshot(name, Snapshot(seq, f"state of {name}".encode(), b""))
        await store.save_past(name, Past(seq, f"past of {name}".encode() * 1000))
    await store.name_version(name, Version(f"version of {name}", 1500, f"namer of {name}", 1))


def test_nothing_of_an_erased_document_is_left(path: Path) -> None:
    """Not in the file, nor in the write-ahead log, open or closed; of others everything is."""

    async def tell() -> None:
        async with open_store(path) as store:
            for name in ("secret", "other"):
                await all_kinds(store, name)
            before = {what: found(path, what) for what in words(b"secret")}
            assert all(before.values())

            await store.erase("secret")

            assert [what for what in words(b"secret") if found(path, what)] == []
            assert all(found(path, what) for what in words(b"other"))
            assert len(await store.updates("other", limit=2000)) == 1500

    def words(name: bytes) -> list[bytes]:
        kinds = b"title", b"kind", b"author", b"reason", b"state", b"past", b"version", b"namer"
        rows = [row.data[20:100] for row in marks(name.decode(), 1500)[::100]]
        return [b"<%s " % name, *(b"%s of %s" % (kind, name) for kind in kinds), *rows]

    asyncio.run(tell())
    assert all(not found(path, what) for what in words(b"secret"))


@pytest.mark.parametrize("upto", [0, 1500], ids=["rows", "packed"])
def test_nothing_of_thinned_rows_is_left(path: Path, upto: int) -> None:
    """What they held is overwritten, wherever it was; so are snapshots and the past."""
    rows = [numbered(seq, row) for seq, row in enumerate(marks("doc", 1500), 1)]

    def left() -> list[int]:
        return [row.seq for row in rows if found(path, row.data[20:100])]

    async def tell() -> None:
        async with open_store(path) as store:
            await store.append(marks("doc", 1500))
            await pack_all(store, "doc", upto)
            await store.save_snapshot("doc", Snapshot(500, rows[5].data, b""))
            await store.save_past("doc", Past(1500, rows[5].data))
            assert len(left()) == 1500

            kept = [row._replace(data=b"kept") for row in rows[:1000] if row.seq % 100 == 0]
            await store.thin("doc", 1, 1000, kept)

            assert left() == list(range(1001, 1501))

    asyncio.run(tell())
    assert left() == list(range(1001, 1501))


def test_compacting_leaves_no_copies(path: Path, seed: int) -> None:
    """SQLite leaves copies of rows in pages that it splits; a file that was written anew has none,
    and nothing else is lost or needs more room."""
    chance = random.Random(seed)

    async def tell() -> None:
        async with open_store(path) as store:
            for time in range(200):
                batch = [mark(chance.choice(["a", "secret", "z"]), time) for _ in range(20)]
                await store.append(batch)
            rows = {name: (await store.load(name)).updates for name in ("a", "z")}
            size = path.stat().st_size
            await store.erase("secret")

            await store.compact()

            assert path.stat().st_size < size
            assert not found(path, b"<secret>")
            assert {name: (await store.load(name)).updates for name in rows} == rows
            assert await store.append(entries("a:1")) == [len(rows["a"]) + 1]

    def mark(name: str, time: int) -> Entry:
        size = chance.choice([0, 0, 5, 20, 300, 3000])
        text = f"<{name}>".encode()
        return Entry(name, time, "al", text + chance.randbytes(size) + text)

    asyncio.run(tell())
    assert asyncio.run(problems(path)) == []


def test_a_reader_keeps_the_log_for_a_while(path: Path) -> None:
    """What is erased while somebody reads is in the write-ahead log until a later write."""

    async def tell() -> None:
        async with open_store(path) as store:
            await store.append([*marks("secret", 10), *entries("a:1")])
            reader = sqlite3.connect(path, isolation_level=None)
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM documents").fetchall()
            await store.erase("secret")
            assert found(path, b"<secret ")
            reader.close()
            await store.append(entries("a:2"))
            assert not found(path, b"<secret ")

    asyncio.run(tell())


def test_any_history_in_a_file(path: Path, seed: int) -> None:
    """Appended, packed, thinned, rejected, closed and opened: each row reads as the model says."""
    chance = random.Random(seed)
    model: dict[int, Update] = {}

    async def tell() -> None:
        async with open_store(path) as store:
            if model:
                await same(store, sorted(model.values()), chance)
            await told_at_random(store, chance, 4, model)

    for _ in range(3):
        asyncio.run(tell())


def thinned(path: Path) -> list[Update]:
    """Write 6000 rows, thin the first 3000 to a third; return what is left."""

    async def tell() -> list[Update]:
        async with open_store(path) as store:
            await store.append(history(random.Random(3), 6000))
            rows = (await store.load("doc")).updates
            await pack_all(store, "doc", 5900)
            kept = rows[2:3000:3]
            await store.thin("doc", 1, 3000, kept)
            return kept + rows[3000:]

    return asyncio.run(tell())


@pytest.mark.expects_log("damaged row")
@pytest.mark.parametrize(
    ("column", "value"),
    [("contents", "zeroblob(900)"), ("moments", "zeroblob(900)"), ("checksum", "x'00000000'")],
)
def test_a_damaged_segment_with_gaps(path: Path, column: str, value: str) -> None:
    """No row of it is handed out or thinned; once rejected, one that says nothing stands there."""
    log = thinned(path)
    connection = sqlite3.connect(path)
    [(first, last)] = connection.execute("SELECT first, last FROM segments WHERE first = 1")
    connection.close()
    assert last >= 2000
    change(path, f"UPDATE segments SET {column} = {value} WHERE first = 1")

    async def tell() -> None:
        behind = [row for row in log if row.seq > last]
        async with open_store(path) as store:
            assert (await store.load("doc")).damaged == 1
            assert await store.updates("doc", last, limit=10_000) == behind
            for start, end in ((1, 30), (30, last), (last, last + 3)):
                with pytest.raises(Damaged):
                    await store.thin("doc", start, end, [row for row in log if row.seq == end])
            await store.thin("doc", last + 1, behind[9].seq, behind[9:10])

            await store.reject("doc", {1: "damaged", 7: "damaged"}, b"none")

            instead = [Update("doc", last, 0, "", b"none")]
            assert (await store.load("doc")).updates == instead + behind[9:]

    asyncio.run(tell())
    assert asyncio.run(problems(path)) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("latest", "latest + 1"),
        ("latest", "'text'"),
        ("last", "last - 1"),
        ("last", "last + 9000"),
        ("joins", "1 - joins"),
        ("stretches", "stretches || ' '"),
        ("stretches", "CAST(x'ff' AS TEXT)"),
    ],
)
def test_what_is_derived_can_be_mended(path: Path, column: str, value: str) -> None:
    """Where rows are all there, and only what is derived from them is not as it was, repair loses
    none of them."""
    log = thinned(path)
    connection = sqlite3.connect(path)
    places = connection.execute("SELECT first, last FROM segments ORDER BY first").fetchall()
    connection.close()
    change(path, f"UPDATE segments SET {column} = {value}")
    assert len(asyncio.run(problems(path))) >= len(places) - 2

    async def tell() -> None:
        async with open_store(path) as store:
            for first, last in places:
                await store.reject("doc", dict.fromkeys(range(first, last + 1), "damaged"), b"")
            await same(store, log, random.Random(1))

    asyncio.run(tell())
    assert asyncio.run(problems(path)) == []


def test_a_file_of_the_second_version(path: Path) -> None:
    """Its segments read as before, and can be thinned; nothing of it is erased."""
    log = packed(path)
    change(path, "ALTER TABLE documents DROP COLUMN erased")
    change(path, "DELETE FROM _sqlite_migrations WHERE name = 'what_is_gone_for_good'")

    async def tell() -> None:
        async with open_store(path) as store:
            document = await store.find("doc")
            assert document is not None and document.erased is False
            await same(store, log, random.Random(1))
            await store.thin("doc", 1, 3000, log[9:3000:10])
            await same(store, log[9:3000:10] + log[3000:], random.Random(1))

    asyncio.run(tell())
    assert asyncio.run(problems(path)) == []
