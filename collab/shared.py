"""One peer with several documents on one socket, as Hocuspocus' providers have it.

To the transport it is a connection like `collab.connection.Connection`. Each document has a session
and a connection of its own, which knows the peer's messages by their address; here is what belongs
to the socket: who opens which document, by which token, and in which turn they are told.

A token is in a message, and the next message is not read before the door has answered. Without one
a provider begins with its question, and is let in by what its socket showed, if at all. Who is
refused, or has to wait: `collab.absent`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from collab import hocuspocus, versions
from collab.absent import Absent, asks
from collab.access import Credentials, Level, needed
from collab.addressed import AddressedConnection
from collab.connection import rested
from collab.errors import (
    AccessDenied,
    BadName,
    CollabError,
    NotFound,
    ProtocolError,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from collab.hocuspocus import Leave, Stateless, Token
from collab.rates import Pace
from collab.session import Session

if TYPE_CHECKING:
    from collab.hub import Hub

TIPTAP = "notoken"  # what TiptapCollabProvider sends that has no token,
NO_TOKEN = ("", TIPTAP)  # and what others do
UNREAD = 1_000  # frames about documents that a peer may leave unread
NOT_OPEN = "This document is not open here: send its token first."


class SharedConnection:
    """`credentials` are what the socket showed; `on_left` hears of sessions closed before that."""

    def __init__(
        self,
        hub: "Hub",
        wake: Callable[[], None],
        credentials: Credentials,
        on_left: Callable[[Session], None],
    ) -> None:
        self.hub = hub
        self.documents: dict[str, AddressedConnection] = {}  # by their addresses
        self.ended: CollabError | None = None
        self._wake = wake
        self._credentials = credentials
        self._on_left = on_left
        self._ready: dict[str, AddressedConnection] = {}  # that may have something to say, in turn
        self._said: deque[bytes] = deque()  # about documents: goes first
        self._absent = Absent(hub, self._refuse)
        self._heard = asyncio.Event()  # of what is said about documents, something was taken
        self._aside = versions.Aside(hub)
        self._gone = False
        self._pace = Pace(hub.limits)

    @property
    def sessions(self) -> Sequence[Session]:
        """Those that are open."""
        return [document.session for document in self.documents.values()]

    def most_bytes(self, size: int, most: int) -> tuple[int, str]:
        """As `Connection.most_bytes`: what the document allows that allows the most."""
        nobody = self.hub.limits.unauthenticated_bytes, "unauthenticated_bytes"
        each = (document.most_bytes(size, most) for document in self.documents.values())
        return max(each, default=nobody)

    def hit(self, limit: str) -> None:
        """The peer has hit a limit."""
        self.hub.hit_from(self._credentials.address, limit)

    def receive(self, frame: bytes) -> Awaitable[None] | None:
        """As `Connection.receive`."""
        address, said = hocuspocus.split(frame)
        message = hocuspocus.decode(said)
        document = self.documents.get(address)
        if message is None and document is not None:
            return self._pass_on(document, said)
        if message is not None:
            busy = self._take(address, document, message)
        else:
            busy = self._met(address, said)
        rest, limit = self._pace.beside(len(frame), time.monotonic())
        return self._slowly(busy, rest, limit) if rest > 0 else busy

    async def _slowly(self, busy: Awaitable[None] | None, rest: float, limit: str) -> None:
        if self._pace.first(limit):
            self.hit(limit)
        if busy is not None:
            await busy
        await rested(self.hub, rest)

    def _met(self, address: str, frame: bytes) -> Awaitable[None] | None:
        """About a document that is not open. A question opens it: who has no token begins so."""
        if not self._absent.met(address, frame):
            if asks(frame):
                return self._open(address, Token("", ""), frame)
            self._absent.edited(address)
        return None

    def next_frame(self) -> bytes | None:
        """As `Connection.next_frame`."""
        while self.ended is None:
            if self._said:
                self._heard.set()
                return self._said.popleft()
            self._aside.taken()
            if not self._ready:
                return None
            address, document = next(iter(self._ready.items()))
            del self._ready[address]
            try:
                frame = document.next_frame()
            except CollabError as error:
                self._drop(document, error)
                continue
            if frame is not None:
                self._ready[address] = document  # behind the others
                return frame
        raise self.ended

    def leave(self, clean: bool) -> None:
        """The peer has gone; `clean` when it said goodbye."""
        self._gone = True
        self._heard.set()
        self._aside.taken()
        self._absent.end()
        documents, self.documents = self.documents, {}
        self._ready.clear()
        for document in documents.values():
            document.leave(clean)

    def _take(
        self, address: str, document: AddressedConnection | None, message: hocuspocus.Message
    ) -> Awaitable[None] | None:
        level = document.session.grant.level if document is not None else Level.NONE
        match message:
            case _ if level < needed(message):
                self._refuse(address)
            case Token():
                return self._renew(document, message) if document else self._open(address, message)
            case Leave():
                if document is not None:
                    self._close(document)
                    self._wake()  # nothing is said, but no document may be open any more
                self._absent.found(address)
            case Stateless(text) if document is not None:
                return self._answer(document, text)
        return None

    async def _answer(self, document: AddressedConnection, text: str) -> None:
        """A question about versions. Answers may be large: the next one waits for the peer."""
        while self._said and not self._gone and self.ended is None:
            self._heard.clear()
            await self._heard.wait()
        if document not in self.documents.values():  # closed meanwhile: it may ask nothing more
            return
        for said in await versions.answer(self.hub, document.session, text):
            if self.documents.get(document.address) is document:
                self._say(hocuspocus.stateless(document.address, said))
                self._aside.sent(len(said))

    def _pass_on(self, document: AddressedConnection, frame: bytes) -> Awaitable[None] | None:
        try:
            busy = document.receive(frame)
        except CollabError as error:
            self._drop(document, error)
            return None
        return self._wait(document, busy) if busy is not None else None

    async def _wait(self, document: AddressedConnection, busy: Awaitable[None]) -> None:
        try:
            await busy
        except CollabError as error:
            self._drop(document, error)

    async def _open(self, address: str, token: Token, frame: bytes = b"") -> None:
        """Lets the peer into a document, if the door does, and passes on what it said first."""
        self._absent.give_up(address)
        if len({*self.documents, *self._absent, address}) > self.hub.limits.socket_documents:
            self.hit("socket_documents")
            self._say(hocuspocus.refused(address, "Too many documents on one connection."))
        elif not await self._opened(address, token):
            self._absent.setdefault(address, int(asks(frame)))
            self._absent.later(address, lambda: self._opened(address, token))
        elif frame and (document := self.documents.get(address)) is not None:
            await (self._pass_on(document, frame) or asyncio.sleep(0))

    async def _opened(self, address: str, token: Token) -> bool:
        """Whether it is settled that the peer is in a document, or is refused; else try again."""
        try:
            document = await self._join(address, token)
        except (Unauthenticated, AccessDenied, BadName, NotFound) as error:
            self._absent.setdefault(address, 0)
            self._say(hocuspocus.refused(address, str(error)))
            return True
        except Unavailable:
            return False
        except CollabError as error:
            self._fail(error)
            return True
        if self._gone or address in self.documents:
            document.leave(clean=False)
        else:
            self.documents[address] = document
            if (statuses := self._absent.found(address)) is not None:
                document.resume(statuses)
            self._woke(address)
        return True

    async def _join(self, address: str, token: Token) -> AddressedConnection:
        credentials, name = self._shown(token), hocuspocus.name_in(address)
        key, grant = await self.hub.door.admit(credentials, name, Level.READ)
        session = await self.hub.join(key, lambda: self._woke(address), grant, credentials)
        if token.token == TIPTAP and grant.level >= Level.WRITE:
            self.hub.spawn(self.hub.lists.begin(key))
        return AddressedConnection(self.hub, session, address, token.version, self._pace)

    async def _renew(self, document: AddressedConnection, token: Token) -> None:
        """A newer token, or a worse one, for a document that is open."""
        credentials = self._shown(token)
        try:
            await self.hub.door.admit(credentials, hocuspocus.name_in(document.address), Level.READ)
        except (Unauthenticated, AccessDenied) as error:
            self._drop(document, error)
            return
        await self.hub.door.show(document.session, credentials)
        document.welcome()
        self._woke(document.address)

    def _shown(self, token: Token) -> Credentials:
        shown = self._credentials
        return shown if token.token in NO_TOKEN else shown._replace(token=token.token)

    def _refuse(self, address: str) -> None:
        self._say(hocuspocus.refused(address, NOT_OPEN))

    def _say(self, frame: bytes) -> None:
        if len(self._said) >= UNREAD:
            self._fail(TooMany("You ask without reading the answers."))
        self._said.append(frame)
        self._wake()

    def _woke(self, address: str) -> None:
        """A document may have something to say, or has to go."""
        document = self.documents.get(address)
        if document is None:
            return  # it is being opened
        if document.ended is not None:
            self._drop(document, document.ended)
        else:
            self._ready[address] = document
            self._wake()

    def _drop(self, document: AddressedConnection, error: CollabError) -> None:
        """A document has to be closed. The socket, too, where its provider does not know the word,
        or should come back: it does when the socket closes. Not for who may not be there any more:
        version 2 would never come back, to its other documents neither. It is told, and asked for a
        token that counts, which it has if it is new enough to understand."""
        if self.documents.get(document.address) is not document:
            return
        if isinstance(error, Unauthenticated | AccessDenied):
            self._close(document)
            self._absent[document.address] = document.unheard
            self._say(hocuspocus.refused(document.address, str(error)))
            if isinstance(error, Unauthenticated):
                self._say(hocuspocus.token_wanted(document.address))
            return
        for_good = 4400 <= error.close_code < 4500
        if isinstance(error, ProtocolError) or not (document.version and for_good):
            self._fail(error)
        else:
            self._close(document)
            self._say(hocuspocus.closed(document.address, str(error)))

    def _close(self, document: AddressedConnection) -> None:
        del self.documents[document.address]
        self._ready.pop(document.address, None)
        self._on_left(document.session)
        document.leave(clean=True)

    def _fail(self, error: CollabError) -> None:
        if self.ended is None:
            self.ended = error
            self._heard.set()
            self._wake()
