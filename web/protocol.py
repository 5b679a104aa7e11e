"""The WebSocket transport: Tornado's handler with a stricter receiver and a cheaper sender.

Knows Tornado and RFC 6455; knows nothing of documents and dialects. Tornado 6.6.1 accepts unmasked
client frames, echoes invalid close codes (9 of the 517 Autobahn cases) and drops the connection on
every other fault without telling the client why; `HardenedWebSocket` does it right and tells.

Tornado has no public seam between its stream and its handlers, so this file overrides one method of
the protocol with an underscore, `_receive_frame_loop`, an abstract method of WebSocketProtocol: the
point where an implementation of a protocol version goes. It also calls `_handle_message` for
control frames, which keeps Tornado's answers to close, ping and pong, and reads `_decompressor`.
tests/conformance runs every Autobahn case against it, so a Tornado that changes these fails there.
Messages are read in chunks, and delivered as they arrive (`listening`): a third of the price.

What the handler that uses this may rely on: after a fault nothing more is delivered, `on_fault` and
then `on_close` are called at once, the client is told the code, and its further bytes are thrown
away for at most 5 s (closing with unread bytes would make the kernel reset the connection, and the
client would never see why). `on_message` is awaited before the next message is read: that is the
backpressure. Pongs wait with it, so it must not take longer than the ping timeout.
"""

import asyncio
import logging
import re
import socket
import sys
import zlib
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import (
    WebSocketHandler,
    WebSocketProtocol,
    WebSocketProtocol13,
    _DecompressTooLargeError,
)

from collab.reserve import reserve
from collab.web.frames import BINARY, CLOSE, TEXT, Fault, Message, MessageReader, binary_frame
from collab.web.listening import CHUNK, ListeningStream, listening
from collab.web.patrol import patrol
from collab.web.proxies import client_address

logger = logging.getLogger("web")

SEND_BUFFER = 256 * 1024  # bytes for a reader that does not read; Linux would take in 4 MB
LITTLE = 64 * 1024  # bytes of a message that may still come in when memory is short
NO_MEMORY = "the server has no memory for that now"

_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")  # 16 bytes in base64


class HardenedWebSocket(WebSocketHandler):
    """A WebSocketHandler whose peers cannot break the protocol unnoticed: a base class.

    Send with `send_frames`, never with `write_message`: when a peer goes away, each call of that
    whose future nobody awaits logs an error of its own, and it costs three times as much."""

    # A real client sends a message in one frame; this many still cost no more than one turn.
    max_fragments = 1024
    said_goodbye = False  # the peer sent a close frame: else it may be on its way back

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """Tornado's choice of protocol version (only 13, else None: 426), made strict. HTTPError
        (400) for a key that is none, which Tornado takes: RFC 6455, section 4.2.1."""
        if not _KEY.fullmatch(self.request.headers.get("Sec-WebSocket-Key", "").strip()):
            raise HTTPError(400, reason="Sec-WebSocket-Key must be 16 bytes in base64")
        protocol = super().get_websocket_protocol()
        if isinstance(protocol, WebSocketProtocol13):
            return _StrictProtocol(self, False, protocol.params)
        return protocol

    def detach(self) -> IOStream:
        """Take the stream over from HTTP, with bounds on what a slow reader can hold up."""
        stream = super().detach()
        if stream.closed():  # who is not there any more has no socket; reading says so
            return stream
        stream.set_nodelay(True)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 0)  # HTTP's own
        stream.read_chunk_size = CHUNK
        stream.max_write_buffer_size = max_frame(self) + CHUNK  # the rest is for control frames
        return listening(stream)

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """As Tornado's, but for the query string, where tokens are, and for faults of clients."""
        if isinstance(value, HTTPError) and value.status_code < 500:
            return
        logger.error("%s: an error of ours", self.request.path, exc_info=value)

    def most_bytes(self, size: int) -> int:
        """How many bytes a message of the peer may have, asked before one of `size` is read."""
        return self.max_message_size

    def on_fault(self, code: int, reason: str) -> None:
        """The peer broke the protocol and is told `code`; `on_close` follows."""
        logger.warning("%s: closed with %d: %s", client_address(self.request), code, reason)

    def on_gone(self) -> None:
        """The connection is no more, however it ended; comes after `on_close`, once or more."""

    def on_drained(self) -> None:
        """After a `send_frames` that said False: the transport can take the next frame."""


def max_frame(handler: WebSocketHandler) -> int:
    """Bytes of the largest payload that `send_frames` takes: two messages of the largest size."""
    return 2 * handler.max_message_size


