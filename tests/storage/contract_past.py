"""The part of every store's contract that is about a document's past: packed rows, the timeline,
named versions and what is derived from rows.

Knows the contract only (`collab.storage`), never how a store keeps what it keeps.
"""

import random
from itertools import pairwise

import pytest

from collab.storage import (
    PAUSE,
    Entry,
    Moment,
    Past,
    Snapshot,
    Store,
    Stretch,
    Update,
    Version,
)
from tests.storage.contract import entries, numbered, story


def history(chance: random.Random, count: int, start: int = 0) -> list[Entry]:
    """Return edits of a document as people make them: now alone, now together, with pauses."""
    written = []
    time, pair, author = start, ["al", "al"], "al"
    for n in range(count):
        if chance.random() < 0.002:
            time += chance.choice([PAUSE, PAUSE + 1, 10 * PAUSE, -3000])
            pair = chance.choices(["al", "bo", "", "Zoë", "x" * 300], k=2)
        time += chance.randrange(2000)
        author = chance.choice([author] * 20 + pair)
        shape = chance.choice([b"%08d" % n, b"%04d" % n + bytes(20), chance.randbytes(24)])
        data = chance.choice([shape] * 50 + [b"", chance.randbytes(300)])
        written.append(Entry("doc", time, author, data))
    return written


def stretches_of(rows: list[Update]) -> list[Stretch]:
    """Return the stretches of all rows, the newest first, found in the simplest way."""
    starts = [rows[0]] + [
        row
        for before, row in pairwise(rows)
        if row.author != before.author or row.time - before.time > PAUSE
    ]
    before = {row.seq: before for before, row in pairwise(rows)}
    ends = [before[row.seq] for row in starts[1:]] + rows[-1:]
    firsts = [1] + [end.seq + 1 for end in ends]
    both = zip(firsts, starts, ends, strict=False)
    return [
        Stretch(first, end.seq, row.author, row.time, end.time)
        for first, row, end in reversed([*both])
    ]


async def pack_all(store: Store, name: str, upto: int) -> int:
    """Pack until nothing is left to do; return how often it was done."""
    times = 0
    while await store.pack(name, upto):
        times += 1
    return times


async def same(store: Store, rows: list[Update], chance: random.Random) -> None:
    """Check that a document reads as these rows, however it is asked."""
    assert (await store.load("doc")).updates == rows
    for _ in range(8):
        after, upto = sorted(chance.randrange(rows[-1].seq + 1) for _ in range(2))
        limit = chance.choice([1, 7, 1000, 9999])
        expected = [row for row in rows if after < row.seq <= upto]
        assert await store.updates("doc", after, upto, limit) == expected[:limit]
        moments = await store.moments("doc", after + 1, upto)
        assert moments == [Moment(row.seq, row.time, row.author) for row in expected]
        time = chance.choice(rows).time + chance.choice([-1, 0, 1])
        seq = 0
        for row in rows:
            if row.time > time:
                break
            seq = row.seq
        assert await store.seq_at("doc", time) == seq
    found: list[Stretch] = []
    limit = chance.choice([10, 100, 1000])
    while page := await store.stretches("doc", found[-1].first if found else None, limit):
        assert len(page) <= limit
        found += page
    assert found == stretches_of(rows)


