"""One document of a socket that carries several: a connection whose frames have an address.

Knows how providers of Hocuspocus count what is on disk; `collab.shared` knows who opens which.
"""

from typing import TYPE_CHECKING

from collab import hocuspocus, wire
from collab.access import Level
from collab.connection import Connection
from collab.rates import Pace
from collab.session import Session
from collab.wire import Denied, Message, Receipt, SyncStep1, SyncStep2, SyncUpdate

if TYPE_CHECKING:
    from collab.hub import Hub


class AddressedConnection(Connection):
    """Takes frames without their address, says them with it, and a status for each edit."""

    __slots__ = ("_awaited", "_owed", "_taken", "_told", "_writes", "address", "prefix", "version")

    def __init__(
        self, hub: "Hub", session: Session, address: str, version: str, pace: Pace
    ) -> None:
        super().__init__(hub, session, pace)
        self.address = address
        self.version = version
        self.prefix = hocuspocus.prefix(address)
        session.ask(now=False)
        self._awaited = False  # whether the peer counts its next SyncStep2
        self._taken = 0  # edits that came in,
        self._told = 0  # of which so many are on disk, and the peer was told, or is about to be:
        self._owed = 0  # so many statuses
        self._writes: bool | None = None  # as the peer was told

    @property
    def unheard(self) -> int:
        """How many statuses the peer waits for."""
        return self._taken - self._told + self._owed + self._awaited

    def resume(self, statuses: int) -> None:
        """The peer waits for so many since a question that it asked before the document was open:
        it is told everything, and its answer to ours has all that it sent."""
        self.session.receive(SyncStep1(b"\x00"), 0)
        self.session.ask()
        self._taken = statuses
        if statuses:
            self.session.receive(Receipt(statuses), 0)

    def welcome(self) -> None:
        """The peer hears once more what it may do."""
        self._writes = None

    def next_frame(self) -> bytes | None:
        writes = self.session.grant.level >= Level.WRITE
        if self.ended is None and writes != self._writes:
            self._writes = writes
            return hocuspocus.let_in(self.address, writes)
        if self._owed and self.ended is None:
            self._owed -= 1
            return hocuspocus.status(self.address, saved=True)
        return super().next_frame()

    def _took(self, message: Message) -> None:
        """The peer counts what it has not heard of: one status for each edit, saved or not. With
        each question it begins anew, with one for the answer to the question that it expects. What
        it answers when we ask on our own it does not count: a status for that would be taken for
        one of an edit that is not on disk."""
        if isinstance(message, SyncStep1):
            self._told, self._owed, self._awaited = self._taken, 0, True
            self.session.ask()
        elif isinstance(message, SyncUpdate) or (isinstance(message, SyncStep2) and self._awaited):
            self._awaited = self._awaited and isinstance(message, SyncUpdate)
            self._taken += 1
            self.session.receive(Receipt(self._taken), 0)

    def _encode(self, message: Message) -> bytes | None:
        match message:
            case Receipt(version):
                self._owed += max(0, version - self._told)
                self._told = max(version, self._told)
                return self.next_frame() if self._owed else None
            case Denied():
                return hocuspocus.status(self.address, saved=False)
        return self.prefix + wire.encode(message)
