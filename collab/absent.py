"""The documents that a peer of a shared socket asks for and does not have: refused, or not to be
opened just now. For `collab.shared`, which has the others.

What cannot be opened is tried again and again, and the peer waits: were its socket closed instead,
as for an error of its own, one document that is damaged would take all the others with it. Who is
refused may show another token, then or later. Whoever gets in at last is told everything then, for
its question was long ago.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from collab import wire
from collab.wire import SyncStep1, SyncUpdate

FIRST, LAST = 1.0, 30.0  # seconds until it is tried again, at first and after some tries
EDIT = wire.encode(SyncUpdate(b""))[:2]
QUESTION = wire.encode(SyncStep1(b""))[:2]


def asks(frame: bytes) -> bool:
    """Whether it is a question for the whole document."""
    return frame.startswith(QUESTION)


class Absent(dict[str, int]):
    """Addresses, and how many statuses the peer waits for at each."""

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]) -> None:
        super().__init__()
        self._spawn = spawn
        self._trying: dict[str, asyncio.Task[None]] = {}

    def met(self, address: str, frame: bytes) -> bool:
        """Whether the peer knows that it has no such document: what it sends is of no account, for
        it says so once more when it has."""
        if address not in self:
            return False
        # The answer to its last question is the first that counts.
        self[address] = 1 if asks(frame) else self[address] + frame.startswith(EDIT)
        return True

    def later(self, address: str, work: Callable[[], Awaitable[bool]]) -> None:
        """Does `work` until it says that it is done, or the document is `found` otherwise."""
        self._give_up(address)
        self._trying[address] = self._spawn(_again_and_again(work))

    def found(self, address: str) -> int | None:
        """The peer has it, or wants it no more: the statuses, None if it was not here."""
        self._give_up(address)
        return self.pop(address, None)

    def end(self) -> None:
        """The peer has gone."""
        for address in list(self._trying):
            self._give_up(address)

    def _give_up(self, address: str) -> None:
        task = self._trying.pop(address, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()


async def _again_and_again(work: Callable[[], Awaitable[bool]]) -> None:
    rest = FIRST
    await asyncio.sleep(rest)
    while not await work():
        rest = min(2 * rest, LAST)
        await asyncio.sleep(rest)
