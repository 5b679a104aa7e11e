"""How a message is said and answered: each dialect on each transport, for the matrix of rights.

    link = await connect(port, way, token, name)     a socket, or what is one over HTTP
    talk = way.talk(link, name, token)
    await talk.enter()                               whether it was let in
    await talk.say(kind)                             whether that was taken, or refused

`talk.heard` is all that was heard. What each message takes is told here a second time, in words of
tests/rights.py, and not read off the tables of the code.
"""

import contextlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

from collab import hocuspocus, tiptap
from collab.hocuspocus import Leave, Pong, Stateless, Token, prefix
from collab.reader import Reader
from collab.wire import (
    AwarenessUpdate,
    Denied,
    Message,
    QueryAwareness,
    Receipt,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    encode,
)
from tests.httppeer import HttpPeer, Refused, batch
from tests.live import STEP1, STEP2, Peer, messages, typed, var_bytes
from tests.rights import COMMENT, READ, WRITE

Link = Peer | HttpPeer

FIRST = 3  # edit that a receipt is asked for
PRESENCE = b"\x01\x09\x01\x02{}"


class Said(NamedTuple):
    """A message: the level that it takes, and whether a document is another one then."""

    takes: int
    frame: bytes
    changes: bool = False


def asked(action: str, **more: object) -> bytes:
    """What TiptapCollabProvider says beside the document."""
    return b"\x05" + prefix(json.dumps({"action": action, **more}))


EDITORS: dict[type, Said] = {
    SyncStep1: Said(READ, STEP1),
    AwarenessUpdate: Said(READ, encode(AwarenessUpdate(PRESENCE))),
    QueryAwareness: Said(READ, encode(QueryAwareness())),
    Receipt: Said(READ, encode(Receipt(FIRST))),
    SyncStep2: Said(WRITE, encode(SyncStep2(typed(9, 0, "mine"))), changes=True),
    SyncUpdate: Said(WRITE, encode(SyncUpdate(typed(8, 0, "mine"))), changes=True),
}
"""What y-websocket says. A receipt comes before the edits: of who may only read, and types, there
is none any more."""

YSWEET = EDITORS | {QueryAwareness: Said(READ, b"\x03" + var_bytes(PRESENCE))}

PROVIDERS: dict[type, Said] = {
    Leave: Said(0, b"\x07"),
    Token: Said(0, b""),  # of each its own
    Pong: Said(0, hocuspocus.PONG),
    Stateless: Said(READ, b"\x05" + prefix("anything")),
    tiptap.PreviewVersion: Said(READ, asked("version.preview", version=0)),
    **{kind: said for kind, said in EDITORS.items() if kind is not Receipt},
    tiptap.Revert: Said(WRITE, asked("document.revert", version=0), changes=True),
    tiptap.CreateVersion: Said(COMMENT, asked("version.create", name="Mine"), changes=True),
}
"""What Hocuspocus says. The last one comes last: a list of versions follows, when it likes."""

ANSWERS = {
    tiptap.PreviewVersion: "version.preview",
    tiptap.Revert: "document.reverted",
    tiptap.CreateVersion: "version.created",
}
REFUSED, SAVED, NOT_SAVED = b"\x02\x01", b"\x08\x01", b"\x08\x00"
OUTSIDE = dict.fromkeys((Token, Stateless, *ANSWERS), REFUSED)
"""What who is in no document is answered; to all else there is no answer."""


def answered(message: Message) -> bool:
    """Whether it is what answers a question."""
    return isinstance(message, SyncStep2)


class Editor:
    """y-websocket, and y-sweet's clients: the address of the link names the document."""

    said = EDITORS

    def __init__(self, link: Link, name: str = "", token: str = "") -> None:
        self.link = link
        self.heard: list[Any] = []
        self._count = FIRST

    async def enter(self) -> bool:
        """Asks and answers, as clients begin."""
        await self.link.send(STEP2 + STEP1)
        return await self._until(answered)

    async def say(self, kind: type) -> bool:
        """Waits until an edit is on disk, and a message that has no answer is followed by a
        question that has one."""
        said, question = self.said[kind], b""
        if said.changes:
            self._count += 1
            question = encode(Receipt(self._count))
        elif kind not in (SyncStep1, Receipt):
            question = STEP1
        await send(self.link, *filter(None, (said.frame, question)))
        receipt = said.changes or kind is Receipt
        return await self._until(Receipt(self._count).__eq__ if receipt else answered)

    async def dismissed(self) -> None:
        """Returns when it is told that its token counts no more."""
        while await self.link.frame() is not None:
            pass
        assert self.link.code == 4401

    async def _until(self, wanted: Callable[[Message], bool]) -> bool:
        while True:
            frame = await self.link.frame()
            assert frame is not None, f"closed with {self.link.code}"
            for message in messages(frame):
                self.heard.append(message)
                if wanted(message) or isinstance(message, Denied):
                    return not isinstance(message, Denied)


class YSweetEditor(Editor):
    """As y-sweet's clients say it."""

    said = YSWEET


