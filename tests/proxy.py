"""A proxy as they stand in schools, banks and hotels, in the way of WebSocket, or of answers that
take their time. Real sockets on loopback; knows as much of HTTP as it takes to be in the way.
"""

import asyncio
import contextlib
import re
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

WAYS = ("forbids", "refuses", "swallows", "cuts", "buffers")
"""What it does with a WebSocket: answers 403; hangs up; says nothing; ends it after `seconds`; 403,
and gives no answer to anything before it has all of it. `closes`: as "cuts", by a close frame with
1001. `passes`: nothing of that."""

UPGRADE = re.compile(rb"\r\nupgrade:\s*websocket\r\n", re.IGNORECASE)
CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
GOING_AWAY = b"\x88\x02\x03\xe9"  # a close frame


class Proxy:
    """In front of a server, in a thread of its own: `with Proxy(port, "cuts") as proxy:`. Its `way`
    may change meanwhile, for connections that come then; `requests` counts what passed by HTTP."""

    def __init__(self, upstream: int, way: str, seconds: float = 0.5) -> None:
        self.upstream = upstream
        self.way = way
        self.seconds = seconds
        self.port = 0
        self.requests = 0
        self.upgrades = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        serving = asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def page(self, path: str) -> str:
        """An HTTP address behind it."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def _end(self) -> None:
        self._server.close()
        for _ in range(3):  # until what was just accepted is served: only then it may be cancelled
            await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for writer in self._writers:  # also those that still have something to say
            writer.transport.abort()
        await asyncio.sleep(0)  # in which their sockets are closed

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Coroutine[Any, Any, None]:
        self._writers.append(writer)  # a task that is cancelled early never closes it
        return self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            if UPGRADE.search(head):
                self.upgrades += 1
                await self._upgrade(head, reader, writer)
            elif self.way == "buffers":
                await self._hold(head, reader, writer)
            else:
                await self._pass(head, reader, writer)
        with contextlib.suppress(RuntimeError):
            writer.close()

    async def _upgrade(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.way in ("forbids", "buffers"):
            writer.write(FORBIDDEN)
        elif self.way == "swallows":
            await reader.read()  # to its end
        elif self.way in ("cuts", "closes"):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.seconds):
                    await self._pass(head, reader, writer)
            if self.way == "closes":
                writer.write(GOING_AWAY)
        elif self.way == "passes":
            await self._pass(head, reader, writer)

    async def _pass(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """All bytes, both ways; one request a connection, so that each is looked at."""
        self.requests += not UPGRADE.search(head)
        if not UPGRADE.search(head):
            head = CONNECTION.sub(b"", head)[:-2] + b"Connection: close\r\n\r\n"
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        self._writers.append(up_writer)
        try:
            up_writer.write(head)
            ways = [_pump(reader, up_writer), _pump(up_reader, writer)]
            tasks = [asyncio.ensure_future(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
        finally:
            up_writer.close()

    async def _hold(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Nothing of an answer before its end; for who has gone nothing is waited for."""
        self.requests += 1
        head = CONNECTION.sub(b"", head)[:-2] + b"Connection: close\r\n\r\n"
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        self._writers.append(up_writer)
        try:
            up_writer.write(head)
            sending = asyncio.ensure_future(_pump(reader, up_writer))
            answer = asyncio.ensure_future(up_reader.read())
            await asyncio.wait([sending, answer], return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                writer.write(answer.result())
                await writer.drain()
            answer.cancel()
            sending.cancel()
        finally:
            up_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
