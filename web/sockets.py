"""The WebSocket transport: a Connection per socket. Knows Tornado; nothing of what frames mean."""

import logging
import sys
import time
from collections.abc import Awaitable, Collection

from tornado.websocket import WebSocketProtocol

from collab import Hub
from collab.connection import Connection
from collab.errors import CollabError, ProtocolError
from collab.web.origin import allowed
from collab.web.protocol import HardenedWebSocket, send_frames

logger = logging.getLogger("web")

TOGETHER = 16 << 10  # bytes of frames that are sent in one go
MAX_REASON = 123  # bytes of a close frame's reason, by RFC 6455


class SyncHandler(HardenedWebSocket):
    """`/sync/{document}`: where editors connect. The name is the rest of the path, slashes and
    all, percent-decoded once."""

    # One for each idle connection: attributes beyond Tornado's own would make its dict a large one.
    __slots__ = (
        "_pumping", "_writable", "bytes_in", "bytes_out", "connection", "frames_in", "frames_out",
        "hub", "opened", "origins", "protocol", "reason",
    )  # fmt: skip

    def initialize(self, hub: Hub, origins: Collection[str]) -> None:
        self.hub = hub
        self.origins = origins
        self.connection: Connection | None = None
        self.reason = "the peer went away"
        self.frames_in = self.frames_out = self.bytes_in = self.bytes_out = 0
        self.opened = time.monotonic()
        self.protocol: WebSocketProtocol | None = None
        self._pumping = False
        self._writable = True

    def check_origin(self, origin: str) -> bool:
        """Browsers only from the same host or the allowed ones (Tornado asks for others only)."""
        return allowed(origin, self.origins)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """The first that is offered: browsers hang up when none of theirs is taken."""
        return subprotocols[0] if subprotocols else None

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        # What is not UTF-8 is no name: the hub says so, with a code by which clients give up.
        return value.decode("utf-8", "surrogateescape")

    async def open(self, *args: str, **kwargs: str) -> None:
        self.protocol = self.ws_connection
        try:
            session = await self.hub.join(args[0], self._wake)
        except CollabError as error:
            self._end(error)
            return
        self.connection = Connection(self.hub, session)
        if self.ws_connection is None or self.ws_connection.is_closing():
            self.on_close()
        else:
            self._wake()

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        if self.connection is None:
            return None
        try:
            if isinstance(message, str):
                raise ProtocolError("Text frames are not understood: send binary ones.")
            self.frames_in += 1
            self.bytes_in += len(message)
            busy = self.connection.receive(message)
        except CollabError as error:
            self._end(error)
            return None
        return self._wait(busy) if busy is not None else None

    def on_drained(self) -> None:
        self._writable = True
        self._wake()

    def on_fault(self, code: int, reason: str) -> None:
        super().on_fault(code, reason)
        self.reason = reason

    def on_close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is None:
            return
        author = connection.session.author
        connection.leave(clean=self._said_goodbye())
        logger.info(
            "closed: document %r, user %r, %d frames and %d bytes in, %d and %d out, %.1f s, %s",
            connection.session.room.name,
            author,
            self.frames_in,
            self.bytes_in,
            self.frames_out,
            self.bytes_out,
            time.monotonic() - self.opened,
            self.reason,
        )

    def _said_goodbye(self) -> bool:
        """Whether the peer sent a close frame: otherwise it may be on its way back."""
        return self.protocol is not None and self.protocol.client_terminated

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
            if self.connection is not None and self.connection.ended is not None:
                raise self.connection.ended
            while self._writable and (frames := self._gather()):
                self._writable = send_frames(self, frames)
        except CollabError as error:
            self._end(error)
        except Exception:  # a fault of ours: it ends this connection, not whoever woke it
            self.log_exception(*sys.exc_info())
            self._end(CollabError("Something went wrong on our side."))
        finally:
            self._pumping = False

    def _gather(self) -> list[bytes]:
        """What the peer is to be told next, as much as makes one write worth its while."""
        frames: list[bytes] = []
        size = 0
        while size < TOGETHER and self.connection is not None:
            frame = self.connection.next_frame()
            if frame is None:
                break
            frames.append(frame)
            size += len(frame)
        self.frames_out += len(frames)
        self.bytes_out += size
        return frames

    def _end(self, error: CollabError) -> None:
        """The peer has to go, and is told why."""
        if error.close_code != 1013:
            where = self.connection.session.room.name if self.connection else "no document"
            logger.warning("%s, %r: %s", self.request.remote_ip, where, error)
        self.reason = str(error)
        self.close(error.close_code, self.reason.encode()[:MAX_REASON].decode(errors="ignore"))
        self.on_close()
