"""The tables of a store's SQLite file, and the functions that its rows are made with.

Knows what the columns hold; knows no files, threads or queries. A later table is one more
migration.
"""

from __future__ import annotations

import errno
import unicodedata
from zlib import crc32

from sqlite_utils import Database, Migrations


def documents_and_their_logs(db: Database) -> None:
    """Make the tables of the first version.

    `updates` is the one that grows. WITHOUT ROWID and numbers for names keep a row of 24 bytes
    under 60 on disk; the checksum is a blob because SQLite stores half of all 32-bit numbers in
    six bytes. `rejected` is where repair puts rows that their document cannot take.
    """
    for statement in _TABLES.split(";"):
        db.execute(statement)


def the_past_of_documents(db: Database) -> None:
    """Make the tables of packed rows, of named versions and of what is derived from old rows.

    `segments` has rowids, because its blobs are long: a table WITHOUT ROWID would give each of
    them a page of its own.
    """
    for statement in _PAST_TABLES.split(";"):
        db.execute(statement)


def what_is_gone_for_good(db: Database) -> None:
    """Make room for the mark of documents of which nothing is left but their names.

    From here on there are segments with gaps as well, which earlier versions would misread.
    """
    db.execute("ALTER TABLE documents ADD COLUMN erased INTEGER NOT NULL DEFAULT 0")


def who_may_do_what(db: Database) -> None:
    """Make the tables of tokens that were given out, and of whose each client id is."""
    for statement in _PEOPLE_TABLES.split(";"):
        db.execute(statement)


def who_did_what(db: Database) -> None:
    """Make the table of the audit log, to which SQL too can only add.

    REPLACE deletes without asking triggers for deletion, hence the one before INSERT.
    """
    db.execute(_AUDIT_TABLE)
    db.execute("CREATE INDEX audit_by_document ON audit (document)")
    for event in ("INSERT", "UPDATE", "DELETE"):
        there = "WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)" if event == "INSERT" else ""
        db.execute(
            f"CREATE TRIGGER audit_refuses_{event.lower()} BEFORE {event} ON audit {there}"
            " BEGIN SELECT RAISE(ABORT, 'the audit log can only be added to'); END"
        )


def what_kills_engines(db: Database) -> None:
    """Make the table of rows that must not be read again until somebody has put them aside."""
    db.execute(_QUARANTINE_TABLE)


def large_snapshots_in_pieces(db: Database) -> None:
    """Make the table of what of a snapshot's data does not fit in its row.

    SQLite and Python copy what they are given to write, twice and for long: a piece at a time. A
    trigger takes the pieces away, for foreign keys are not always looked at.
    """
    db.execute(_PIECES_TABLE)
    db.execute(
        "CREATE TRIGGER snapshot_deleted AFTER DELETE ON snapshots BEGIN DELETE FROM"
        " snapshot_pieces WHERE document = OLD.document AND seq = OLD.seq; END"
    )


_VERSIONS = (
    documents_and_their_logs,
    the_past_of_documents,
    what_is_gone_for_good,
    who_may_do_what,
    who_did_what,
    what_kills_engines,
    large_snapshots_in_pieces,
)
schema = Migrations("quire")
for version in _VERSIONS:
    schema()(version)

_TABLES = """
    CREATE TABLE documents (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        kind TEXT NOT NULL,
        created INTEGER NOT NULL,
        edited INTEGER,
        head INTEGER NOT NULL,
        deleted INTEGER
    );
    CREATE TABLE authors (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    );
    CREATE TABLE updates (
        document INTEGER NOT NULL REFERENCES documents(id),
        seq INTEGER NOT NULL,
        time INTEGER NOT NULL,
        author INTEGER NOT NULL REFERENCES authors(id),
        checksum BLOB NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (document, seq)
    ) WITHOUT ROWID;
    CREATE TABLE snapshots (
        document INTEGER NOT NULL REFERENCES documents(id),
        seq INTEGER NOT NULL,
        checksum BLOB NOT NULL,
        data BLOB NOT NULL,
        idx BLOB NOT NULL,
        PRIMARY KEY (document, seq)
    );
    CREATE TABLE rejected (
        document INTEGER NOT NULL REFERENCES documents(id),
        seq INTEGER NOT NULL,
        reason TEXT NOT NULL,
        time INTEGER NOT NULL,
        author INTEGER NOT NULL REFERENCES authors(id),
        data BLOB NOT NULL
    )
"""

