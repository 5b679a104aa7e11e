"""The audit log of the SQLite store: nobody changes it, by our calls or by their own SQL."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from collab.storage import AuditLine, open_store
from tests.storage.contract import entries

LINE = AuditLine(1000, "notes", "ann", "10.0.0.1", "erase", "")


async def record(path: Path, *lines: AuditLine) -> list[AuditLine]:
    """Add lines; return all that there are."""
    async with open_store(path) as store:
        await store.record(lines)
        return await store.audit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET user = 'bob'",
        "UPDATE audit SET id = 9",
        "UPDATE OR REPLACE audit SET action = 'connect' WHERE id = 1",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1",
        "REPLACE INTO audit VALUES (1, 1000, 'notes', 'bob', '', 'erase', '', 1)",
        "INSERT INTO audit VALUES (1, 1, '', 'bob', '', '', '', 1)"
        " ON CONFLICT (id) DO UPDATE SET user = 'bob'",
    ],
)
def test_sql_can_only_add_to_it(path: Path, statement: str) -> None:
    """Also with a connection that checks nothing else."""
    before = asyncio.run(record(path, LINE))
    with closing(sqlite3.connect(path)) as database:
        with pytest.raises(sqlite3.IntegrityError, match="can only be added to"):
            database.execute(statement)
        database.rollback()
    after = asyncio.run(record(path, LINE))
    assert len(before) == 1 and after[1:] == before and after[0].id == 2


def test_a_file_of_before_gets_one(path: Path) -> None:
    """And keeps all that is in it."""

    async def write() -> None:
        async with open_store(path) as store:
            await store.append(entries("notes:1"))

    asyncio.run(write())
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "DROP TABLE audit; DROP TABLE quarantined; DELETE FROM _sqlite_migrations"
            " WHERE name IN ('who_did_what', 'what_kills_engines')"
        )
    assert [line._replace(id=0) for line in asyncio.run(record(path, LINE))] == [LINE]

    async def read() -> int:
        async with open_store(path) as store:
            return len((await store.load("notes")).updates)

    assert asyncio.run(read()) == 1
