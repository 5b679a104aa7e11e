"""The store in a SQLite file or in memory: one thread that writes, a few that read.

Knows asyncio and threads; the queries are in the modules `sqlite_*`, the file and its errors in
`sqlite_file`, the tables in `sqlite_schema`. All writes go through one thread, so
there is nothing to lock, and nothing about the contents is remembered outside the file.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from sqlite_utils import Database

from collab.storage import (
    AuditLine,
    Document,
    Entry,
    Loaded,
    Moment,
    Past,
    Problem,
    Snapshot,
    Store,
    Stretch,
    Token,
    Update,
    Version,
    sqlite_audit,
    sqlite_caches,
    sqlite_documents,
    sqlite_log,
    sqlite_packing,
    sqlite_people,
    sqlite_quarantine,
    sqlite_reject,
    sqlite_rows,
    sqlite_thin,
    sqlite_timeline,
    sqlite_versions,
)
from collab.storage.sqlite_file import MEMORY, File, Job
from collab.storage.threads import start_threads

READERS = 4
PAGE = 1000  # Rows or documents that are verified in one go.

log = logging.getLogger("storage")
T = TypeVar("T")


class SQLiteStore(Store):
    """A `Store` in one file, or in memory; see there for what each method promises.

    The file belongs to one store at a time (FILE.lock). When it is deleted or replaced while it
    is open, writing stops: what only a deleted file holds is never acknowledged.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: File | None = None
        self._warned: set[Problem] = set()

    async def open(self) -> None:
        writer = ThreadPoolExecutor(1, "storage-writer")
        in_memory = self._path == MEMORY
        readers = writer if in_memory else start_threads(READERS, "storage-reader")
        opening = writer.submit(File, self._path)
        waiting = asyncio.wrap_future(opening)
        try:
            self._file = await asyncio.shield(waiting)
        except BaseException:  # a cancelled opening may yet succeed, or fail with nobody to hear
            opening.add_done_callback(_close_opened)
            waiting.add_done_callback(asyncio.Future.exception)
            writer.shutdown(wait=False)
            readers.shutdown(wait=False)
            raise
        self._writer = writer
        self._readers = readers

    async def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                await _run(self._writer, partial(self._let_go, file))
            finally:
                self._writer.shutdown()

    def _let_go(self, file: File) -> None:
        """Close the file after the last reader; in the writer's thread, after the last write."""
        if self._readers is not self._writer:
            self._readers.shutdown()
        file.close()

    async def append(self, entries: Sequence[Entry]) -> list[int]:
        if not entries:
            return []
        seqs: list[int] = []

        def job(db: Database) -> list[int]:
            seqs[:] = sqlite_rows.append(db, entries)
            return seqs

        def carried_out(db: Database) -> list[int] | None:
            there = seqs and sqlite_log.has(db, entries[-1], seqs[-1])
            return seqs if there else None

        return await self._write(job, carried_out)

    async def load(self, name: str) -> Loaded:
        return await self._read(lambda db: sqlite_log.load(db, name, self._warn))

    async def updates(
        self, name: str, after: int = 0, upto: int | None = None, limit: int = 1000
    ) -> list[Update]:
        return await self._read(lambda db: sqlite_log.updates(db, name, after, upto, limit))

    async def reject(self, name: str, reasons: Mapping[int, str], instead: bytes) -> None:
        await self._write(lambda db: sqlite_reject.reject(db, name, reasons, instead))

    async def quarantine(self, name: str, seq: int, reason: str) -> None:
        await self._write(lambda db: sqlite_quarantine.quarantine(db, name, seq, reason))

    async def thin(self, name: str, first: int, last: int, rows: Sequence[Update]) -> None:
        done = False
        while not done:
            plan = await self._read(lambda db: sqlite_thin.plan(db, name, first, last, rows))
            done = await self._write(partial(sqlite_thin.carry_out, plan=plan))
        await self._settle()

    async def save_snapshot(self, name: str, snapshot: Snapshot) -> None:
        await self._write(lambda db: sqlite_caches.save_snapshot(db, name, snapshot))

    async def pack(self, name: str, upto: int) -> bool:
        run = await self._read(lambda db: sqlite_packing.oldest_run(db, name, upto))
        if run is not None:
            await self._write(lambda db: sqlite_packing.replace(db, name, run))
        return run is not None

    async def stretches(
        self, name: str, before: int | None = None, limit: int = 100
    ) -> list[Stretch]:
        return await self._read(lambda db: sqlite_timeline.stretches(db, name, before, limit))

    async def moments(self, name: str, first: int, last: int) -> list[Moment]:
        return await self._read(lambda db: sqlite_timeline.moments(db, name, first, last))

    async def seq_at(self, name: str, time: int) -> int:
        return await self._read(lambda db: sqlite_timeline.seq_at(db, name, time))

    async def name_version(self, document: str, version: Version) -> None:
        named = await self._write(lambda db: sqlite_versions.create(db, document, version))
        _free(named, version.name)

    async def rename_version(self, document: str, name: str, to: str) -> Version:
        renamed = await self._write(lambda db: sqlite_versions.rename(db, document, name, to))
        return _free(renamed, to)

    async def delete_version(self, document: str, name: str) -> None:
        await self._write(lambda db: sqlite_versions.delete(db, document, name))

    async def versions(self, document: str) -> list[Version]:
        return await self._read(lambda db: sqlite_versions.versions(db, document))

    async def save_past(self, name: str, past: Past) -> None:
        await self._write(lambda db: sqlite_caches.save_past(db, name, past))

    async def load_past(self, name: str) -> Past | None:
        return await self._read(lambda db: sqlite_caches.load_past(db, name))

    async def find(self, name: str) -> Document | None:
        return await self._read(lambda db: sqlite_documents.find(db, name))

    async def create(self, name: str, title: str, kind: str, time: int) -> Document:
        document = await self._write(
            lambda db: sqlite_documents.create(db, name, title, kind, time)
        )
        return _free(document, name)

    async def describe(
        self, name: str, *, title: str | None = None, kind: str | None = None
    ) -> Document:
        return await self._write(lambda db: sqlite_documents.describe(db, name, title, kind))

    async def delete(self, name: str, time: int) -> Document:
        return await self._write(lambda db: sqlite_documents.delete(db, name, time))

    async def undelete(self, name: str) -> Document:
        return await self._write(lambda db: sqlite_documents.undelete(db, name))

    async def erase(self, name: str) -> Document:
        file = self._opened()
        job = partial(sqlite_documents.erase, name=name)
        erased = await _run(self._writer, lambda: file.write_unchecked(job))
        await self._settle()
        return erased

    async def compact(self) -> None:
        await _run(self._writer, self._opened().compact)

    async def documents(
        self,
        search: str = "",
        after: str | None = None,
        limit: int = 100,
        deleted: bool = False,
        tenant: str | None = None,
    ) -> list[Document]:
        return await self._read(
            lambda db: sqlite_documents.documents(db, search, after, limit, deleted, tenant)
        )

    async def save_token(self, token: Token) -> None:
        await self._write(lambda db: sqlite_people.save_token(db, token))

    async def tokens(self, now: int, document: str | None = None) -> list[Token]:
        return await self._read(lambda db: sqlite_people.tokens(db, now, document))

    async def record(self, lines: Sequence[AuditLine]) -> None:
        await self._write(lambda db: sqlite_audit.record(db, lines))

    async def audit(
        self,
        *,
        document: str | None = None,
        user: str | None = None,
        action: str | None = None,
        since: int | None = None,
        tenant: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[AuditLine]:
        wanted = (document, user, action, since, tenant, before, limit)
        return await self._read(lambda db: sqlite_audit.audit(db, *wanted))

    async def verify(self) -> AsyncIterator[Problem]:
        for problem in await self._read(sqlite_log.verify_file):
            yield problem
        number = 0
        while page := await self._read(partial(sqlite_documents.names, after=number, limit=PAGE)):
            number = page[-1][0]
            for _, name in page:
                async for problem in self._verify(name):
                    yield problem

    async def _verify(self, name: str) -> AsyncIterator[Problem]:
        after: int | None = 0
        while after is not None:
            check = partial(sqlite_log.verify_page, name=name, after=after, limit=PAGE)
            try:
                problems, after = await self._read(check)
            except OSError as error:
                problems, after = [Problem(name, None, str(error))], None
            for problem in problems:
                yield problem

    def _warn(self, problem: Problem) -> None:
        """Tell of damage, once; never what is in it."""
        if problem not in self._warned:
            self._warned.add(problem)
            log.warning("%s %s of document %r", problem.reason, problem.seq, problem.document)

    async def _write(self, job: Job[T], carried_out: Job[T | None] = lambda db: None) -> T:
        file = self._opened()
        return await _run(self._writer, lambda: file.write(job, carried_out))

    async def _settle(self) -> None:
        """See to it that nothing is left of what the last write took away."""
        await _run(self._writer, self._opened().settle)

    async def _read(self, job: Job[T]) -> T:
        file = self._opened()
        return await _run(self._readers, lambda: file.read(job))

    def _opened(self) -> File:
        if self._file is None:
            raise OSError(errno.EBADF, "the store is not open", self._path)
        return self._file


def _free(made: T | None, name: str) -> T:
    """Return what was made; FileExistsError when it was not, for its name is taken."""
    if made is None:
        raise FileExistsError(errno.EEXIST, "the name is taken", name)
    return made


def _close_opened(opening: Future[File]) -> None:
    if opening.exception() is None:
        opening.result().close()


async def _run(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)
