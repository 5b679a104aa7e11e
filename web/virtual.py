"""Virtual connections: what a WebSocket is, made of HTTP requests. Knows no handler and no header.

Both ways frames are numbered, and nothing is forgotten before the other side has said that it has
it. Up come batches: batch n is taken once, after n - 1, however often it is sent. Down go frames:
what was sent is kept until its number comes back, and no more is gathered meanwhile than `WINDOW`
bytes. So what nobody fetches is not queued; the session behind is a cursor.

One patrol looks after all of them: who has not asked for anything for `ABSENT` seconds has gone.
"""

import asyncio
import contextlib
import hashlib
import logging
import secrets
import time
from collections import deque
from collections.abc import Awaitable

from collab import Hub
from collab.errors import (
    NO_MEMORY,
    CollabError,
    Conflict,
    NotFound,
    ProtocolError,
    TimedOut,
    TooBig,
    TooMany,
    Unavailable,
)
from collab.reserve import reserve
from collab.web.connections import SILENT, Visit
from collab.web.peers import Peer
from collab.web.records import pieces
from collab.web.rights import Fingerprint

logger = logging.getLogger("web")

WINDOW = 64 << 10  # bytes of frames that were sent and not acknowledged; one more may go over it
ABSENT = 4.0  # seconds between two requests after which nobody is there any more
POLL = 20.0  # seconds that an answer may take to come when there is nothing to say
LOOK = 0.5  # seconds between looks at who has gone
LITTLE = 64 << 10  # bytes of a frame that may still come in when memory is short


class Gone(NotFound):
    """No virtual connection has this id: it has ended, or the server was started anew. The client
    opens another one, as after a cut: so the close code is no one by which clients give up."""

    close_code = 1006


class Fetch:
    """One request that waits for frames; `over` when it shall wait no longer."""

    __slots__ = ("over", "patient", "since")

    def __init__(self, patient: bool) -> None:
        self.patient = patient  # it takes frames as they come, for as long as it lives
        self.since = time.monotonic()
        self.over = False


