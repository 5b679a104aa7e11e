"""The SQLite store: the contract in a file and in memory, and how large and how quick it is."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from collab.storage import Entry, open_store
from collab.storage.sqlite_file import WAL_BYTES
from tests.storage.contract import DurableContract, LogContract, entries
from tests.storage.contract_audit import AuditContract, QuarantineContract
from tests.storage.contract_documents import DocumentsContract
from tests.storage.contract_past import PastContract
from tests.storage.contract_people import PeopleContract
from tests.storage.contract_thin import ThinContract


class Whole(
    LogContract,
    DocumentsContract,
    PastContract,
    ThinContract,
    PeopleContract,
    AuditContract,
    QuarantineContract,
):
    """All of it that every store has to keep."""


class TestMemory(Whole):
    """The contract in memory."""

    @pytest.fixture
    def url(self) -> str:
        """Return where it is."""
        return ":memory:"


class TestFile(Whole, DurableContract):
    """The contract in a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """Return where it is, by a name that is hard on whoever parses it."""
        return f"sqlite:///{tmp_path}/it's 100%?#\u00fc.db"


def test_the_log_is_compact(path: Path) -> None:
    """Rows of 24 bytes, of many documents in turn, cost at most 2.5 times their size."""

    async def tell() -> None:
        async with open_store(path) as store:
            for turn in range(100):
                await store.append(
                    [
                        Entry(f"doc{n % 50}", 1763850000000 + turn, f"user {n % 7}", b"u" * 24)
                        for n in range(500)
                    ]
                )

    asyncio.run(tell())

    assert path.stat().st_size < 2.5 * 100 * 500 * 24


def test_the_write_ahead_log_ends(path: Path) -> None:
    """A reader that does not end keeps the log from being emptied, but not for good."""

    async def tell() -> None:
        wal = path.with_name("q.db-wal")
        async with open_store(path) as store:
            for n in range(20):
                await store.append([Entry("a", n, "al", bytes(1 << 20))])
            assert wal.stat().st_size <= WAL_BYTES

            reader = sqlite3.connect(path, isolation_level=None)
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM documents").fetchall()
            for n in range(20):
                await store.append([Entry("a", n, "al", bytes(1 << 20))])
            assert wal.stat().st_size > WAL_BYTES
            reader.execute("COMMIT")
            reader.close()

            await store.append(entries("a:1"))
            await store.append(entries("a:2"))
            assert wal.stat().st_size <= WAL_BYTES

    asyncio.run(tell())


def test_search_in_ten_thousand_documents(path: Path) -> None:
    """The list stays quick: a search that nothing matches has to look at everything."""

    async def tell() -> None:
        async with open_store(path) as store:
            for start in range(0, 10_000, 1000):
                await store.append(entries(*(f"document {start + n}:1" for n in range(1000))))
            async with asyncio.timeout(5):
                for _ in range(3):
                    assert await store.documents("Überschrift") == []
            assert len(await store.documents("DOCUMENT 99", limit=1000)) == 111

    asyncio.run(tell())
