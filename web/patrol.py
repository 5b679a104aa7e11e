"""Finds peers that have gone without a word: one task looks after all connections in turn.

Tornado pings with a task and a timer a connection, whether it has just been heard of or not; for
2,000 idle editors that takes 1.7 % of a core. Here only those are pinged of whom nothing was heard
for an interval, and editors renew their presence more often than that.
"""

import asyncio
import weakref
from itertools import takewhile
from typing import Protocol

PAUSE = 1.0  # seconds between looks at who is due


class Peer(Protocol):
    """What has to be known of a connection; Tornado's WebSocketProtocol13 is one."""

    _received_pong: bool  # or anything else, since it was last set to False

    def is_closing(self) -> bool: ...
    def write_ping(self, data: bytes) -> None: ...
    def close(self, code: int | None = None, reason: str | None = None) -> None: ...


class Patrol:
    """Visits each connection every `interval` seconds, or `PAUSE` later: pings it if nothing came
    since the last visit, and closes it if nothing came since the ping either."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        # When each is due, and whether it was pinged last time; who is due first comes first.
        self._rounds: dict[Peer, tuple[float, bool]] = {}
        self._walking: asyncio.Task[None] | None = None

    def watch(self, peer: Peer) -> None:
        """Look after it until it closes."""
        self._come_again(peer, pinged=False)
        if self._walking is None:
            self._walking = asyncio.create_task(self._walk())

    def forget(self, peer: Peer) -> None:
        """It has closed."""
        self._rounds.pop(peer, None)

    async def _walk(self) -> None:
        while self._rounds:
            await asyncio.sleep(min(PAUSE, self.interval))
            for peer in self._due(asyncio.get_running_loop().time()):
                self._visit(peer)
        self._walking = None

    def _due(self, now: float) -> list[Peer]:
        return list(takewhile(lambda peer: self._rounds[peer][0] <= now, self._rounds))

    def _visit(self, peer: Peer) -> None:
        _, pinged = self._rounds.pop(peer)
        if peer.is_closing():
            return
        silent = not peer._received_pong
        peer._received_pong = False
        if silent and pinged:
            peer.close(reason="ping timed out")
            return
        if silent:
            peer.write_ping(b"")
        self._come_again(peer, pinged=silent)

    def _come_again(self, peer: Peer, pinged: bool) -> None:
        self._rounds[peer] = asyncio.get_running_loop().time() + self.interval, pinged


_patrols: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[float, Patrol]]" = (
    weakref.WeakKeyDictionary()
)


def patrol(interval: float) -> Patrol:
    """The one of this event loop."""
    patrols = _patrols.setdefault(asyncio.get_running_loop(), {})
    return patrols.setdefault(interval, Patrol(interval))