class Provider:
    """Hocuspocus, one document on a link that may have others. `heard` are the frames about it."""

    said = PROVIDERS

    def __init__(self, link: Link, name: str, token: str) -> None:
        self.link = link
        self.heard: list[bytes] = []
        self.name = name
        self.shown = b"\x02\x00" + prefix(token) + prefix("4.8.0")
        self.writes: bool | None = None  # as it was told

    async def enter(self) -> bool:
        """Shows the token; if that counts asks and answers, as providers begin."""
        await self._send(self.shown)
        frame = await self._until(lambda frame: frame[0] == 2)
        if frame[:2] == REFUSED:
            return False
        self.writes = frame[3:] == b"read-write"
        await self._send(STEP1, STEP2)
        return await self._until(lambda frame: frame[0] == 8) == SAVED  # there is nothing new in it

    async def say(self, kind: type) -> bool:
        """As `Editor.say`. What it left it enters again."""
        said = self.said[kind]
        if kind is Token:
            await self._send(self.shown)
            return (await self._until(lambda frame: frame[0] == 2))[:2] != REFUSED
        if kind is Pong:
            return await self.aside(kind) == []
        if kind is Leave:
            await self._send(said.frame)
            return await self.enter()
        if kind in (Stateless, *ANSWERS):
            await self._send(said.frame)
            return await self._answered(kind)
        if said.changes:
            # It is the answer to a question that is counted.
            await self._send(*([STEP1] if kind is SyncStep2 else []), said.frame)
            return await self._until(lambda frame: frame[0] == 8) == SAVED
        await self._send(said.frame, STEP1)
        return await self._until(lambda frame: frame[:2] in (b"\x00\x01", NOT_SAVED)) != NOT_SAVED

    async def dismissed(self) -> None:
        """As `Editor.dismissed`; other documents on its link are none of this."""
        await self._until(lambda frame: frame[:2] == REFUSED)

    async def aside(self, kind: type) -> list[bytes]:
        """What is said at once to a message, about this document or about none; whatever is about
        what people wrote is left out."""
        frame = self.shown if kind is Token else self.said[kind].frame
        fence = prefix("fence") + EDITORS[SyncUpdate].frame  # of a document that it never opened
        await send(self.link, frame if kind is Pong else prefix(self.name) + frame, fence)
        told: list[bytes] = []
        while True:
            address, frame = await self._frame()
            if address == "fence":
                return told
            if address in ("", self.name) and (frame[0] in (5, 7) or frame[:2] == REFUSED):
                told.append(frame)

    async def ask(self, text: str) -> None:
        """Says that beside the document, and hears what comes of it."""
        await self._send(b"\x05" + prefix(text))
        await self._until(lambda frame: frame[0] == 5)

    async def _answered(self, kind: type) -> bool:
        while True:
            frame = await self._until(lambda frame: frame[0] == 5 or frame[:2] == REFUSED)
            if frame[0] != 5:
                return False
            reader = Reader(frame, 1)
            event = json.loads(reader.var_string())
            if event["event"] == "error":
                return event["status"] != 403  # 400 to anything, 404 where nothing was written
            if event["event"] == ANSWERS.get(kind):
                return True

    async def _send(self, *frames: bytes) -> None:
        await send(self.link, *(prefix(self.name) + frame for frame in frames))

    async def _until(self, wanted: Callable[[bytes], bool]) -> bytes:
        while True:
            address, frame = await self._frame()
            if address == self.name and wanted(frame):
                return frame

    async def _frame(self) -> tuple[str, bytes]:
        frame = await self.link.frame()
        assert frame is not None, f"closed with {self.link.code}"
        reader = Reader(frame)
        address = reader.var_string()
        if address in ("", self.name):
            self.heard.append(frame)
        return address, frame[reader.position :]


class Way(NamedTuple):
    """A dialect on a transport. `path` as in tests/rights.py; a provider's token is `in_band`, or
    what its link showed."""

    name: str
    path: str
    talk: type[Editor] | type[Provider]
    by_http: bool = False
    in_band: bool = False

    @property
    def several(self) -> bool:
        """Whether messages say which document they are about."""
        return issubclass(self.talk, Provider)


DOCUMENT, SEVERAL, TWICE = "/sync/{}", "/sync", "/y-sweet/d/{}/ws/{}"
WAYS = [
    Way("y-websocket by WebSocket", DOCUMENT, Editor),
    Way("y-websocket by HTTP", DOCUMENT, Editor, by_http=True),
    Way("y-sweet by WebSocket", TWICE, YSweetEditor),
    Way("y-sweet by HTTP", TWICE, YSweetEditor, by_http=True),
    Way("Hocuspocus by WebSocket", SEVERAL, Provider, in_band=True),
    Way("Hocuspocus by HTTP", SEVERAL, Provider, by_http=True, in_band=True),
    Way("Hocuspocus by WebSocket, one token for all", SEVERAL, Provider),
    Way("Hocuspocus by HTTP, one token for all", SEVERAL, Provider, by_http=True),
]


def address(port: int, way: Way, name: str) -> str:
    """Where one connects to a document, by HTTP."""
    return f"http://127.0.0.1:{port}{way.path.replace('{}', quote(name, safe=''))}"


async def connect(port: int, way: Way, token: str, name: str) -> Link:
    """Refused by HTTP where a WebSocket is closed at once."""
    url, shown = address(port, way, name), "" if way.in_band else token
    if way.by_http:
        return await HttpPeer.connect(url, shown)
    peer = await Peer.connect(url.replace("http", "ws", 1) + (f"?token={shown}" if shown else ""))
    peer.stream.set_nodelay(True)  # nobody answers the first of two frames, so the second one waits
    return peer


async def send(link: Link, *frames: bytes) -> None:
    """Says them, by HTTP in one batch."""
    if isinstance(link, HttpPeer):
        link.number += 1
        await link.post(link.number, batch(*frames))
    else:
        for frame in frames:
            await link.send(frame)


async def part(link: Link) -> None:
    """Says goodbye, if it is not over."""
    if isinstance(link, Peer):
        link.close()
    else:
        with contextlib.suppress(Refused):
            await link.close()
