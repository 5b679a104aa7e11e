"""Rows in SQLite that are not packed, as plain functions of a connection.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the table of
the rows, and that what it does not find may be packed; knows no threads and no files.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from sqlite_utils import Database

from collab.storage import Damaged, Entry, Update
from collab.storage.sqlite_people import save_claims
from collab.storage.sqlite_schema import checksum, nonempty, plain


def append(db: Database, entries: Sequence[Entry]) -> list[int]:
    """Write the entries after the heads of their documents; return their seqs, in order."""
    authors = {author: author_number(db, author) for author in {entry.author for entry in entries}}
    logs: dict[str, tuple[int, int]] = {}
    edited, seqs, rows, claims = {}, [], [], []
    for name, time, author, data, claimed in entries:
        number, head = logs.get(name) or _log(db, name, time)
        seq = head + 1
        check = checksum(name, seq, time, author, data)
        rows.append((number, seq, time, authors[author], check, data))
        seqs.append(seq)
        logs[name] = (number, seq)
        edited[number] = (seq, time, number)
        claims += [(number, client, user) for client, user in claimed]
    # The hot path: methods of a table, or INSERT .. ON CONFLICT, would take several times as long.
    db.conn.executemany("UPDATE documents SET head = ?, edited = ? WHERE id = ?", edited.values())
    db.conn.executemany("INSERT INTO updates VALUES (?, ?, ?, ?, ?, ?)", rows)
    save_claims(db, claims)
    return seqs


def author_number(db: Database, name: str) -> int:
    """Return the number of an author, a new one if need be."""
    for (number,) in db.execute("SELECT id FROM authors WHERE name = ?", [name]):
        return int(number)
    return int(db.execute("INSERT INTO authors (name) VALUES (?)", [plain(name)]).lastrowid or 0)


def _log(db: Database, name: str, time: int) -> tuple[int, int]:
    """Return number and head of a document, a new one if need be.

    A damaged head must not let a row be written that is in a segment already.
    """
    for number, head, erased, packed in db.execute(
        "SELECT id, head, erased,"
        " (SELECT last FROM segments WHERE document = id ORDER BY first DESC LIMIT 1)"
        " FROM documents WHERE name = ?",
        [name],
    ):
        if erased:
            raise ValueError(f"document {name!r} is erased")
        if packed is not None and packed > head:
            raise ValueError(f"document {name!r} is damaged: its head is wrong")
        return number, head
    insert = "INSERT INTO documents (name, title, kind, created, head) VALUES (?, '', '', ?, 0)"
    return int(db.execute(insert, [nonempty(name), time]).lastrowid or 0), 0


def place(db: Database, name: str) -> list[tuple[int, int]]:
    """Return number and head of the document, if there is one; an erased one has no rows."""
    query = "SELECT id, iif(erased, 0, head) FROM documents WHERE name = ?"
    return db.execute(query, [name]).fetchall()


def unpacked(db: Database, number: int, name: str, after: int, last: int) -> Iterator[Update]:
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
        if not is_damage(error):
            raise
    if seq <= last:
        raise Damaged(name, seq)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file was read and makes no sense, as opposed to a disk that does not answer.

    Python raises an error without a code for text that is not UTF-8.
    """
    found = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return bool(found & 0xFF == sqlite3.SQLITE_CORRUPT)