class Line:
    """One virtual connection; `owner` is what those show whose it is, `most` the bytes of a frame
    of who may write."""

    __slots__ = (
        "_awake", "_batch", "_held", "_part", "_taken", "_unacknowledged", "acknowledged",
        "ended", "fetch", "id", "last", "most", "owner", "path", "peer", "received", "seen",
        "spoke", "visit",
    )  # fmt: skip

    def __init__(self, peer: Peer, visit: Visit, path: str, owner: Fingerprint, most: int) -> None:
        self.id = secrets.token_urlsafe(24)
        self.peer, self.visit, self.path, self.owner, self.most = peer, visit, path, owner, most
        self.received = 0  # the last batch that was taken,
        self._batch = b""  # its digest,
        self._taken: asyncio.Event | None = None  # and, while it is being taken, its end
        self._part = bytearray()  # a frame of which the end has not come
        self.last = self.acknowledged = 0  # frames
        self._unacknowledged: deque[tuple[int, bytes]] = deque()
        self._held = 0  # their bytes
        self.fetch: Fetch | None = None
        self._awake = asyncio.Event()
        self.ended: CollabError | None = None
        self.seen, self.spoke = time.monotonic(), 0.0  # when it asked, and had a document, last

    def wake(self) -> None:
        """There may be something to say."""
        try:
            self.peer.check()
        except CollabError as error:
            self.end(error)
        self._awake.set()

    def check(self) -> None:
        """CollabError when it has ended: the one that ended it, noted before."""
        self.seen = time.monotonic()
        if self.ended is not None:
            raise self.ended.bare()

    def end(self, error: CollabError) -> None:
        """The peer has to go; it is told when it asks next."""
        if self.ended is None:
            self.ended = error.bare()
            self.peer.refuse(error)
            self.leave(clean=False)

    def leave(self, clean: bool) -> None:
        """The peer has gone."""
        self.ended = self.ended or Gone("This connection was closed.")
        self.peer.leave(clean)
        self.visit.leave()
        self._part.clear()
        self._unacknowledged.clear()
        self._awake.set()

    async def turn(self, number: int) -> None:
        """Returns when batch `number` is next: the ones before may be on their way. It waits for
        so long as it would wait for a request."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ABSENT):
                while self.ended is None and (self.received < number - 1 or self._taken):
                    await self.more()

    async def take(self, number: int, body: bytes) -> None:
        """Batch `number` of what the peer says. Returns when it has been taken, however often it
        comes. Conflict when it is not its turn, or another one was taken under its number; TooMany
        when the one before is not done; what ends the connection."""
        digest = hashlib.blake2b(body, digest_size=16).digest()
        if number == self.received:
            if digest != self._batch:
                raise Conflict(f"Batch {number} was taken, and had another content.")
            if self._taken is not None:
                await self._taken.wait()
                self.check()
            return
        if number != self.received + 1:
            raise Conflict(f"Batch {self.received + 1} is next, not {number}.")
        if self._taken is not None:
            raise TooMany(f"Batch {self.received} is still being taken. Send it again.")
        self.received, self._batch = number, digest
        taken = self._taken = asyncio.Event()
        try:
            await self._take(list(pieces(body)))
        except CollabError as error:
            self.end(error)
            self.check()
        except BaseException as error:
            self.end(_blamed(error))
            self.check()
            raise
        finally:
            self._taken = None
            taken.set()
            self._awake.set()

    async def _take(self, pieces: list[tuple[bool, bytes]]) -> None:
        for more, piece in pieces:
            size = len(self._part) + len(piece)
            if size > self.peer.most_bytes(size, self.most):
                raise TooBig("A message is too big.", self.peer.too_big(self.most))
            if more or self._part:
                if reserve.short and size > LITTLE:
                    raise MemoryError
                self._part += piece
            if more:
                continue
            frame, self._part = bytes(self._part) or piece, bytearray()
            busy: Awaitable[None] | None = self.peer.receive(frame)
            await (busy if busy is not None else asyncio.sleep(0))
            self.spoke = time.monotonic() if self.peer.spoke else self.spoke
            if self.ended is not None:
                return

    def acknowledge(self, number: int) -> None:
        """The peer has all frames up to `number`. ProtocolError for those that never were,
        Conflict where more were acknowledged before."""
        if number > self.last:
            raise ProtocolError(f"Frame {number} has not been sent: the last one is {self.last}.")
        if number < self.acknowledged:
            raise Conflict(f"Frames up to {self.acknowledged} were acknowledged already.")
        self.acknowledged = number
        while self._unacknowledged and self._unacknowledged[0][0] <= number:
            self._held -= len(self._unacknowledged.popleft()[1])
        self._awake.set()

    def after(self, number: int) -> list[tuple[int, bytes]]:
        """The frames that follow one, with their numbers, as far as there are some by now."""
        if number == self.last and self._held < WINDOW and self.ended is None:
            try:
                for frame in self.peer.gather():
                    self.last += 1
                    self._held += len(frame)
                    self._unacknowledged.append((self.last, frame))
            except CollabError as error:
                self.end(error)
            except Exception as error:
                self.end(_blamed(error))
        return [one for one in self._unacknowledged if one[0] > number]

    def begin(self, patient: bool) -> Fetch:
        """Another request waits for frames: the one before is given up, its client has done so."""
        if self.fetch is not None:
            self.fetch.over = True
            self._awake.set()
        self.fetch = Fetch(patient)
        return self.fetch

    def done(self, fetch: Fetch) -> None:
        """It waits no longer."""
        fetch.over = True
        self.seen = time.monotonic()
        if self.fetch is fetch:
            self.fetch = None
        self._awake.set()

    async def more(self) -> None:
        """Returns when there may be more to say, or a fetch may be over."""
        self._awake.clear()
        await self._awake.wait()

    def look(self, now: float) -> bool:
        """Whether to keep it; ends what has taken too long."""
        fetch = self.fetch
        if fetch is not None and not fetch.patient and now - fetch.since > POLL:
            fetch.over = True
            self._awake.set()
        if self.spoke and self.peer.spoke:
            self.spoke = now
        elif self.ended is None:
            limit = "idle_seconds" if self.spoke else "first_message_seconds"
            if now - (self.spoke or self.peer.opened) > getattr(self.peer.hub.limits, limit):
                self.end(TimedOut(SILENT[limit]))
                self.peer.note(limit)
        if fetch is not None or now - self.seen <= ABSENT:
            return True
        if self.ended is None:
            self.peer.reason = "the peer asked for nothing any more"
            self.leave(clean=True)  # it had its time to come back
        return False


class Lines:
    """All virtual connections, by their ids."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._lines: dict[str, Line] = {}
        self._walking = False

    def add(self, line: Line) -> None:
        """One more, until it has gone."""
        self._lines[line.id] = line
        if not self._walking:
            self._walking = True
            self.hub.spawn(self._walk())

    def find(self, identity: str) -> Line:
        """Gone when there is none of that id."""
        line = self._lines.get(identity)
        if line is None:
            raise Gone("There is no such connection, or no more. Open a new one.")
        return line

    def remove(self, line: Line) -> None:
        """It was closed."""
        self._lines.pop(line.id, None)

    async def _walk(self) -> None:
        try:
            while self._lines:
                await asyncio.sleep(LOOK)
                now = time.monotonic()
                for line in list(self._lines.values()):
                    if not line.look(now):
                        self.remove(line)
        finally:
            self._walking = False


def _blamed(error: BaseException) -> CollabError:
    """What a peer is told of a fault that is not its own."""
    if isinstance(error, MemoryError):
        reserve.give()
        return Unavailable(NO_MEMORY)
    logger.error("a virtual connection: an error of ours", exc_info=error)
    return CollabError("Something went wrong on our side.")
