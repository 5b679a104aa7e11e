"""The codec of packed rows: everything comes back, and a typed character needs little room."""

import random
from collections.abc import Callable
from zlib import decompress

import pytest

from collab.storage import Entry, Update, segments

Maker = Callable[[random.Random], bytes]

SHAPES: dict[str, Maker] = {
    "nothing": lambda chance: b"",
    "one length": lambda chance: chance.randbytes(24),
    "all lengths": lambda chance: chance.randbytes(chance.randrange(600)),
    "few and long": lambda chance: chance.choice([b"", b"x" * 256, b"y" * 257, bytes(20_000)]),
}


def numbered(rows: list[Entry], start: int = 1) -> list[Update]:
    """Return what the entries become in a log."""
    return [Update("doc", seq, *row[1:4]) for seq, row in enumerate(rows, start)]


def back(rows: list[Update], start: int) -> list[Update]:
    """Write the rows, and read them."""
    moments = segments.read_moments(segments.write_moments(rows, start), start)
    contents = segments.read_contents(segments.write_contents(rows))
    return [Update("doc", *row) for row in zip(*moments, contents, strict=True)]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_any_rows_come_back(shape: Maker, seed: int) -> None:
    """Whatever their lengths, times, authors and number."""
    chance = random.Random(seed)
    far = 1 << 63
    for count in (1, 2, 300, chance.randrange(1, segments.ROWS)):
        for ends in ((0, 1), (1_700_000_000_000, 1_700_000_900_000), (-far, far)):
            names = ["", "al", "Zoë \U0001f469\n", *map(str, range(chance.choice([1, 400])))]
            rows = [
                Entry("doc", chance.randrange(*ends), chance.choice(names), shape(chance))
                for _ in range(count)
            ]
            rows += [rows[0]._replace(time=ends[0]), rows[0]._replace(time=ends[1] - 1)]
            start = chance.choice([1, 7, 1 << 40])
            log = numbered(rows, start)
            assert back(log, start) == log
            kept = sorted(chance.sample(log, chance.randrange(1, len(log) + 1)))
            assert back(kept, start) == kept


def typed(chance: random.Random, count: int) -> list[Entry]:
    """Return rows as a Yjs editor sends them for typed text: client, clock, the unit before, a
    character of English (or as predictable as that)."""
    rows, time, clock = [], 1_700_000_000_000, 100_000
    for _ in range(count):
        time += int(chance.lognormvariate(5, 0.6))
        clock += 1 if chance.random() < 0.95 else chance.randrange(200)
        letter = chance.choice(b"eeeeeetttttaaaaooooiiinnnsssrrrhhhldcum    ")
        marks = [bytes([n & 127 | 128, n >> 7 & 127 | 128, n >> 14]) for n in (clock, clock - 1)]
        data = b"\1\1\x80\xa8\xd6\xb9\7".join([b"", *marks]) + bytes([1, letter, 0])
        rows.append(Entry("doc", time, "al", data))
    return rows


def test_only_gaps_are_written() -> None:
    """Rows without gaps are written as they always were; with gaps one column comes after that."""
    rows = numbered([Entry("doc", 258, "al", b""), Entry("doc", 259, "bo", b"")], 7)
    before = b"\2\0\0\0" + b"\5\0\0\0" + b"al\0bo" + b"\0\1\0\0"  # counts, names, authors
    times = b"\2\1" + b"\1\0" + bytes(12)
    steps = b"\1\3" + bytes(14)

    assert decompress(segments.write_moments(rows, 7)) == before + times
    rows[1] = rows[1]._replace(seq=10)
    assert decompress(segments.write_moments(rows, 7)) == before + times + steps


def test_typing_needs_little_room(seed: int) -> None:
    """At most 3 bytes, on average, for each row of 24 and its time; a segment fills its room, and
    no more."""
    chance = random.Random(seed)
    several = [segments.pack(numbered(typed(chance, 3000)), 1) for _ in range(20)]

    assert sum(one.size for one in several) < 3 * sum(one.rows for one in several)
    for packed in several:
        assert 0.9 * segments.ROOM < packed.size <= segments.ROOM * 1.02


def test_rows_that_cannot_be_packed_well(seed: int) -> None:
    """They are packed by the thousand, or as many as there are."""
    chance = random.Random(seed)
    rows = [Entry("doc", n, "al", chance.randbytes(100)) for n in range(3000)]

    assert segments.pack(numbered(rows), 1).rows == 1000
    assert segments.pack(numbered(rows[:300]), 1).rows == 300
    assert segments.pack(numbered(rows[:1]), 1).rows == 1
    alike = [row._replace(time=0, data=b"x") for row in rows]
    assert segments.pack(numbered(alike), 1).rows == segments.ROWS


def test_stretches_are_kept_ready(seed: int) -> None:
    """Few of them are written, and read as they were; many are not written at all."""
    chance = random.Random(seed)
    rows = typed(chance, 900)
    for end in (1, 300, 900):
        rows[end - 1 :] = [row._replace(author=f"until {end}") for row in rows[end - 1 :]]
        found = segments.stretches(numbered(rows, 75), 70)
        assert segments.read_stretches(segments.write_stretches(found), 70) == found
    assert len(found) == 3
    many = [row._replace(author=f"{n}") for n, row in enumerate(rows)]
    assert segments.write_stretches(segments.stretches(numbered(many), 1)) == ""
