"""Answers that may be large: how many bytes of them are on their way, and for how long at most.

What the kernel does not take of an answer stays in this process until the peer has read on. All of
them together have `answer_bytes` there; one more is told 503, unless it is the only one. Who reads
nothing for `idle_seconds` is ended by the kernel (`collab.web.connections`), and who reads a little
now and then by a deadline: an answer has to be taken at `SLOWEST`, with `idle_seconds` besides.

Knows Tornado, and nothing of what is answered. How large an answer is Tornado tells nobody: this
file reads `_write_buffer`, where a handler of Tornado 6 keeps it until it is finished.
"""

import asyncio
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream
from tornado.web import RequestHandler

from collab import Hub
from collab.errors import Unavailable

LITTLE = 16 << 10  # bytes of an answer that does not count: a kernel takes so much in any case
SLOWEST = 32 << 10  # bytes a second


class AnsweringHandler(RequestHandler):
    """A base class: `hub` counts what is on its way, None when nobody does."""

    hub: Hub | None

    def finish(self, chunk: str | bytes | dict[Any, Any] | None = None) -> "asyncio.Future[None]":
        """As Tornado's. Unavailable when too much is on its way."""
        if chunk is not None:
            self.write(chunk)
        size = sum(map(len, self._write_buffer))
        connection = self.request.connection
        if size <= LITTLE or self.hub is None or not isinstance(connection, HTTP1Connection):
            return super().finish()
        if 0 < self.hub.answering > self.hub.limits.answer_bytes - size:
            raise Unavailable("Too many large answers are on their way. Try again.", "answer_bytes")
        sent = super().finish()
        _count(self.hub, connection.stream, size)
        return sent


def _count(hub: Hub, stream: IOStream, size: int) -> None:
    """So many bytes are on their way by this stream, until they are taken or it closes."""
    if stream.closed() or not stream.writing():
        return

    def taken(_: "asyncio.Future[None]") -> None:
        hub.answering -= size
        late.cancel()

    hub.answering += size
    patience = hub.limits.idle_seconds + size / SLOWEST
    late = asyncio.get_running_loop().call_later(patience, stream.close)
    stream.write(b"").add_done_callback(taken)  # it is done when all before it is
