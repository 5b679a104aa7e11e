"""Finds peers that have gone without a word: one task looks after all connections in turn.

Tornado pings with a task and a timer a connection, whether it has just been heard of or not; for
2,000 idle editors that takes 1.7 % of a core. Here only those are pinged of whom nothing was heard
for an interval, and editors renew their presence more often than that.
"""

import asyncio
import weakref
from itertools import islice
from math import ceil
from typing import Protocol


class Peer(Protocol):
    """What has to be known of a connection; Tornado's WebSocketProtocol13 is one."""

    _received_pong: bool  # or anything else, since it was last set to False

    def is_closing(self) -> bool: ...
    def write_ping(self, data: bytes) -> None: ...
    def close(self, code: int | None = None, reason: str | None = None) -> None: ...


class Patrol:
    """Visits each connection once in `interval` seconds: pings it if nothing came since the last
    visit, and closes it if nothing came since the ping either."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self._pinged: dict[Peer, bool] = {}  # the next one to be visited first
        self._walking: asyncio.Task[None] | None = None

    def watch(self, peer: Peer) -> None:
        """Look after it until it closes."""
        self._pinged[peer] = False
        if self._walking is None:
            self._walking = asyncio.create_task(self._walk())

    def forget(self, peer: Peer) -> None:
        """It has closed."""
        self._pinged.pop(peer, None)

    async def _walk(self) -> None:
        pause = min(1.0, self.interval)
        while self._pinged:
            await asyncio.sleep(pause)
            for peer in list(islice(self._pinged, ceil(len(self._pinged) * pause / self.interval))):
                self._visit(peer)
        self._walking = None

    def _visit(self, peer: Peer) -> None:
        pinged = self._pinged.pop(peer)
        if peer.is_closing():
            return
        silent = not peer._received_pong
        peer._received_pong = False
        if silent and pinged:
            peer.close(reason="ping timed out")
            return
        if silent:
            peer.write_ping(b"")
        self._pinged[peer] = silent


_patrols: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[float, Patrol]]" = (
    weakref.WeakKeyDictionary()
)


def patrol(interval: float) -> Patrol:
    """The one of this event loop."""
    patrols = _patrols.setdefault(asyncio.get_running_loop(), {})
    return patrols.setdefault(interval, Patrol(interval))
