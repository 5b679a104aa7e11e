"""What every store has to do: one suite that each implementation runs.

    class TestMine(LogContract, DocumentsContract, PastContract, ThinContract, AuditContract,
                   QuarantineContract, DurableContract):
        @pytest.fixture
        def url(self): ...      # of an empty store, another one for each test

DurableContract is for those that outlive their process; all but that and LogContract have files of
their own.

Knows the contract only (`collab.storage`), never how a store keeps what it keeps.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from collab.storage import Document, Entry, Loaded, Snapshot, Store, Update, open_store

NAMES = [
    "notes",
    "a/b//c/",
    "../../etc/passwd",
    "__proto__",
    "constructor",
    "100 % \\ _ ? #",
    'it\'s "quoted"; DROP TABLE documents; --',
    " spaces ",
    "Zoë",
    "Zoe\u0308",  # looks the same, is another name
    "zoë",
    "\U0001f469\u200d\U0001f680",  # one emoji of three code points
    "\u202egnp.exe",
    "\n\t\x01\x7f",
    "ä" * 127 + "x",  # 255 bytes
    "\U0010ffff",
]

Story = Callable[[Any, Store], Awaitable[None]]


def story(test: Story) -> Callable[[Any, str], None]:
    """Make a test of an async method that is told with an open store."""

    def run(self: Any, url: str) -> None:
        async def tell() -> None:
            async with open_store(url) as store:
                await test(self, store)

        asyncio.run(tell())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


def entries(*marks: str) -> list[Entry]:
    """Return an entry for each mark such as 'notes:1': document notes, time 1, data b'notes:1'."""
    split = [(mark, *mark.rsplit(":", 1)) for mark in marks]
    return [
        Entry(name, int(time), f"author of {name}", mark.encode()) for mark, name, time in split
    ]


def numbered(seq: int, entry: Entry) -> Update:
    """Return the row that an entry becomes."""
    return Update(entry.document, seq, entry.time, entry.author, entry.data)


class LogContract:
    """Rows and snapshots."""

    @story
    async def test_an_empty_store_knows_nothing(self, store: Store) -> None:
        """What nobody made is not there, and loading it makes nothing."""
        assert await store.load("notes") == Loaded(None, [], None)
        assert await store.updates("notes") == []
        assert await store.find("notes") is None
        assert await store.documents() == []
        assert await store.append([]) == []
        assert [problem async for problem in store.verify()] == []

    @story
    async def test_seqs_count_from_one_in_each_document(self, store: Store) -> None:
        """One append takes entries of many documents, and answers in their order."""
        assert await store.append(entries("a:1", "b:2", "a:3", "c:4", "a:5")) == [1, 1, 2, 1, 3]
        assert await store.append(entries("b:6", "b:7", "a:8")) == [2, 3, 4]

        assert [row.data for row in await store.updates("a")] == [b"a:1", b"a:3", b"a:5", b"a:8"]
        assert [row.seq for row in await store.updates("b")] == [1, 2, 3]

    @story
    async def test_rows_come_back_as_they_were_written(self, store: Store) -> None:
        """Time, author and bytes survive, whatever they are."""
        written = [
            Entry("doc", 0, "", b""),
            Entry("doc", 1763850000123, "Zoë \U0001f469 'x'", bytes(range(256))),
            Entry("doc", 2**53, "a" * 1000, b"\0" * 100_000),
            Entry("doc", -1, "None", b"None"),
            Entry("doc", 5, "", b"5"),
        ]

        assert await store.append(written) == [1, 2, 3, 4, 5]
        rows = [numbered(seq, entry) for seq, entry in enumerate(written, 1)]
        assert await store.load("doc") == Loaded(None, rows, None)
        assert await store.updates("doc") == rows

    @story
    async def test_many_appends_at_once(self, store: Store) -> None:
        """Calls that overlap are carried out one after the other, in the order of the calls."""
        batches = [entries(*(f"d{doc}:{turn}" for doc in range(5))) for turn in range(40)]

        answers = await asyncio.gather(*(store.append(batch) for batch in batches))

        assert answers == [[turn + 1] * 5 for turn in range(40)]
        for doc in range(5):
            rows = await store.updates(f"d{doc}")
            assert [row.time for row in rows] == list(range(40))

    @story
    async def test_a_random_history_comes_back(self, store: Store) -> None:
        """Whatever is appended to whatever documents, each log is what a list would be."""
        chance = random.Random(20251122)
        model: dict[str, list[Update]] = {}
        for _ in range(60):
            batch = [
                Entry(
                    chance.choice(NAMES),
                    chance.randrange(2**45),
                    chance.choice(["al", "bo", "", "Zoë"]),
                    chance.randbytes(chance.choice([0, 1, 24, 24, 24, 500, 9000])),
                )
                for _ in range(chance.randrange(1, 30))
            ]
            for entry, seq in zip(batch, await store.append(batch), strict=True):
                log = model.setdefault(entry.document, [])
                log.append(numbered(seq, entry))
                assert seq == len(log)
        for name, log in model.items():
            assert await store.load(name) == Loaded(None, log, None)
            after, upto = sorted(chance.randrange(len(log) + 1) for _ in range(2))
            assert await store.updates(name, after, upto) == log[after:upto]
        assert [problem async for problem in store.verify()] == []

    @story
    async def test_updates_are_read_in_pages(self, store: Store) -> None:
        """`after` excludes, `upto` includes, `limit` counts; beyond the log is nothing."""
        await store.append(entries(*(f"a:{n}" for n in range(1, 2501)), "b:1"))

        async def seqs(after: int = 0, upto: int | None = None, limit: int = 1000) -> list[int]:
            return [row.seq for row in await store.updates("a", after, upto, limit)]

        assert await seqs() == list(range(1, 1001))
        assert await seqs(1000) == list(range(1001, 2001))
        assert await seqs(2000) == list(range(2001, 2501))
        assert await seqs(2500) == await seqs(9999) == await seqs(7, 7) == await seqs(7, 3) == []
        assert await seqs(6, 7) == [7]
        assert await seqs(0, 9999, limit=3) == [1, 2, 3]
        assert await seqs(limit=0) == []

    @story
    async def test_rejected_rows_make_room(self, store: Store) -> None:
        """Others take their places, those around them stay; a snapshot that had them goes."""
        await store.append(entries("a:1", "a:2", "a:3"))
        first, _, third = await store.updates("a")
        await store.save_snapshot("a", Snapshot(1, b"one", b""))
        await store.save_snapshot("a", Snapshot(3, b"three", b""))

        await store.reject("a", {2: "damaged"}, b"instead")

        assert await store.updates("a") == [first, Update("a", 2, 0, "", b"instead"), third]
        loaded = await store.load("a")
        assert (loaded.snapshot, loaded.damaged) == (Snapshot(1, b"one", b""), None)
        with pytest.raises(LookupError):
            await store.reject("nobody", {1: "damaged"}, b"")

    @story
    async def test_a_snapshot_shortens_loading(self, store: Store) -> None:
        """After a snapshot only later rows are loaded; the rows before it stay in the log."""
        await store.append(entries("a:1", "a:2", "a:3", "b:1"))
        snapshot = Snapshot(2, b"state", b"index")

        await store.save_snapshot("a", snapshot)

        rows = await store.updates("a")
        assert len(rows) == 3
        assert await store.load("a") == Loaded(snapshot, rows[2:], None)
        assert (await store.load("b")).snapshot is None

        await store.save_snapshot("a", Snapshot(3, b"", b""))
        assert await store.load("a") == Loaded(Snapshot(3, b"", b""), [], None)
        await store.save_snapshot("a", Snapshot(3, b"again", b"\0"))
        assert await store.load("a") == Loaded(Snapshot(3, b"again", b"\0"), [], None)
        await store.append(entries("a:4"))
        assert [row.seq for row in (await store.load("a")).updates] == [4]

    @story
    async def test_snapshots_that_cannot_be(self, store: Store) -> None:
        """A snapshot is of rows that are there."""
        await store.append(entries("a:1"))

        with pytest.raises(LookupError):
            await store.save_snapshot("nobody", Snapshot(1, b"", b""))
        for seq in (-1, 0, 2):
            with pytest.raises(ValueError):
                await store.save_snapshot("a", Snapshot(seq, b"", b""))
        assert (await store.load("a")).snapshot is None

    @story
    async def test_a_large_snapshot_and_a_large_row(self, store: Store) -> None:
        """Megabytes are no special case."""
        large = random.Random(1).randbytes(8 * 1024 * 1024)
        await store.append([Entry("a", 1, "al", large), *entries("a:2")])
        await store.save_snapshot("a", Snapshot(1, large, large[:1000]))

        loaded = await store.load("a")

        assert loaded.snapshot == Snapshot(1, large, large[:1000])
        assert (await store.updates("a"))[0].data == large
        assert [row.seq for row in loaded.updates] == [2]

    def test_a_closed_store_says_so(self, url: str) -> None:
        """Before `open` and after `close` every call is refused, and closing again is no harm."""

        async def tell() -> None:
            store = open_store(url)
            await store.close()
            with pytest.raises(OSError, match="not open"):
                await store.append(entries("a:1"))
            await store.open()
            await store.append(entries("a:1"))
            await store.close()
            await store.close()
            with pytest.raises(OSError, match="not open"):
                await store.load("a")

        asyncio.run(tell())


class DurableContract:
    """What a store keeps from one opening to the next."""

    def test_everything_is_there_again(self, url: str) -> None:
        """Another store on the same url goes on where the first one ended."""

        async def write() -> None:
            async with open_store(url) as store:
                await store.create("plan", "The Plan", "rich", 1)
                await store.append(entries("a:1", "a:2", "b:3"))
                await store.save_snapshot("a", Snapshot(1, b"state", b"index"))
                await store.delete("b", 9)

        async def read() -> None:
            async with open_store(url) as store:
                rows = [numbered(2, *entries("a:2"))]
                assert await store.load("a") == Loaded(Snapshot(1, b"state", b"index"), rows, None)
                assert await store.append(entries("b:4", "a:3", "c:1")) == [2, 3, 1]
                assert await store.find("plan") == Document(
                    "plan", "The Plan", "rich", 1, None, 0, None
                )
                assert await store.find("b") == Document("b", "", "", 3, 4, 2, 9)
                assert [problem async for problem in store.verify()] == []

        asyncio.run(write())
        asyncio.run(read())

    def test_one_owner_at_a_time(self, url: str) -> None:
        """While a store is open, nobody else opens it; afterwards anybody may."""

        async def tell() -> None:
            async with open_store(url) as store:
                with pytest.raises(OSError, match="already open"):
                    await open_store(url).open()
                assert await store.append(entries("a:1")) == [1]
            async with open_store(url) as store:
                assert await store.append(entries("a:2")) == [2]

        asyncio.run(tell())
