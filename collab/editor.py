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
import time
from typing import TYPE_CHECKING, Any

from pycrdt import Doc, TransactionEvent

from collab.errors import AccessDenied, CollabError
from collab.session import Session
from collab.wire import Denied, Message, Receipt, SyncStep1, SyncStep2, SyncUpdate

if TYPE_CHECKING:
    from collab.hub import Hub


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
            await self._hub.engine.run("check", session.room.state.encode())
        except BaseException:
            self._hub.leave(session, clean=True)
            raise
        self._session = session
        session.receive(SyncStep1(self.doc.get_state()), time.time())
        self._pump()

    def leave(self) -> None:
        """Lets go of the document."""
        self.doc.unobserve(self._subscription)
        if self._session is not None:
            self._hub.leave(self._session, clean=True)

    async def saved(self) -> None:
        """Returns when all edits made so far are on disk. Raises AccessDenied when the document
        can only be read, and what ended the document if that has happened."""
        assert self._session is not None
        mine = self._edits
        if self._durable < mine:
            self._session.receive(Receipt(mine), time.time())
            self._pump()
        while self._durable < mine:
            if self._error is not None:
                raise self._error
            self._moved.clear()
            await self._moved.wait()

    def _edited(self, event: TransactionEvent) -> None:
        if not self._applying and self._session is not None:
            self._edits += 1
            self._session.receive(SyncUpdate(event.update), time.time())
            self._hub.touched(self._session.room)

    def _wake(self) -> None:
        # Not at once: the hub wakes us in the middle of its own work.
        if not self._waking:
            self._waking = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._waking = False
        if self._session is None:
            return  # still being checked
        try:
            while (message := self._session.next_message()) is not None:
                self._receive(self._session, message)
        except CollabError as error:
            self._error = error
        self._hub.touched(self._session.room)
        self._moved.set()

    def _receive(self, session: Session, message: Message) -> None:
        match message:
            case SyncStep1(vector):
                session.receive(SyncStep2(self.doc.get_update(vector)), time.time())
            case SyncStep2(update) | SyncUpdate(update):
                self._applying = True
                try:
                    self.doc.apply_update(update)
                finally:
                    self._applying = False
            case Receipt(version):
                self._durable = version
            case Denied(reason):
                self._error = AccessDenied(reason)