def send_frames(handler: HardenedWebSocket, payloads: Sequence[bytes]) -> bool:
    """Send some binary messages, in one write; True while the transport can take more.

    False: nothing more until `handler.on_drained()` (these are on their way), or ever, when the
    connection is closing (then they are not, and `on_close` follows). Raises ValueError if one is
    above `max_frame(handler)`, where the connection could not be kept: send such news in parts.
    """
    if max(map(len, payloads)) > max_frame(handler):
        raise ValueError(f"{max(map(len, payloads))} bytes are too many for one frame")
    connection = handler.ws_connection
    if connection is None or connection.is_closing():
        return False
    stream = connection.stream
    assert stream is not None  # there is a connection, so it was accepted
    frame = b"".join(map(binary_frame, payloads))
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

    def start_pinging(self) -> None:
        """Find out when the peer has gone without a word, if a ping interval is set."""
        if self.ping_interval:
            patrol(self.ping_interval).watch(self)

    async def _receive_frame_loop(self) -> None:
        try:
            if not await self._received_all():
                await self._discard()
        finally:
            if self.ping_interval:
                patrol(self.ping_interval).forget(self)
            self.on_connection_close()
            self.handler.on_ws_connection_close(self.close_code, self.close_reason)
            self.handler.on_gone()

    def _abort(self) -> None:
        super()._abort()
        self.handler.on_gone()  # when `open` failed, no loop above will say so

    async def _received_all(self) -> bool:
        """Deliver messages to the end; False when the peer was sent away: nothing is held then of
        what it sent."""
        try:
            await self._receive()
        except StreamClosedError:
            return True
        except Fault as fault:
            self.handler.on_fault(fault.code, str(fault))
            self._end(fault.code, str(fault))
            return False
        except MemoryError:
            self._fail()
            return False
        return True

    async def _receive(self) -> None:
        """Deliver messages until the peer has closed; StreamClosedError, Fault when it has not."""
        reader = MessageReader(
            self.handler.most_bytes,
            self.handler.max_fragments,
            deflate=self._decompressor is not None,
        )
        stream = self.stream
        while not self.client_terminated:
            self._feed(reader, await stream.read_bytes(stream.max_buffer_size, partial=True))
            self._received_pong = True
            busy = self._deliver_all(reader)
            if busy is None and isinstance(stream, ListeningStream):
                busy = await stream.listen(partial(self._arrived, reader))
            while busy is not None:
                await self._finish(busy)
                busy = self._deliver_all(reader)
            await asyncio.sleep(0)  # the others' turn

    def _arrived(self, reader: MessageReader, data: bytes) -> Awaitable[None] | None:
        """More has come while we listened; what has to be awaited before we listen again."""
        self._feed(reader, data)
        self._received_pong = True  # or as good as one
        busy = self._deliver_all(reader)
        return asyncio.sleep(0) if busy is None and self.client_terminated else busy

    def _feed(self, reader: MessageReader, data: bytes) -> None:
        """Keep what arrived; MemoryError when that is much, and there is little for all."""
        if reserve.short and reader.waiting > LITTLE:
            raise MemoryError
        reader.feed(data)

    def _deliver_all(self, reader: MessageReader) -> Awaitable[None] | None:
        """Deliver what is there until something has to be awaited, and return that."""
        while not self.client_terminated and (message := reader.next_message()) is not None:
            if (busy := self._deliver(message)) is not None:
                return busy
        return None

    def _deliver(self, message: Message) -> Awaitable[None] | None:
        if message.opcode not in (TEXT, BINARY):
            if message.opcode == CLOSE:
                self.handler.said_goodbye = True  # Tornado's own flag says so after a cut, too
            return self._handle_message(message.opcode, message.data)
        if self.server_terminated:  # after our own close frame only the peer's counts
            return None
        data = self._inflate(message) if message.compressed else message.data
        try:
            content = data.decode() if message.opcode == TEXT else data
        except UnicodeDecodeError:
            raise Fault(1007, "a text message is not UTF-8") from None
        try:
            return self.handler.on_message(content)
        except Exception:
            self._fail()
            return None

    async def _finish(self, busy: Awaitable[None]) -> None:
        try:
            await busy
        except Exception:
            self._fail()

    def _fail(self) -> None:
        """An error in the handler ends this connection, and only this."""
        if sys.exc_info()[0] is MemoryError:
            reserve.give()
            self.handler.on_fault(1013, NO_MEMORY)
            self._end(1013, NO_MEMORY)
            return
        self.handler.log_exception(*sys.exc_info())
        self._end(1011, "internal error")

    def _inflate(self, message: Message) -> bytes:
        assert self._decompressor is not None  # else the reader refuses compressed frames
        try:
            return self._decompressor.decompress(message.data)
        except _DecompressTooLargeError:
            raise Fault(1009, "a message is too big when it is inflated") from None
        except zlib.error:
            raise Fault(1007, "a compressed message cannot be inflated") from None

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
                await self.stream.read_bytes(CHUNK, partial=True)
                await asyncio.sleep(0)
