"""The log of a document in SQLite: its rows and snapshots, as plain functions of a connection.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables,
but no threads and no files. What each public function promises is said in `Store`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from zlib import crc32

from sqlite_utils import Database

from collab.storage import Damaged, Entry, Loaded, Problem, Snapshot, Update
from collab.storage.sqlite_schema import checksum, nonempty, plain


def append(db: Database, entries: Sequence[Entry]) -> list[int]:
    """Write the entries after the heads of their documents; return their seqs, in order."""
    authors = {author: _author(db, author) for author in {entry.author for entry in entries}}
    logs: dict[str, tuple[int, int]] = {}
    edited, seqs, rows = {}, [], []
    for name, time, author, data in entries:
        number, head = logs.get(name) or _log(db, name, time)
        seq = head + 1
        check = checksum(name, seq, time, author, data)
        rows.append((number, seq, time, authors[author], check, data))
        seqs.append(seq)
        logs[name] = (number, seq)
        edited[number] = (seq, time, number)
    # The hot path: methods of a table, or INSERT .. ON CONFLICT, would take several times as long.
    db.conn.executemany("UPDATE documents SET head = ?, edited = ? WHERE id = ?", edited.values())
    db.conn.executemany("INSERT INTO updates VALUES (?, ?, ?, ?, ?, ?)", rows)
    return seqs


def _author(db: Database, name: str) -> int:
    """Return the number of an author, a new one if need be."""
    for (number,) in db.execute("SELECT id FROM authors WHERE name = ?", [name]):
        return int(number)
    return int(db.execute("INSERT INTO authors (name) VALUES (?)", [plain(name)]).lastrowid or 0)


def _log(db: Database, name: str, time: int) -> tuple[int, int]:
    """Return number and head of a document, a new one if need be."""
    for place in _place(db, name):
        return place
    insert = "INSERT INTO documents (name, title, kind, created, head) VALUES (?, '', '', ?, 0)"
    return int(db.execute(insert, [nonempty(name), time]).lastrowid or 0), 0


def has(db: Database, entry: Entry, seq: int) -> bool:
    """Whether the entry, and so the transaction that wrote it, is in the file as row `seq`."""
    row = Update(entry.document, seq, entry.time, entry.author, entry.data)
    return any(
        row in _rows(db, number, entry.document, seq - 1, min(seq, head))
        for number, head in _place(db, entry.document)
    )


def load(db: Database, name: str, warn: Callable[[Problem], None]) -> Loaded:
    """Return the newest good snapshot and the rows after it; tell of what is damaged."""
    for number, head in _place(db, name):
        snapshot = _newest_snapshot(db, number, name, warn)
        after = snapshot.seq if snapshot else 0
        updates: list[Update] = []
        try:
            for row in _rows(db, number, name, after, head):
                updates.append(row)
            _nothing_beyond(db, number, name, head)
        except Damaged as damage:
            warn(Problem(name, damage.seq, "damaged row"))
            return Loaded(snapshot, updates, damage.seq)
        return Loaded(snapshot, updates, None)
    return Loaded(None, [], None)


def updates(db: Database, name: str, after: int, upto: int | None, limit: int) -> list[Update]:
    """Return a page of rows."""
    for number, head in _place(db, name):
        last = min(head, after + limit, head if upto is None else upto)
        return list(_rows(db, number, name, after, last))
    return []


def _place(db: Database, name: str) -> list[tuple[int, int]]:
    """Return number and head of the document, if there is one."""
    return db.execute("SELECT id, head FROM documents WHERE name = ?", [name]).fetchall()


def _rows(db: Database, number: int, name: str, after: int, last: int) -> Iterator[Update]:
    """Yield the rows after `after` up to `last`; Damaged at the first that is not as written.

    Seqs have no gaps, so a row that is not there is damage as well.
    """
    seq = after + 1
    cursor = db.execute(
        "SELECT seq, time, name, checksum, data FROM updates LEFT JOIN authors ON id = author"
        " WHERE document = ? AND seq > ? AND seq <= ? ORDER BY seq",
        [number, after, last],
    )
    try:
        for found, time, author, check, data in cursor:
            sound = found == seq and isinstance(author, str) and isinstance(data, bytes)
            if not sound or check != checksum(name, seq, time, author, data):
                break
            yield Update(name, seq, time, author, data)
            seq += 1
    except sqlite3.Error as error:
        if not _is_damage(error):
            raise
    if seq <= last:
        raise Damaged(name, seq)


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether the file was read and makes no sense, as opposed to a disk that does not answer.

    Python raises an error without a code for text that is not UTF-8.
    """
    found = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return bool(found & 0xFF == sqlite3.SQLITE_CORRUPT)


