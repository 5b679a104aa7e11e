"""One peer of the hub, whatever carries its frames: how it comes in, and how it goes.

What decides about a connection is here, once for WebSocket and for HTTP. Knows Tornado's requests;
sends nothing. A transport lets its peer `enter`, hands over each frame with `receive`, sends what
`gather` gives whenever it can, and on a CollabError of any of them asks `refuse` what to tell.

Which dialect is spoken is up to the address: a `Dialect` makes the connection of who asks there.
"""

import logging
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tornado.httputil import HTTPServerRequest

from collab import Hub
from collab.access import Credentials, Grant, Level
from collab.connection import Connection
from collab.errors import AccessDenied, CollabError, Unauthenticated
from collab.names import name_of
from collab.session import Session
from collab.shared import SharedConnection
from collab.web.proxies import client_address
from collab.web.rights import credentials

logger = logging.getLogger("web")

TOGETHER = 16 << 10  # bytes of frames that are sent in one go

Wake = Callable[[], None]
Dialect = Callable[..., Coroutine[Any, Any, Connection | SharedConnection]]
"""`await dialect(peer, shown, wake, needed, *path)`: the connection of a peer that shows these
credentials at an address with these parts; `wake` is called when it may have something to say.
Raises what the door and the hub raise."""


class Peer:
    """Who asks to connect by `request`, and what it has `shown`; `reason` is why it goes, for the
    log."""

    # There is one for each idle connection.
    __slots__ = ("connection", "hub", "opened", "reason", "shown")

    def __init__(self, hub: Hub, request: HTTPServerRequest) -> None:
        self.hub = hub
        self.shown = credentials(request)
        self.connection: Connection | SharedConnection | None = None
        self.reason = "the peer went away"
        self.opened = time.monotonic()

    async def enter(
        self,
        dialect: Dialect,
        path: list[str] | tuple[str, ...],
        wake: Wake,
        needed: Level = Level.READ,
    ) -> None:
        """In, if it may do what is needed there. CollabError when it may not."""
        await self.hub.start()
        self.connection = await dialect(self, self.shown, wake, needed, *path)

    def belongs(self, grant: Grant) -> bool:
        """Whether this is a peer of who has that grant, in all that it has open."""
        sessions = self.connection.sessions if self.connection is not None else ()
        known = {(session.grant.tenant, session.grant.user) for session in sessions}
        return known == {(grant.tenant, grant.user)}

    async def remains(self, request: HTTPServerRequest) -> bool:
        """Whether a request that shows the tokens of the first one is of the same user: a hook may
        know people by something else. Of the user who has it all open; where nothing is open yet,
        of the one, if any, whom the first request shows."""
        first, address = self.shown, client_address(request)
        sessions = self.connection.sessions if self.connection is not None else ()
        if not sessions:
            return await self._who(first) == await self._who(first._replace(request=request))
        for session in sessions:
            shown = (session.credentials or first)._replace(address=address, request=request)
            who = await self._who(shown, name_of(session.room.name))
            if who != (session.grant.tenant, session.grant.user):
                return False
        return True

    async def _who(self, shown: Credentials, name: str = "") -> tuple[str, str] | None:
        """The tenant and the user that somebody is at the door; None where it lets nobody in."""
        try:
            level = Level.READ if name else Level.NONE
            _, grant = await self.hub.door.admit(shown, name, level)
        except (AccessDenied, Unauthenticated):
            return None
        return grant.tenant, grant.user

    @property
    def address(self) -> str:
        """Where it came from."""
        return self.shown.address

    @property
    def spoke(self) -> bool:
        """Whether it has a document open."""
        return self.connection is not None and bool(self.connection.sessions)

    def receive(self, frame: bytes) -> Awaitable[None] | None:
        """Takes a frame; hand over no further one until what this returns, if anything, has been
        awaited. CollabError when the peer has to go."""
        return self.connection.receive(frame) if self.connection is not None else None

    def gather(self) -> list[bytes]:
        """What the peer is to be told next, as much as makes one write worth its while.
        CollabError when it has to go."""
        frames: list[bytes] = []
        size = 0
        if self.connection is None:
            return frames
        while size < TOGETHER and (frame := self.connection.next_frame()) is not None:
            frames.append(frame)
            size += len(frame)
        return frames

    def check(self) -> None:
        """CollabError when it has to go now, whether it can take a frame or not."""
        if self.connection is not None and self.connection.ended is not None:
            raise self.connection.ended

    def most_bytes(self, size: int, most: int) -> int:
        """What a frame of `size` bytes may have, where a writer's may have `most`."""
        return self.connection.most_bytes(size, most)[0] if self.connection is not None else most

    def too_big(self, most: int) -> str:
        """The limit that a frame breaks which is larger than `most_bytes`."""
        if self.connection is None:
            return "max_message"
        return self.connection.most_bytes(sys.maxsize, most)[1]

    def note(self, limit: str) -> None:
        """It has hit a limit: in its document, or on its way to one."""
        if self.connection is not None:
            self.connection.hit(limit)
        else:
            self.hub.limits_hit.note(limit, self.address, time.time())

    def refuse(self, error: CollabError) -> None:
        """It has to go: for the log and the counts. Tell it, then call `leave`."""
        if error.limit:
            self.note(error.limit)
        if error.close_code not in (1008, 1013):  # those are told where they arise
            sessions = self.connection.sessions if self.connection is not None else ()
            where = ", ".join(session.room.name for session in sessions) or "no document"
            # Who may not is in the audit log; it is nothing to be woken for.
            expected = isinstance(error, Unauthenticated | AccessDenied)
            level = logging.INFO if expected else logging.WARNING
            logger.log(level, "%s, %r: %s", self.address, where, str(error))
        self.hub.counts.refused[error.close_code] += 1
        self.reason = str(error)

    def leave(self, clean: bool) -> None:
        """It has gone; `clean` when it said goodbye. More than once does no harm."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        sessions = [(session, session.author) for session in connection.sessions]
        connection.leave(clean)
        for session, author in sessions:
            self.tell_closed(session, author, self.reason)

    def tell_closed(self, session: Session, author: str, reason: str) -> None:
        """The log's line for a session that is over."""
        logger.info(
            "closed: document %r, user %r, %d frames and %d bytes in, %d and %d out, %.1f s, %s",
            session.room.name,
            author,
            session.frames_in,
            session.bytes_in,
            session.frames_out,
            session.bytes_out,
            time.monotonic() - self.opened,
            reason,
        )


async def one_document(
    peer: Peer, shown: Credentials, wake: Wake, needed: Level, name: str
) -> Connection:
    """The address names the document: y-websocket and its kin."""
    key, grant = await peer.hub.door.admit(shown, name, needed)
    return Connection(peer.hub, await peer.hub.join(key, wake, grant, shown))


async def several_documents(
    peer: Peer, shown: Credentials, wake: Wake, needed: Level
) -> SharedConnection:
    """Each message names the document, and the door is asked then: Hocuspocus."""

    def left(session: Session) -> None:
        peer.tell_closed(session, session.author, "the peer closed the document")

    return SharedConnection(peer.hub, wake, shown, left)
