"""Files that an editor has open, each a document of a server: between JSON-RPC and `Client`.
Knows the messages of the Teamtype protocol and no transport.

`receive` takes a message of the editor's; what there is to say to it is given to `say`. "open" is
answered once the document is here; everything else at once, and in order.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pycrdt import TransactionEvent

from collab.client.carets import Carets
from collab.client.copy import EMPTY, Copy, Reading, seed, text_root
from collab.client.remote import Client
from collab.client.teamtype import OpenFile
from collab.errors import CollabError, Conflict, ProtocolError

Message = dict[str, Any]
METHODS = ("open", "edit", "cursor", "close")
UNKNOWN, MALFORMED = -32601, -32600  # as JSON-RPC has them
MAX_NAME = 100  # characters of somebody's name
GOODBYE = 10.0  # seconds in which the last edits have to be on the server's disk


class Shared:
    """One open file and its document. `load` it before anything else."""

    def __init__(self, uri: str, client: Client, root: str, say: Callable[[Message], None]) -> None:
        self.uri = uri
        self.client = client
        self._root = root
        self._say = say
        self._mine = False  # an edit of the editor's is being entered
        self._delta: Any = []
        self._told: dict[int, Message] = {}  # carets, as the editor was told of them
        self._due = False

    async def load(self, content: str) -> None:
        """Returns when the document is here, and the editor can begin. The document counts, unless
        nobody has ever written in it: then it begins with what the editor has. Raises what ended
        the client, or Conflict when the document is no text."""
        self.client.start()
        await self.client.synced()
        doc = self.client.doc
        text = self._text = text_root(doc, self._root)
        if content and doc.get_state() == EMPTY:
            doc.apply_update(seed(self._root, content))
        self._reading = Reading(text)
        self._carets = Carets(self._root)
        self._carets.follow(doc.get_update())
        copy = Copy(doc.get_update(), self._root)
        self._file = OpenFile(self.uri, content, copy)
        self._subscriptions = text.observe(self._on_text), doc.observe(self._on_update)
        self.client.watch(self._carets_due)

    def begin(self) -> None:
        """The editor knows that the file is open."""
        self._tell(self._file.first())
        self._carets_due()

    def edit(self, params: Message) -> None:
        """The editor has made an edit. Raises AccessDenied when it is not kept, what ended the
        client, and ProtocolError."""
        updates = self._file.edit(params.get("revision"), params.get("delta"))
        self._mine = True
        try:
            for update in updates:
                self.client.doc.apply_update(update)
        finally:
            self._mine = False
        self._tell(self._file.again(self._reading.text))
        self._carets_due()
        if (error := self.client.error or self.client.denied) is not None:
            raise error

    def cursor(self, params: Message) -> None:
        """The editor's caret or selection. Others are shown one of them."""
        match params.get("ranges"):
            case [{"start": start, "end": end}, *_]:
                text = self._reading.text
                anchor, head = (self._file.offset(at) for at in (start, end))
                places = {"anchor": anchor, "head": head}
                cursor = {name: self._carets.position(text, at) for name, at in places.items()}
                self.client.present(cursor=cursor)
            case _:
                self.client.present(cursor=None)

    async def close(self) -> None:
        """Lets go of the file once its edits are on the server's disk. Raises TimeoutError, or why
        they are not."""
        self._say = _to_nobody
        try:
            async with asyncio.timeout(GOODBYE):
                await self.client.saved()
        finally:
            await self.client.close()

    def _on_text(self, event: Any) -> None:
        self._delta = event.delta

    def _on_update(self, event: TransactionEvent) -> None:
        delta, self._delta = self._delta, []
        made = self._reading.follow(delta)
        self._carets.follow(event.update)
        if not self._mine:
            self._tell(self._file.news(made, [event.update], self._reading.text))
        self._carets_due()

    def _tell(self, messages: list[Message]) -> None:
        for message in messages:
            self._say(message)

    def _carets_due(self) -> None:
        """Once for all that happens now."""
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._tell_carets)

    def _tell_carets(self) -> None:
        self._due = False
        here = {client: self._caret(client, state) for client, state in self.client.others.items()}
        for client in self._told.keys() - here.keys():
            here[client] = {**self._told[client], "ranges": []}
        for client, params in here.items():
            if self._told.get(client, {"ranges": []})["ranges"] != params["ranges"]:
                self._say({"jsonrpc": "2.0", "method": "cursor", "params": params})
        self._told = {client: here[client] for client in self.client.others}

    def _caret(self, client: int, state: dict[str, Any]) -> Message:
        """The message that shows somebody else's caret."""
        user, cursor = state.get("user"), state.get("cursor")
        name = user.get("name") if isinstance(user, dict) else None
        places: list[int | None] = [None]
        if isinstance(cursor, dict):
            ends = cursor.get("anchor"), cursor.get("head")
            places = [self._carets.place(self._reading.text, end) for end in ends]
        ranges = []
        if None not in places:
            start, end = (self._file.position(at) for at in places if at is not None)
            ranges = [{"start": start, "end": end}]
        told: Message = {"userid": str(client), "uri": self.uri, "ranges": ranges}
        if isinstance(name, str):  # others choose it: no line, no control character
            told["name"] = "".join(c for c in name[:MAX_NAME] if c.isprintable())
        return told


