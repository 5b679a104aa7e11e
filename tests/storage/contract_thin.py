"""The part of every store's contract that is about rows which go: fewer stand for many, and nothing
is left of what is erased.

Knows the contract only (`collab.storage`), never how a store keeps what it keeps.
"""

import random
from collections.abc import Sequence

import pytest

from collab.storage import (
    Document,
    Entry,
    Loaded,
    Moment,
    Past,
    Snapshot,
    Store,
    Stretch,
    Update,
    Version,
)
from tests.storage.contract import entries, numbered, story
from tests.storage.contract_past import history, pack_all, same


async def filled(store: Store, count: int) -> list[Update]:
    """Write rows of 'doc' one second after the other; return them."""
    await store.append([Entry("doc", 1000 * n, "al", b"%d" % n) for n in range(1, count + 1)])
    return (await store.load("doc")).updates


def folded(rows: Sequence[Update], every: int) -> list[Update]:
    """Return a row for each so many: the last of them, with what is in all."""
    groups = [rows[start : start + every] for start in range(0, len(rows), every)]
    return [group[-1]._replace(data=b"+".join(row.data for row in group)) for group in groups]


async def problems(store: Store) -> list[object]:
    """Return what a check finds."""
    return [problem async for problem in store.verify()]


class ThinContract:
    """Thinning and erasing."""

    @story
    async def test_a_few_rows_stand_for_many(self, store: Store) -> None:
        """The other moments are no longer kept; everything else reads as before."""
        rows = await filled(store, 12)
        kept = folded(rows[2:9], 3)

        await store.thin("doc", 3, 9, kept)

        assert [row.seq for row in kept] == [5, 8, 9]
        assert [row.data for row in kept] == [b"3+4+5", b"6+7+8", b"9"]
        log = [*rows[:2], *kept, *rows[9:]]
        assert await store.load("doc") == Loaded(None, log, None)
        assert await store.updates("doc", 5, 8) == await store.updates("doc", 7, 8) == [kept[1]]
        assert await store.updates("doc", 5, 7) == []
        assert await store.updates("doc", 3, limit=2) == kept[:2]
        assert await store.moments("doc", 4, 7) == [Moment(5, 5000, "al")]
        assert [await store.seq_at("doc", time) for time in (4999, 7999, 8000)] == [2, 5, 8]
        assert await store.stretches("doc") == [Stretch(1, 12, "al", 1000, 12_000)]
        assert await store.stretches("doc", before=8) == [Stretch(1, 5, "al", 1000, 5000)]
        assert await store.append(entries("doc:13")) == [13]
        assert await problems(store) == []

    @story
    async def test_thinning_again(self, store: Store) -> None:
        """To repeat it does no harm, and what stands for many may itself go."""
        rows = await filled(store, 3000)
        for every in (10, 10, 100, 3000):
            kept = folded(rows, every)
            await store.thin("doc", 1, 3000, kept)
            assert (await store.load("doc")).updates == kept
            assert await store.pack("doc", 3000) is False
        assert await problems(store) == []

    @story
    async def test_thinning_bit_by_bit(self, store: Store) -> None:
        """As upkeep does it: what is a day old by the minute, what is a week old by the hour."""
        rows = await filled(store, 6000)
        await pack_all(store, "doc", 6000)
        log: list[Update] = []
        for start in range(0, 6000, 300):
            part = folded(rows[start : start + 300], 60)
            await store.thin("doc", start + 1, start + 300, part)
            log += part
            assert (await store.load("doc")).updates == log + rows[start + 300 :]
        for start in range(0, 3000, 500):
            hour = [row for row in log if start < row.seq <= start + 500]
            last = hour[-1].seq
            await store.thin("doc", start + 1, last, [hour[-1]])
            log = [row for row in log if row not in hour[:-1]]
        assert (await store.load("doc")).updates == log
        assert await problems(store) == []

    @story
    async def test_any_history_is_thinned(self, store: Store) -> None:
        """Packed or not, whatever ranges it is done in: each row reads as the model says."""
        await told_at_random(store, random.Random(20260201), 10, {})

    @story
    async def test_what_cannot_be_thinned(self, store: Store) -> None:
        """Ranges that are none, rows that do not fit or come back, and moments with a name."""
        rows = await filled(store, 20)
        await store.thin("doc", 1, 5, rows[4:5])
        await store.name_version("doc", Version("named", 12, "al", 1))
        log = (await store.load("doc")).updates
        other = rows[9]._replace(document="other")
        for first, last, kept in [
            (10, 9, rows[8:9]),
            (0, 10, rows[9:10]),
            (6, 21, rows[19:20]),
            (21, 21, []),
            (6, 10, []),
            (6, 10, rows[8:9]),
            (6, 10, rows[9:11]),
            (6, 10, [rows[4], rows[9]]),
            (6, 10, [rows[9], rows[9]]),
            (6, 10, [rows[9], rows[8]]),
            (6, 10, [other]),
            (6, 10, [rows[9]._replace(author="nul\0")]),
            (6, 10, [rows[9]._replace(author="\ud800")]),
            (1, 10, [rows[2], rows[9]]),
            (10, 15, rows[14:15]),
        ]:
            with pytest.raises(ValueError):
                await store.thin("doc", first, last, kept)
        with pytest.raises(LookupError):
            await store.thin("nobody", 1, 1, [Update("nobody", 1, 1, "al", b"")])
        assert (await store.load("doc")).updates == log
        await store.thin("doc", 10, 15, [rows[11], rows[14]])
        assert await store.versions("doc") == [Version("named", 12, "al", 1)]

    @story
    async def test_only_kept_moments_get_names(self, store: Store) -> None:
        """A moment between two rows has none."""
        rows = await filled(store, 10)
        await store.thin("doc", 3, 8, [rows[5], rows[7]])
        for seq in (3, 5, 7):
            with pytest.raises(ValueError):
                await store.name_version("doc", Version("gone", seq, "al", 1))
        for seq in (2, 6, 8, 9):
            await store.name_version("doc", Version(f"{seq}", seq, "al", 1))

    @story
    async def test_what_was_derived_goes_too(self, store: Store) -> None:
        """Snapshots within the range and the past may hold what is to be gone."""
        rows = await filled(store, 20)
        for seq in (4, 10):
            await store.save_snapshot("doc", Snapshot(seq, b"%d" % seq, b""))
        await store.save_past("doc", Past(20, b"past"))

        await store.thin("doc", 5, 10, rows[9:10])
        assert (await store.load("doc")).snapshot == Snapshot(10, b"10", b"")
        assert await store.load_past("doc") is None
        await store.thin("doc", 10, 12, rows[11:12])
        assert (await store.load("doc")).snapshot == Snapshot(4, b"4", b"")
        assert (await store.load("doc")).updates == [*rows[11:]]

    @story
    async def test_a_rejected_row_between_gaps(self, store: Store) -> None:
        """It makes room like others; the gaps stay, and what is said of a gap does nothing."""
        chance = random.Random(5)
        await store.append(history(chance, 4000))
        rows = (await store.load("doc")).updates
        await pack_all(store, "doc", 4000)
        log = [row for row in rows[:3000] if row.seq % 3 == 0] + rows[3000:]
        await store.thin("doc", 1, 3000, log[:1000])

        await store.reject("doc", {1500: "why", 1501: "a gap", 3000: "why", 3500: "why"}, b"none")

        for at, row in enumerate(log):
            if row.seq in (1500, 3000, 3500):
                log[at] = Update("doc", row.seq, 0, "", b"none")
        await same(store, log, chance)
        assert await problems(store) == []

    @story
    async def test_an_erased_document(self, store: Store) -> None:
        """Only its name is left, so that nothing comes back under it; others do not notice."""
        await store.create("doc", "The Title", "rich", 3)
        rows = await filled(store, 3000)
        await store.append(entries("other:1"))
        await pack_all(store, "doc", 2000)
        await store.thin("doc", 1, 1000, rows[999:1000])
        await store.save_snapshot("doc", Snapshot(2500, b"state", b""))
        await store.save_past("doc", Past(2500, b"past"))
        await store.name_version("doc", Version("draft", 2500, "bo", 1))
        await store.reject("doc", {2999: "why"}, b"")
        await store.delete("doc", 77)

        erased = Document("doc", "", "", 3, None, 3000, 77, erased=True)
        for _ in range(2):
            assert await store.erase("doc") == await store.find("doc") == erased
        assert await store.delete("doc", 99) == erased
        assert await store.load("doc") == Loaded(None, [], None)
        assert await store.updates("doc") == await store.moments("doc", 1, 3000) == []
        assert await store.stretches("doc") == await store.versions("doc") == []
        assert await store.seq_at("doc", 10**15) == 0
        assert await store.load_past("doc") is None
        assert not await store.pack("doc", 3000)
        assert await store.documents(deleted=True) == []
        assert [document.name for document in await store.documents()] == ["other"]
        assert len(await store.updates("other")) == 1
        assert await problems(store) == []

    @story
    async def test_nothing_comes_back(self, store: Store) -> None:
        """An erased name takes no rows, no title and nothing else; it is as good as deleted."""
        await store.append(entries("a:5", "b:1"))
        assert (await store.erase("a")).deleted == 5
        await store.create("empty", "", "", 3)
        assert (await store.erase("empty")).deleted == 3

        with pytest.raises(ValueError, match="erased"):
            await store.append(entries("b:2", "a:6"))
        for call in (
            store.undelete("a"),
            store.describe("a", title="again"),
            store.erase("nobody"),
        ):
            with pytest.raises(LookupError):
                await call
        with pytest.raises(FileExistsError):
            await store.create("a", "", "", 1)
        for write in (
            store.save_snapshot("a", Snapshot(1, b"", b"")),
            store.save_past("a", Past(1, b"")),
            store.name_version("a", Version("v", 1, "al", 1)),
            store.thin("a", 1, 1, [Update("a", 1, 5, "al", b"")]),
        ):
            with pytest.raises(ValueError):
                await write
        await store.reject("a", {1: "why"}, b"")
        assert await store.load("a") == Loaded(None, [], None)
        assert await store.append(entries("b:2")) == [2]
        assert await problems(store) == []


