"""Files that an editor has open, each a document of a server: between JSON-RPC and `Client`.
Knows the messages of the Teamtype protocol and no transport.

`receive` takes a message of the editor's; what there is to say to it is given to `say`. "open" is
answered once the document is here, or soon: some editors stand still until then, and a server may
be out of reach for days. Everything else is answered at once, and in order: editors need not wait.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from collab.client.remote import Client
from collab.client.sharing import Message, Shared
from collab.errors import CollabError, Conflict, ProtocolError, Unavailable

METHODS = ("open", "edit", "cursor", "close")
UNKNOWN, MALFORMED = -32601, -32600  # as JSON-RPC has them
MARKS = (".quire", ".teamtype", ".ethersync")  # folders that mark the one they are in
SOON = 0.5  # seconds in which "open" is answered

logger = logging.getLogger(__name__)


def marked(folder: Path) -> Path:
    """The nearest folder, from this one upwards, that is marked; this one if none is. Editors find
    it in the same way, but do not all start us there."""
    for around in (folder, *folder.parents):
        if any(os.path.isdir(around / mark) for mark in MARKS):
            return around
    return folder


class Bridge:
    """All files of one editor. `document` is the one that a file is; if it ends in a slash, every
    file of `folder` is one: that, and its path from there, links followed. `connect` makes a Client
    for a name; `warn` is given sentences for whoever looks."""

    def __init__(
        self,
        document: str,
        root: str,
        folder: Path,
        connect: Callable[[str], Client],
        say: Callable[[Message], None],
        warn: Callable[[str], None],
    ) -> None:
        self._document = document
        self._root = root
        self._folder = folder
        self._connect = connect
        self._say = say
        self._warn = warn
        self.lost = False  # something that was written is not on the server's disk
        self._files: dict[str, Shared] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def receive(self, message: object) -> None:
        """Takes one message of the editor's."""
        if not isinstance(message, dict):
            self._refuse(None, MALFORMED, "A message is a JSON object.")
            return
        request, method, params = message.get("id"), message.get("method"), message.get("params")
        if method not in METHODS:
            if method is not None:
                self._refuse(request, UNKNOWN, f"The methods are {', '.join(METHODS)}.")
            return
        if not isinstance(params, dict) or not isinstance(uri := params.get("uri"), str):
            self._refuse(request, MALFORMED, "The message names no file.")
            return
        try:
            self._do(method, uri, params, request)
        except CollabError as error:
            if request is None or method == "open":  # few editors show why it is refused
                self._warn(f"{uri}: {error}")
            if request is not None:
                self._refuse(request, -error.close_code, str(error))

    async def close(self) -> None:
        """The editor has gone. Returns when all it wrote is on the server's disk, or cannot be."""
        for uri in [*self._files]:
            self._close(uri)
        while self._closing:
            await asyncio.wait(self._closing)

    def _do(self, method: str, uri: str, params: Message, request: object) -> None:
        if method == "open":
            self._close(uri)
            opened = self._files[uri] = self._shared(uri, params.get("content"))
            opened.opening = asyncio.create_task(self._open(opened, request))
            return
        if method == "close":
            self._close(uri)
        elif (shared := self._files.get(uri)) is None:
            if method == "edit":  # whose caret is there, nobody sees
                raise Conflict("The file is not open.")
        elif method == "edit":
            shared.edit(params)
        else:
            shared.cursor(params)
        self._answer(request)

    def _shared(self, uri: str, content: object) -> Shared:
        if not isinstance(content, str):
            raise ProtocolError("The message does not say what is in the file.")
        client = self._connect(self._name(uri))
        shared = Shared(uri, content, client, self._root, self._say)
        client.start()
        return shared

    async def _open(self, shared: Shared, request: object) -> None:
        """Answers once the document is here, or soon: then it comes later, as an edit."""
        soon = True
        try:
            soon = await shared.here(SOON)
            if not soon:
                self._answer(request)
                await shared.here()
            shared.load()
        except asyncio.CancelledError:
            if soon:
                self._refuse(request, -Conflict.close_code, "The file has been closed.")
            raise
        except CollabError as error:
            self._fail(shared, error, request, soon)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # pycrdt's PanicException is not an Exception
            logger.exception("an error of ours")
            ours = Unavailable("Something went wrong in the client.")
            self._fail(shared, ours, request, soon)
        else:
            if soon:
                self._answer(request)
            shared.begin()

    def _fail(self, shared: Shared, error: CollabError, request: object, soon: bool) -> None:
        """The file cannot be edited. Who was answered that it can is told with the next edit."""
        shared.error = error
        self._warn(f"{shared.uri}: {error}")
        if soon:
            self._refuse(request, -error.close_code, str(error))
            if self._files.get(shared.uri) is shared:
                self._close(shared.uri)

    def _name(self, uri: str) -> str:
        """The document that a file is. Conflict when it is none."""
        if not self._document.endswith("/"):
            if others := self._files.keys() - {uri}:
                raise Conflict(f"This is for one document, which is open as {min(others)}.")
            return self._document
        try:
            # Not every plugin quotes: what looks like a query or a fragment is in the file's name.
            path = Path("/", unquote(uri.removeprefix("file:///"))).resolve()
            return self._document + path.relative_to(self._folder.resolve()).as_posix()
        except (ValueError, OSError, RuntimeError):
            raise Conflict(f"The file is not in {self._folder}.") from None

    def _close(self, uri: str) -> None:
        if (shared := self._files.pop(uri, None)) is not None:
            task = asyncio.create_task(self._let_go(shared))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _let_go(self, shared: Shared) -> None:
        try:
            await shared.close()
        except TimeoutError:
            self._lose(shared, "the server cannot be reached.")
        except CollabError as error:
            self._lose(shared, str(error))

    def _lose(self, shared: Shared, reason: str) -> None:
        self.lost = True
        self._warn(f"{shared.uri}: the last edits are not saved: {reason}")

    def _answer(self, request: object) -> None:
        if request is not None:
            self._say({"jsonrpc": "2.0", "id": request, "result": "success"})

    def _refuse(self, request: object, code: int, sentence: str) -> None:
        error = {"code": code, "message": sentence}
        self._say({"jsonrpc": "2.0", "id": request, "error": error})
