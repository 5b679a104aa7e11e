"""Rows in SQLite make way for fewer that stand for them, as plain functions of a connection.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables and
the codec, but no threads and no files. What `thin` promises is said in `Store`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

from sqlite_utils import Database

from collab.storage import Damaged, Update, segments
from collab.storage.sqlite_caches import forget_between
from collab.storage.sqlite_log import rows as read_log
from collab.storage.sqlite_rows import place
from collab.storage.sqlite_schema import plain
from collab.storage.sqlite_segments import Run, find, pack_all, read_rows, write

There = list[tuple[int, bytes, bytes | None]]
"""The checksums of rows and segments: what tells whether any of them has changed."""


class Plan(NamedTuple):
    """What was asked for; the seqs that are written anew, what is there now, and what will be."""

    name: str
    first: int
    last: int
    kept: set[int]
    start: int
    end: int
    there: There
    runs: list[Run]


def plan(db: Database, name: str, first: int, last: int, rows: Sequence[Update]) -> Plan:
    """Say how to put the rows in the places of all those from `first` to `last`.

    What else is in their segments is packed anew together with them, so no segment is ever cut to
    pieces that are not worth one.
    """
    for number, head in place(db, name):
        _require_fit(name, first, last, head, rows)
        start = _start(db, number, name, first)
        _, end = find(db, number, last) or (last, last)
        before, behind = [], []
        kept = {row.seq for row in rows}
        missing = set(kept)
        for row in read_log(db, number, name, start - 1, end):
            missing.discard(row.seq)
            if row.seq < first:
                before.append(row)
            elif row.seq > last:
                behind.append(row)
        if missing:
            raise ValueError(f"row {min(missing)} is not there any more")
        runs = list(pack_all([*before, *rows, *behind], start))
        return Plan(name, first, last, kept, start, end, _there(db, number, start, end), runs)
    raise LookupError(f"no document {name!r}")


def carry_out(db: Database, plan: Plan) -> bool:
    """Do as planned; False when something has changed since, and another plan is needed."""
    for number, _ in place(db, plan.name):
        here = [number, plan.start, plan.end]
        if _there(db, number, plan.start, plan.end) != plan.there:
            return False
        _require_names(db, number, plan)
        db.execute("DELETE FROM updates WHERE document = ? AND seq >= ? AND seq <= ?", here)
        db.execute("DELETE FROM segments WHERE document = ? AND first >= ? AND first <= ?", here)
        write(db, number, plan.name, plan.runs)
        forget_between(db, number, plan.first, plan.last)
    return True


def _there(db: Database, number: int, first: int, last: int) -> There:
    return db.execute(
        "SELECT seq, checksum, NULL FROM updates"
        " WHERE document = :number AND seq >= :first AND seq <= :last"
        " UNION ALL SELECT first, checksum, contents_checksum FROM segments"
        " WHERE document = :number AND first >= :first AND first <= :last",
        {"number": number, "first": first, "last": last},
    ).fetchall()


def _start(db: Database, number: int, name: str, first: int) -> int:
    """Return where to begin: with the segment that the first row is in, or with the one before it,
    if that is so small that it would rather be a part of another, and sound."""
    start, _ = find(db, number, first) or (first, first)
    for (before,) in db.execute(
        "SELECT first FROM segments WHERE document = ? AND first < ? AND last = ? - 1"
        " AND length(moments) + length(contents) < ? ORDER BY first DESC LIMIT 1",
        [number, start, start, segments.ROOM // 2],
    ):
        with suppress(Damaged):
            read_rows(db, number, name, before, before, start - 1)
            return int(before)
    return start


def _require_fit(name: str, first: int, last: int, head: int, rows: Sequence[Update]) -> None:
    """Raise ValueError for rows that cannot take the places of those from `first` to `last`."""
    if not 0 < first <= last <= head:
        raise ValueError(f"rows {first} to {last} of a log that ends at {head}")
    for row in rows:
        plain(row.author)
    seqs = [first - 1, *(row.seq for row in rows)]
    rising = all(seq < after for seq, after in pairwise(seqs))
    if not rising or seqs[-1] != last or {row.document for row in rows} != {name}:
        raise ValueError(f"rows that do not fit in the places of {first} to {last}")


def _require_names(db: Database, number: int, plan: Plan) -> None:
    """Raise ValueError when a named version would lose its row."""
    query = "SELECT seq FROM versions WHERE document = ? AND seq >= ? AND seq <= ? ORDER BY seq"
    for (seq,) in db.execute(query, [number, plan.first, plan.last]):
        if seq not in plan.kept:
            raise ValueError(f"row {seq} has a name, so it is to be kept")
