"""Rows in SQLite that must not be read again, as plain functions of a connection.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables, but
no threads and no files. What `quarantine` promises is said in `Store`. The rows themselves stay
where they are: only a mark says that they are not to be handed out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlite_utils import Database

from collab.storage.sqlite_rows import place
from collab.storage.sqlite_schema import plain


class Poison(NamedTuple):
    """The seq of a row that kills who reads it, and what is known of that."""

    seq: int
    reason: str


def quarantine(db: Database, name: str, seq: int, reason: str) -> None:
    """Mark a row, and forget what is derived from it."""
    for number, head in place(db, name):
        if not 0 < seq <= head:
            raise ValueError(f"no row {seq} in a log that ends at {head}")
        mark = "INSERT OR IGNORE INTO quarantined VALUES (?, ?, ?)"
        db.execute(mark, [number, seq, plain(reason) or "it is quarantined"])
        for table in ("snapshots", "pasts"):
            db.execute(f"DELETE FROM {table} WHERE document = ? AND seq >= ?", [number, seq])
        return
    raise LookupError(f"no document {name!r}")


def release(db: Database, number: int, seqs: Iterable[int]) -> None:
    """Take the marks away."""
    query = "DELETE FROM quarantined WHERE document = ? AND seq = ?"
    db.conn.executemany(query, [(number, seq) for seq in seqs])


def first_quarantined(db: Database, number: int, after: int, last: int) -> Poison | None:
    """Return the first marked row after `after` up to `last`."""
    for row in db.execute(
        "SELECT seq, reason FROM quarantined WHERE document = ? AND seq > ? AND seq <= ?"
        " ORDER BY seq LIMIT 1",
        [number, after, last],
    ):
        return Poison(*row)
    return None


def require_no_quarantined(db: Database, number: int, seq: int) -> None:
    """Raise ValueError when a row up to `seq` is marked: nothing may be derived from it."""
    poison = first_quarantined(db, number, 0, seq)
    if poison:
        raise ValueError(f"row {poison.seq} is quarantined")
