"""A document of a server in this program: an editor over WebSocket. Knows Tornado's client and
pycrdt; nothing of what the document is for.

`doc` is the document: it can be read, edited and observed from the start, connected or not. Edits
that are made while there is no connection go out with the next one: the server says what it has and
gets the rest, so that nothing is sent twice or left out. Only what the server says is on disk is
called saved.

pycrdt can be crashed by crafted updates. What comes is read by the same gate as a server's before
pycrdt sees it, which refuses what is malformed; a server that is believed has done so itself.
"""

import asyncio
import contextlib
import inspect
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from pycrdt import Doc, TransactionEvent
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from collab.client.presence import Others, announce
from collab.client.server import address, final, hung_up, messages, refused
from collab.errors import AccessDenied, CollabError, ProtocolError, Unauthenticated, Unavailable
from collab.state import Head
from collab.update import TRUSTED, read_state_vector, read_update
from collab.wire import (
    AwarenessUpdate,
    Denied,
    Message,
    Receipt,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    encode,
)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds before the next try; doubled each time
RENEWAL = 15.0  # seconds after which a presence is told again: others forget it after 30
PING, PATIENCE = 10.0, 10.0  # seconds between pings, and until an answer or a connection has come
GOODBYE = 2.0  # seconds in which a server may answer it
MAX_MESSAGE = 1 << 30  # bytes: a document comes in parts, each as large as the server likes

logger = logging.getLogger(__name__)

Token = str | Callable[[], str | Awaitable[str]]


