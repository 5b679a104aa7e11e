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
import json
import logging
import os
import signal
import struct
import sys
from typing import Any

from collab.errors import ProtocolError, Unavailable

WORKERS = 2  # one may be busy with a long fold while the other answers
SECONDS = 30.0  # that a job may take
HEAD = struct.Struct(">I")

logger = logging.getLogger(__name__)


class Engine:
    """A few workers, started when the first job comes. `run` may be called at any time; jobs
    beyond the number of workers wait their turn."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._idle: list[_Worker] = []
        self._places = asyncio.Semaphore(workers)

    async def run(self, job: str, *arguments: object) -> Any:
        """The result of `job`, one of `collab.jobs.JOBS`, for arguments and results made of bytes,
        numbers, strings, None and lists of these. ProtocolError when the job says that its input
        is malformed; Unavailable when the worker died on it or took longer than `SECONDS`."""
        async with self._places:
            worker = self._idle.pop() if self._idle else _Worker()
            try:
                async with asyncio.timeout(SECONDS):
                    answer = await worker.ask([job, *arguments])
            except (OSError, EOFError, TimeoutError) as error:
                logger.warning("a worker died or took too long on %s: %r", job, error)
                await worker.end()
                raise Unavailable("The document could not be processed. Try again.") from None
            except BaseException:
                await worker.end()
                raise
            self._idle.append(worker)
        if "refused" in answer:
            raise ProtocolError(answer["refused"])
        if "failed" in answer:
            logger.warning("a worker failed on %s: %s", job, answer["failed"])
            raise Unavailable("The document could not be processed. Try again.")
        return answer["result"]

    async def close(self) -> None:
        """Ends the workers. No job may be running."""
        while self._idle:
            await self._idle.pop().end()


class _Worker:
    """One process, started with its first job; asked one thing at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, message: object) -> dict[str, Any]:
        process = self._process = self._process or await self._start()
        assert process.stdin is not None and process.stdout is not None
        for part in pack(message):
            process.stdin.write(part)
        await process.stdin.drain()
        (length,) = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
        head = json.loads(await process.stdout.readexactly(length))
        blobs = [await process.stdout.readexactly(size) for size in head["blobs"]]
        answer: dict[str, Any] = unpack(head["message"], iter(blobs))
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "collab.jobs"),
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
