"""The WebSocket transport: Tornado's handler with a stricter receiver and a cheaper sender.

Knows Tornado and RFC 6455; knows nothing of documents and dialects. Tornado 6.6.1 accepts unmasked
client frames, echoes invalid close codes (9 of the 517 Autobahn cases) and drops the connection on
every other fault without telling the client why; `HardenedWebSocket` does it right and tells.

Tornado has no public seam between its stream and its handlers, so this file overrides one method of
the protocol with an underscore, `_receive_frame_loop`, an abstract method of WebSocketProtocol: the
point where an implementation of a protocol version goes. It also calls `_handle_message` for
control frames, which keeps Tornado's answers to close, ping and pong (and its periodic ping), and
reads `_decompressor`. tests/conformance runs every Autobahn case against it, so a Tornado that
changes these fails there. Reading the stream in chunks, and not field by field, also halves the
price of a small message.

What the handler that uses this may rely on: after a fault nothing more is delivered, `on_fault` and
then `on_close` are called at once, the client is told the code, and its further bytes are thrown
away for at most 5 s (closing with unread bytes would make the kernel reset the connection, and the
client would never see why). `on_message` is awaited before the next message is read: that is the
backpressure. Pongs wait with it, so it must not take longer than the ping timeout.
"""

import asyncio
import logging
import socket
import sys
import zlib
from contextlib import suppress
from types import TracebackType

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.websocket import (
    WebSocketHandler,
    WebSocketProtocol,
    WebSocketProtocol13,
    _DecompressTooLargeError,
)

from collab.web.frames import BINARY, TEXT, Fault, Message, MessageReader, binary_frame

logger = logging.getLogger("web")

# What the kernel keeps for a reader that does not read. Left to itself Linux takes in about 4 MB
# on loopback before a stalled reader shows.
SEND_BUFFER = 256 * 1024

_CHUNK = 64 * 1024
_READ = 16 * 1024  # the buffer that each read begins with, zeroed: most messages are tiny
# A connection gives way to the others after this many bytes, each message counting as _MESSAGE_COST
# more: reads of bytes that have already arrived complete without returning to the event loop.
_TURN = 256 * 1024
_MESSAGE_COST = 1024


class HardenedWebSocket(WebSocketHandler):
    """A WebSocketHandler whose peers cannot break the protocol unnoticed. Use as the base class.

    Send with `send_frame`, never with `write_message`: when a peer goes away, each call of that
    whose future nobody awaits logs an error of its own, and it costs three times as much.
    """

    # A real client sends a message in one frame; this many still cost no more than one turn.
    max_fragments = 1024

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """Tornado's choice of protocol version (only 13, else None: 426), made strict."""
        protocol = super().get_websocket_protocol()
        if isinstance(protocol, WebSocketProtocol13):
            return _StrictProtocol(self, False, protocol.params)
        return protocol

    def detach(self) -> IOStream:
        """Take the stream over from HTTP, with bounds on what a slow reader can hold up."""
        stream = super().detach()
        stream.set_nodelay(True)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        stream.read_chunk_size = _READ
        stream.max_write_buffer_size = max_frame(self) + _CHUNK  # the rest is for control frames
        return stream

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """As Tornado's, without the query string: tokens may be in it."""
        logger.error("%s: an error of ours", self.request.path, exc_info=value)

    def on_fault(self, code: int, reason: str) -> None:
        """The peer broke the protocol and is told `code`; `on_close` follows."""
        logger.warning("%s: closed with %d: %s", self.request.remote_ip, code, reason)

    def on_drained(self) -> None:
        """After a `send_frame` that said False: the transport can take the next frame."""


def max_frame(handler: WebSocketHandler) -> int:
    """Bytes of the largest payload that `send_frame` takes: two messages of the largest size."""
    return 2 * handler.max_message_size


