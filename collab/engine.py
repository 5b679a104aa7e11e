"""Work that is heavy or dangerous, done next door in processes that may die.

The process that holds the sockets handles bytes only. Folding, splitting and gating megabytes
would hold its event loop for too long, and pycrdt, in which programs edit documents, can be killed
or hung by crafted input, so that it tries them here first. Each job runs in a worker with a limit
of time and memory; a worker that dies or dawdles is replaced, and only its own job fails.

A worker is `python -m collab.jobs`. Over its stdin and stdout go messages of

    length of the head (4 bytes, big endian) • head (JSON) • blobs

where each {"blob": n} in the head stands for the next n bytes. JSON rather than pickle, because a
worker that a hostile document got the better of must not run code here.
"""

import asyncio
import contextlib
import io
import json
import logging
import os
import signal
import struct
import sys
from collections import Counter
from typing import Any

from collab.errors import ProtocolError, TooBig, Unavailable

WORKERS = 2  # one may be busy with a long fold while the other answers
SECONDS = 30.0  # that a job may take
PROGRAM = (sys.executable, "-m", "collab.jobs")
HEAD = struct.Struct(">I")
LITTLE = 64 << 10  # bytes over which no job takes that long, unless it hangs
PIECE = 1 << 18  # bytes that are handed to a worker in one go
_FAILED = "The document could not be processed. Try again."

logger = logging.getLogger(__name__)


class Died(Unavailable):
    """A worker that had been started died of a job, or hung: it took longer than SECONDS over a
    LITTLE. Over more than that it may have been slow: an honest document is nobody's poison."""


class Engine:
    """A few workers, started when the first job comes. `run` may be called at any time; jobs
    beyond the number of workers wait their turn. `close` it before the event loop ends."""

    def __init__(self, workers: int = WORKERS) -> None:
        self.jobs: Counter[str] = Counter()  # that were begun,
        self.deaths = 0  # and workers that they cost
        self._idle: list[_Worker] = []
        self._workers = workers
        self._places = asyncio.Semaphore(workers)
        self._closed = False

    async def run(self, job: str, *arguments: object) -> Any:
        """The result of `job`, one of `collab.jobs.JOBS`, for arguments and results made of bytes,
        numbers, strings, None and lists of these. ProtocolError when the job says that its input
        is malformed, TooBig when it is above a limit; Died when the worker did, Unavailable when it
        took longer than `SECONDS`, there is none or the job failed."""
        async with self._places:
            if self._closed:
                raise Unavailable("The server is going down. Try again soon.")
            self.jobs[job] += 1
            worker = self._idle.pop() if self._idle else _Worker()
            large = sum(len(one) for one in arguments if isinstance(one, bytes)) > LITTLE
            parts = pack([job, *arguments])
            del arguments  # a document goes before its answer comes, which may be as large
            try:
                async with asyncio.timeout(SECONDS):
                    answer = await worker.ask(parts)
            except (OSError, EOFError, TimeoutError) as error:
                logger.warning("a worker died or took too long on %s: %r", job, error)
                self.deaths += 1
                died = worker.started and not (large and isinstance(error, TimeoutError))
                await worker.end()
                raise (Died if died else Unavailable)(_FAILED) from None
            except BaseException:
                await worker.end()
                raise
            self._idle.append(worker)
        if "refused" in answer:
            raise ProtocolError(answer["refused"])
        if "too_big" in answer:
            raise TooBig(*answer["too_big"])
        if "failed" in answer:
            logger.warning("a worker failed on %s: %s", job, answer["failed"])
            raise Unavailable(_FAILED)
        return answer["result"]

    async def renew(self) -> None:
        """Ends the workers that have nothing to do. The next job gets a new one."""
        while self._idle:
            await self._idle.pop().end()

    async def close(self) -> None:
        """Ends the workers, once those at work are done, and takes no job any more."""
        self._closed = True
        for _ in range(self._workers):
            await self._places.acquire()
        await self.renew()
        for _ in range(self._workers):  # to those who wait, to hear that it is closed
            self._places.release()


class _Worker:
    """One process, started with its first job; asked one thing at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    @property
    def started(self) -> bool:
        """Whether there is a process, or was one."""
        return self._process is not None

    async def ask(self, parts: list[bytes]) -> dict[str, Any]:
        """The answer to a message, of which nothing is left in `parts` once it has been sent."""
        process = self._process or await self._started()
        assert process.stdin is not None and process.stdout is not None
        parts.reverse()
        while parts:
            await _write(process.stdin, parts.pop())
        (length,) = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
        head = json.loads(await process.stdout.readexactly(length))
        blobs = [await _read(process.stdout, size) for size in head["blobs"]]
        answer: dict[str, Any] = unpack(head["message"], iter(blobs))
        return answer

    async def _started(self) -> asyncio.subprocess.Process:
        """The process, known in any case: who is cancelled while it starts has to end it."""
        starting = asyncio.ensure_future(self._start())
        try:
            self._process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._process = await starting
            raise
        return self._process

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *PROGRAM,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # A crash of the engine must not print a document's bytes into the server's log.
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def end(self) -> None:
        if self._process is not None:
            # Not Process.kill: that reaps a worker that is dead already, and asyncio, which waits
            # for it in a thread, then warns of a child that it does not know.
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._process.pid, signal.SIGKILL)
            await self._process.communicate()  # reads to the end, so that the pipes are closed


async def _write(pipe: asyncio.StreamWriter, data: bytes) -> None:
    """In pieces: the pipe would copy all that it cannot take at once, and hold up everybody."""
    with memoryview(data) as view:
        for at in range(0, len(data), PIECE):
            pipe.write(view[at : at + PIECE])
            await pipe.drain()


async def _read(pipe: asyncio.StreamReader, size: int) -> bytes:
    """Exactly so many bytes, each copied once. EOFError when there are not so many."""
    whole = io.BytesIO()
    if size > PIECE:  # all of it at once: what grows by and by takes an eighth more
        whole.seek(size - 1)
        whole.write(b"\0")
        whole.seek(0)
    while missing := size - whole.tell():
        piece = await pipe.read(min(missing, PIECE))
        if not piece:
            raise EOFError
        whole.write(piece)
    return whole.getvalue()  # what was written, not a copy of it


def pack(message: object) -> list[bytes]:
    """`message` as the parts to be written one after the other."""
    blobs: list[bytes] = []

    def replace(value: object) -> object:
        if isinstance(value, bytes):
            blobs.append(value)
            return {"blob": len(value)}
        if isinstance(value, list | tuple):
            return [replace(item) for item in value]
        if isinstance(value, dict):
            return {key: replace(item) for key, item in value.items()}
        return value

    replaced = replace(message)
    head = json.dumps({"message": replaced, "blobs": [len(b) for b in blobs]}).encode()
    return [HEAD.pack(len(head)), head, *blobs]


def unpack(value: Any, blobs: Any) -> Any:
    """A head's "message" with its blobs, an iterator, put back where they were."""
    if isinstance(value, list):
        return [unpack(item, blobs) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"blob"}:
            return next(blobs)
        return {key: unpack(item, blobs) for key, item in value.items()}
    return value
