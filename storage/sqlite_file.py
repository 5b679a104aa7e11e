"""A SQLite file held open: whose it is, transactions that are on disk, and life after an error.

Knows files, locks and SQLite's errors; knows no queries and no asyncio.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from urllib.parse import quote

from filelock import FileLock, Timeout
from sqlite_utils import Database

from collab.storage.sqlite_schema import folded, migrate

MEMORY = ":memory:"
BUSY_SECONDS = 1.0  # Editors have to hear within 2 s that saving has stopped.
WAL_BYTES = 16 * 1024 * 1024  # A longer write-ahead log is emptied even if readers have to wait.

_MEANINGS = {
    sqlite3.SQLITE_FULL: (errno.ENOSPC, "the disk is full"),
    sqlite3.SQLITE_READONLY: (errno.EROFS, "the file is read-only"),
    sqlite3.SQLITE_CANTOPEN: (errno.EACCES, "the file cannot be opened"),
    sqlite3.SQLITE_BUSY: (errno.EBUSY, "another program has locked the file"),
    sqlite3.SQLITE_LOCKED: (errno.EBUSY, "another program has locked the file"),
    sqlite3.SQLITE_IOERR_SHMSIZE: (errno.ENOSPC, "the disk is full"),
    sqlite3.SQLITE_IOERR_SHMMAP: (errno.ENOMEM, "there is no memory"),
    sqlite3.SQLITE_IOERR: (errno.EIO, "the disk reports an error"),
    sqlite3.SQLITE_CORRUPT: (errno.EIO, "the file is damaged"),
}

T = TypeVar("T")
Job = Callable[[Database], T]


class File:
    """An open file (or ':memory:') with one connection that writes and a few that read.

    It belongs to one `File` at a time: raises OSError when it cannot be read or is open
    elsewhere, ValueError when it is not ours. Jobs get a connection inside a transaction; what
    SQLite raises comes out as an OSError with a sentence. One thread may call anything; any
    thread may call `read`, unless the file is in memory. Close it when no call is under way.
    """

    def __init__(self, path: str) -> None:
        self.path = path if path == MEMORY else os.path.realpath(path)
        self._lock = None if path == MEMORY else _claim(self.path)
        try:
            self._db = _prepare(self.path)
        except BaseException:
            self._release()
            raise
        self._idle: list[Database] = []
        self._doubtful = False
        self._wal_limit = WAL_BYTES
        self._identity, _ = _identify(self.path)

    def close(self) -> None:
        """Let go of everything; the last connection that closes empties the write-ahead log."""
        for db in [*self._idle, self._db]:
            with suppress(sqlite3.Error):
                db.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            # Unlinked while it is held: whoever gets hold of a file without a name tries again.
            with suppress(OSError):
                os.unlink(self._lock.lock_file)
            self._lock.release()

    def write(self, job: Job[T], carried_out: Job[T | None] = lambda db: None) -> T:
        """Run the job in a transaction that is on disk when this returns.

        After an error nobody knows what the connection believes, nor whether a COMMIT that
        failed was carried out after all. So the file is opened anew and `carried_out` asked: its
        answer, unless None, is the job's. Else raises OSError, and the next call tries again.
        """
        try:
            if self._doubtful:
                self._reopen()
            result, wal_bytes = self._commit(job)
        except (sqlite3.Error, OSError, MemoryError) as error:
            self._doubtful = True
            with suppress(sqlite3.Error, OSError, MemoryError):
                self._reopen()
                found = carried_out(self._db)
                # After a failed fsync only what is written once more is on disk for certain.
                if found is not None and self._empty_wal():
                    return found
            raise _explained(error, self.path) from error
        if wal_bytes > self._wal_limit:
            self._wal_limit = WAL_BYTES if self._empty_wal() else 2 * wal_bytes
        return result

    def write_unchecked(self, job: Job[T]) -> T:
        """Like `write`, for a job that sees to the foreign keys itself: to look whether anything
        refers to a deleted row, SQLite reads the largest table, once for each."""
        self._db.conn.execute("PRAGMA foreign_keys = OFF")
        try:
            return self.write(job)
        finally:
            self._db.conn.execute("PRAGMA foreign_keys = ON")

    def _commit(self, job: Job[T]) -> tuple[T, int]:
        """Return what the job returned, and how long the write-ahead log was before."""
        wal_bytes = self._require_same()
        self._db.conn.execute("BEGIN IMMEDIATE")
        try:
            result = job(self._db)
            self._db.conn.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.conn.rollback()
            raise
        return result, wal_bytes

    def read(self, job: Job[T]) -> T:
        """Run the job on what is committed when it begins; writing goes on meanwhile."""
        try:
            if self.path == MEMORY:
                with self._db.atomic():
                    return job(self._db)
            db = self._reader()
            try:
                with db.atomic():
                    result = job(db)
            except BaseException:
                db.close()
                raise
            self._idle.append(db)
            return result
        except (sqlite3.Error, MemoryError) as error:
            raise _explained(error, self.path) from error

    def _reader(self) -> Database:
        """Return a connection that nobody else reads with."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _reopen(self) -> None:
        """Replace the connection that writes. The old one goes last: it keeps the log in place."""
        if self.path != MEMORY:
            fresh = self._connect()
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = fresh
        self._doubtful = False

    def _connect(self) -> Database:
        """Open the file once more, if it still is the one that was opened first."""
        self._require_same()
        return _connect(self.path)

    def compact(self) -> None:
        """Write the file anew, without what is unused in it; needs as much room once more."""
        try:
            if self._doubtful:
                self._reopen()
            self._require_same()
            self._db.conn.execute("VACUUM")
        except (sqlite3.Error, OSError) as error:
            self._doubtful = True
            raise _explained(error, self.path) from error
        self.settle()

    def settle(self) -> None:
        """Empty the write-ahead log, which holds what was overwritten; else the next write does."""
        if not self._empty_wal():
            self._wal_limit = 0

    def _empty_wal(self) -> bool:
        """Move the write-ahead log into the file; False when a reader kept it from ending."""
        with suppress(sqlite3.Error):
            [(busy, _, _)] = self._db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return not busy
        return False

    def _require_same(self) -> int:
        """Return the length of the write-ahead log; OSError when another file is in its place:
        SQLite would go on writing into one that nobody will ever find again."""
        identity, wal_bytes = _identify(self.path)
        if identity != self._identity:
            raise OSError(errno.ESTALE, "the file was moved, deleted or replaced", self.path)
        return wal_bytes


