"""The documents that a peer of a shared socket asks for and does not have: refused, or not to be
opened just now. For `collab.shared`, which has the others.

What cannot be opened is tried again and again, and the peer waits: were its socket closed instead,
as for an error of its own, one document that is damaged would take all the others with it. Who is
refused may show another token, then or later. Whoever gets in at last is told everything then, for
its question was long ago.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from collab import wire
from collab.wire import AwarenessUpdate, QueryAwareness, SyncStep1, SyncUpdate

if TYPE_CHECKING:
    from collab.hub import Hub

FIRST, LAST = 1.0, 30.0  # seconds until it is tried again, at first and after some tries
EDIT = wire.encode(SyncUpdate(b""))[:2]
QUESTION = wire.encode(SyncStep1(b""))[:2]


def asks(frame: bytes) -> bool:
    """Whether it is a question for the whole document."""
    return frame.startswith(QUESTION)


def presence(frame: bytes) -> bool:
    """Whether it is about carets and nothing else: version 2 says that its own has gone after it
    left. ProtocolError when it is malformed."""
    return all(isinstance(said, AwarenessUpdate | QueryAwareness) for said in wire.decode(frame))


class Absent(dict[str, int]):
    """Addresses, and how many statuses the peer waits for at each."""

    def __init__(self, hub: "Hub", refuse: Callable[[str], None]) -> None:
        super().__init__()
        self._hub = hub
        self._refuse = refuse
        self._ended = False
        self._trying: dict[str, asyncio.Task[None]] = {}

    def met(self, address: str, frame: bytes) -> bool:
        """Whether a message is of no account: it is about carets alone, or the peer knows that it
        has no such document, and says so once more when it has."""
        if address not in self:
            return presence(frame)
        # The answer to its last question is the first that counts.
        self[address] = 1 if asks(frame) else self[address] + frame.startswith(EDIT)
        return True

    def later(self, address: str, work: Callable[[], Awaitable[bool]]) -> None:
        """Does `work` until it says that it is done, or the document is `found` otherwise."""
        self.give_up(address)
        if not self._ended:
            self._trying[address] = self._hub.spawn(_again_and_again(work))

    def edited(self, address: str) -> None:
        """The peer edits a document that it has not asked for. A provider that is made on an open
        socket, and typed into at once, does so, and says it once more when it is in: it is refused
        when it does not ask for FIRST seconds, or so many documents are waited for already."""

        async def late() -> bool:
            self.give_up(address)
            self._refuse(address)
            return True

        if address in self._trying:
            return
        if len(self._trying) < self._hub.limits.socket_documents:
            self.later(address, late)
        else:
            self._refuse(address)

    def found(self, address: str) -> int | None:
        """The peer has it, or wants it no more: the statuses, None if it was not here."""
        self.give_up(address)
        return self.pop(address, None)

    def end(self) -> None:
        """The peer has gone: nothing is done for it any more."""
        self._ended = True
        for address in list(self._trying):
            self.give_up(address)

    def give_up(self, address: str) -> None:
        """What was to be done later is not."""
        task = self._trying.pop(address, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()


async def _again_and_again(work: Callable[[], Awaitable[bool]]) -> None:
    rest = FIRST
    await asyncio.sleep(rest)
    while not await work():
        rest = min(2 * rest, LAST)
        await asyncio.sleep(rest)
