"""The way between one person and the server: a cable that freezes, breaks and is mended. Passes
bytes on; knows nothing of what they say.
"""

import asyncio
import contextlib
from types import TracebackType


class Link:
    """In front of a port of this machine: `async with Link(port) as link:` people connect to
    `link.port`."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.port = 0
        self._flows = asyncio.Event()
        self._broken = False
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Link":
        self._flows.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.cut()
        self._server.close()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def freeze(self) -> None:
        """Connections stay, and nothing comes through any more, either way."""
        self._flows.clear()

    def thaw(self) -> None:
        """What was held comes through, and all that follows."""
        self._flows.set()

    def cut(self) -> None:
        """All connections end, what was held is lost, and no new one is made until `mend`."""
        self._broken = True
        for connection in self._connections:
            connection.cancel()

    def mend(self) -> None:
        """New connections are made again."""
        self._broken = False
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._broken:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the server is not there, or the link was cut
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        ways = [self._pump(reader, up_writer), self._pump(up_reader, writer)]
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            up_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