def _nothing_beyond(db: Database, number: int, name: str, head: int) -> None:
    """Raise Damaged when the log is longer than the document says."""
    [(last,)] = db.execute("SELECT max(seq) FROM updates WHERE document = ?", [number])
    if last is not None and last > head:
        raise Damaged(name, head + 1)


def _newest_snapshot(
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
    except sqlite3.Error as error:
        if not _is_damage(error):
            raise
        return None
    sound = isinstance(data, bytes) and isinstance(index, bytes)
    snapshot = Snapshot(seq, data, index)
    return snapshot if sound and check == _snapshot_checksum(name, snapshot) else None


def _snapshot_checksum(name: str, snapshot: Snapshot) -> bytes:
    """Return the checksum of both parts; they may be large, so they are not joined for it."""
    return checksum(name, snapshot.seq, crc32(snapshot.data), "", snapshot.index)


def reject(db: Database, name: str, reasons: Mapping[int, str], instead: bytes) -> None:
    """Move rows to `rejected`, and put rows of nobody in their places."""
    for number, head in _place(db, name):
        nobody = _author(db, "")
        for seq, reason in reasons.items():
            # The number of a damaged row's author may be anything.
            db.execute(
                "INSERT INTO rejected SELECT document, seq, ?, time,"
                " coalesce((SELECT id FROM authors WHERE id = author), ?), data"
                " FROM updates WHERE document = ? AND seq = ?",
                [reason, nobody, number, seq],
            )
            db.execute("DELETE FROM updates WHERE document = ? AND seq = ?", [number, seq])
            if seq <= head:
                row = (number, seq, 0, nobody, checksum(name, seq, 0, "", instead), instead)
                db.execute("INSERT INTO updates VALUES (?, ?, ?, ?, ?, ?)", row)
        if reasons:
            first = min(reasons)
            db.execute("DELETE FROM snapshots WHERE document = ? AND seq >= ?", [number, first])
        return
    raise LookupError(f"no document {name!r}")


def save_snapshot(db: Database, name: str, snapshot: Snapshot) -> None:
    """Keep the snapshot and the one before it."""
    for number, head in _place(db, name):
        if not 0 < snapshot.seq <= head:
            raise ValueError(f"a snapshot at {snapshot.seq} of a log that ends at {head}")
        db.execute(
            "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?)",
            [
                number,
                snapshot.seq,
                _snapshot_checksum(name, snapshot),
                snapshot.data,
                snapshot.index,
            ],
        )
        db.execute(
            "DELETE FROM snapshots WHERE document = :number AND seq NOT IN"
            " (SELECT seq FROM snapshots WHERE document = :number ORDER BY seq DESC LIMIT 2)",
            {"number": number},
        )
        return
    raise LookupError(f"no document {name!r}")


def verify_file(db: Database) -> list[Problem]:
    """Check the structure of the file, and that each row belongs to a document."""
    problems = [
        Problem(None, None, sentence)
        for (sentence,) in db.execute("PRAGMA integrity_check")
        if sentence != "ok"
    ]
    orphans = db.execute(
        "SELECT document, count(*) FROM updates"
        " WHERE document NOT IN (SELECT id FROM documents) GROUP BY document"
    )
    for number, count in orphans:
        problems.append(Problem(None, None, f"{count} rows of a document {number} that is gone"))
    return problems


def verify_page(
    db: Database, name: str, after: int, limit: int
) -> tuple[list[Problem], int | None]:
    """Check a page of rows, and the rest with the last; return where the next begins, if any."""
    problems = []
    for number, head in _place(db, name):
        last = min(head, after + limit)
        while after < last:
            try:
                after += sum(1 for _ in _rows(db, number, name, after, last))
            except Damaged as damage:
                after = damage.seq
                problems.append(Problem(name, after, "damaged row"))
        if last < head:
            return problems, last
        problems += _verify_rest(db, number, name, head)
    return problems, None


def _verify_rest(db: Database, number: int, name: str, head: int) -> Iterator[Problem]:
    try:
        _nothing_beyond(db, number, name, head)
    except Damaged as damage:
        yield Problem(name, damage.seq, "a row after the last one")
    for (seq,) in _snapshot_seqs(db, number):
        if _snapshot(db, number, name, seq) is None:
            yield Problem(name, seq, "damaged snapshot")
