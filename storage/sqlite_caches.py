"""What is derived from a document's log and kept beside it in SQLite: snapshots and the past.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables,
but no threads and no files. What each public function promises is said in `Store`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from zlib import crc32

from sqlite_utils import Database

from collab.storage import Past, Problem, Snapshot
from collab.storage.sqlite_quarantine import require_no_quarantined
from collab.storage.sqlite_rows import is_damage, place
from collab.storage.sqlite_schema import checksum
from collab.storage.sqlite_segments import is_gap

PIECE = 1 << 20
"""Bytes of a snapshot that are written at once."""


def newest_snapshot(
    db: Database, number: int, name: str, warn: Callable[[Problem], None]
) -> Snapshot | None:
    """Return the newest snapshot that can be read."""
    for (seq,) in _snapshot_seqs(db, number):
        snapshot = _snapshot(db, number, name, seq)
        if snapshot:
            return snapshot
        warn(Problem(name, seq, "damaged snapshot"))
    return None


def _snapshot_seqs(db: Database, number: int) -> list[tuple[int]]:
    """Return the seqs of the snapshots, newest first."""
    query = "SELECT seq FROM snapshots WHERE document = ? ORDER BY seq DESC"
    return db.execute(query, [number]).fetchall()


def _snapshot(db: Database, number: int, name: str, seq: int) -> Snapshot | None:
    """Return the snapshot at `seq`, or None when it is damaged."""
    try:
        [(check, data, index)] = db.execute(
            "SELECT checksum, data, idx FROM snapshots WHERE document = ? AND seq = ?",
            [number, seq],
        )
        pieces = db.execute(
            "SELECT data FROM snapshot_pieces WHERE document = ? AND seq = ? ORDER BY number",
            [number, seq],
        ).fetchall()
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        return None
    parts = [data, *(piece for (piece,) in pieces)]
    if not all(isinstance(part, bytes) for part in (*parts, index)):
        return None
    snapshot = Snapshot(seq, b"".join(parts) if pieces else data, index)
    return snapshot if check == _snapshot_checksum(name, snapshot) else None


def _snapshot_checksum(name: str, snapshot: Snapshot) -> bytes:
    """Return the checksum of both parts; they may be large, so they are not joined for it."""
    return checksum(name, snapshot.seq, crc32(snapshot.data), "", snapshot.index)


def save_snapshot(db: Database, name: str, snapshot: Snapshot) -> None:
    """Keep the snapshot and the one before it."""
    for number, head in place(db, name):
        if not 0 < snapshot.seq <= head:
            raise ValueError(f"a snapshot at {snapshot.seq} of a log that ends at {head}")
        require_no_quarantined(db, number, snapshot.seq)
        if is_gap(db, number, name, snapshot.seq):
            raise ValueError(f"row {snapshot.seq} is not there any more")
        _insert_snapshot(db, number, name, snapshot)
        db.execute(
            "DELETE FROM snapshots WHERE document = :number AND seq NOT IN"
            " (SELECT seq FROM snapshots WHERE document = :number ORDER BY seq DESC LIMIT 2)",
            {"number": number},
        )
        return
    raise LookupError(f"no document {name!r}")


def _insert_snapshot(db: Database, number: int, name: str, snapshot: Snapshot) -> None:
    check, data = _snapshot_checksum(name, snapshot), snapshot.data
    db.execute("DELETE FROM snapshots WHERE document = ? AND seq = ?", [number, snapshot.seq])
    db.execute(
        "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?)",
        [number, snapshot.seq, check, data[:PIECE], snapshot.index],
    )
    for at in range(PIECE, len(data), PIECE):
        piece = data[at : at + PIECE]
        row = [number, snapshot.seq, at // PIECE, piece]
        db.execute("INSERT INTO snapshot_pieces VALUES (?, ?, ?, ?)", row)


def save_past(db: Database, name: str, past: Past) -> None:
    """Keep the past instead of the one before it."""
    for number, head in place(db, name):
        if not 0 < past.seq <= head:
            raise ValueError(f"a past at {past.seq} of a log that ends at {head}")
        require_no_quarantined(db, number, past.seq)
        check = checksum(name, past.seq, 0, "", past.data)
        db.execute(
            "INSERT OR REPLACE INTO pasts VALUES (?, ?, ?, ?)",
            [number, past.seq, check, past.data],
        )
        return
    raise LookupError(f"no document {name!r}")


def load_past(db: Database, name: str) -> Past | None:
    """Return the past that was kept, if it is as written."""
    for number, _ in place(db, name):
        return _past(db, number, name)[1]
    return None


def _past(db: Database, number: int, name: str) -> tuple[int | None, Past | None]:
    """Return the seq of what is there, and the past itself if it can be read."""
    seq = None
    try:
        query = "SELECT seq, checksum, data FROM pasts WHERE document = ?"
        for seq, check, data in db.execute(query, [number]):
            if isinstance(data, bytes) and check == checksum(name, seq, 0, "", data):
                return seq, Past(seq, data)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        return 0, None
    return seq, None


def forget_from(db: Database, number: int, seq: int) -> None:
    """Forget what is derived from a row that will not be what it was."""
    for table in ("snapshots", "pasts"):
        db.execute(f"DELETE FROM {table} WHERE document = ? AND seq >= ?", [number, seq])


def forget_between(db: Database, number: int, first: int, last: int) -> None:
    """Forget what may hold a moment from `first` on, but before `last`, that is not kept."""
    query = "DELETE FROM snapshots WHERE document = ? AND seq >= ? AND seq < ?"
    db.execute(query, [number, first, last])
    db.execute("DELETE FROM pasts WHERE document = ?", [number])


def damaged_caches(db: Database, number: int, name: str) -> Iterator[Problem]:
    """Yield what cannot be read; the rows are there all the same."""
    for (seq,) in _snapshot_seqs(db, number):
        if _snapshot(db, number, name, seq) is None:
            yield Problem(name, seq, "damaged snapshot")
    where, past = _past(db, number, name)
    if where is not None and past is None:
        yield Problem(name, where, "damaged past")
