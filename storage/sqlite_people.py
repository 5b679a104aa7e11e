"""Tokens, and whose each client id is, in SQLite, as plain functions of a connection.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the tables,
but no threads and no files. What each function promises is said in `Store`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlite_utils import Database

from collab.storage.people import Token
from collab.storage.sqlite_schema import plain


def save_token(db: Database, token: Token) -> None:
    """Keep a token, and forget those that have expired by the time it was made."""
    db.execute("DELETE FROM tokens WHERE expires < ?", [token.created])
    db.execute(
        "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
        " SET level = min(level, excluded.level), expires = max(expires, excluded.expires)",
        [plain(part) if isinstance(part, str) else part for part in token],
    )


def tokens(db: Database, now: int, document: str | None) -> list[Token]:
    """Return the tokens that have not expired, oldest first."""
    rows = db.execute(
        "SELECT * FROM tokens WHERE expires >= ? AND (? IS NULL OR document = ?)"
        " ORDER BY created, id",
        [now, document, document],
    )
    return [Token(*row) for row in rows]


def save_claims(db: Database, claims: Iterable[tuple[int, int, str]]) -> None:
    """Keep (document's number, client id, user); the first user of a client id stays."""
    db.conn.executemany("INSERT OR IGNORE INTO clients VALUES (?, ?, ?)", claims)


def claims(db: Database, number: int) -> dict[int, str]:
    """Return client id -> user, of a document."""
    query = "SELECT client, user FROM clients WHERE document = ?"
    return dict(db.execute(query, [number]).fetchall())