class Client:
    """One document, from `start` (or `async with`) until `close`.

    `doc`      a pycrdt document
    `others`   client id -> presence of everybody else who is there
    `online`   whether the document and the server's are the same but for what is on its way
    `denied`   why edits are not kept: the document can only be read; None if they are
    `error`    what ended the client for good: nothing comes or goes any more; `doc` stays
    """

    def __init__(self, url: str, document: str, *, token: Token = "", **presence: Any) -> None:
        """`url` is a server's address, as one opens it in a browser; `token` or what it returns
        each time it is called is sent as a header; `presence` is what the others are shown, such as
        `user={"name": "Ann", "color": "#c33"}`. ValueError when `url` is no address."""
        self.doc: Doc[Any] = Doc()
        self.online = False
        self.denied: AccessDenied | None = None
        self.error: CollabError | None = None
        self._url = address(url, document)
        self._token = token
        self._renewed = False  # the token did not count, and a newer one was asked for
        self._others = Others(self.doc.client_id)
        self._presence = presence
        self._clock = 1  # of the presence: y-protocols ignores a first state of clock 0
        self._socket: WebSocketClientConnection | None = None
        self._answered = False  # the server has been sent all that it lacked
        self._edits = 0  # made here,
        self._durable = 0  # and so many of them are on the server's disk
        self._applying = False
        self._moved = asyncio.Event()
        self._leaving = asyncio.Event()
        self._watchers: list[Callable[[], None]] = []
        self._subscription = self.doc.observe(self._edited)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Client":
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def others(self) -> dict[int, dict[str, Any]]:
        return self._others.states

    def start(self) -> None:
        """Connects, again and again if need be. Does not wait for it: see `synced`."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Says goodbye. What is not saved by now is not sent: await `saved` before."""
        self._leaving.set()
        if self._socket is not None:
            self._say(AwarenessUpdate(announce(self.doc.client_id, self._clock + 1, None)))
            self._socket.close(1000)
        if self._task is not None:
            await asyncio.wait([self._task], timeout=GOODBYE)
            self._task.cancel()
            await asyncio.wait([self._task])
        self.doc.unobserve(self._subscription)

    async def synced(self) -> None:
        """Returns when `doc` has all that the server has. Raises what ended the client."""
        await self._until(lambda: self.online)

    async def saved(self) -> None:
        """Returns when all edits made so far are on the server's disk, however long the server is
        away. Raises AccessDenied when it does not take them, and what ended the client."""
        mine = self._edits
        self._ask()
        await self._until(lambda: self._durable >= mine, denied=True)

    async def ended(self) -> CollabError:
        """Returns when the client has ended for good, with the reason."""
        with contextlib.suppress(CollabError):
            await self._until(lambda: False)
        assert self.error is not None
        return self.error

    def present(self, **state: Any) -> None:
        """Shows the others these parts of the presence, such as `cursor=...`, beside those that
        were shown before; None takes one back."""
        changed = {**self._presence, **state}
        changed = {name: value for name, value in changed.items() if value is not None}
        if changed != self._presence:
            self._presence = changed
            self._announce()

    def watch(self, changed: Callable[[], None]) -> None:
        """`changed()` is called whenever `others`, `online`, `denied` or `error` has changed."""
        self._watchers.append(changed)

    async def _until(self, condition: Callable[[], bool], denied: bool = False) -> None:
        while not condition():
            if self.error is not None:
                raise self.error
            if denied and self.denied is not None:
                raise self.denied
            self._moved.clear()
            await self._moved.wait()

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while self.error is None and not self._leaving.is_set():
            try:
                await self._visit()
            except CollabError as error:
                self._judge(error)
            except Exception:
                logger.exception("an error of ours")
                self.error = Unavailable("Something went wrong in the client.")
            pause = FIRST_PAUSE if self.online else min(2 * pause, LONGEST_PAUSE)
            self._leave()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0 if self.error else pause * random.uniform(0.5, 1)):
                    await self._leaving.wait()

    def _judge(self, error: CollabError) -> None:
        """Whether that was the end. Who makes tokens is asked for a newer one, once."""
        if isinstance(error, Unauthenticated) and callable(self._token) and not self._renewed:
            self._renewed = True
        elif final(error):
            self.error = error

    def _leave(self) -> None:
        """There is no connection any more."""
        self._socket = None
        self.online = self._answered = False
        self._others.forget()
        self._tell()

    async def _visit(self) -> None:
        """One connection, from beginning to end; raises what ended it."""
        try:
            token = await self._bearer()
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            request = HTTPRequest(self._url, headers=headers, connect_timeout=PATIENCE)
            socket = await websocket_connect(
                request, ping_interval=PING, ping_timeout=PATIENCE, max_message_size=MAX_MESSAGE
            )
        except HTTPClientError as error:
            raise refused(error.code) from None
        except (OSError, WebSocketClosedError, StreamClosedError) as error:
            raise Unavailable(f"The server cannot be reached: {error}") from None
        renewal = asyncio.create_task(self._renew())
        stream = socket.protocol and socket.protocol.stream  # Tornado forgets it in close()
        try:
            if not self._leaving.is_set():
                await self._talk(socket)
        finally:
            renewal.cancel()
            socket.close()
            if stream:
                stream.close()

    async def _talk(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket
        self._say(SyncStep1(self.doc.get_state()))
        self._announce()
        while (frame := await socket.read_message()) is not None:
            if isinstance(frame, str):
                raise Unavailable("The server sends text frames: it is no Quire.")
            try:
                for message in messages(frame):
                    self._receive(message)
            except ProtocolError as error:  # the server's fault: another try may find it mended
                logger.warning("the server is not understood: %s", error)
                raise Unavailable(str(error)) from None
        raise hung_up(socket.close_code, socket.close_reason)

    async def _bearer(self) -> str:
        token = self._token() if callable(self._token) else self._token
        return await token if inspect.isawaitable(token) else token

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL)
            self._announce()

    def _receive(self, message: Message) -> None:
        match message:
            case SyncStep1(vector):
                self._say(SyncStep2(self.doc.get_update(vector)))
                self._answered = True
                self._ask()
            case SyncStep2(update):
                self._apply(update)
                self.online = True
                self._renewed = False
                self._tell()
            case SyncUpdate(update):
                self._apply(update)
            case AwarenessUpdate(update):
                if self._others.receive(update):
                    self._tell()
            case Receipt(version):
                self._durable = max(self._durable, version)
                if self._durable >= self._edits:
                    self.denied = None
                self._moved.set()
            case Denied(reason):
                self.denied = AccessDenied(reason)
                self._tell()

    def _apply(self, update: bytes) -> None:
        """ProtocolError when the update is malformed, or builds on what was never sent: pycrdt is
        not to be trusted with either."""
        head = Head(read_state_vector(self.doc.get_state()))
        if head.admit(read_update(update, TRUSTED), partial=False).missing:
            raise ProtocolError("An update does not connect to what came before.")
        self._applying = True
        try:
            self.doc.apply_update(update)
        except BaseException as error:  # pycrdt's PanicException is not an Exception
            self.error = Unavailable("The document cannot be followed: pycrdt dies of it.")
            raise self.error from error
        finally:
            self._applying = False

    def _edited(self, event: TransactionEvent) -> None:
        if self._applying:
            return
        self._edits += 1
        if self._answered:
            self._say(SyncUpdate(event.update))

    def _ask(self) -> None:
        """To be told when all is on disk that was sent so far."""
        if self._answered and self._durable < self._edits:
            self._say(Receipt(self._edits))

    def _announce(self) -> None:
        self._clock += 1
        self._say(AwarenessUpdate(announce(self.doc.client_id, self._clock, self._presence)))

    def _tell(self) -> None:
        self._moved.set()
        for changed in self._watchers:
            changed()

    def _say(self, message: Message) -> None:
        """Sends it, or loses it with the connection; the next one makes up for that."""
        if self._socket is not None:
            with contextlib.suppress(WebSocketClosedError, StreamClosedError):
                sent = asyncio.ensure_future(self._socket.write_message(encode(message), True))
                sent.add_done_callback(lambda future: future.cancelled() or future.exception())
