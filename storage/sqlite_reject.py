"""Rows that are put aside in SQLite, as plain functions of a connection.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables and
the codec, but no threads and no files. What `reject` promises is said in `Store`.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress

from sqlite_utils import Database

from collab.storage import Damaged, Update, segments
from collab.storage.sqlite_caches import forget_from
from collab.storage.sqlite_quarantine import release
from collab.storage.sqlite_rows import author_number, is_damage, place
from collab.storage.sqlite_schema import checksum
from collab.storage.sqlite_segments import (
    Segment,
    find,
    moments_checksum,
    next_first,
    pack_all,
    part,
    read_contents,
    read_rows,
    read_segment,
    write,
)
from collab.storage.stretches import cut


def reject(db: Database, name: str, reasons: Mapping[int, str], instead: bytes) -> None:
    """Move rows to `rejected`, and put rows of nobody in their places."""
    for number, head in place(db, name):
        sound = _mended(db, number, name, reasons)
        done = 0
        for seq in sorted(reasons.keys() - sound):
            if seq <= done:
                continue
            new = Update(name, seq, 0, "", instead)
            done = _reject_packed(db, number, head, new, reasons[seq])
            if not done:
                _reject(db, number, head, new, reasons[seq])
        if reasons:
            release(db, number, reasons)
            forget_from(db, number, min(reasons))
        return
    raise LookupError(f"no document {name!r}")


def _reject(db: Database, number: int, head: int, new: Update, reason: str) -> None:
    """Let the new row take the place of one that is not packed."""
    here = [number, new.seq]
    # The number of a damaged row's author may be anything.
    db.execute(
        "INSERT INTO rejected SELECT document, seq, ?, time,"
        " coalesce((SELECT id FROM authors WHERE id = author), ?), data"
        " FROM updates WHERE document = ? AND seq = ?",
        [reason, author_number(db, ""), *here],
    )
    db.execute("DELETE FROM updates WHERE document = ? AND seq = ?", here)
    if new.seq <= head:
        _insert(db, number, [new])


def _insert(db: Database, number: int, rows: Iterable[Update]) -> None:
    db.conn.executemany(
        "INSERT INTO updates VALUES (?, ?, ?, ?, ?, ?)",
        [
            (number, row.seq, row.time, author_number(db, row.author), checksum(*row), row.data)
            for row in rows
        ],
    )


def _reject_packed(db: Database, number: int, head: int, new: Update, reason: str) -> int:
    """Let the new row take the place of one in a segment with gaps; return the last seq that it
    stands for.

    0 when that is to be done among the rows that are not packed: there may be no gaps, and there
    the rows of a segment without gaps are put, if they can be read. The many seqs that only a
    damaged segment with gaps can have had become one row.
    """
    name = new.document
    for first, last in filter(None, [find(db, number, new.seq)]):
        rows = _taken_out(db, number, name, first, last, reason)
        end = _end_of_hole(db, number, first, head)
        if not rows and end - first >= segments.ROWS:
            write(db, number, name, pack_all([new._replace(seq=end)], first))
            return end
        if not rows or rows[-1].seq - first < len(rows):
            _insert(db, number, rows)
            return 0
        _set_aside(db, number, [row for row in rows if row.seq == new.seq], reason)
        changed = [new if row.seq == new.seq else row for row in rows]
        kept = [row for row in changed if row != new or row.seq <= head]
        write(db, number, name, pack_all(kept, first))
        return new.seq
    return 0


def _taken_out(
    db: Database, number: int, name: str, first: int, last: int, reason: str
) -> list[Update]:
    """Delete a segment and return its rows; none when it is damaged: then its bytes are kept."""
    here = [number, first]
    try:
        rows = read_rows(db, number, name, first, first, last)
    except Damaged:
        rows = []
        for blob in ("moments", "contents"):
            db.execute(
                f"INSERT INTO rejected SELECT document, first, ?, 0, ?, {blob}"
                " FROM segments WHERE document = ? AND first = ?",
                [reason, author_number(db, ""), *here],
            )
    db.execute("DELETE FROM segments WHERE document = ? AND first = ?", here)
    part(db, number, name, last + 1)
    return rows


def _end_of_hole(db: Database, number: int, first: int, head: int) -> int:
    """Return the last seq before the next row that is there."""
    query = "SELECT min(seq) FROM updates WHERE document = ? AND seq >= ?"
    [(seq,)] = db.execute(query, [number, first])
    return next_first(db, number, first, head if seq is None else min(head, seq - 1)) - 1


def _set_aside(db: Database, number: int, rows: Iterable[Update], reason: str) -> None:
    for _, seq, time, author, data in rows:
        row = (number, seq, reason, time, author_number(db, author), data)
        db.execute("INSERT INTO rejected VALUES (?, ?, ?, ?, ?, ?)", row)


def _mended(db: Database, number: int, name: str, seqs: Iterable[int]) -> set[int]:
    """Mend the segments that can be; return those of the seqs that can be read after all."""
    sound: dict[int, bool] = {}
    found = set()
    for seq in sorted(seqs):
        for first, _ in filter(None, [find(db, number, seq)]):
            if first not in sound:
                sound[first] = _mend(db, number, name, first)
            if sound[first]:
                found.add(seq)
    return found


def _mend(db: Database, number: int, name: str, first: int) -> bool:
    """Write anew what is derived from a segment's moments, if that is all that is wrong with it.

    They are as they were written when the checksum fits them and what follows from them.
    """
    for segment, latest in filter(None, [_derived(db, number, name, first)]):
        alone = "SELECT 1 FROM updates WHERE document = ? AND seq >= ? AND seq <= ?"
        if db.execute(alone, [number, first, segment.last]).fetchall():
            return False
        with suppress(Damaged):
            read_contents(db, number, name, first, segment.last)
            db.execute(
                "UPDATE segments SET last = ?, latest = ?, joins = ?, stretches = ?"
                " WHERE document = ? AND first = ?",
                [segment.last, latest, segment.joins, segment.ready, number, first],
            )
            return True
    return False


def _derived(db: Database, number: int, name: str, first: int) -> tuple[Segment, int] | None:
    """Return a damaged segment as it was, and the time of its latest row; None when it is sound,
    or that cannot be known."""
    with suppress(Damaged):
        read_segment(db, number, name, first)
        return None
    query = "SELECT checksum, moments FROM segments WHERE document = ? AND first = ?"
    try:
        [(check, blob)] = db.execute(query, [number, first])
        seqs, times, authors = segments.read_moments(blob, first)
    except (sqlite3.Error, zlib.error, TypeError) as error:
        if isinstance(error, sqlite3.Error) and not is_damage(error):
            raise
        return None
    ready = segments.write_stretches(cut(first, seqs, times, authors))
    for joins in (0, 1):
        segment = Segment(first, seqs[-1], joins, ready, blob)
        if check == moments_checksum(name, segment, max(times)):
            return segment, max(times)
    return None
