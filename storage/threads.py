"""Threads that are there before they are needed: when memory is short none can be started.

A ThreadPoolExecutor starts each with the first job that finds the others busy, and what fails then
is the job.
"""

import errno
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError


def start_threads(count: int, name: str) -> ThreadPoolExecutor:
    """Return an executor all of whose threads run. OSError when they cannot be started."""
    threads = ThreadPoolExecutor(count, name)
    together = Barrier(count)  # none is free for the job of the next one before all have come
    try:
        for _ in range(count):
            threads.submit(_come, together)
    except BaseException as error:
        together.abort()
        threads.shutdown(wait=False)
        if isinstance(error, RuntimeError):  # of Thread.start, which has no class of its own
            raise OSError(errno.EAGAIN, f"{name}: {error}") from error
        raise
    return threads


def _come(together: Barrier) -> None:
    with suppress(BrokenBarrierError):
        together.wait()
