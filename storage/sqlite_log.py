"""The log of a document in SQLite, packed or not, as plain functions of a connection.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables,
but no threads and no files. What each public function promises is said in `Store`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from sqlite_utils import Database

from collab.storage import Damaged, Entry, Loaded, Problem, Update, sqlite_segments
from collab.storage.sqlite_caches import damaged_caches, newest_snapshot
from collab.storage.sqlite_people import claims
from collab.storage.sqlite_quarantine import first_quarantined
from collab.storage.sqlite_rows import place, unpacked


def has(db: Database, entry: Entry, seq: int) -> bool:
    """Whether the entry, and so the transaction that wrote it, is in the file as row `seq`."""
    row = Update(entry.document, seq, entry.time, entry.author, entry.data)
    return any(
        row in rows(db, number, entry.document, seq - 1, min(seq, head))
        for number, head in place(db, entry.document)
    )


def load(db: Database, name: str, warn: Callable[[Problem], None]) -> Loaded:
    """Return the newest good snapshot and the rows after it; tell of what is damaged."""
    for number, head in place(db, name):
        snapshot = newest_snapshot(db, number, name, warn)
        after = snapshot.seq if snapshot else 0
        updates: list[Update] = []
        try:
            for row in rows(db, number, name, after, head):
                updates.append(row)
            _nothing_beyond(db, number, name, head)
        except Damaged as damage:
            if not damage.reason:
                warn(Problem(name, damage.seq, "damaged row"))
            return Loaded(snapshot, updates, damage.seq, damage.reason, claims(db, number))
        return Loaded(snapshot, updates, None, "", claims(db, number))
    return Loaded(None, [], None)


def updates(db: Database, name: str, after: int, upto: int | None, limit: int) -> list[Update]:
    """Return a page of rows."""
    for number, head in place(db, name):
        last = head if upto is None else min(head, upto)
        return list(islice(rows(db, number, name, after, last), max(0, limit)))
    return []


def pieces(
    db: Database, number: int, after: int, last: int
) -> Iterator[tuple[int | None, int, int]]:
    """Yield the seqs after `after` up to `last` as (segment, first, last) in order.

    `segment` is where the segment that holds them begins; None: they are rows of their own.
    """
    first = after + 1
    while first <= last:
        segment = sqlite_segments.find(db, number, first)
        if segment is None:
            end = sqlite_segments.next_first(db, number, first, last) - 1
        else:
            end = min(segment[1], last)
        yield segment and segment[0], first, end
        first = end + 1


def rows(db: Database, number: int, name: str, after: int, last: int) -> Iterator[Update]:
    """Yield the rows after `after` up to `last`; Damaged at the first that is not as written."""
    poison = first_quarantined(db, number, after, last)
    for segment, first, end in pieces(db, number, after, poison.seq - 1 if poison else last):
        if segment is None:
            yield from unpacked(db, number, name, first - 1, end)
        else:
            with damaged_from(first, sqlite_segments.next_first(db, number, first, end) - 1):
                packed = sqlite_segments.read_rows(db, number, name, segment, first, end)
            yield from packed
    if poison:
        raise Damaged(name, poison.seq, poison.reason)


@contextmanager
def damaged_from(seq: int, last: int | None = None) -> Iterator[None]:
    """Let what is raised for a segment name the rows in it that were asked for."""
    try:
        yield
    except Damaged as damage:
        raise Damaged(damage.document, seq, damage.reason, last=last) from damage


def _nothing_beyond(db: Database, number: int, name: str, head: int) -> None:
    """Raise Damaged when the log is longer than the document says."""
    [(last,)] = db.execute("SELECT max(seq) FROM updates WHERE document = ?", [number])
    last = max(last or 0, sqlite_segments.last_packed(db, number))
    if last > head:
        raise Damaged(name, head + 1)


def verify_file(db: Database) -> list[Problem]:
    """Check the structure of the file, and that each row belongs to a document."""
    problems = [
        Problem(None, None, sentence)
        for (sentence,) in db.execute("PRAGMA integrity_check")
        if sentence != "ok"
    ]
    for table, what in (("updates", "rows"), ("segments", "segments")):
        orphans = db.execute(
            f"SELECT document, count(*) FROM {table}"
            " WHERE document NOT IN (SELECT id FROM documents) GROUP BY document"
        )
        for number, count in orphans:
            sentence = f"{count} {what} of a document {number} that is gone"
            problems.append(Problem(None, None, sentence))
    return problems


def verify_page(
    db: Database, name: str, after: int, limit: int
) -> tuple[list[Problem], int | None]:
    """Check a page of rows, and the rest with the last; return where the next begins, if any."""
    problems = []
    for number, head in place(db, name):
        while after < head and limit > 0:
            try:
                for row in islice(rows(db, number, name, after, head), limit):
                    after, limit = row.seq, limit - 1
                if limit:
                    after = head
            except Damaged as damage:
                segment = sqlite_segments.find(db, number, damage.seq)
                reason = damage.reason or ("damaged segment" if segment else "damaged row")
                after = segment[1] if segment and not damage.reason else damage.seq
                limit -= 1
                problems.append(Problem(name, damage.seq, reason))
        if after < head:
            return problems, after
        problems += _verify_rest(db, number, name, head)
    return problems, None


def _verify_rest(db: Database, number: int, name: str, head: int) -> Iterator[Problem]:
    try:
        _nothing_beyond(db, number, name, head)
    except Damaged as damage:
        yield Problem(name, damage.seq, "a row after the last one")
    for (seq,) in db.execute(
        "SELECT seq FROM segments JOIN updates USING (document)"
        " WHERE document = ? AND seq BETWEEN first AND last",
        [number],
    ):
        yield Problem(name, seq, "a row that is packed already")
    yield from damaged_caches(db, number, name)
