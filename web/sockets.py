"""The WebSocket transport: a Peer per socket. Knows Tornado; nothing of what frames mean."""

import sys
from collections.abc import Awaitable, Collection
from typing import ClassVar

from collab import Hub
from collab.errors import NO_MEMORY, CollabError, ProtocolError, Unavailable
from collab.reserve import reserve
from collab.web.connections import Connections
from collab.web.counted import CountedWebSocket
from collab.web.peers import Dialect, Peer, one_document, several_documents
from collab.web.protocol import send_frames
from collab.web.rights import SUBPROTOCOL


class SyncHandler(CountedWebSocket):
    """`/sync/{document}`: where editors connect. The name is the rest of the path, slashes and
    all, percent-decoded once."""

    __slots__ = ("_pumping", "_writable", "peer")  # see `CountedWebSocket`

    dialect: ClassVar[Dialect] = staticmethod(one_document)

    def initialize(self, hub: Hub, origins: Collection[str], connections: Connections) -> None:
        super().initialize(hub, origins, connections)
        self.peer = Peer(hub, self.request)
        self._pumping = False
        self._writable = True

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
            self.enter()  # before any document is touched
            await self.peer.enter(self.dialect, args, self._wake)
        except CollabError as error:
            self.end(error)
            return
        if self.ws_connection is None or self.ws_connection.is_closing():
            self.on_close()
        else:
            # Only now is anything read: how long it took to come so far was up to us.
            self.wait()
            self._wake()

    def most_bytes(self, size: int) -> int:
        return self.peer.most_bytes(size, super().most_bytes(size))

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        if self._mute is not None and self.peer.spoke:
            self.spoke()
        try:
            if isinstance(message, str):
                raise ProtocolError("Text frames are not understood: send binary ones.")
            busy = self.peer.receive(message)
        except CollabError as error:
            self.end(error)
            return None
        return self._wait(busy) if busy is not None else None

    def on_drained(self) -> None:
        self._writable = True
        self._wake()

    def on_fault(self, code: int, reason: str) -> None:
        super().on_fault(code, reason)
        self.peer.reason = reason
        if code == 1009:
            self.note(self.peer.too_big(super().most_bytes(0)))

    def note(self, limit: str) -> None:
        self.peer.note(limit)

    def on_close(self) -> None:
        self.peer.leave(clean=self.said_goodbye)

    async def _wait(self, busy: Awaitable[None]) -> None:
        try:
            await busy
        except CollabError as error:
            self.end(error)

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
            self.end(error)
        except MemoryError:
            reserve.give()
            self.end(Unavailable(NO_MEMORY))
        except Exception:  # a fault of ours: it ends this connection, not whoever woke it
            self.log_exception(*sys.exc_info())
            self.end(CollabError("Something went wrong on our side."))
        finally:
            self._pumping = False

    def end(self, error: CollabError) -> None:
        self.peer.refuse(error)
        self.tell(error)
        self.on_close()


class SharedSyncHandler(SyncHandler):
    """`/sync`: where providers of Hocuspocus connect, which say in each message which document it
    is about."""

    __slots__ = ()
    dialect: ClassVar[Dialect] = staticmethod(several_documents)

    def _wake(self) -> None:
        super()._wake()
        if self.peer.spoke:
            self.spoke()
        elif self._mute is None and self.peer.connection is not None:
            self.wait("idle_seconds")  # its last one was closed
