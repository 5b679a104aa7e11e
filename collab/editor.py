"""A document in this very program: an editor like any other, whose transport is a function call.

    async with hub.open("notes") as editor:
        editor.doc["content"] = pycrdt.Text()
        editor.doc["content"] += "Hello"
        await editor.saved()

It has a pycrdt document of its own, and everything that it writes goes through the gate, to disk
and to the other editors on the same path as what comes from a browser.

pycrdt can be crashed by crafted updates that a browser would merely ignore (see `collab.engine`).
Before a document is opened here, a worker has to open it first; yet open in-process only documents
whose editors you trust, or do the work in a program of its own.
"""

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from pycrdt import Doc, TransactionEvent

from collab.errors import AccessDenied, CollabError, Unavailable
from collab.session import Session
from collab.wire import Denied, Message, Receipt, SyncStep1, SyncStep2, SyncUpdate

if TYPE_CHECKING:
    from collab.hub import Hub

logger = logging.getLogger(__name__)


class Editor:
    """`doc` is the document: read it, edit it, observe it. It holds the whole document once
    `hub.open` has given it out, and follows what others do."""

    def __init__(self, hub: "Hub", author: str) -> None:
        self.doc: Doc[Any] = Doc()
        self._hub = hub
        self._author = author
        self._session: Session | None = None
        self._applying = False
        self._waking = False
        self._edits = 0
        self._durable = 0  # so many of them are on disk
        self._moved = asyncio.Event()
        self._error: CollabError | None = None
        self._subscription = self.doc.observe(self._edited)

    async def join(self, name: str) -> None:
        """Loads the document. Raises what `hub.join` raises, and Unavailable when no engine can
        open it."""
        session = await self._hub.join(name, self._wake, self._author)
        try:
            self._apply(await self._hub.engine.run("check", session.room.state.encode()))
        except BaseException:
            self._hub.leave(session, clean=True)
            raise
        self._session = session
        session.receive(SyncStep1(self.doc.get_state()), time.time())
        self._pump()

    def leave(self) -> None:
        """Lets go of the document."""
        self.doc.unobserve(self._subscription)
        self._end()

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._hub.leave(session, clean=True)

    async def saved(self) -> None:
        """Returns when all edits made so far are on disk. Raises AccessDenied when the document
        can only be read, and what ended the document if that has happened."""
        mine = self._edits
        if self._durable < mine and self._session is not None:
            self._session.receive(Receipt(mine), time.time())
            self._pump()
        while self._durable < mine:
            if self._error is not None:
                raise self._error
            self._moved.clear()
            await self._moved.wait()

    def _edited(self, event: TransactionEvent) -> None:
        if self._applying:
            return
        self._edits += 1
        if self._session is not None:
            self._session.receive(SyncUpdate(event.update), time.time())
            self._hub.touched(self._session.room)

    def _wake(self) -> None:
        # Not at once: the hub wakes us in the middle of its own work.
        if not self._waking:
            self._waking = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._waking = False
        session = self._session
        if session is None:
            return  # still being checked, or ended
        try:
            while (message := session.next_message()) is not None:
                self._receive(session, message)
            self._hub.touched(session.room)
        except CollabError as error:
            self._error = error
            self._end()
        self._moved.set()

    def _apply(self, update: bytes) -> None:
        self._applying = True
        try:
            self.doc.apply_update(update)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # pycrdt's PanicException is not an Exception
            logger.warning("document cannot be followed: %s", type(error).__name__)
            raise Unavailable("The document cannot be followed in-process. Open it anew.") from None
        finally:
            self._applying = False

    def _receive(self, session: Session, message: Message) -> None:
        match message:
            case SyncStep1(vector):
                session.receive(SyncStep2(self.doc.get_update(vector)), time.time())
            case SyncStep2(update) | SyncUpdate(update):
                self._apply(update)
            case Receipt(version):
                self._durable = version
            case Denied(reason):
                self._error = AccessDenied(reason)
