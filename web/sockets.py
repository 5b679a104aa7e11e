"""The WebSocket transport: a Peer per socket. Knows Tornado; nothing of what frames mean."""

import asyncio
import sys
from collections.abc import Awaitable, Collection
from typing import ClassVar

from collab import Hub
from collab.errors import CollabError, ProtocolError, TimedOut, Unavailable
from collab.reserve import reserve
from collab.web.connections import Connections, Visit, settle
from collab.web.defences import defend
from collab.web.origin import allowed, foreign
from collab.web.peers import Dialect, Peer, one_document, several_documents
from collab.web.protocol import HardenedWebSocket, send_frames
from collab.web.proxies import client_address
from collab.web.rights import SUBPROTOCOL

MAX_REASON = 123  # bytes of a close frame's reason, by RFC 6455


class SyncHandler(HardenedWebSocket):
    """`/sync/{document}`: where editors connect. The name is the rest of the path, slashes and
    all, percent-decoded once."""

    # One for each idle connection: attributes beyond Tornado's own would make its dict a large one.
    __slots__ = (
        "_mute", "_pumping", "_writable", "connections", "hub", "origins", "peer", "visit",
    )  # fmt: skip

    dialect: ClassVar[Dialect] = staticmethod(one_document)

    def initialize(self, hub: Hub, origins: Collection[str], connections: Connections) -> None:
        self.hub = hub
        self.origins = origins
        self.connections = connections
        self.visit: Visit | None = None
        self._mute: asyncio.TimerHandle | None = None
        self.peer = Peer(hub, self.request)
        self._pumping = False
        self._writable = True

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

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """The first that is offered: browsers hang up when none of theirs is taken. One that is
        a token is not said aloud, if there is another one."""
        plain = [one for one in subprotocols if not one.startswith(SUBPROTOCOL)]
        return next(iter(plain or subprotocols), None)

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        # What is not UTF-8 is no name: the hub says so, with a code by which clients give up.
        return value.decode("utf-8", "surrogateescape")

    async def open(self, *args: str, **kwargs: str) -> None:
        try:
            self._enter()
            await self.peer.enter(self.request, self.dialect, args, self._wake)
        except CollabError as error:
            self._end(error)
            return
        if self.ws_connection is None or self.ws_connection.is_closing():
            self.on_close()
        else:
            # Only now is anything read: how long it took to come so far was up to us.
            patience = self.hub.limits.first_message_seconds
            self._mute = asyncio.get_running_loop().call_later(patience, self._on_silence)
            self._wake()

    def _enter(self) -> None:
        """Before any document is touched. Unavailable or TooMany when there are too many here."""
        self.visit = settle(self.request, self.connections)
        self.visit.check()

    def _on_silence(self) -> None:
        """Nothing was said. Whoever is there hears why; nobody waits for an answer."""
        protocol = self.ws_connection
        self._mute = None
        if protocol is None or protocol.is_closing():
            return
        self.connections.note("first_message_seconds", client_address(self.request))
        self._end(TimedOut("Say something within the first seconds."))
        assert protocol.stream is not None  # it was accepted
        protocol.stream.close()

    def _spoke(self) -> None:
        """The peer is no mute, or has gone."""
        if self._mute is not None:
            self._mute.cancel()
            self._mute = None

    def on_gone(self) -> None:
        self._spoke()
        if self.visit is not None:
            self.visit.leave()

    @property
    def max_fragments(self) -> int:  # type: ignore[override]
        return self.hub.limits.fragments

    def most_bytes(self, size: int) -> int:
        return self.peer.most_bytes(size, super().most_bytes(size))

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        if self._mute is not None and self.peer.spoke:
            self._spoke()
        try:
            if isinstance(message, str):
                raise ProtocolError("Text frames are not understood: send binary ones.")
            busy = self.peer.receive(message)
        except CollabError as error:
            self._end(error)
            return None
        return self._wait(busy) if busy is not None else None

    def on_drained(self) -> None:
        self._writable = True
        self._wake()

    def on_fault(self, code: int, reason: str) -> None:
        super().on_fault(code, reason)
        self.hub.counts.refused[code] += 1
        self.peer.reason = reason
        too_big = self.peer.too_big(super().most_bytes(0))
        if limit := {1008: "fragments", 1009: too_big}.get(code):
            self.peer.note(limit)

    def on_close(self) -> None:
        self.peer.leave(clean=self.said_goodbye)

    async def _wait(self, busy: Awaitable[None]) -> None:
        try:
            await busy
        except CollabError as error:
            self._end(error)

    def _wake(self) -> None:
        """Sends what there is to say while the peer can take it."""
        if self._pumping:
            return
        self._pumping = True
        try:
            self.peer.check()
            while self._writable and (frames := self.peer.gather()):
                self._writable = send_frames(self, frames)
        except CollabError as error:
            self._end(error)
        except MemoryError:
            reserve.give()
            self._end(Unavailable("The server has no memory for that now. Try again."))
        except Exception:  # a fault of ours: it ends this connection, not whoever woke it
            self.log_exception(*sys.exc_info())
            self._end(CollabError("Something went wrong on our side."))
        finally:
            self._pumping = False

    def _end(self, error: CollabError) -> None:
        """The peer has to go, and is told why."""
        self.peer.refuse(error)
        reason = self.peer.reason.encode()[:MAX_REASON].decode(errors="ignore")
        self.close(error.close_code, reason)
        self.on_close()


class SharedSyncHandler(SyncHandler):
    """`/sync`: where providers of Hocuspocus connect, which say in each message which document it
    is about."""

    __slots__ = ()
    dialect: ClassVar[Dialect] = staticmethod(several_documents)
