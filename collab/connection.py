"""One peer on any transport: frames in, frames out. Knows the dialect, not the transport.

A transport hands over each frame with `receive`, and sends what `next_frame` gives whenever its
peer can take one. Both raise CollabError when the peer has to go: the transport closes with its
`close_code`. The peer's silence or slowness needs no other rule than that, and neither does its
haste: who sends faster than the limits allow is not read from for a while, so that what it sends
waits on its own side. It loses nothing, and an honest one is not sent away.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from collab import wire
from collab.access import Level
from collab.errors import NO_MEMORY, AccessDenied, CollabError, Unavailable
from collab.gate import LARGE, MOST_DELETES, admit
from collab.rates import Pace
from collab.reserve import reserve
from collab.session import Session
from collab.update import read_state_vector
from collab.wire import Message, SyncStep1, SyncStep2, SyncUpdate

if TYPE_CHECKING:
    from collab.hub import Hub


class Connection:
    """Speaks y-websocket for one session. `collab.shared` has the other kind: what a transport may
    use of either is public here."""

    __slots__ = ("_pace", "hub", "session")

    def __init__(self, hub: "Hub", session: Session, pace: Pace | None = None) -> None:
        """`pace` is the socket's, where that has several of these."""
        self.hub = hub
        self.session = session
        self._pace = pace or Pace(hub.limits)

    def receive(self, frame: bytes) -> Awaitable[None] | None:
        """Takes a frame of the peer. Hand over no further one until what this returns, if
        anything, has been awaited: that is how a fast peer is kept waiting for a slow disk."""
        self.session.frames_in += 1
        self.session.bytes_in += len(frame)
        if len(frame) > LARGE:
            return self._receive_large(frame)
        now = time.time()
        count = 0
        try:
            for message in wire.decode(frame):
                self.session.receive(message, now)
                self._took(message)
                count += 1
        except AccessDenied as error:
            self.hub.door.refused(self.session, str(error))
            raise
        except MemoryError:
            raise self._out_of_memory() from None
        finally:
            self.hub.touched(self.session.room)
        rest = self._charge(frame, count)
        return rested(self.hub, rest) if rest > 0 or self.hub.writer.choked else None

    def next_frame(self) -> bytes | None:
        """What the peer should be sent next, None for nothing now: the session's `wake` is called
        when there may be more."""
        session = self.session
        try:
            while (message := session.next_message()) is not None:
                if (frame := self._encode(message)) is not None:
                    session.frames_out += 1
                    session.bytes_out += len(frame)
                    return frame
        except MemoryError:
            raise self._out_of_memory() from None
        if session.room.wants_plan:
            self.hub.touched(session.room)
        return None

    @property
    def ended(self) -> CollabError | None:
        """Why the peer has to go now, whether it can take a frame or not."""
        return self.session.ended

    @property
    def sessions(self) -> Sequence[Session]:
        """Those of the peer that are open."""
        return (self.session,)

    def most_bytes(self, size: int, most: int) -> tuple[int, str]:
        """What one of `size` bytes may have, where a writer's may have so many at `most`, and the
        limit that says so. Who may only read has nothing to say of the document but where it is and
        what is deleted, as every client does when it is asked."""
        if self.session.grant.level >= Level.WRITE:
            return most, "max_message"
        if size <= self.hub.limits.reader_bytes:
            return most, "reader_bytes"
        head = self.session.room.head
        reads = self.hub.limits.reader_bytes + len(head.deletes.encode()) + 16 * len(head.vector)
        return min(most, reads), "reader_bytes"

    def hit(self, limit: str) -> None:
        """The peer has hit a limit."""
        self.hub.hit(self.session, limit)

    def leave(self, clean: bool) -> None:
        """The peer has gone; `clean` when it said goodbye."""
        self.hub.leave(self.session, clean)

    def _took(self, message: Message) -> None:
        """The session has taken a message."""

    def _encode(self, message: Message) -> bytes | None:
        """The frame that says it; None where the dialect has no word for it."""
        return wire.encode(message)

    def _out_of_memory(self) -> Unavailable:
        """What the peer is told, and nobody else, unless the room was in the middle of something:
        then it is not what its log will say."""
        reserve.give()
        if self.session.room.torn:
            self.hub.writer.give_up(self.session.room)
        return Unavailable(NO_MEMORY)

    def _charge(self, frame: bytes, count: int) -> float:
        """Takes `count` messages from what the peer may send; for how many seconds it has to rest.
        What a frame begins with says what it is all counted as; a receipt has to be alone."""
        now = time.monotonic()
        present = frame[0] == wire.AWARENESS
        pace = self._pace
        bucket = pace.presence if present else pace.edits
        if frame[0] == wire.RECEIPT and count == 1:
            bucket = pace.receipts
        rest = bucket.take(count, now)
        if rest > 0:
            self._note("presence_per_second" if present else "edits_per_second")
        long = pace.bytes.take(len(frame), now)
        if long > 0:
            self._note("bytes_per_second")
        return rest if rest > long else long

    def _note(self, limit: str) -> None:
        """The peer has to be slowed down: worth one word for each limit."""
        if self._pace.first(limit):
            self.hub.hit(self.session, limit)

    async def _receive_large(self, frame: bytes) -> None:
        """Others get their turn between messages, and what takes long is read elsewhere."""
        count = 0
        try:
            for message in wire.decode(frame):
                count += 1
                if self.session.permits(message):
                    await self._receive_one(message)
                self._took(message)
                await asyncio.sleep(0)
                if self.session not in self.session.room.sessions:
                    return  # the peer has gone meanwhile
        except AccessDenied as error:
            self.hub.door.refused(self.session, str(error))
            raise
        except MemoryError:
            raise self._out_of_memory() from None
        finally:
            self.hub.touched(self.session.room)
        await rested(self.hub, self._charge(frame, count))

    async def _receive_one(self, message: Message) -> None:
        session = self.session
        match message:
            case SyncStep1(vector):
                most = session.room.limits.vector_clients
                session.asked(await asyncio.to_thread(read_state_vector, vector, most))
            case SyncStep2(update) | SyncUpdate(update) if session.expects(message):
                partial = isinstance(message, SyncStep2)
                room = session.room
                admission = await admit(
                    self.hub.engine, room.head, update, partial, MOST_DELETES, room.limits
                )
                # Without its session a room may have been freed and opened again elsewhere, and
                # of one that was given up nothing more must reach the log.
                if session in room.sessions and not (room.lost or session.ended):
                    session.admitted(admission, partial, time.time())
            case SyncStep2() | SyncUpdate():
                pass
            case _:
                session.receive(message, time.time())


async def rested(hub: "Hub", seconds: float) -> None:
    """Who is too fast rests so long; and until the disk has caught up."""
    if seconds > 0:
        await asyncio.sleep(seconds)
    await hub.writer.breath()
