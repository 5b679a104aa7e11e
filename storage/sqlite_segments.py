"""Packed rows in SQLite, as plain functions of a connection: written and read.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables and
the codec, but no threads and no files.

A segment has its row of the table, and never a row of `updates` beside it. It begins behind the row
before it, and ends with its last row; only in segments may there be seqs without rows between. Its
moments have one checksum, its contents have another, so that a timeline reads no contents.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import NamedTuple

from sqlite_utils import Database

from collab.storage import Damaged, Stretch, Update, segments
from collab.storage.sqlite_rows import is_damage
from collab.storage.sqlite_schema import checksum
from collab.storage.stretches import cut, joined


class Segment(NamedTuple):
    """A segment without its contents; it `joins` when it is one stretch, and that goes on in it
    from the segment before."""

    first: int
    last: int
    joins: int
    ready: str
    blob: bytes

    def moments(self) -> tuple[Sequence[int], list[int], list[str]]:
        """Return the seqs, the times and the authors of its rows."""
        return segments.read_moments(self.blob, self.first)

    def stretches(self, upto: int) -> list[Stretch]:
        """Return the stretches of the rows up to a seq, in order."""
        if self.ready and upto >= self.last:
            return segments.read_stretches(self.ready, self.first)
        seqs, times, authors = self.moments()
        count = bisect_right(seqs, upto)
        return cut(self.first, seqs[:count], times[:count], authors[:count]) if count else []


class Run(NamedTuple):
    """Rows that are to be a segment, where that begins, and what they become."""

    start: int
    rows: Sequence[Update]
    packed: segments.Packed


def find(db: Database, number: int, seq: int) -> tuple[int, int] | None:
    """Return the first and the last seq of the segment that a row is in, if it is in one."""
    for first, last in db.execute(
        "SELECT first, last FROM segments WHERE document = ? AND first <= ?"
        " ORDER BY first DESC LIMIT 1",
        [number, seq],
    ):
        return (first, last) if isinstance(last, int) and last >= seq else None
    return None


def next_first(db: Database, number: int, seq: int, last: int) -> int:
    """Return where the next segment after a row begins, `last` + 1 when it begins later."""
    query = "SELECT min(first) FROM segments WHERE document = ? AND first > ? AND first <= ?"
    [(first,)] = db.execute(query, [number, seq, last])
    return last + 1 if first is None else int(first)


def read_segment(db: Database, number: int, name: str, first: int) -> Segment:
    """Return the segment that begins with a row; Damaged when it is not as written."""
    try:
        for last, latest, joins, check, ready, blob in db.execute(
            "SELECT last, latest, joins, checksum, stretches, moments FROM segments"
            " WHERE document = ? AND first = ?",
            [number, first],
        ):
            if isinstance(blob, bytes):
                segment = Segment(first, last, joins, ready, blob)
                if check == moments_checksum(name, segment, latest):
                    return segment
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
    raise Damaged(name, first)


def read_rows(
    db: Database, number: int, name: str, start: int, first: int, last: int
) -> list[Update]:
    """Return some rows of the segment that begins at `start`; Damaged when it is not as written."""
    segment = read_segment(db, number, name, start)
    contents = read_contents(db, number, name, start, segment.last)
    seqs, times, authors = segment.moments()
    part = slice(bisect_left(seqs, first), bisect_right(seqs, last))
    rows = zip(seqs[part], times[part], authors[part], contents[part], strict=True)
    return [Update(name, *row) for row in rows]


def read_contents(db: Database, number: int, name: str, first: int, last: int) -> list[bytes]:
    """Return the data of the rows of a segment; Damaged when it is not as written."""
    try:
        for check, blob in db.execute(
            "SELECT contents_checksum, contents FROM segments WHERE document = ? AND first = ?",
            [number, first],
        ):
            if isinstance(blob, bytes) and check == checksum(name, first, last, "", blob):
                return segments.read_contents(blob)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
    raise Damaged(name, first)


def moments_checksum(name: str, segment: Segment, latest: int) -> bytes:
    """Return the checksum of all of a segment but its contents."""
    _, last, joins, ready, blob = segment
    return checksum(name, segment.first, latest, f"{last} {joins} {ready}", blob)


def is_gap(db: Database, number: int, name: str, seq: int) -> bool:
    """Whether a moment of the log is one that is no longer kept."""
    for first, _ in filter(None, [find(db, number, seq)]):
        with suppress(Damaged):
            seqs, _, _ = read_segment(db, number, name, first).moments()
            return seq not in seqs
    return False


def last_packed(db: Database, number: int, before: int | None = None) -> int:
    """Return where the last segment ends that begins before a row, if given; 0: there is none."""
    for (last,) in db.execute(
        "SELECT last FROM segments WHERE document = ? AND first < coalesce(?, 1 << 62)"
        " ORDER BY first DESC LIMIT 1",
        [number, before],
    ):
        return last if isinstance(last, int) else 0
    return 0


def chain_first(db: Database, number: int, first: int) -> int:
    """Return where the first of the segments begins that join each other up to one that joins."""
    for (last,) in db.execute(
        "SELECT last FROM segments WHERE document = ? AND first < ? AND NOT joins"
        " ORDER BY first DESC LIMIT 1",
        [number, first],
    ):
        return last + 1 if isinstance(last, int) else first
    return first


def pack_all(rows: Sequence[Update], start: int) -> Iterator[Run]:
    """Yield what is to be written of the rows, one segment behind the other from `start` on."""
    while rows:
        sizes = accumulate(len(row.data) for row in rows[: segments.ROWS])
        count = max(1, sum(size <= segments.BYTES for size in sizes))
        packed = segments.pack(rows[:count], start)
        yield checked(Run(start, rows[: packed.rows], packed))
        start = rows[packed.rows - 1].seq + 1
        rows = rows[packed.rows :]


def checked(run: Run) -> Run:
    """Make sure that the rows come back as they are: the originals will be deleted."""
    moments = segments.read_moments(run.packed.moments, run.start)
    back = zip(*moments, segments.read_contents(run.packed.contents), strict=True)
    if [row[1:] for row in run.rows] != list(back):
        raise RuntimeError("rows do not come back as they were packed")
    return run


def write(db: Database, number: int, name: str, runs: Iterable[Run]) -> None:
    """Write segments, one behind the other; what was there is deleted already."""
    behind = 0
    for start, rows, (_, ready, moments, contents) in runs:
        last = rows[-1].seq
        latest = max(row.time for row in rows)
        joins = int(_joins(db, number, name, start, rows))
        check = moments_checksum(name, Segment(start, last, joins, ready, moments), latest)
        contents_check = checksum(name, start, last, "", contents)
        db.execute(
            "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [number, start, last, latest, joins, check, ready, moments, contents_check, contents],
        )
        behind = last + 1
    part(db, number, name, behind)


def _joins(db: Database, number: int, name: str, start: int, rows: Sequence[Update]) -> bool:
    """Whether these rows are one stretch that goes on from the segment before them."""
    ours = segments.stretches(rows, start)
    before = find(db, number, start - 1)
    if len(ours) > 1 or before is None:
        return False
    try:
        theirs = read_segment(db, number, name, before[0]).stretches(start - 1)
    except Damaged:
        return False
    return joined(theirs[-1], ours[0]) is not None


def part(db: Database, number: int, name: str, first: int) -> None:
    """Let the segment that begins there, if any, join nothing any more."""
    query = "SELECT latest FROM segments WHERE document = ? AND first = ? AND joins"
    for (latest,) in db.execute(query, [number, first]).fetchall():
        with suppress(Damaged):  # a damaged one must not get a checksum that is right
            segment = read_segment(db, number, name, first)._replace(joins=0)
            db.execute(
                "UPDATE segments SET joins = 0, checksum = ? WHERE document = ? AND first = ?",
                [moments_checksum(name, segment, latest), number, first],
            )
