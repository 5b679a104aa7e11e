"""RFC 6455 frames as a client may send them: bytes in, whole messages or one fault out.

Knows no socket, no clock, and nothing of what messages mean. Every rule of RFC 6455 sections 5 and
7.4 is checked as early as the bytes allow: a frame that is too big is refused on its header,
before its payload is kept.
"""

import struct
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

# The C unmasking that every Tornado connection uses, or Tornado's own fallback in Python. The
# leading underscore is Tornado's, but the alternatives in pure Python take 20 times as long.
from tornado.util import _websocket_mask as unmask

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA

_FIN, _RSV, _RSV1, _OPCODE, _CONTROL, _MASKED = 0x80, 0x70, 0x40, 0x0F, 0x08, 0x80
_CONTINUATION = 0x0
_WHOLE = bytes((_FIN | BINARY,))


class Fault(Exception):
    """The peer broke the WebSocket protocol; `code` is the close code that says how.

    After a fault the bytes that follow mean nothing: close with the code and discard them.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Message(NamedTuple):
    """One whole text or binary message (fragments joined), or one control frame."""

    opcode: int
    data: bytes
    compressed: bool


_message = partial(tuple.__new__, Message)  # half the time of calling Message


class _Header(NamedTuple):
    """The start of one frame: `size` bytes of header stand before `length` bytes of payload."""

    final: bool
    opcode: int
    compressed: bool
    mask: bytes
    size: int
    length: int


class MessageReader:
    """Turns what a client sends, in pieces of any size, into messages.

    Call `feed(data)` with what arrived, then `next_message()` until it returns None. It raises
    Fault when the client broke the protocol; the reader must not be used after that. It never
    holds more of messages than `most` allows, plus the last piece that it was fed.
    """

    def __init__(self, most: Callable[[int], int], fragments: int, deflate: bool = False) -> None:
        """`most(size)`: bytes that a message may have, asked when one of `size` is coming;
        `fragments`: frames per message; `deflate`: negotiated?"""
        self._most = most
        self._most_fragments = fragments
        self._deflate = deflate
        self._buffer = bytearray()
        self._header: _Header | None = None
        self._started: _Header | None = None  # first frame of the message being put together
        self._parts = bytearray()
        self._fragments = 0

    @property
    def waiting(self) -> int:
        """Bytes that are kept of a message that is not whole."""
        return len(self._buffer) + len(self._parts)

    def feed(self, data: bytes) -> None:
        """Keep bytes that arrived; `next_message` looks at them."""
        self._buffer += data

    def next_message(self) -> Message | None:
        """The next whole message, or None when more bytes have to be fed first."""
        buffer = self._buffer
        if buffer[:1] == _WHOLE and self._started is None and len(buffer) > 6:
            # What editors send nearly always: a short message in one frame.
            end = 6 + (buffer[1] ^ _MASKED)
            if end <= min(len(buffer), 6 + 125):
                data = unmask(bytes(buffer[2:6]), bytes(buffer[6:end]))
                del buffer[:end]
                self._header = None  # read already if the frame came in two pieces
                return _message((BINARY, data, False))
        while True:
            header = self._header or self._read_header()
            if header is None or len(self._buffer) < header.size + header.length:
                self._header = header
                return None
            self._header = None
            message = self._accept(header, unmask(header.mask, self._take(header)))
            if message is not None:
                return message

    def _take(self, header: _Header) -> bytes:
        """Remove a frame that is there in full; its payload, still masked, copied once."""
        end = header.size + header.length
        with memoryview(self._buffer) as view:
            payload = bytes(view[header.size : end])
        del self._buffer[:end]
        return payload

    def _read_header(self) -> _Header | None:
        """The header at the front of the buffer, checked; None when it is not all there yet."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        length = second & 0x7F
        self._check_start(first, second, length)
        size = 6
        if length == 126:
            if len(buffer) < 4:
                return None
            size, length = 8, buffer[2] << 8 | buffer[3]
        elif length == 127:
            if len(buffer) < 10:
                return None
            size, (length,) = 14, struct.unpack_from("!Q", buffer, 2)
        if not first & _CONTROL:
            self._check_size(len(self._parts) + length)
        if len(buffer) < size:
            return None
        final, compressed = bool(first & _FIN), bool(first & _RSV1)
        mask = bytes(buffer[size - 4 : size])
        return _Header(final, first & _OPCODE, compressed, mask, size, length)

    def _check_size(self, size: int) -> None:
        most = self._most(size)
        if size > most:
            raise Fault(1009, f"a message may have at most {most} bytes")

    def _check_start(self, first: int, second: int, length: int) -> None:
        """Refuse what the first two bytes of a frame already show to be wrong."""
        opcode = first & _OPCODE
        if not second & _MASKED:
            raise Fault(1002, "frames of clients have to be masked")
        # RFC 7692: only the first frame of a data message carries the compression bit.
        if first & (_RSV if opcode not in (TEXT, BINARY) or not self._deflate else _RSV & ~_RSV1):
            raise Fault(1002, "reserved bits are set and no extension was agreed")
        if opcode & _CONTROL:
            if opcode > PONG:
                raise Fault(1002, f"unknown control opcode {opcode}")
            if not first & _FIN:
                raise Fault(1002, "control frames cannot be fragmented")
            if length > 125:
                raise Fault(1002, "control frames have at most 125 bytes")
        elif opcode > BINARY:
            raise Fault(1002, f"unknown data opcode {opcode}")
        elif (opcode == _CONTINUATION) != (self._started is not None):
            raise Fault(1002, "a fragment continues nothing, or a message starts inside another")

    def _accept(self, header: _Header, data: bytes) -> Message | None:
        """A message that this frame completes; None for a fragment that others must follow."""
        if header.opcode == CLOSE:
            check_close(data)
        if header.opcode & _CONTROL or (header.final and self._started is None):
            return Message(header.opcode, data, header.compressed)
        self._fragments += 1
        if self._fragments > self._most_fragments:
            # Not 1009: the message may well be small, it is the way of sending it that is refused.
            raise Fault(1008, f"a message may have at most {self._most_fragments} fragments")
        self._parts += data
        if self._started is None:
            self._started = header
        if not header.final:
            return None
        message = Message(self._started.opcode, bytes(self._parts), self._started.compressed)
        self._started, self._parts, self._fragments = None, bytearray(), 0
        return message


def check_close(payload: bytes) -> None:
    """Raise Fault unless this is what a close frame may carry (RFC 6455 sections 5.5.1 and 7.4).

    Nothing, or a code and a reason in UTF-8. Codes: those that RFC 6455 and the IANA registry
    (1012 to 1014) allow on the wire, those of libraries (3000s) and of applications (4000s).
    """
    if not payload:
        return
    if len(payload) == 1:
        raise Fault(1002, "a close code has two bytes")
    code = payload[0] << 8 | payload[1]
    if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise Fault(1002, f"{code} is no close code that may be sent")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise Fault(1007, "the close reason is not UTF-8") from None


def binary_frame(payload: bytes) -> bytes:
    """The frame in which a server sends `payload` as one binary message."""
    length = len(payload)
    if length < 126:
        return b"\x82" + length.to_bytes(1) + payload
    if length < 1 << 16:
        return b"\x82\x7e" + length.to_bytes(2) + payload
    return b"\x82\x7f" + length.to_bytes(8) + payload