def _claim(path: str) -> FileLock:
    """Keep every other process, and every other store of this one, from the file."""
    _create_folder(os.path.dirname(path))
    lock = FileLock(f"{path}.lock", timeout=0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        message = "the file is already open in this or another Quire"
        raise OSError(errno.EBUSY, message, path) from error
    return lock


def _prepare(path: str) -> Database:
    """Open the file with the tables that we know, all made where there is none."""
    if path != MEMORY:
        _create_file(path)
        if 0 < os.stat(path).st_size < 512:  # SQLite would take it for an empty one
            raise ValueError(f"{path} is not a SQLite database; nothing was changed in it")
    try:
        db = _connect(path)
        try:
            migrate(db, path)
        except BaseException:
            db.close()
            raise
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB:
            message = f"{path} is not a SQLite database; nothing was changed in it"
            raise ValueError(message) from error
        raise _explained(error, path) from error
    return db


def _connect(path: str) -> Database:
    """Open an existing file and read its schema; changes nothing."""
    target = path if path == MEMORY else f"file:{quote(os.fsencode(path))}?mode=rw"
    connection = sqlite3.connect(
        target, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        # Said aloud: a build may have another default, and NORMAL loses commits in a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What is deleted is overwritten, pages too (FAST would spare them). Appends cost the same.
        connection.execute("PRAGMA secure_delete = ON").fetchall()
        connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}").fetchall()
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        connection.create_function("folded", 1, folded, deterministic=True)
        return Database(connection, execute_plugins=False)
    except BaseException:
        connection.close()
        raise


def _identify(path: str) -> tuple[list[tuple[int, int] | None], int]:
    """Return which files the file and its write-ahead log are, and how long the latter is."""
    identity: list[tuple[int, int] | None] = []
    size = 0
    for part in () if path == MEMORY else (path, f"{path}-wal"):
        try:
            found = os.stat(part)
        except FileNotFoundError:
            identity.append(None)
        else:
            identity.append((found.st_dev, found.st_ino))
            size = found.st_size
    return identity, size


def _create_folder(path: str) -> None:
    """Create a folder, and those that it is in, where there is none (0700)."""
    if not os.path.isdir(path):
        _create_folder(os.path.dirname(path))
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)
        _sync_folder(os.path.dirname(path))


def _create_file(path: str) -> None:
    """Create an empty file (0600) where there is none; SQLite's -wal and -shm take its mode."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _sync_folder(os.path.dirname(path))


def _sync_folder(path: str) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explained(error: Exception, path: str) -> OSError | ValueError:
    """Return an OSError whose sentence says what to look at; a ValueError if a document is to
    blame, for whom it does not help to try again."""
    if isinstance(error, OSError):
        return error
    if isinstance(error, MemoryError):  # as Python says it for SQLITE_NOMEM
        return OSError(errno.ENOMEM, "there is no memory", path)
    code = int(getattr(error, "sqlite_errorcode", 0))
    if code & 0xFF == sqlite3.SQLITE_CONSTRAINT:  # two rows can only claim one seq if that is so
        return ValueError("a document is damaged: its head is wrong")
    number, sentence = _MEANINGS.get(code) or _MEANINGS.get(code & 0xFF) or (errno.EIO, str(error))
    return OSError(number, sentence, path)
