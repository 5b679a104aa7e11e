"""A file on disk and a document, kept equal both ways, whoever edits which, and when.

`Copy` is the document as the file has it: what was last agreed on. What is in the file and not in
the copy was written there; it is made an edit of the copy, and so merges with what others have
written meanwhile. Then the file gets what the document has. What was agreed on is remembered on
disk (`disk.Memory`), so that this is as true after a pause or a crash:

- An edit made in the file is remembered before it is sent. Done again after a crash it would be a
  second one; remembered it is the same, and the server takes it once.
- What goes into the file is remembered, beside what was there, before it is written. After a crash
  the file has the one or the other; if it has been edited since, it is like one of them.

A write of our own is no edit: the file has the copy's text then. A file that is gone, or is no text
any more, is no edit either: nobody empties a document by that. An editor that writes into the file
while we replace it writes into what was replaced: that is looked at once more, a little later.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout
from pycrdt import TransactionEvent
from watchfiles import awatch

from collab.changes import changes
from collab.client import disk
from collab.client.copy import EMPTY, Copy, Reading, seed, text_root
from collab.client.remote import Client
from collab.errors import Conflict

CALM = 0.1  # seconds in which nobody writes to the file before it is read,
DOUBT = 1.0  # and if it is empty or gone: many editors empty a file, or rename, as they save
GATHER = 0.2  # seconds of others' edits that come into the file together
TICK = 2.0  # seconds after which it is looked at the file, whatever the watcher says
NOTHING = b"\0\0"  # the update of an empty document
GOODBYE = 10.0  # seconds in which the last edits have to be on the server's disk


class Mirror:
    """`run` it until it is cancelled. `warn` is given sentences for whoever looks; `mirrored` says
    which text of which document it is; the client is the mirror's own, and not started yet."""

    def __init__(
        self, client: Client, path: Path, root: str, mirrored: str, warn: Callable[[str], None]
    ) -> None:
        self._client = client
        self._doc = client.doc
        self._path = path.resolve()  # a link stays one
        self._root = root
        self._warn = warn
        self._warned: dict[str, str] = {}  # what is wrong now, and was said
        self._memory = disk.Memory(self._path, mirrored)
        self._stirred = asyncio.Event()
        self._known: tuple[int, ...] | None = None  # the file's signature when it was last read
        self._existed = False  # the file
        self._replaced: list[tuple[BinaryIO, bytes, bytes]] = []

    async def run(self) -> None:
        """Keeps both equal. Raises Conflict when they cannot be, or the file is gone; what ended
        the client; OSError when the file cannot be read. When it is cancelled, what is in the file
        by then still gets to the server, if it can be reached."""
        lock = FileLock(self._memory.path.with_name(f"{self._memory.path.name}.lock"), timeout=0)
        try:
            with lock:
                try:
                    await self._run()
                finally:
                    await self._client.close()
        except Timeout:
            raise Conflict(f"{self._path} is mirrored already.") from None

    async def _run(self) -> None:
        disk.signature(self._path)
        self._memory.load()
        data = disk.read(self._path)
        self._existed = data is not None
        if data is not None and not self._memory.states:
            self._memory.form = disk.Form.of(data)
        for state in self._memory.states:
            self._doc.apply_update(state)
        subscription = self._doc.observe(self._on_update)
        self._client.watch(self._stirred.set)
        self._client.start()
        over = asyncio.Event()
        watching = asyncio.create_task(self._watch(over))
        try:
            await self._begin(data)
            await self._follow()
        finally:
            over.set()
            await watching
            with contextlib.suppress(OSError):
                self._look_back(len(self._replaced))
            self._doc.unobserve(subscription)

    async def _begin(self, data: bytes | None) -> None:
        """Finds the copy that the file is like."""
        try:
            text = "" if data is None else self._memory.form.read(data)
        except UnicodeDecodeError:
            raise Conflict(f"{self._path} is not UTF-8.") from None
        if states := self._memory.states:
            self._content = text_root(self._doc, self._root)
            copies = [Copy(state, self._root) for state in states]
            self._copy = min(copies, key=lambda copy: _distance(copy.text, text))
            return
        await self._come()
        self._content = text_root(self._doc, self._root)
        if text and self._doc.get_state() == EMPTY:
            self._doc.apply_update(seed(self._root, text))
        theirs = Reading(self._content).text
        if text and theirs and text != theirs:
            raise Conflict(
                f"{self._path} and the document have different texts, and it is not known what "
                "they had in common. Move the file away to begin with what the document has."
            )
        self._copy = Copy(self._doc.get_update() if text else NOTHING, self._root)
        self._memory.save(self._copy.doc.get_update())

    async def _come(self) -> None:
        """The document is here for the first time."""
        try:
            async with asyncio.timeout(TICK):
                await self._client.synced()
        except TimeoutError:
            self._say("server", "The server cannot be reached yet.")
            await self._client.synced()

    async def _follow(self) -> None:
        try:
            while self._client.error is None:
                self._stirred.clear()
                await self._settle()
                self._try()
                self._tell_rights()
                await self._wait()
        except asyncio.CancelledError:
            await self._finish()
            raise
        raise self._client.error

    async def _wait(self) -> None:
        """Until something has happened, or it is time to look."""
        try:
            async with asyncio.timeout(TICK):
                await self._stirred.wait()
        except TimeoutError:
            if not self._client.online:
                told = "The server cannot be reached; what you write is sent when it can be."
                self._say("server", told)
        else:
            self._warned.pop("server", None)
            await asyncio.sleep(GATHER)

    async def _settle(self) -> None:
        """Waits until nobody writes to the file. Conflict when it is gone."""
        before = disk.signature(self._path)
        if before is not None and before == self._known:
            return
        while True:
            empty = before is None or before[1] == 0
            await asyncio.sleep(DOUBT if empty and self._copy.text else CALM)
            now = disk.signature(self._path)
            if now == before:
                break
            before = now
        if now is None and self._existed:
            raise Conflict(f"{self._path} is gone. The document stays as it is.")

    def _try(self) -> None:
        """A step, or what is in its way."""
        try:
            self._step()
        except OSError as error:
            where = error.filename or self._path
            self._say("file", f"{where}: {error.strerror}. It is tried again.")
        except UnicodeDecodeError:
            self._say("file", f"{self._path} is not UTF-8 now: it is left alone until it is.")
        except disk.Changed:
            self._stirred.set()
        else:
            self._warned.pop("file", None)

    def _step(self) -> None:
        """Once: what is new in the file goes to the document, and the other way round."""
        known = disk.signature(self._path)
        data = disk.read(self._path)
        if data is not None:
            self._take(self._copy, self._memory.form.read(data))
        self._known = known
        if data is None or Reading(self._content).text != self._copy.text:
            self._write(data)

    def _take(self, copy: Copy, text: str, *beside: bytes) -> None:
        """Somebody has written `text` where a copy was: into the file, unless there is another
        state beside, which it has."""
        before = copy.doc.get_update()
        updates = copy.edit(list(changes(copy.text, text)))
        if not updates:
            return
        try:
            self._memory.save(copy.doc.get_update(), *beside)
        except OSError:  # as if nothing had been read: it must not be sent before
            if copy is self._copy:
                self._copy = Copy(before, self._root)
            raise
        for update in updates:
            self._doc.apply_update(update)

    def _write(self, data: bytes | None) -> None:
        """Puts what the document has into the file, in which `data` was read."""
        before, after = self._copy.doc.get_update(), self._doc.get_update()
        self._memory.save(before, after)
        text = Reading(self._content).text
        old = disk.exchange(self._path, data, self._memory.form.write(text))
        self._existed = True
        self._copy.follow(after)
        self._known = disk.signature(self._path)
        if old is not None and data is not None:
            self._replaced.append((old, data, before))
            asyncio.get_running_loop().call_later(DOUBT, self._look_back, 1)

    def _look_back(self, count: int) -> None:
        """Whether anybody has written into what was replaced since."""
        for old, data, state in self._replaced[:count]:
            with old:
                old.seek(0)
                late = old.read()
            if late not in (data, b""):
                with contextlib.suppress(UnicodeDecodeError):
                    text = self._memory.form.read(late)
                    self._take(Copy(state, self._root), text, self._copy.doc.get_update())
        del self._replaced[:count]

    async def _finish(self) -> None:
        """The last look, and the last word of the server."""
        with contextlib.suppress(OSError, UnicodeDecodeError, Conflict):
            self._look_back(len(self._replaced))
            async with asyncio.timeout(2 * DOUBT):  # who writes for longer is heard the next time
                await self._settle()
            if data := disk.read(self._path):
                self._take(self._copy, self._memory.form.read(data))
        try:
            async with asyncio.timeout(GOODBYE):
                await self._client.saved()
        except TimeoutError:
            self._warn("The server cannot be reached: the last edits are sent the next time.")

    async def _watch(self, over: asyncio.Event) -> None:
        """Looks where the file is, for editors that save by rename make a new one."""

        def ours(_: object, path: str) -> bool:
            return Path(path).name == self._path.name

        try:
            async for _ in awatch(
                self._path.parent, watch_filter=ours, recursive=False, step=20, stop_event=over
            ):
                self._stirred.set()
        except (OSError, RuntimeError) as error:
            self._warn(f"The system does not tell of changes, so that they take longer: {error}")

    def _on_update(self, event: TransactionEvent) -> None:
        self._stirred.set()

    def _tell_rights(self) -> None:
        if self._client.denied is None:
            self._warned.pop("rights", None)
        else:
            self._say("rights", f"{self._path} is not sent: {self._client.denied}")

    def _say(self, about: str, sentence: str) -> None:
        """Once, as long as it is so."""
        if self._warned.get(about) != sentence:
            self._warned[about] = sentence
            self._warn(sentence)


def _distance(one: str, other: str) -> int:
    """How many characters two texts do not share."""
    return sum(end - start + len(words) for start, end, words in changes(one, other))
