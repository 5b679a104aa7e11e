"""Rows in SQLite become packed ones, as plain functions of a connection.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables and
the codec, but no threads and no files. What both functions do together is said in `Store.pack`.
"""

from __future__ import annotations

from sqlite_utils import Database

from collab.storage import Damaged, Update, segments
from collab.storage.sqlite_rows import place, unpacked
from collab.storage.sqlite_schema import checksum
from collab.storage.sqlite_segments import Run, checked, write


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
                packed = segments.pack(rows, start)
                if not (may_grow and packed.rows == len(rows)):
                    return checked(Run(start, rows[: packed.rows], packed))
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


def replace(db: Database, name: str, run: Run) -> None:
    """Put the segment in the place of its rows, unless they have changed since they were read."""
    there = "FROM updates WHERE document = ? AND seq >= ? AND seq <= ?"
    for number, _ in place(db, name):
        here = [number, run.start, run.rows[-1].seq]
        found = db.execute(f"SELECT checksum {there} ORDER BY seq", here)
        if [check for (check,) in found] == [checksum(*row) for row in run.rows]:
            db.execute(f"DELETE {there}", here)
            write(db, number, name, [run])