class Bridge:
    """All files of one editor. `document` is the one that a file is; if it ends in a slash, every
    file of `folder` is one: that, and its path from there. `connect` makes a Client for a name;
    `warn` is given sentences for whoever looks."""

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
        self._files: dict[str, Shared] = {}
        self._opening: dict[str, asyncio.Task[None]] = {}
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
            if request is None:
                self._warn(f"{uri}: {error}")
            else:
                self._refuse(request, -error.close_code, str(error))

    async def close(self) -> None:
        """The editor has gone. Returns when all it wrote is on the server's disk, or cannot be."""
        for uri in [*self._opening, *self._files]:
            self._close(uri)
        while self._closing:
            await asyncio.wait(self._closing)

    def _do(self, method: str, uri: str, params: Message, request: object) -> None:
        if method == "open":
            self._close(uri)
            opening = self._open(uri, params.get("content"), request)
            self._opening[uri] = asyncio.create_task(opening)
            return
        if method == "close":
            self._close(uri)
        elif (shared := self._files.get(uri)) is None:
            raise Conflict("The file is not open.")
        elif method == "edit":
            shared.edit(params)
        else:
            shared.cursor(params)
        self._answer(request)

    async def _open(self, uri: str, content: object, request: object) -> None:
        shared = None
        try:
            if not isinstance(content, str):
                raise ProtocolError("The message does not say what is in the file.")
            shared = Shared(uri, self._connect(self._name(uri)), self._root, self._say)
            await shared.load(content)
            self._files[uri] = shared
            self._answer(request)
            shared.begin()
        except CollabError as error:
            self._warn(f"{uri}: {error}")
            self._refuse(request, -error.close_code, str(error))
        finally:
            if self._opening.get(uri) is asyncio.current_task():
                del self._opening[uri]
            if shared is not None and uri not in self._files:
                await shared.client.close()

    def _name(self, uri: str) -> str:
        """The document that a file is. Conflict when it is none."""
        if not self._document.endswith("/"):
            if others := (self._files.keys() | self._opening.keys()) - {uri}:
                raise Conflict(f"This is for one document, which is open as {min(others)}.")
            return self._document
        try:
            path = Path(unquote(urlsplit(uri).path))
            return self._document + path.relative_to(self._folder).as_posix()
        except ValueError:
            raise Conflict(f"The file is not in {self._folder}.") from None

    def _close(self, uri: str) -> None:
        if (opening := self._opening.pop(uri, None)) is not None:
            opening.cancel()
        if (shared := self._files.pop(uri, None)) is not None:
            task = asyncio.create_task(self._let_go(shared))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _let_go(self, shared: Shared) -> None:
        try:
            await shared.close()
        except TimeoutError:
            self._warn(f"{shared.uri}: the last edits are not saved: the server cannot be reached.")
        except CollabError as error:
            self._warn(f"{shared.uri}: the last edits are not saved: {error}")

    def _answer(self, request: object) -> None:
        if request is not None:
            self._say({"jsonrpc": "2.0", "id": request, "result": "success"})

    def _refuse(self, request: object, code: int, sentence: str) -> None:
        error = {"code": code, "message": sentence}
        self._say({"jsonrpc": "2.0", "id": request, "error": error})


def _to_nobody(message: Message) -> None:
    """For what nobody waits for any more."""