class PastContract:
    """Packing, the timeline, named versions, and the past as its reader keeps it."""

    @story
    async def test_packing_changes_nothing(self, store: Store) -> None:
        """Whatever is packed whenever, every row reads as it was written, by itself and in runs."""
        chance = random.Random(20251123)
        rows: list[Update] = []
        packed = 0
        for _ in range(5):
            start = rows[-1].time if rows else 0
            batch = history(chance, chance.choice([1, 900, 2100, 4000]), start)
            seqs = await store.append([*batch, *entries("other:1")])
            rows += [numbered(seq, entry) for seq, entry in zip(seqs, batch, strict=False)]
            packed += await pack_all(store, "doc", chance.randrange(len(rows)))
            await same(store, rows, chance)
        assert packed > 3
        assert not await store.pack("other", 5)
        assert len(await store.updates("other")) == 5
        assert [problem async for problem in store.verify()] == []

    @story
    async def test_packing_needs_rows(self, store: Store) -> None:
        """None behind `upto` is packed, and a few are not worth it."""
        await store.append(entries(*(f"a:{n}" for n in range(5000))))
        for upto in (-1, 0, 1, 100):
            assert not await store.pack("a", upto)
        assert not await store.pack("nobody", 10)
        assert await pack_all(store, "a", 10**9) > 1
        assert not await store.pack("a", 10**9)
        assert await store.append(entries("a:5000")) == [5001]
        assert [row.time for row in await store.updates("a", 4000)] == list(range(4000, 5000))

    @story
    async def test_large_rows_are_packed_too(self, store: Store) -> None:
        """A row of megabytes between small ones is one like any other."""
        chance = random.Random(1)
        sizes = [10] * 1500 + [3_000_000] + [10] * 1500 + [400_000] * 4 + [10] * 1500
        written = [Entry("doc", n, "al", chance.randbytes(size)) for n, size in enumerate(sizes)]
        seqs = await store.append(written)
        assert await pack_all(store, "doc", 10_000) > 2
        rows = [numbered(seq, entry) for seq, entry in zip(seqs, written, strict=True)]
        assert (await store.load("doc")).updates == rows

    @story
    async def test_snapshots_of_packed_rows(self, store: Store) -> None:
        """Rows after a snapshot are loaded, packed or not; it may be older than both."""
        await store.append(entries(*(f"a:{n}" for n in range(1, 6001))))
        await store.save_snapshot("a", Snapshot(700, b"state", b""))
        await pack_all(store, "a", 5000)

        loaded = await store.load("a")

        assert loaded.snapshot == Snapshot(700, b"state", b"")
        assert [row.seq for row in loaded.updates] == list(range(701, 6001))

    @story
    async def test_rejected_rows_that_were_packed(self, store: Store) -> None:
        """They make room like others, and what is around them reads and packs as before."""
        chance = random.Random(5)
        batch = history(chance, 9000)
        seqs = await store.append(batch)
        rows = [numbered(seq, entry) for seq, entry in zip(seqs, batch, strict=True)]
        await pack_all(store, "doc", 9000)
        for seq in (3000, 1, 4000, 8999):
            await store.reject("doc", {seq: "why"}, b"instead")
            rows[seq - 1] = Update("doc", seq, 0, "", b"instead")
            await same(store, rows, chance)
        await pack_all(store, "doc", 9000)
        await same(store, rows, chance)
        assert [problem async for problem in store.verify()] == []

    @story
    async def test_one_stretch_of_many_rows(self, store: Store) -> None:
        """However many segments it goes through, and from whichever row it is looked at."""
        written = [Entry("doc", 1000 * n, "al", b"x") for n in range(1, 9001)]
        other = [Entry("doc", 500, "bo", b"x")]
        await store.append(other + written + [Entry("doc", 9001 * 1000, "bo", b"x")])
        for upto in (0, 7000, 9002):
            await pack_all(store, "doc", upto)
            assert await store.stretches("doc") == [
                Stretch(9002, 9002, "bo", 9001_000, 9001_000),
                Stretch(2, 9001, "al", 1000, 9000_000),
                Stretch(1, 1, "bo", 500, 500),
            ]
            for before in (9002, 8000, 4000, 3):
                [first, _] = await store.stretches("doc", before)
                assert first == Stretch(2, before - 1, "al", 1000, 1000 * (before - 2))
            assert await store.stretches("doc", 1) == await store.stretches("doc", limit=0) == []

    @story
    async def test_the_past_of_nothing(self, store: Store) -> None:
        """A document without rows, or one that nobody made, has an empty past."""
        await store.create("empty", "", "", 1)
        for name in ("empty", "nobody"):
            assert await store.stretches(name) == await store.moments(name, 1, 9) == []
            assert await store.seq_at(name, 10**15) == 0
            assert await store.versions(name) == []
            assert await store.load_past(name) is None

    @story
    async def test_versions(self, store: Store) -> None:
        """A name is given once in a document, changed, and taken away; the rows do not care."""
        await store.append(entries("a:1", "a:2", "b:1"))
        first, draft = Version("first", 2, "al", 70), Version("the draft", 1, "Zoë", 80)
        for version in (first, draft, first):
            await store.name_version("a", version)
        await store.name_version("b", Version("first", 1, "bo", 90))
        assert await store.versions("a") == [draft, first]

        with pytest.raises(FileExistsError):
            await store.name_version("a", Version("first", 1, "al", 70))
        with pytest.raises(FileExistsError):
            await store.rename_version("a", "first", "the draft")
        assert await store.rename_version("a", "first", "1st") == Version("1st", 2, "al", 70)
        assert await store.rename_version("a", "1st", "1st") == Version("1st", 2, "al", 70)
        await store.delete_version("a", "the draft")
        assert await store.versions("a") == [Version("1st", 2, "al", 70)]
        assert await store.versions("b") == [Version("first", 1, "bo", 90)]

    @story
    async def test_versions_that_cannot_be(self, store: Store) -> None:
        """A version is of a row that is there, in a document that is there, and has a name."""
        await store.append(entries("a:1"))
        await store.name_version("a", Version("one", 1, "al", 1))
        for seq in (-1, 0, 2):
            with pytest.raises(ValueError):
                await store.name_version("a", Version("x", seq, "al", 1))
        for name in ("", "nul\0", "\ud800"):
            with pytest.raises(ValueError):
                await store.name_version("a", Version(name, 1, "al", 1))
            with pytest.raises(ValueError):
                await store.rename_version("a", "one", name)
        for document, name in (("nobody", "one"), ("a", "two")):
            with pytest.raises(LookupError):
                await store.rename_version(document, name, "x")
            with pytest.raises(LookupError):
                await store.delete_version(document, name)
        with pytest.raises(LookupError):
            await store.name_version("nobody", Version("x", 1, "al", 1))
        assert await store.versions("a") == [Version("one", 1, "al", 1)]

    @story
    async def test_the_past_is_kept(self, store: Store) -> None:
        """The newest only, of rows that are there; it goes when one of its rows changes."""
        await store.append(entries("a:1", "a:2", "a:3"))
        for past in (Past(1, b"one"), Past(3, b"three"), Past(2, bytes(1 << 20))):
            await store.save_past("a", past)
            assert await store.load_past("a") == past
        for seq in (-1, 0, 4):
            with pytest.raises(ValueError):
                await store.save_past("a", Past(seq, b""))
        with pytest.raises(LookupError):
            await store.save_past("nobody", Past(1, b""))

        await store.reject("a", {3: "why"}, b"")
        assert await store.load_past("a") == Past(2, bytes(1 << 20))
        await store.reject("a", {2: "why"}, b"")
        assert await store.load_past("a") is None
