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
from concurrent.futures import Future
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from collab import Hub
from collab.storage import open_store
from collab.web import routes

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


class MeasuredServer:
    """Quire in a thread of this process. Use as a context manager; `reset` begins to measure,
    `longest` is the longest turn since, in seconds."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.longest = 0.0
        self._ready: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> "MeasuredServer":
        self._run = asyncio.Handle._run
        asyncio.Handle._run = self._measured()
        self._thread.start()
        self.port = self._ready.result(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        asyncio.Handle._run = self._run

    def url(self, name: str) -> str:
        """Where editors of document `name` connect."""
        return f"ws://127.0.0.1:{self.port}/sync/{name}"

    def reset(self) -> None:
        self.longest = 0.0

    def _measured(self):
        run = self._run

        def measured(handle: asyncio.Handle) -> None:
            began = time.thread_time()
            run(handle)
            if threading.current_thread() is self._thread:
                self.longest = max(self.longest, time.thread_time() - began)

        return measured

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with Hub(open_store(self.store)) as hub:
            sockets = bind_sockets(0, "127.0.0.1")
            server = HTTPServer(
                Application(routes(hub, page=False), websocket_max_message_size=8 << 20)
            )
            server.add_sockets(sockets)
            self._ready.set_result(sockets[0].getsockname()[1])
            await self._stop.wait()
            server.stop()
        await server.close_all_connections()


if __name__ == "__main__":
    from collab.web.cli import main

    watch(Path(sys.argv[sys.argv.index("--store") + 1]))
    main()
