"""The audit log in SQLite, as plain functions of a connection.

The caller has begun a transaction and ends it; errors of SQLite pass through. Knows the table, but
no threads and no files. What both functions promise is said in `AuditLog`. That lines never change
and never go is seen to by triggers (`sqlite_schema`): who gets at the file with another program
has to take these away first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sqlite_utils import Database

from collab.storage.audit import MAX_TEXT, AuditLine
from collab.storage.catalog import TENANT
from collab.storage.sqlite_schema import plain

_LINE = "time, document, user, address, action, detail, times, id"
_EXACT = ("document", "user", "action")


def record(db: Database, lines: Iterable[AuditLine]) -> None:
    """Write the lines, numbered on from the last one."""
    db.conn.executemany(
        "INSERT INTO audit (time, document, user, address, action, detail, times)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [_checked(line)[:-1] for line in lines],
    )


def _checked(line: AuditLine) -> AuditLine:
    """Return the line; ValueError when it may not be kept."""
    if line.times < 1:
        raise ValueError("an audit line of something that did not happen")
    texts = (line.user, line.address, line.action, line.detail)
    for text in (line.document.replace(TENANT, "", 1), *texts):
        if any(unicodedata.category(character) == "Cc" for character in plain(text)):
            raise ValueError("an audit line with a control character")
    if max(map(len, (line.document, *texts))) > MAX_TEXT:
        raise ValueError(f"an audit line with a text of more than {MAX_TEXT} characters")
    return line


def audit(
    db: Database,
    document: str | None,
    user: str | None,
    action: str | None,
    since: int | None,
    tenant: str | None,
    before: int | None,
    limit: int,
) -> list[AuditLine]:
    """Return a page of lines, the newest first."""
    values = {"document": document, "user": user, "action": action, "since": since}
    values |= {"before": before, "prefix": f"{tenant}{TENANT}", "separator": TENANT}
    conditions = [f"{column} = :{column}" for column in _EXACT if values[column] is not None]
    if since is not None:
        conditions.append("time >= :since")
    if before is not None:
        conditions.append("id < :before")
    if tenant:
        conditions.append("substr(document, 1, length(:prefix)) = :prefix")
    elif tenant is not None:
        conditions.append("NOT instr(document, :separator)")
    rows = db.execute(
        f"SELECT {_LINE} FROM audit WHERE {' AND '.join(conditions) or '1'}"
        " ORDER BY id DESC LIMIT :limit",
        {**values, "limit": max(0, limit)},
    )
    return [AuditLine(*row) for row in rows]
