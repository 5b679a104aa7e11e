"""Editors by the hundred in one thread: y-websocket peers on plain sockets and one epoll loop.

They know frames, not documents: what they send was computed before, what they hear is handed to
whoever wants it. So the load generator costs a fraction of the server that it measures. Frames are
masked with zeros, which RFC 6455 allows and which costs the server as much as any other mask.
"""

import os
import select
import socket
import struct
from base64 import b64encode
from collections.abc import Callable
from time import perf_counter
from urllib.parse import quote

RECEIVE = 1 << 16  # bytes that are taken from a socket in one go: malloc maps larger pieces anew
EMPTY = b"\x00\x00"  # an update with nothing in it
NOTHING = b"\x00"  # the state vector of somebody who has nothing
CLOSE, PING = 8, 9

Heard = Callable[["Peer", bytes, float], None]
"""Called with a peer, an update (v1) that it was told, and when."""


def ignore(peer: "Peer", update: bytes, now: float) -> None:
    """For those who need not know."""


class Loop:
    """Watches all peers of the program."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.peers: dict[int, Peer] = {}

    def turn(self, seconds: float) -> None:
        """Does what there is to do; waits for it up to `seconds`, 0 not at all."""
        for number, events in self.epoll.poll(max(seconds, 0)):
            peer = self.peers.get(number)
            if peer is not None and events & select.EPOLLOUT:
                peer.flush()
            if peer is not None and events & ~select.EPOLLOUT:
                peer.read()

    def until(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        """Turns until `done`; TimeoutError when that takes longer than `seconds`."""
        deadline = perf_counter() + seconds
        while not done():
            if perf_counter() > deadline:
                raise TimeoutError(f"{what} took longer than {seconds:.0f} s")
            self.turn(0.1)

    def run(self, seconds: float) -> None:
        """Turns for so long."""
        end = perf_counter() + seconds
        while (left := end - perf_counter()) > 0:
            self.turn(left)

    def close(self) -> None:
        """Hangs up on everything."""
        for peer in list(self.peers.values()):
            peer.close()
        self.epoll.close()


class Peer:
    """One editor: connects to `document` at the server on `port`, and says that it has nothing.

    `heard` is called with what it is told of the document. `synced` once the handshake is over and
    its edits count; `told` when it was last sent content; `version` the last receipt that it got;
    `lost` why the connection has ended."""

    def __init__(self, loop: Loop, port: int, document: str, heard: Heard = ignore) -> None:
        self.loop = loop
        self.heard = heard
        self.frames = 0
        self.version = -1
        self.lost = ""
        self.told = 0.0
        self.began = perf_counter()
        self.asked = self.answered = self.deaf = False
        self._out = bytearray()
        self._rest = b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._upgrade(port, document)
        self.socket.setblocking(False)
        loop.peers[self.socket.fileno()] = self
        loop.epoll.register(self.socket, select.EPOLLIN)
        self.send(b"\x00\x00" + bytes_of(NOTHING))

    @property
    def synced(self) -> bool:
        return self.asked and self.answered

    def send(self, message: bytes) -> None:
        """One message in a frame of its own."""
        self.post(frame_of(message))

    def post(self, frames: bytes) -> None:
        """Frames that were made before, as fast as the socket takes them."""
        if not self._out:
            try:
                sent = self.socket.send(frames)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                self.end(str(error))
                return
            if sent == len(frames):
                return
            frames = frames[sent:]
            self.loop.epoll.modify(self.socket, self._events(select.EPOLLOUT))
        self._out += frames

    @property
    def idle(self) -> bool:
        """Whether the socket has taken all that was posted."""
        return not self._out

    def flush(self) -> None:
        """Goes on with what the socket did not take."""
        try:
            sent = self.socket.send(self._out)
        except BlockingIOError:
            return
        except OSError as error:
            self.end(str(error))
            return
        del self._out[:sent]
        if not self._out:
            self.loop.epoll.modify(self.socket, self._events(0))

    def stop_reading(self) -> None:
        """Like a browser tab that hangs: the connection stays, nothing is read any more."""
        self.deaf = True
        self.loop.epoll.modify(self.socket, self._events(0))

    def read(self) -> None:
        """Takes what has arrived."""
        try:
            data = self.socket.recv(RECEIVE)
        except BlockingIOError:
            return
        except OSError as error:
            self.end(str(error))
            return
        now = perf_counter()
        if not data:
            self.end("the server hung up")
            return
        data = self._rest + data
        at, size = 0, len(data)
        while at + 2 <= size:
            length, start = data[at + 1], at + 2
            if length == 126 and start + 2 <= size:
                (length,), start = struct.unpack_from("!H", data, start), start + 2
            elif length == 127 and start + 8 <= size:
                (length,), start = struct.unpack_from("!Q", data, start), start + 8
            elif length > 125:
                break
            if start + length > size:
                break
            self._take(data[at] & 0xF, data[start : start + length], now)
            at = start + length
        self._rest = data[at:]

    def end(self, reason: str) -> None:
        """The connection is over."""
        self.lost = self.lost or reason
        self.close()

    def close(self) -> None:
        """Hangs up."""
        if self.loop.peers.pop(self.socket.fileno(), None):
            self.loop.epoll.unregister(self.socket)
        self.socket.close()

    def _events(self, more: int) -> int:
        return more if self.deaf else more | select.EPOLLIN

    def _upgrade(self, port: int, document: str) -> None:
        key = b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /sync/{quote(document, safe='')} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._rest:
            data = self.socket.recv(RECEIVE)
            if not data:
                raise ConnectionError("the server hung up during the handshake")
            self._rest += data
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.split(b"\r\n")[0].decode())

    def _take(self, opcode: int, payload: bytes, now: float) -> None:
        self.frames += 1
        if opcode == CLOSE:
            self.end(f"closed with {int.from_bytes(payload[:2])}: {payload[2:].decode()}")
        elif opcode == PING:
            self.post(b"\x8a" + bytes([0x80 | len(payload)]) + bytes(4) + payload)
        elif payload[:2] == b"\x00\x00":
            self.send(b"\x00\x01" + bytes_of(EMPTY))
            self.asked = True
        elif payload[0] == 0:
            self.answered |= payload[1] == 1
            self.told = now
            self.heard(self, payload[number_at(payload, 2)[1] :], now)
        elif payload[0] == 0x66:
            self.version = number_at(payload, number_at(payload, 1)[1])[0]


def frame_of(message: bytes) -> bytes:
    """The WebSocket frame in which a client sends a message."""
    size = len(message)
    if size < 126:
        return b"\x82%c\x00\x00\x00\x00%b" % (0x80 | size, message)
    if size < 1 << 16:
        return b"\x82\xfe%b\x00\x00\x00\x00%b" % (size.to_bytes(2), message)
    return b"\x82\xff%b\x00\x00\x00\x00%b" % (size.to_bytes(8), message)


def edit_of(update: bytes) -> bytes:
    """The message that tells of an edit."""
    return b"\x00\x02" + bytes_of(update)


def presence_of(client: int, clock: int, name: str) -> bytes:
    """The message in which an editor says who it is."""
    state = b'{"user":{"name":"%b","color":"#30bced"}}' % name.encode()
    return b"\x01" + bytes_of(b"\x01" + number(client) + number(clock) + bytes_of(state))


def receipt_of(version: int) -> bytes:
    """The message that asks to be told when all edits so far are on disk."""
    return b"\x66" + bytes_of(number(version))


def bytes_of(data: bytes) -> bytes:
    """varBytes."""
    return number(len(data)) + data


def number(value: int) -> bytes:
    """varUint."""
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def number_at(data: bytes, at: int) -> tuple[int, int]:
    """The varUint at `data[at]`, and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7
