"""Words that must not be told, and where they could be: for tests/web/test_canary.py.

A secret is a token or a cookie: nobody but its owner may see it again. A content is what people
wrote: those who may read it see it again, and no log, error or table that is not for it does.
"""

import json
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path

CONTENT = {
    "text": "canarytext",
    "title": "canarytitle",
    "version": "canaryversion",
    "state": "canarystate",
    "search": "canarysearch",
    "junk": "canaryjunk",
}

# Where the store keeps what people wrote, table and column; besides, all BLOBs are documents.
KEPT = {("documents", "title"), ("versions", "name")}


def request(
    url: str, method: str = "GET", body: object = None, **headers: str
) -> tuple[int, str, str]:
    """Status, headers and body of an answer."""
    data = body.encode() if isinstance(body, str) else body and json.dumps(body).encode()
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    names.setdefault("Content-Type", "application/json")
    asked = urllib.request.Request(url, data or None, names, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, str(answer.headers), answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        try:
            return error.code, str(error.headers), error.read().decode(errors="replace")
        except ConnectionError as broken:  # what is too large may not be read to its end
            return error.code, str(error.headers), str(broken)
    except OSError as error:  # it hung up on what is too large
        return 0, "", str(error)


def in_store(file: Path, words: list[str]) -> list[str]:
    """Where in a store's columns the words are that should not be there."""
    found = []
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in tables:
            cursor = db.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                for column, value in zip(columns, row, strict=True):
                    content = isinstance(value, bytes) or (table, column) in KEPT
                    if content:
                        continue
                    found += [f"{table}.{column}: {word}" for word in words if word in str(value)]
    return found


def secrets_in_store(file: Path, secrets: list[str]) -> list[str]:
    """Which tokens are anywhere in the store's files, as they are on the disk."""
    files = [path for path in file.parent.glob(f"{file.name}*") if path.suffix != ".log"]
    return [word[:20] for word in secrets for path in files if word.encode() in path.read_bytes()]
