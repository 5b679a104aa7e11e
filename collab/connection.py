"""One peer on any transport: frames in, frames out. Knows the dialect, not the transport.

A transport hands over each frame with `receive`, and sends what `next_frame` gives whenever its
peer can take one. Both raise CollabError when the peer has to go: the transport closes with its
`close_code`. The peer's silence or slowness needs no other rule than that.
"""

import asyncio
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from collab import wire
from collab.errors import CollabError
from collab.gate import LARGE, MOST_DELETES, admit
from collab.session import Session
from collab.update import read_state_vector
from collab.wire import Message, SyncStep1, SyncStep2, SyncUpdate

if TYPE_CHECKING:
    from collab.hub import Hub


class Connection:
    """Speaks y-websocket for one session."""

    __slots__ = ("hub", "session")

    def __init__(self, hub: "Hub", session: Session) -> None:
        self.hub = hub
        self.session = session

    def receive(self, frame: bytes) -> Awaitable[None] | None:
        """Takes a frame of the peer. Hand over no further one until what this returns, if
        anything, has been awaited: that is how a fast peer is kept waiting for a slow disk."""
        if len(frame) > LARGE:
            return self._receive_large(frame)
        now = time.time()
        try:
            for message in wire.decode(frame):
                self.session.receive(message, now)
        finally:
            self.hub.touched(self.session.room)
        return self.hub.writer.breath() if self.hub.writer.choked else None

    def next_frame(self) -> bytes | None:
        """What the peer should be sent next, None for nothing now: the session's `wake` is called
        when there may be more."""
        message = self.session.next_message()
        if message is not None:
            return wire.encode(message)
        if self.session.room.wants_plan:
            self.hub.touched(self.session.room)
        return None

    @property
    def ended(self) -> CollabError | None:
        """Why the peer has to go now, whether it can take a frame or not."""
        return self.session.room.ended

    def leave(self, clean: bool) -> None:
        """The peer has gone; `clean` when it said goodbye."""
        self.hub.leave(self.session, clean)

    async def _receive_large(self, frame: bytes) -> None:
        """Others get their turn between messages, and what takes long is read elsewhere."""
        try:
            for message in wire.decode(frame):
                await self._receive_one(message)
                await asyncio.sleep(0)
                if self.session not in self.session.room.sessions:
                    return  # the peer has gone meanwhile
        finally:
            self.hub.touched(self.session.room)
        await self.hub.writer.breath()

    async def _receive_one(self, message: Message) -> None:
        session = self.session
        match message:
            case SyncStep1(vector):
                session.asked(await asyncio.to_thread(read_state_vector, vector))
            case SyncStep2(update) | SyncUpdate(update) if session.expects(message):
                partial = isinstance(message, SyncStep2)
                admission = await admit(
                    self.hub.engine, session.room.head, update, partial, MOST_DELETES
                )
                # Without its session a room may have been freed and opened again elsewhere.
                if session in session.room.sessions:
                    session.admitted(admission, partial, time.time())
            case SyncStep2() | SyncUpdate():
                pass
            case _:
                session.receive(message, time.time())
