"""One file that an editor has open, and its document: between messages and `Client`.
Knows the messages of one file; neither requests nor other files.

An editor may edit as soon as it has said "open". Until the document is here, a draft of what is in
the file takes its edits; it is told nothing meanwhile, so that it is never unsure of what it has.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from pycrdt import TransactionEvent

from collab.client.carets import Carets
from collab.client.copy import EMPTY, Copy, Draft, Reading, seed, text_root
from collab.client.remote import Client
from collab.client.teamtype import OpenFile, plain, shown
from collab.errors import CollabError, ProtocolError

Message = dict[str, Any]
MAX_NAME = 100  # characters of somebody's name
GOODBYE = 10.0  # seconds in which the last edits have to be on the server's disk


class Shared:
    """One open file, in which the editor has `content`, and its document: from `load` on. Then
    `begin`. ProtocolError when that is no text."""

    def __init__(
        self, uri: str, content: str, client: Client, root: str, say: Callable[[Message], None]
    ) -> None:
        self.uri = uri
        self.client = client
        self.opening: asyncio.Future[None]  # is done when it is known whether it can be edited
        self.error: CollabError | None = None  # why it cannot
        self._content = plain(content)
        self._draft: Draft | None = Draft(self._content, root)  # until the document is here
        self._file = OpenFile(uri, content, self._draft)
        self._ranges: object = None  # the editor's carets
        self._root = root
        self._say = say
        self._mine = False  # an edit of the editor's is being entered
        self._delta: Any = []
        self._told: dict[int, Message] = {}  # carets, as the editor was told of them
        self._due = False

    async def here(self, seconds: float | None = None) -> bool:
        """Waits for the document, so long at most. Raises what ended the client."""
        try:
            async with asyncio.timeout(seconds):
                await self.client.synced()
        except TimeoutError:
            return False
        return True

    def load(self) -> None:
        """The document is here: what was edited meanwhile is made in it. It counts, unless nobody
        has ever written in it: then it begins with what the editor had. Raises Conflict when the
        document is no text."""
        assert self._draft is not None
        doc = self.client.doc
        text = self._text = text_root(doc, self._root)
        if self._content and doc.get_state() == EMPTY:
            doc.apply_update(seed(self._root, self._content))
        copy = Copy(doc.get_update(), self._root)
        if self._draft.edited:
            for update in copy.edit(self._draft.upon(shown(copy.text))):
                doc.apply_update(update)
        self._file.move(copy)
        self._draft = None
        self._reading = Reading(text)
        self._carets = Carets(self._root)
        self._carets.follow(doc.get_update())
        self._subscriptions = text.observe(self._on_text), doc.observe(self._on_update)
        self.client.watch(self._carets_due)

    def begin(self) -> None:
        """The editor knows that the file is open."""
        self._show()
        self._tell(self._file.again(self._reading.text))
        self._carets_due()

    def edit(self, params: Message) -> None:
        """The editor has made an edit. Raises AccessDenied when it is not kept, what ended the
        client, and ProtocolError."""
        if self.error is not None:
            raise self.error
        updates = self._file.edit(params.get("revision"), params.get("delta"))
        if self._draft is not None:
            return
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
        self._ranges = params.get("ranges")
        if self._draft is None:
            self._show()

    def _show(self) -> None:
        match self._ranges:
            case [{"start": start, "end": end}, *_]:
                text = self._reading.text
                try:
                    places = [self._file.offset(at, text) for at in (start, end)]
                except ProtocolError:  # an edit of ours that it has not taken crossed it
                    return
                anchor, head = (self._carets.position(text, at) for at in places)
                self.client.present(cursor={"anchor": anchor, "head": head})
            case _:
                self.client.present(cursor=None)

    async def close(self) -> None:
        """Lets go of the file once its edits are on the server's disk. Raises TimeoutError, or why
        they are not."""
        self._say = _to_nobody
        try:
            async with asyncio.timeout(GOODBYE):
                if self._draft is not None and self._draft.edited:
                    await self.opening
                    if self.error is not None:
                        raise self.error
                await self.client.saved()
        finally:
            self.opening.cancel()
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


def _to_nobody(message: Message) -> None:
    """For what nobody waits for any more."""
