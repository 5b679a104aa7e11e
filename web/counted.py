"""A WebSocket that counts as one of so many connections, and is for nobody who says nothing.

Knows Tornado, and whose pages may connect; nothing of what is said.
"""

import asyncio
from collections.abc import Collection

from collab import Hub
from collab.errors import CollabError, TimedOut
from collab.web.connections import SILENT, Connections, Visit, settle
from collab.web.defences import defend
from collab.web.origin import allowed, foreign
from collab.web.protocol import HardenedWebSocket
from collab.web.proxies import client_address

MAX_REASON = 123  # bytes of a close frame's reason, by RFC 6455


class CountedWebSocket(HardenedWebSocket):
    """A base class: `enter` before anything is done for the peer, then `wait` for its first word;
    `spoke` when that has come, `end` when it has to go."""

    # One for each idle connection: attributes beyond Tornado's own would make its dict a large one.
    __slots__ = ("_mute", "connections", "hub", "origins", "visit")

    def initialize(self, hub: Hub, origins: Collection[str], connections: Connections) -> None:
        self.hub = hub
        self.origins = origins
        self.connections = connections
        self.visit: Visit | None = None
        self._mute: asyncio.TimerHandle | None = None

    def set_default_headers(self) -> None:
        defend(self)

    def prepare(self) -> None:
        if foreign(self.request, self.origins):
            self.hub.counts.refused[403] += 1
            self.set_status(403)
            self.finish("Pages of other sites may not connect here.")

    def check_origin(self, origin: str) -> bool:
        """Tornado's own look at who comes from elsewhere; ours is in `prepare`."""
        return allowed(origin, self.origins)

    @property
    def max_fragments(self) -> int:  # type: ignore[override]
        return self.hub.limits.fragments

    def enter(self) -> None:
        """It counts from now on. Unavailable or TooMany when there are too many here."""
        self.visit = settle(self.request, self.connections)
        self.visit.check()

    def wait(self, limit: str = "first_message_seconds") -> None:
        """The peer has so long to say something."""
        patience = getattr(self.hub.limits, limit)
        self._mute = asyncio.get_running_loop().call_later(patience, self._on_silence, limit)

    def spoke(self) -> None:
        """The peer is no mute, or has gone."""
        if self._mute is not None:
            self._mute.cancel()
            self._mute = None

    def note(self, limit: str) -> None:
        """The peer has hit a limit."""
        self.connections.note(limit, client_address(self.request))

    def end(self, error: CollabError) -> None:
        """The peer has to go."""
        self.hub.counts.refused[error.close_code] += 1
        self.tell(error)

    def tell(self, error: CollabError) -> None:
        """The peer hears why it has to go."""
        self.close(error.close_code, str(error).encode()[:MAX_REASON].decode(errors="ignore"))

    def on_fault(self, code: int, reason: str) -> None:
        super().on_fault(code, reason)
        self.hub.counts.refused[code] += 1
        if code == 1008:
            self.note("fragments")

    def on_gone(self) -> None:
        self.spoke()
        if self.visit is not None:
            self.visit.leave()

    def _on_silence(self, limit: str) -> None:
        """Nothing was said. Whoever is there hears why; nobody waits for an answer."""
        protocol = self.ws_connection
        self._mute = None
        if protocol is None or protocol.is_closing():
            return
        self.connections.note(limit, client_address(self.request))
        self.end(TimedOut(SILENT[limit]))
        assert protocol.stream is not None  # it was accepted
        protocol.stream.close()
