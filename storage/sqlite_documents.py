"""The list of documents in SQLite, as plain functions of a connection.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables,
but no threads and no files. What each function promises is said in `Store`.
"""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from collab.storage import TENANT, Document
from collab.storage.sqlite_rows import place
from collab.storage.sqlite_schema import folded, nonempty, plain

_DOCUMENT = "name, title, kind, created, edited, head, deleted, erased"
_PARTS = (
    "updates",
    "segments",
    "snapshots",
    "snapshot_pieces",
    "pasts",
    "versions",
    "rejected",
    "clients",
    "quarantined",
)
_NEWEST = "coalesce(edited, created)"


def _document(row: tuple[Any, ...]) -> Document:
    return Document._make([*row[:-1], bool(row[-1])])


def find(db: Database, name: str) -> Document | None:
    """Return the document, if there is one."""
    for row in db.execute(f"SELECT {_DOCUMENT} FROM documents WHERE name = ?", [name]):
        return _document(row)
    return None


def create(db: Database, name: str, title: str, kind: str, time: int) -> Document | None:
    """Make a document without rows; None when the name is taken."""
    for row in db.execute(
        "INSERT INTO documents (name, title, kind, created, head) VALUES (?, ?, ?, ?, 0)"
        f" ON CONFLICT DO NOTHING RETURNING {_DOCUMENT}",
        [nonempty(name), plain(title), plain(kind), time],
    ).fetchall():
        return _document(row)
    return None


def describe(db: Database, name: str, title: str | None, kind: str | None) -> Document:
    """Change the title, the kind, or both."""
    plain(title or "")
    plain(kind or "")
    return _change(db, name, "title = coalesce(?, title), kind = coalesce(?, kind)", title, kind)


def delete(db: Database, name: str, time: int) -> Document:
    """Mark as deleted."""
    return _erased(db, name) or _change(db, name, "deleted = coalesce(deleted, ?)", time)


def undelete(db: Database, name: str) -> Document:
    """Take the mark away."""
    return _change(db, name, "deleted = NULL")


def erase(db: Database, name: str) -> Document:
    """Delete all that belongs to the document, and all authors that nothing belongs to."""
    for number, _ in place(db, name):
        for part in _PARTS:
            db.execute(f"DELETE FROM {part} WHERE document = ?", [number])
        db.execute(
            "DELETE FROM authors WHERE id NOT IN (SELECT author FROM updates"
            " UNION SELECT author FROM versions UNION SELECT author FROM rejected)"
        )
    return _erased(db, name) or _change(
        db,
        name,
        "title = '', kind = '', edited = NULL, erased = 1,"
        " deleted = coalesce(deleted, edited, created)",
    )


def _erased(db: Database, name: str) -> Document | None:
    """Return the document if it is erased."""
    document = find(db, name)
    return document if document and document.erased else None


def _change(db: Database, name: str, setting: str, *values: str | int | None) -> Document:
    for row in db.execute(
        f"UPDATE documents SET {setting} WHERE name = ? AND NOT erased RETURNING {_DOCUMENT}",
        [*values, name],
    ).fetchall():
        return _document(row)
    raise LookupError(f"no document {name!r}")


def documents(
    db: Database, search: str, after: str | None, limit: int, deleted: bool, tenant: str | None
) -> list[Document]:
    """Return a page of documents, the newest first."""
    conditions = ["deleted IS NOT NULL AND NOT erased" if deleted else "deleted IS NULL"]
    if search:
        rest = f"substr(name, instr(name, '{TENANT}') + 1)"
        conditions.append(f"(instr(folded(title), :search) OR instr(folded({rest}), :search))")
    values = {"search": folded(search), "after": after, "limit": max(0, limit), "time": 0}
    if tenant is not None:
        conditions.append(f"substr(name, 1, instr(name, '{TENANT}')) = :tenant")
        values["tenant"] = tenant and tenant + TENANT
    if after is not None:
        last = find(db, after)
        if last is None:
            raise LookupError(f"no document {after!r}")
        values["time"] = last.created if last.edited is None else last.edited
        conditions.append(f"({_NEWEST} < :time OR {_NEWEST} = :time AND name > :after)")
    rows = db.execute(
        f"SELECT {_DOCUMENT} FROM documents WHERE {' AND '.join(conditions)}"
        f" ORDER BY {_NEWEST} DESC, name LIMIT :limit",
        values,
    )
    return [_document(row) for row in rows]


def names(db: Database, after: int, limit: int) -> list[tuple[int, str]]:
    """Return a page of (number, name) of all documents, by number."""
    return db.execute(
        "SELECT id, name FROM documents WHERE id > ? ORDER BY id LIMIT ?", [after, limit]
    ).fetchall()
