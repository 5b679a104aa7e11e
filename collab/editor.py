"""A document in this very program: an editor like any other, whose transport is a function call.

    async with hub.open("notes") as editor:
        editor.doc["content"] = pycrdt.Text()
        editor.doc["content"] += "Hello"
        await editor.saved()

It has a pycrdt document of its own, and everything that it writes goes through the gate, to disk
and to the other editors on the same path as what comes from a browser.

pycrdt (0.14.13) can be crashed or hung by crafted updates that a browser would merely ignore, and
some leave the memory of its process corrupt, so that it dies later, or never ends (`HANGS` in
tests/collab/test_editor.py). So a worker keeps a mirror of the document, and does first whatever
this process is about to do; when it dies, the editor is ended, and a row that is to blame goes into
quarantine (`collab.poison`). Yet what a worker has survived once it need not survive twice, and it
does not know the edits that are being made while it tries: open in-process only documents whose
editors you trust, or do the work in a program of its own.
"""

import asyncio
import contextlib
import itertools
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pycrdt import Doc, TransactionEvent

from collab.access import OURS
from collab.engine import Died
from collab.errors import AccessDenied, CollabError, Unavailable
from collab.poison import quarantine
from collab.session import Session
from collab.wire import Denied, Message, Receipt, SyncStep1, SyncStep2, SyncUpdate

if TYPE_CHECKING:
    from collab.hub import Hub

LOST = "lost"  # what a worker answers that knows no such mirror

logger = logging.getLogger(__name__)
_mirrors = itertools.count()


class Editor:
    """`doc` is the document: read it, edit it, observe it. It holds the whole document once
    `hub.open` has given it out, and follows what others do."""

    def __init__(self, hub: "Hub", author: str) -> None:
        self.doc: Doc[Any] = Doc()
        self._hub = hub
        self._author = author
        self._session: Session | None = None
        self._mirror = next(_mirrors)
        self._applying = False
        self._stirred = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._edits = 0
        self._durable = 0  # so many of them are on disk
        self._moved = asyncio.Event()
        self._error: CollabError | None = None
        self._subscription = self.doc.observe(self._edited)

    async def join(self, name: str) -> None:
        """Loads the document. Raises what `hub.join` raises, and Unavailable when no engine can
        open it."""
        ours = replace(OURS, name=self._author)
        session = self._session = await self._hub.join(name, self._stirred.set, ours)
        try:
            self._apply(await self._tried("mirror.open", session.room.state.encode()))
            session.receive(SyncStep1(self.doc.get_state()), time.time())
            await self._pump(session)
        except BaseException:
            self._end()
            raise
        self._following = self._hub.spawn(self._follow(session))

    def leave(self) -> None:
        """Lets go of the document."""
        self.doc.unobserve(self._subscription)
        if self._following is not None:
            self._following.cancel()
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
            self._stirred.set()
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

    async def _follow(self, session: Session) -> None:
        """Takes what others do, until the document or the editor ends."""
        try:
            while True:
                await self._stirred.wait()
                self._stirred.clear()
                await self._pump(session)
        except CollabError as error:
            self._error = error
        except Exception:
            logger.exception("document %r: an error of ours", session.room.name)
            self._error = Unavailable("The document cannot be followed. Open it anew.")
        finally:
            self._end()
            self._moved.set()
            with contextlib.suppress(CollabError, asyncio.CancelledError):
                await self._hub.mirrors.run("mirror.drop", self._mirror)

    async def _pump(self, session: Session) -> None:
        while (message := session.next_message()) is not None:
            await self._receive(session, message)
            self._moved.set()
        self._hub.touched(session.room)

    async def _tried(self, job: str, update: bytes) -> Any:
        """What a worker says to an update before it is applied here. Unavailable when it died."""
        try:
            return await self._hub.mirrors.run(job, self._mirror, update)
        except Died:
            assert self._session is not None
            row = await quarantine(self._hub, self._session.room.name)
            if row is None:
                raise
            raise Unavailable(f"Edit {row.seq} is in quarantine: pycrdt dies of it.") from None

    async def _follow_news(self, update: bytes) -> None:
        """Applies news once a worker has done the same without harm."""
        wrong = await self._tried("mirror.apply", update)
        if wrong == LOST:  # with another editor's document, of which the worker died
            await self._tried("mirror.open", self.doc.get_update())
            wrong = await self._tried("mirror.apply", update)
        if wrong:
            raise _unfollowable(wrong)
        self._apply(update)

    def _apply(self, update: bytes) -> None:
        self._applying = True
        try:
            self.doc.apply_update(update)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # pycrdt's PanicException is not an Exception
            raise _unfollowable(type(error).__name__) from None
        finally:
            self._applying = False

    async def _receive(self, session: Session, message: Message) -> None:
        match message:
            case SyncStep1(vector):
                session.receive(SyncStep2(self.doc.get_update(vector)), time.time())
            case SyncStep2(update) | SyncUpdate(update):
                await self._follow_news(update)
            case Receipt(version):
                self._durable = version
            case Denied(reason):
                self._error = AccessDenied(reason)


def _unfollowable(error: str) -> Unavailable:
    logger.warning("document cannot be followed: %s", error)
    return Unavailable("The document cannot be followed in-process. Open it anew.")