_PAST_TABLES = """
    CREATE TABLE segments (
        document INTEGER NOT NULL REFERENCES documents(id),
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        latest INTEGER NOT NULL,
        joins INTEGER NOT NULL,
        checksum BLOB NOT NULL,
        stretches TEXT NOT NULL,
        moments BLOB NOT NULL,
        contents_checksum BLOB NOT NULL,
        contents BLOB NOT NULL,
        PRIMARY KEY (document, first)
    );
    CREATE INDEX segments_by_time ON segments (document, first, latest);
    CREATE INDEX segments_that_join_nothing ON segments (document, first) WHERE NOT joins;
    CREATE TABLE versions (
        document INTEGER NOT NULL REFERENCES documents(id),
        name TEXT NOT NULL,
        seq INTEGER NOT NULL,
        author INTEGER NOT NULL REFERENCES authors(id),
        time INTEGER NOT NULL,
        PRIMARY KEY (document, name)
    );
    CREATE TABLE pasts (
        document INTEGER PRIMARY KEY REFERENCES documents(id),
        seq INTEGER NOT NULL,
        checksum BLOB NOT NULL,
        data BLOB NOT NULL
    )
"""

_AUDIT_TABLE = """
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        document TEXT NOT NULL,
        user TEXT NOT NULL,
        address TEXT NOT NULL,
        action TEXT NOT NULL,
        detail TEXT NOT NULL,
        times INTEGER NOT NULL
    )
"""

_QUARANTINE_TABLE = """
    CREATE TABLE quarantined (
        document INTEGER NOT NULL REFERENCES documents(id),
        seq INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (document, seq)
    ) WITHOUT ROWID
"""

_PIECES_TABLE = """
    CREATE TABLE snapshot_pieces (
        document INTEGER NOT NULL REFERENCES documents(id),
        seq INTEGER NOT NULL,
        number INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (document, seq, number)
    )
"""


_PEOPLE_TABLES = """
    CREATE TABLE tokens (
        id TEXT PRIMARY KEY,
        document TEXT NOT NULL,
        level INTEGER NOT NULL,
        label TEXT NOT NULL,
        author TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE clients (
        document INTEGER NOT NULL REFERENCES documents(id),
        client INTEGER NOT NULL,
        user TEXT NOT NULL,
        PRIMARY KEY (document, client)
    ) WITHOUT ROWID
"""


def migrate(database: Database, path: str) -> None:
    """Bring the tables up to date; ValueError when they are not ours or newer than we are."""
    tables = set(database.table_names())
    applied = set()
    if schema.migrations_table in tables:
        query = f"SELECT name FROM {schema.migrations_table} WHERE migration_set = ?"
        applied = {name for (name,) in database.execute(query, [schema.name])}
    ours = {version.__name__ for version in _VERSIONS}
    if not applied and tables - {schema.migrations_table}:
        raise ValueError(f"{path} belongs to another program; nothing was changed in it")
    if applied - ours:
        raise ValueError(f"{path} was written by a newer Quire; nothing was changed in it")
    [(mode,)] = database.execute("PRAGMA journal_mode = WAL").fetchall()
    if mode not in ("wal", "memory"):
        raise OSError(errno.ENOTSUP, "the file system cannot carry a write-ahead log", path)
    schema.apply(database)


def checksum(document: str, seq: int, time: int, author: str, data: bytes) -> bytes:
    """Return the CRC-32 of a row: of its place as well, so that no row can pass for another."""
    return crc32(data, crc32(f"{document}\0{seq}\0{time}\0{author}\0".encode())).to_bytes(4, "big")


def folded(text: str) -> str:
    """Return text as it is compared in a search: no case, one spelling of each accent."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def plain(text: str) -> str:
    """Return the text; ValueError for what not every store can keep."""
    if "\0" in text:
        raise ValueError("a text with NUL in it")
    text.encode()
    return text


def nonempty(name: str) -> str:
    """Return the name; ValueError for none and for what not every store can keep."""
    if not name:
        raise ValueError("a document needs a name")
    return plain(name)
