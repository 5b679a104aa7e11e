"""Packed rows in SQLite, as plain functions of a connection: written, read and taken apart.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables and
the codec, but no threads and no files.

A segment has its row of the table, and never a row of `updates` beside it. Its times and authors
have one checksum, its contents have another, so that a timeline reads no contents.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import NamedTuple

from sqlite_utils import Database

from collab.storage import Damaged, Stretch, Update, segments
from collab.storage.sqlite_rows import author_number, is_damage, place, unpacked
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

    def moments(self) -> tuple[list[int], list[str]]:
        """Return the times and the authors of its rows."""
        return segments.read_moments(self.blob)

    def stretches(self, upto: int) -> list[Stretch]:
        """Return the stretches of the rows up to a seq, in order."""
        if self.ready and upto >= self.last:
            return segments.read_stretches(self.ready, self.first)
        count = upto - self.first + 1
        times, authors = self.moments()
        return cut(self.first, times[:count], authors[:count])


class Run(NamedTuple):
    """Rows that are to be packed, their checksums, and what they become."""

    rows: list[Update]
    checksums: list[bytes]
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
                if check == _checksum(name, segment, latest):
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
    try:
        for check, blob in db.execute(
            "SELECT contents_checksum, contents FROM segments WHERE document = ? AND first = ?",
            [number, start],
        ):
            if isinstance(blob, bytes) and check == checksum(name, start, segment.last, "", blob):
                part = slice(first - start, last - start + 1)
                contents = segments.read_contents(blob)[part]
                times, authors = segment.moments()
                rows = zip(times[part], authors[part], contents, strict=True)
                return [Update(name, seq, *row) for seq, row in enumerate(rows, first)]
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
    raise Damaged(name, start)


def _checksum(name: str, segment: Segment, latest: int) -> bytes:
    _, last, joins, ready, blob = segment
    return checksum(name, segment.first, latest, f"{last} {joins} {ready}", blob)


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


def oldest_run(db: Database, name: str, upto: int) -> Run | None:
    """Return the first rows up to `upto` that fill a segment; None when there are none.

    They may be fewer where something keeps them from ever being more: a damaged row, a segment,
    or their size.
    """
    for number, head in place(db, name):
        last = min(head, upto)
        after = 0
        while (start := _first_unpacked(db, number, after)) and start <= last:
            rows = _good_rows(db, number, name, start, min(last, start + segments.ROWS - 1))
            after = rows[-1].seq if rows else start
            may_grow = bool(rows) and after == last and len(rows) < segments.ROWS
            if rows and not (may_grow and len(rows) < segments.FEWEST):
                packed = segments.pack(rows)
                if not (may_grow and packed.rows == len(rows)):
                    return _run(rows[: packed.rows], packed)
    return None


def _first_unpacked(db: Database, number: int, after: int) -> int | None:
    [(seq,)] = db.execute(
        "SELECT min(seq) FROM updates WHERE document = ? AND seq > ?", [number, after]
    )
    return seq if isinstance(seq, int) else None


def _good_rows(db: Database, number: int, name: str, first: int, last: int) -> list[Update]:
    """Return the rows before the first that is damaged, packed or too much."""
    rows: list[Update] = []
    size = 0
    try:
        for row in unpacked(db, number, name, first - 1, last):
            size += len(row.data)
            if rows and size > segments.BYTES:
                break
            rows.append(row)
    except Damaged:
        pass  # it stays where it is
    return rows


def _run(rows: list[Update], packed: segments.Packed) -> Run:
    """Make sure that the rows come back as they are: the originals will be deleted."""
    times, authors = segments.read_moments(packed.moments)
    back = zip(times, authors, segments.read_contents(packed.contents), strict=True)
    if [(row.time, row.author, row.data) for row in rows] != list(back):
        raise RuntimeError("rows do not come back as they were packed")
    return Run(rows, [checksum(*row) for row in rows], packed)


def replace(db: Database, name: str, run: Run) -> None:
    """Put the segment in the place of its rows, unless they have changed since they were read."""
    first, last = run.rows[0].seq, run.rows[-1].seq
    _, ready, moments, contents = run.packed
    there = "FROM updates WHERE document = ? AND seq >= ? AND seq <= ?"
    for number, _ in place(db, name):
        found = db.execute(f"SELECT checksum {there} ORDER BY seq", [number, first, last])
        if [check for (check,) in found] != run.checksums:
            return
        latest = max(row.time for row in run.rows)
        joins = int(_joins(db, number, name, run.rows))
        check = _checksum(name, Segment(first, last, joins, ready, moments), latest)
        contents_check = checksum(name, first, last, "", contents)
        db.execute(
            "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [number, first, last, latest, joins, check, ready, moments, contents_check, contents],
        )
        db.execute(f"DELETE {there}", [number, first, last])


def _joins(db: Database, number: int, name: str, rows: list[Update]) -> bool:
    """Whether these rows are one stretch that goes on from the segment before them."""
    first, last = rows[0].seq, rows[-1].seq
    ours = cut(first, [row.time for row in rows], [row.author for row in rows])
    before = find(db, number, first - 1)
    if len(ours) > 1 or before is None:
        return False
    try:
        theirs = read_segment(db, number, name, before[0]).stretches(last)
    except Damaged:
        return False
    return joined(theirs[-1], ours[0]) is not None


def take_apart(db: Database, number: int, name: str, seq: int, reason: str) -> None:
    """Make rows again of the segment that a row is in; put it aside when it is damaged."""
    for first, last in filter(None, [find(db, number, seq)]):
        here = [number, first]
        try:
            rows = read_rows(db, number, name, first, first, last)
        except Damaged:
            for blob in ("moments", "contents"):
                db.execute(
                    f"INSERT INTO rejected SELECT document, first, ?, 0, ?, {blob}"
                    " FROM segments WHERE document = ? AND first = ?",
                    [reason, author_number(db, ""), *here],
                )
            rows = []
        db.execute("DELETE FROM segments WHERE document = ? AND first = ?", here)
        db.conn.executemany(
            "INSERT INTO updates VALUES (?, ?, ?, ?, ?, ?)",
            [
                (number, row.seq, row.time, author_number(db, row.author), checksum(*row), row.data)
                for row in rows
            ],
        )
        _part(db, number, name, last + 1)


def _part(db: Database, number: int, name: str, first: int) -> None:
    """Let the segment that begins there, if any, join nothing any more."""
    query = "SELECT latest FROM segments WHERE document = ? AND first = ? AND joins"
    for (latest,) in db.execute(query, [number, first]).fetchall():
        with suppress(Damaged):  # a damaged one must not get a checksum that is right
            segment = read_segment(db, number, name, first)._replace(joins=0)
            db.execute(
                "UPDATE segments SET joins = 0, checksum = ? WHERE document = ? AND first = ?",
                [_checksum(name, segment, latest), number, first],
            )
