"""Well-behaved editors who type on while others attack, and measure what they notice of it."""

import asyncio
import secrets
import time
from random import Random

from collab.wire import SyncUpdate
from tests.live import PATIENCE, Peer, Server, messages, typed


class Witnesses:
    """A pair in each of some documents: one types a word, the other waits until it shows.

    async with Witnesses(server, "same", "other") as witnesses: attack()
    assert witnesses.worst < 1
    """

    def __init__(self, server: Server, *names: str, pause: float = 0.01) -> None:
        self.server = server
        self.names = names
        self.pause = pause
        self.trips: list[float] = []  # seconds from one editor's send to the other's receipt

    async def __aenter__(self) -> "Witnesses":
        self._stop = asyncio.Event()
        self._pairs = [asyncio.create_task(self._type(name)) for name in self.names]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._pairs)

    @property
    def worst(self) -> float:
        """Seconds of the longest round trip."""
        return max(self.trips)

    def share(self, part: float) -> float:
        """The round trip that this part of them does not exceed: 0.5 is the median."""
        return sorted(self.trips)[int(part * (len(self.trips) - 1))]

    def __str__(self) -> str:
        p50, p99 = self.share(0.5) * 1e3, self.share(0.99) * 1e3
        return (
            f"{len(self.trips)} round trips of witnesses: p50 {p50:.1f} ms, p99 {p99:.1f} ms, "
            f"worst {self.worst * 1e3:.0f} ms"
        )

    async def _type(self, name: str) -> None:
        one = await Peer.join(self.server.url(name))
        other = await Peer.join(self.server.url(name))
        client, clock = Random().randint(2**31, 2**32 - 1), 0
        while not self._stop.is_set() or not self.trips:
            word = secrets.token_hex(8)
            began = time.monotonic()
            one.put(SyncUpdate(typed(client, clock, word)))
            await asyncio.wait_for(_shown(other, word.encode()), PATIENCE)
            self.trips.append(time.monotonic() - began)
            clock += len(word)
            await asyncio.sleep(self.pause)
        one.close()
        other.close()


async def _shown(peer: Peer, word: bytes) -> None:
    while word not in (frame := await peer.frame() or b""):
        assert frame, f"a witness was closed with {peer.code}"
        assert messages(frame)
