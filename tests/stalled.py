"""The battery of readers who never read: what they cost, whom they slow, and what they see at last.

A stalled reader is a plain TCP socket that has joined a document and then takes nothing from the
kernel, while somebody types megabytes into it.
"""

import asyncio
import contextlib
import socket
from typing import NamedTuple

from collab.state import State
from collab.update import read_update
from collab.wire import Receipt, SyncStep2, SyncUpdate
from tests.hostile import frame
from tests.live import PATIENCE, STEP1, STEP2, Peer, Server, messages, polls, typed
from tests.witness import Witnesses

PIECE = 15_000  # characters that are typed at once
PING = 0x89
AHEAD = 50  # pieces that may be on their way

HANDSHAKE = (
    "GET /sync/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Figures(NamedTuple):
    """What a flood has cost, and what it did to others."""

    readers: int
    typed: int  # bytes
    memory: int  # bytes of growth while they stalled
    witnesses: Witnesses

    def __str__(self) -> str:
        return (
            f"{self.readers} stalled readers, {self.typed / 1e6:.0f} MB typed, "
            f"server +{self.memory / 2**20:.1f} MiB; {self.witnesses}"
        )


class Stalled:
    """A reader who does not read. `read` makes up for it."""

    def __init__(self, server: Server, name: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        self.socket.sendall(HANDSHAKE.format(name=name).encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(4096)
        self.buffer = self.buffer.partition(b"\r\n\r\n")[2]
        self.socket.sendall(frame(STEP1 + STEP2))
        self.state = State()

    def begin(self) -> None:
        """Waits for the first of the document, and takes no more of it."""
        while len(self.buffer) < PIECE:
            self.buffer += self.socket.recv(PIECE)

    def read(self, upto: dict[int, int]) -> None:
        """Reads until it has the document up to this state vector; every update connects."""
        for _ in polls("a stalled reader", 4 * PATIENCE, pause=0):
            if self.state.vector == upto:
                return
            for message in messages(self.frame()):
                if isinstance(message, SyncUpdate | SyncStep2):
                    news, missing = self.state.admit(read_update(message.update), partial=False)
                    assert not missing, "it is told what does not connect"
                    if news is not None:
                        self.state.enter(news)

    def close(self) -> None:
        self.socket.close()

    def frame(self) -> bytes:
        """The next one, pings apart."""
        opcode, length = self._take(2)
        if opcode == PING:
            self._take(length)
            return self.frame()
        if length > 125:
            length = int.from_bytes(self._take(2 if length == 126 else 8))
        return self._take(length)

    def _take(self, size: int) -> bytes:
        parts, missing = [self.buffer], size - len(self.buffer)
        while missing > 0:
            parts.append(self.socket.recv(max(missing, 1 << 16)))
            assert parts[-1], "a stalled reader was closed"
            missing -= len(parts[-1])
        whole = b"".join(parts)
        self.buffer = whole[size:]
        return whole[:size]


async def flood(server: Server, readers: int, size: int) -> Figures:
    """`size` bytes are typed while so many do not read; then they read, and have it all."""
    name = f"flood-{readers}"
    with contextlib.ExitStack() as stack:
        stalled = [Stalled(server, name) for _ in range(readers)]
        for reader in stalled:
            stack.callback(reader.close)
        async with Witnesses(server, "elsewhere") as witnesses:
            before = server.memory
            clock = await type_much(server, name, size)
            memory = server.memory - before
        for reader in stalled:
            await asyncio.to_thread(reader.read, {5: clock})
    return Figures(readers, clock, memory, witnesses)


async def crowd(server: Server, joiners: int, size: int) -> int:
    """So many join a document of `size` bytes and do not read it: the bytes they cost. Then they
    read, and have it all."""
    name = f"crowd-{joiners}"
    clock = await type_much(server, name, size)
    with contextlib.ExitStack() as stack:
        first = Stalled(server, name)
        stack.callback(first.close)
        await asyncio.to_thread(first.read, {5: clock})
        before = server.memory
        stalled = [Stalled(server, name) for _ in range(joiners)]
        for reader in stalled:
            stack.callback(reader.close)
            await asyncio.to_thread(reader.begin)
        memory = server.memory - before
        for reader in stalled:
            await asyncio.to_thread(reader.read, {5: clock})
    return memory


async def type_much(server: Server, name: str, size: int) -> int:
    """Types until `size` bytes are on disk; where client 5 has got to."""
    peer = await Peer.join(server.url(name))
    durable = clock = number = 0
    while durable < size // PIECE:
        if number - durable < AHEAD and clock < size:
            number += 1
            await peer.say(SyncUpdate(typed(5, clock, "x" * PIECE)))
            await peer.say(Receipt(number))
            clock += PIECE
        else:
            message = await peer.hear(Receipt)
            assert isinstance(message, Receipt)
            durable = message.version
    peer.close()
    return clock
