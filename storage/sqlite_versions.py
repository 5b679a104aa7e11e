"""Named moments of documents in SQLite, as plain functions of a connection.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables,
but no threads and no files. What each function promises is said in `Store`.
"""

from __future__ import annotations

from sqlite_utils import Database

from collab.storage import Version
from collab.storage.sqlite_rows import author_number, place
from collab.storage.sqlite_schema import plain
from collab.storage.sqlite_segments import is_gap


def create(db: Database, document: str, version: Version) -> Version | None:
    """Keep a name; None when it is taken."""
    number, head = _document(db, document)
    if not 0 < version.seq <= head:
        raise ValueError(f"a version at {version.seq} of a log that ends at {head}")
    if is_gap(db, number, document, version.seq):
        raise ValueError(f"row {version.seq} is not there any more")
    if version in versions(db, document):
        return version  # said again by somebody who did not hear the answer
    if not _is_free(db, number, version.name):
        return None
    author = author_number(db, version.author)
    db.execute(
        "INSERT INTO versions VALUES (?, ?, ?, ?, ?)",
        [number, version.name, version.seq, author, version.time],
    )
    return version


def rename(db: Database, document: str, name: str, to: str) -> Version | None:
    """Change a name; None when the new one is taken."""
    number, _ = _document(db, document)
    for version in versions(db, document):
        if version.name == name:
            if to != name and not _is_free(db, number, to):
                return None
            db.execute(
                "UPDATE versions SET name = ? WHERE document = ? AND name = ?", [to, number, name]
            )
            return version._replace(name=to)
    raise LookupError(f"no version {name!r} of document {document!r}")


def delete(db: Database, document: str, name: str) -> None:
    """Forget a name."""
    number, _ = _document(db, document)
    query = "DELETE FROM versions WHERE document = ? AND name = ?"
    if not db.execute(query, [number, name]).rowcount:
        raise LookupError(f"no version {name!r} of document {document!r}")


def versions(db: Database, document: str) -> list[Version]:
    """Return the named moments, by seq."""
    rows = db.execute(
        "SELECT versions.name, seq, authors.name, time"
        " FROM documents JOIN versions ON document = documents.id"
        " JOIN authors ON authors.id = author"
        " WHERE documents.name = ? ORDER BY seq, versions.name",
        [document],
    )
    return [Version(*row) for row in rows]


def _document(db: Database, name: str) -> tuple[int, int]:
    for found in place(db, name):
        return found
    raise LookupError(f"no document {name!r}")


def _is_free(db: Database, number: int, name: str) -> bool:
    """Whether no version has the name; ValueError for what is no name."""
    if not plain(name):
        raise ValueError("a version needs a name")
    query = "SELECT 1 FROM versions WHERE document = ? AND name = ?"
    return not db.execute(query, [number, name]).fetchall()
