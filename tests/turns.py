"""How long a server's event loop is held: the CPU time of its longest turn.

CPU time of the loop's own thread, so that a busy machine does not count; the clock on the wall is
for `tests.witness`.

usage: python -m tests.turns serve ...     `quire serve`, whose turns `Turns` sees from outside
"""

import asyncio
import mmap
import struct
import sys
import threading
import time
from pathlib import Path

WATCHED = (sys.executable, "-m", "tests.turns", "serve")
"""The program for a `tests.live.Server` whose turns are to be seen."""

_LONGEST = struct.Struct("d")


class Turns:
    """The turns of a server of the program WATCHED, in a process of its own. `longest` is the
    longest since `reset`, in seconds."""

    def __init__(self, store: Path) -> None:
        self._file = _shared(store)

    @property
    def longest(self) -> float:
        (seconds,) = _LONGEST.unpack_from(self._file)
        return float(seconds)

    def reset(self) -> None:
        _LONGEST.pack_into(self._file, 0, 0.0)


def _shared(store: Path) -> mmap.mmap:
    """Memory that is a file beside the store."""
    with store.with_suffix(".turns").open("a+b") as file:
        file.truncate(_LONGEST.size)
        return mmap.mmap(file.fileno(), _LONGEST.size)


def watch(store: Path) -> None:
    """From now on the loop of this process's main thread tells how long its turns are."""
    file, run = _shared(store), asyncio.Handle._run
    _LONGEST.pack_into(file, 0, 0.0)

    def watched(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        taken = time.thread_time() - began
        if taken > 0.001 and threading.current_thread() is threading.main_thread():
            (longest,) = _LONGEST.unpack_from(file)
            if taken > longest:
                _LONGEST.pack_into(file, 0, taken)

    asyncio.Handle._run = watched


if __name__ == "__main__":
    from collab.web.cli import main

    watch(Path(sys.argv[sys.argv.index("--store") + 1]))
    main()