def send_frame(handler: HardenedWebSocket, payload: bytes) -> bool:
    """Send one binary message; True while the transport can take another one.

    False: nothing more until `handler.on_drained()` (this payload is on its way), or ever, when the
    connection is closing (then it is not, and `on_close` follows). Raises ValueError above
    `max_frame(handler)`, where the connection could not be kept: send such news in parts.
    """
    if len(payload) > max_frame(handler):
        raise ValueError(f"{len(payload)} bytes are too many for one frame")
    connection = handler.ws_connection
    if connection is None or connection.is_closing():
        return False
    stream = connection.stream
    assert stream is not None  # there is a connection, so it was accepted
    frame = binary_frame(payload)
    sent = 0
    if not stream.writing() and not isinstance(stream, SSLIOStream):
        # Straight to the socket: half the price of stream.write. TLS needs the stream's retries.
        try:
            sent = stream.socket.send(frame)
        except OSError:
            sent = 0  # full or gone: stream.write tries again and deals with either
    if sent < len(frame):
        return _queue(handler, stream, memoryview(frame)[sent:])
    return True


def _queue(handler: HardenedWebSocket, stream: IOStream, rest: memoryview) -> bool:
    """Leave bytes to the stream, and have the handler told when the kernel has taken them all."""
    written = stream.write(rest)
    if stream.closed():
        return False
    if not stream.writing():
        return True

    def drained(future: "asyncio.Future[None]") -> None:
        if not future.cancelled() and future.exception() is None and handler.ws_connection:
            handler.on_drained()

    written.add_done_callback(drained)
    return False


class _StrictProtocol(WebSocketProtocol13):
    """Tornado's protocol with a receive loop that refuses what RFC 6455 refuses."""

    handler: HardenedWebSocket

    async def _receive_frame_loop(self) -> None:
        try:
            await self._receive()
        except StreamClosedError:
            pass
        except Fault as fault:
            self.handler.on_fault(fault.code, str(fault))
            self._end(fault.code, str(fault))
            await self._discard()
        finally:
            self.on_connection_close()
            self.handler.on_ws_connection_close(self.close_code, self.close_reason)

    async def _receive(self) -> None:
        """Deliver messages until the peer has closed; StreamClosedError, Fault when it has not."""
        reader = MessageReader(
            self.params.max_message_size,
            self.handler.max_fragments,
            deflate=self._decompressor is not None,
        )
        work = 0
        while not self.client_terminated:
            message = reader.next_message()
            if message is None:
                data = await self.stream.read_bytes(_CHUNK, partial=True)
                work += len(data)
                reader.feed(data)
            else:
                work += _MESSAGE_COST
                await self._deliver(message)
            if work >= _TURN:
                work = 0
                await asyncio.sleep(0)

    async def _deliver(self, message: Message) -> None:
        if message.opcode not in (TEXT, BINARY):
            handled = self._handle_message(message.opcode, message.data)
            if handled is not None:
                await handled
        elif not self.server_terminated:  # after our own close frame only the peer's counts
            data = self._inflate(message) if message.compressed else message.data
            try:
                content = data.decode() if message.opcode == TEXT else data
            except UnicodeDecodeError:
                raise Fault(1007, "a text message is not UTF-8") from None
            await self._run(content)

    def _inflate(self, message: Message) -> bytes:
        assert self._decompressor is not None  # else the reader refuses compressed frames
        try:
            return self._decompressor.decompress(message.data)
        except _DecompressTooLargeError:
            raise Fault(1009, "a message is too big when it is inflated") from None
        except zlib.error:
            raise Fault(1007, "a compressed message cannot be inflated") from None

    async def _run(self, content: str | bytes) -> None:
        """Hand over one message. An error in the handler ends this connection, and only this."""
        try:
            handled = self.handler.on_message(content)
            if handled is not None:
                await handled
        except Exception:
            self.handler.log_exception(*sys.exc_info())
            self._end(1011, "internal error")

    def _end(self, code: int, reason: str) -> None:
        """Send the close frame, and end the session now: the peer may take its time to go."""
        self.close_code, self.close_reason = code, reason
        self.handler.close(code, reason)
        self.handler.on_ws_connection_close(code, reason)

    async def _discard(self) -> None:
        """Throw bytes away until the peer has gone, or the 5 s of Tornado's close are over."""
        with suppress(StreamClosedError, OSError):
            await self.stream.write(b"")  # done when the close frame before it is
            # The base class's shutdown: that of SSLSocket would take its TLS apart for reading too.
            socket.socket.shutdown(self.stream.socket, socket.SHUT_WR)
            while True:
                await self.stream.read_bytes(_CHUNK, partial=True)
                await asyncio.sleep(0)
