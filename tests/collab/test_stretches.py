"""Who wrote which rows: as the timeline says, whatever part of the log is asked about."""

import asyncio
from random import Random

from collab.past.stretches import Stretches
from collab.storage import PAUSE, Entry, Store, Update, open_store


async def story(random: Random) -> tuple[Store, list[Update]]:
    """A store with a log by a few authors, some of them with long pauses, partly packed."""
    store = open_store(":memory:")
    await store.open()
    time = 1_000
    for _ in range(random.randint(1, 400)):
        time += random.choice([0, -3, 1, 50, PAUSE, PAUSE + 1])
        author = random.choice(["Ann", "Ann", "Ann", "Bob", ""])
        await store.append([Entry("notes", time, author, b"\x00\x00")])
    rows = list(await store.updates("notes"))
    await store.pack("notes", random.randint(0, len(rows)))
    return store, rows


def entered(stretches: Stretches, rows: list[Update]) -> Stretches:
    for row in rows:
        stretches.enter(row.seq, row.time, row.author)
    return stretches


def test_they_are_those_of_the_timeline(seed: int) -> None:
    """As far as any row, and put on the shelf at any other."""
    random = Random(seed)

    async def compare() -> None:
        store, rows = await story(random)
        half = random.randint(0, len(rows))
        first = entered(Stretches(), rows[:half])
        known = entered(Stretches.load(b"xx" + first.dump(), 2), rows[half:])
        assert known.dump() == entered(Stretches(), rows).dump()
        for row in random.sample(rows, min(20, len(rows))):
            expected = (await store.stretches("notes", row.seq + 1, 1_000))[::-1]
            shown = known.show(list(range(len(expected))), row.seq, row.time)
            assert shown == [stretch._asdict() for stretch in expected]
            assert known.place(row.seq) == len(expected) - 1
        await store.close()

    for _ in range(20):
        asyncio.run(compare())


def test_rows_that_were_thinned_out_belong_to_the_next() -> None:
    """A number without a row is said to be of who wrote the row that stands for it."""
    known = Stretches()
    for seq, time, author in ((3, 0, "Ann"), (9, 1, "Ann"), (20, 2, "Bob")):
        known.enter(seq, time, author)
    assert known.show([0, 1], 20, 2) == [
        {"first": 1, "last": 9, "began": 0, "ended": 1, "author": "Ann"},
        {"first": 10, "last": 20, "began": 2, "ended": 2, "author": "Bob"},
    ]
    assert [known.place(seq) for seq in (1, 9, 10, 20)] == [0, 0, 1, 1]
