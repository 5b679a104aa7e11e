"""Editors who type as fast as they can and remember what they were promised: for the kill test.

Knows the wire; nothing of the server's inside. Some are pycrdt over a raw socket, some Yjs with
y-websocket or y-sweet's client in a Node process (tests/node/typists.mjs). An edit is one
transaction: a token that is never used again goes into an array at a random place, and a letter
into a text; so an edit that is lost, doubled or half there shows.
"""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from pycrdt import Array, ArrayEvent, Doc, Text, TransactionEvent

from collab.wire import Receipt, SyncStep1, SyncStep2, SyncUpdate
from tests.collab.genuine import NODE, need_node
from tests.live import Peer, messages

PACE = 0.01


class Report(NamedTuple):
    """What one typist made, what it was promised, and what it shows."""

    made: list[str]
    acked: int  # so many of `made` were acknowledged
    seen: set[str]  # of others, shown by the server
    tokens: list[str]
    letters: int
    synced: bool

    @property
    def promised(self) -> set[str]:
        """What must never be lost."""
        return self.seen | set(self.made[: self.acked])


class Typist:
    """A pycrdt client; `pace` are the seconds between edits at most."""

    def __init__(self, name: str, url: str, dice: Random, pace: float = PACE) -> None:
        self.name = name
        self.pace = pace
        self.url = url
        self.dice = dice
        self.made: list[str] = []
        self.acked = 0
        self.seen: set[str] = set()
        self.synced = False
        self.peer: Peer | None = None
        self.online = False
        self.staying: asyncio.Task[None] | None = None
        self.typing: asyncio.Task[None] | None = None
        self.applying = False
        self.doc: Doc[Any] = Doc()
        self.tokens = self.doc.get("tokens", type=Array)
        self.text = self.doc.get("text", type=Text)
        self.subscriptions = [
            self.doc.observe(self._edited),
            self.tokens.observe(self._inserted),
        ]

    async def connect(self) -> None:
        """Online, and again online whenever the server sends it away; what was typed meanwhile is
        sent when the server asks."""
        self.online = True
        self.peer = await Peer.connect(self.url)
        self.staying = asyncio.create_task(self._stay())

    def type(self, on: bool) -> None:
        """Begins or stops to type."""
        if self.typing is not None:
            self.typing.cancel()
        self.typing = asyncio.create_task(self._type()) if on else None

    async def gone(self) -> None:
        """Returns when the connection has ended, and the server with it."""
        if self.staying is not None:
            await self.staying
        self.staying = None

    async def close(self) -> None:
        self.type(False)
        self.online = False
        if self.peer is not None:
            self.peer.close()
        await self.gone()

    def edit(self) -> None:
        """One edit, online or not."""
        self.made.append(f"{self.name}.{len(self.made) + 1}")
        with self.doc.transaction():
            self.tokens.insert(self.dice.randint(0, len(self.tokens)), self.made[-1])
            self.text.insert(self.dice.randint(0, len(self.text)), "x")
        self._ask()

    def report(self) -> Report:
        tokens = self.tokens.to_py()
        return Report(self.made, self.acked, self.seen, tokens, len(self.text), self.synced)

    def _ask(self) -> None:
        if self.peer is not None:
            self.peer.put(Receipt(len(self.made)))

    async def _type(self) -> None:
        while True:
            self.edit()
            await asyncio.sleep(self.dice.random() * self.pace)

    async def _stay(self) -> None:
        while self.peer is not None:
            self.peer.put(SyncStep1(self.doc.get_state()))
            self._ask()
            await self._listen(self.peer)
            self.peer.close()
            self.peer, self.synced = None, False
            if self.online:
                with contextlib.suppress(OSError):  # the server was killed
                    self.peer = await Peer.connect(self.url)

    async def _listen(self, peer: Peer) -> None:
        while (frame := await peer.socket.read_message()) is not None:
            for message in messages(frame):
                match message:
                    case SyncStep1(vector):
                        peer.put(SyncStep2(self.doc.get_update(vector)))
                    case SyncStep2(update) | SyncUpdate(update):
                        self.synced |= isinstance(message, SyncStep2)
                        self.applying = True
                        self.doc.apply_update(update)
                        self.applying = False
                    case Receipt(version):
                        self.acked = max(self.acked, version)

    def _edited(self, event: TransactionEvent) -> None:
        if not self.applying and self.peer is not None:
            self.peer.put(SyncUpdate(event.update))

    def _inserted(self, event: ArrayEvent) -> None:
        if self.applying:
            for change in event.delta:
                self.seen.update(change.get("insert", ()))


class NodeTypists:
    """Several Yjs clients in one Node process, with QuireSocket where they are blocked; use as an
    async context manager."""

    def __init__(self, blocked: bool = False) -> None:
        self.blocked = blocked

    async def __aenter__(self) -> "NodeTypists":
        need_node()
        self.process = await asyncio.create_subprocess_exec(
            *("node", str(NODE / "typists.mjs")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 26,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.terminate()
        await self.process.wait()

    async def open(self, url: str, seats: Sequence[tuple[str, str, str]]) -> None:
        """Connects those of (typist, document, client); they reconnect by themselves from now on.
        `url` is the server's, for WebSockets."""
        await self._ask({"open": seats, "url": url, "blocked": self.blocked})

    async def type(self, on: bool) -> None:
        await self._ask({"type": on})

    async def close(self) -> None:
        await self._ask({"close": True})

    async def reports(self) -> dict[str, Report]:
        answer = await self._ask({"report": True})
        return {
            name: Report(**{**report, "seen": set(report["seen"])})
            for name, report in answer.items()
        }

    async def _ask(self, command: object) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        return json.loads(await self.process.stdout.readline())
