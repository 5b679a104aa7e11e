"""Who edited when, in SQLite: times and authors of rows, without what is in them.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables,
but no threads and no files. What each public function promises is said in `Store`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from sqlite_utils import Database

from collab.storage import Damaged, Moment, Stretch
from collab.storage.sqlite_log import damaged_from, pieces
from collab.storage.sqlite_rows import place, unpacked
from collab.storage.sqlite_segments import chain_first, find, last_packed, read_segment
from collab.storage.stretches import joined

PAGE = 200  # Rows that are not packed are read by so many, from the newest on.


def moments(db: Database, name: str, first: int, last: int) -> list[Moment]:
    """Return the rows without their data."""
    found: list[Moment] = []
    for number, head in place(db, name):
        for segment, start, end in pieces(db, number, max(0, first - 1), min(last, head)):
            if segment is None:
                rows = unpacked(db, number, name, start - 1, end)
                found += (Moment(row.seq, row.time, row.author) for row in rows)
                continue
            with damaged_from(start):
                packed = read_segment(db, number, name, segment)
            kept = (Moment(*moment) for moment in zip(*packed.moments(), strict=True))
            found += (moment for moment in kept if start <= moment.seq <= end)
    return found


def seq_at(db: Database, name: str, time: int) -> int:
    """Return the seq of the last row before the first that is later than a time."""
    for number, last in place(db, name):
        for (first,) in db.execute(
            "SELECT first FROM segments WHERE document = ? AND latest > ? ORDER BY first LIMIT 1",
            [number, time],
        ):
            seqs, times, _ = read_segment(db, number, name, first).moments()
            later = next(place for place, row in enumerate(times) if row > time)
            last = seqs[later - 1] if later else first - 1
        [(row,)] = db.execute(
            "SELECT min(seq) FROM updates WHERE document = ? AND seq <= ? AND time > ?",
            [number, last, time],
        )
        return last if row is None else int(row) - 1
    return 0


def stretches(db: Database, name: str, before: int | None, limit: int) -> list[Stretch]:
    """Return a page of stretches, the newest first."""
    found: list[Stretch] = []
    for number, head in place(db, name):
        last = head if before is None else min(head, before - 1)
        for piece in _stretches(db, number, name, last):
            if found and (whole := joined(piece, found[-1])):
                found[-1] = whole
            elif len(found) < limit:
                found.append(piece)
            else:
                break
    return found


def _stretches(db: Database, number: int, name: str, last: int) -> Iterator[Stretch]:
    """Yield the stretches of the rows up to `last`, the newest first, some of them in parts."""
    while last > 0:
        segment = find(db, number, last)
        if segment is None:
            first = max(last_packed(db, number, last) + 1, last - PAGE + 1)
            yield from reversed(_unpacked(db, number, name, first, last))
        else:
            first = segment[0]
            found = _packed(db, number, name, first, last)
            if found:
                first = found[0].first
            yield from reversed(found)
        last = first - 1


def _packed(db: Database, number: int, name: str, first: int, last: int) -> list[Stretch]:
    """Return the stretches of a segment's rows up to `last`; none when it is damaged.

    One that goes on in it from segments that are one stretch each is returned with these: it is
    not read what is between its ends, for that may be a million rows.
    """
    found: list[Stretch] = []
    with suppress(Damaged):
        segment = read_segment(db, number, name, first)
        found = segment.stretches(last)
        start = chain_first(db, number, first) if segment.joins else first
        if found and start < first:
            start_segment = read_segment(db, number, name, start)
            began = start_segment.stretches(start_segment.last)[0].began
            found = [found[0]._replace(first=start, began=began)]
    return found


def _unpacked(db: Database, number: int, name: str, first: int, last: int) -> list[Stretch]:
    """Return each row that can be read as a stretch of its own."""
    found: list[Stretch] = []
    while first <= last:
        try:
            for row in unpacked(db, number, name, first - 1, last):
                found.append(Stretch(row.seq, row.seq, row.author, row.time, row.time))
            break
        except Damaged as damage:
            first = damage.seq + 1
    return found
