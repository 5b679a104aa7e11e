"""The battery of those who come and say nothing: half handshakes, and sockets without a word.

Of the half handshakes every other says nothing at all, the rest come by a byte a second, as slow
attackers do it. All have to be sent away while editors type on.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import NamedTuple

from tests.live import PATIENCE, Server
from tests.stalled import HANDSHAKE
from tests.witness import Witnesses

TOGETHER = 100  # connections that are made at once: more than that the kernel would let wait
DRIP = 1.0  # seconds between two bytes

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Figures(NamedTuple):
    """How long they stayed, in seconds, and what the others noticed."""

    slow: list[float]
    mute: list[float]
    memory: int  # bytes of growth while they were there
    witnesses: Witnesses

    def __str__(self) -> str:
        return (
            f"{len(self.slow)} slow handshakes, the last gone after {max(self.slow):.1f} s; "
            f"{len(self.mute)} mute sockets, the last gone after {max(self.mute):.1f} s; "
            f"server +{self.memory / 2**20:.1f} MiB; {self.witnesses}"
        )


async def loiter(server: Server, slow: int, mute: int) -> Figures:
    """So many of each, all at the same time; returns when the server has got rid of them."""
    async with Witnesses(server, "elsewhere") as witnesses:
        before = server.memory
        gate = asyncio.Semaphore(TOGETHER)
        kinds = [_drip if number % 2 else _wait for number in range(slow)] + [_mute] * mute
        loiterers = [asyncio.create_task(_stay(server, gate, kind)) for kind in kinds]
        memory = 0
        while not all(loiterer.done() for loiterer in loiterers):
            memory = max(memory, server.memory - before)
            await asyncio.wait(loiterers, timeout=0.5)
        times = [loiterer.result() for loiterer in loiterers]
    return Figures(times[:slow], times[slow:], memory, witnesses)


async def _stay(
    server: Server, gate: asyncio.Semaphore, kind: Callable[[Streams], Coroutine[None, None, None]]
) -> float:
    """Comes, and stays until it is sent away: how many seconds that took."""
    async with gate:
        streams = await asyncio.open_connection("127.0.0.1", server.port)
        began = time.monotonic()
        doing = asyncio.create_task(kind(streams))
        await asyncio.sleep(0)
    try:
        with contextlib.suppress(ConnectionError):
            while await asyncio.wait_for(streams[0].read(4096), 2 * PATIENCE):
                pass
        return time.monotonic() - began
    finally:
        doing.cancel()
        streams[1].close()


async def _wait(streams: Streams) -> None:
    """Says nothing."""


async def _drip(streams: Streams) -> None:
    """A byte now and then."""
    for byte in HANDSHAKE.format(name="slow").encode():
        streams[1].write(bytes((byte,)))
        await asyncio.sleep(DRIP)


async def _mute(streams: Streams) -> None:
    """A socket by all rules, on which nothing is said."""
    streams[1].write(HANDSHAKE.format(name="mute").encode())
