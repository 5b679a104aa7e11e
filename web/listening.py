"""A Tornado stream that hands over bytes as they arrive. Knows nothing of what they mean.

`read_bytes` costs a future, a task's waking and a read that finds nothing for every message that
comes alone: 34 µs, where this takes 15. Tornado has no public way to be called for bytes, so this
file overrides `_handle_read`, where a stream of Tornado 6 is told that its socket can be read, and
calls `_add_io_state`, by which it asks for that. TLS streams keep bytes of their own and are left
as they are: use `read_bytes` there.
"""

import asyncio
from collections.abc import Awaitable, Callable

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, StreamClosedError

from collab.reserve import reserve

CHUNK = 16 * 1024
"""Bytes that are read, and worked on before others get their turn: some 400 tiny messages."""

Arrived = Callable[[bytes], Awaitable[None] | None]
"""Takes bytes; says what has to be awaited before it can take more, None when nothing has."""


class ListeningStream(IOStream):
    """See `listen`; else as any other stream."""

    # One attribute for both: with two more the dict of each stream would be five times as large.
    listener: "tuple[Arrived, asyncio.Future[Awaitable[None]]] | None" = None

    async def listen(self, arrived: Arrived) -> Awaitable[None]:
        """Call `arrived` with what arrives until it has something to be awaited, and return that.

        All that has been read so far must have been taken by `read_bytes`; so must, afterwards,
        what comes until the next `listen`. Raises what `arrived` raises, and StreamClosedError."""
        if self.closed():
            raise StreamClosedError
        busy: asyncio.Future[Awaitable[None]] = asyncio.get_running_loop().create_future()
        self.listener = arrived, busy
        self.set_close_callback(self._on_close)
        self._add_io_state(IOLoop.READ)
        try:
            return await busy
        finally:
            self.listener = None
            self.set_close_callback(None)

    def reading(self) -> bool:
        """Whether anybody waits for bytes."""
        return self.listener is not None or super().reading()

    def _handle_read(self) -> None:
        if self.listener is None:
            super()._handle_read()
            return
        try:
            data = self.socket.recv(CHUNK)
        except BlockingIOError:
            return
        except MemoryError as error:
            if not reserve.give():  # else the loop calls again: the bytes are still there
                self._fail(*self.listener, error)
            return
        except OSError as error:
            self.close(exc_info=error)
            return
        if data:
            self._hand_over(*self.listener, data)
        else:
            self.close()

    def _hand_over(
        self, arrived: Arrived, listening: "asyncio.Future[Awaitable[None]]", data: bytes
    ) -> None:
        try:
            busy = arrived(data)
        except Exception as error:
            self._fail(arrived, listening, error)
        else:
            if busy is not None:
                self.listener = None
                listening.set_result(busy)

    def _fail(
        self, _: Arrived, listening: "asyncio.Future[Awaitable[None]]", error: Exception
    ) -> None:
        self.listener = None
        listening.set_exception(error)

    def _on_close(self) -> None:
        if self.listener is not None:
            _, listening = self.listener
            self.listener = None
            if not listening.done():  # it was cancelled, and whoever waits has not run yet
                listening.set_exception(StreamClosedError())


def listening(stream: IOStream) -> IOStream:
    """The same stream, able to listen if it is a plain one."""
    if type(stream) is IOStream:
        stream.__class__ = ListeningStream
    return stream