async def told_at_random(
    store: Store, chance: random.Random, turns: int, model: dict[int, Update]
) -> None:
    """Append, pack, thin, reject and read, as it comes; the model is a dict of rows."""
    for _ in range(turns):
        time = max((row.time for row in model.values()), default=0)
        batch = history(chance, chance.choice([1, 30, 700, 2500]), time)
        for seq, entry in zip(await store.append(batch), batch, strict=True):
            model[seq] = numbered(seq, entry)
        if chance.random() < 0.7:
            await pack_all(store, "doc", chance.randrange(max(model) + 1))
        for _ in range(chance.randrange(4)):
            seqs = sorted(model)
            first, last = sorted(chance.choices(seqs, k=2))
            first -= chance.choice([0, 0, 1]) if first > 1 else 0
            there = [seq for seq in seqs if first <= seq <= last]
            kept = sorted({*chance.sample(there, len(there) // chance.choice([1, 3, 40])), last})
            rows = [model[seq]._replace(data=b"%d for many" % seq) for seq in kept]
            await store.thin("doc", first, last, rows)
            for seq in there:
                del model[seq]
            model.update({row.seq: row for row in rows})
        if chance.random() < 0.3:
            for seq in chance.sample(sorted(model), min(2, len(model))):
                await store.reject("doc", {seq: "why"}, b"instead")
                model[seq] = Update("doc", seq, 0, "", b"instead")
        await same(store, [model[seq] for seq in sorted(model)], chance)
    assert await problems(store) == []
