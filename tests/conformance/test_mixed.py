"""One person on each client there is, in one document at once; and the server is killed meanwhile.

Those of JavaScript live in a Node process (tests/node/mixed.mjs), those of Python here. Each has a
token of its own, and all but pycrdt's Provider show who they are.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from pycrdt import Array, Doc, Provider, Text
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from collab.access import Level
from collab.client import Client
from collab.tokens import Tokens, new_key
from tests.client.stories import play
from tests.collab.genuine import NODE, need_node
from tests.conformance.test_clients import Socket
from tests.live import PATIENCE, QUIRE, Server
from tests.proxy import Proxy

ENOUGH = 15  # edits of each, before the kill and after
OFFLINE = 3  # and while the server is down
PACE = 0.12  # seconds between two edits of one, at most

Report = dict[str, Any]


class Person:
    """Somebody in this process, who types; see mixed.mjs for what an edit is."""

    def __init__(self, name: str, doc: "Doc[Any]", dice: Random) -> None:
        self.name, self.doc, self.dice = name, doc, dice
        self.tokens, self.text = doc.get("tokens", type=Array), doc.get("text", type=Text)
        self.made: list[str] = []
        self.typing: asyncio.Task[None] | None = None

    def type(self, on: bool) -> None:
        if self.typing is not None:
            self.typing.cancel()
        self.typing = asyncio.create_task(self._type()) if on else None

    async def _type(self) -> None:
        while True:
            self.edit()
            await asyncio.sleep(self.dice.random() * PACE)

    def edit(self) -> None:
        self.made.append(f"{self.name}.{len(self.made) + 1}")
        with self.doc.transaction():
            self.tokens.insert(self.dice.randint(0, len(self.tokens)), self.made[-1])
            self.text.insert(self.dice.randint(0, len(self.text)), "x")

    def report(self, sees: list[str] | None) -> Report:
        """`sees`: None where there is no presence."""
        tokens = self.tokens.to_py()
        report = {"made": self.made, "tokens": tokens, "letters": len(self.text), "saved": True}
        return report | ({"sees": sorted(sees)} if sees is not None else {})


class Ending(Socket):
    """A channel of which one is told that it has ended."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        super().__init__(socket)
        self.ended = asyncio.Event()

    async def recv(self) -> bytes:
        try:
            return await super().recv()
        except EOFError:
            self.ended.set()
            raise


class Room:
    """All of them; `ask` says a command of mixed.mjs to everybody."""

    def __init__(self, server: Server, proxy: Proxy, tokens: dict[str, str], seed: int) -> None:
        self.server, self.proxy, self.tokens = server, proxy, tokens
        self.plain = Person("pycrdt", Doc(), Random(f"{seed} pycrdt"))
        own = {"name": "collab.client"}
        self.client = Client(server.page(""), "mixed", token=tokens["collab.client"], user=own)
        self.other = Person("collab.client", self.client.doc, Random(f"{seed} client"))

    async def __aenter__(self) -> "Room":
        self.node = await asyncio.create_subprocess_exec(
            *("node", str(NODE / "mixed.mjs"), self.server.page("")),
            *(self.proxy.page(""), json.dumps(self.tokens)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 26,
        )
        self.client.start()
        self.providing = asyncio.create_task(self._provide())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.plain.type(False)
        self.other.type(False)
        self.providing.cancel()
        await asyncio.wait([self.providing])
        await self.client.close()
        self.node.kill()
        await self.node.wait()

    async def _provide(self) -> None:
        """pycrdt's Provider does not come back by itself."""
        url = f"{self.server.url('mixed')}?token={self.tokens['pycrdt']}"
        while True:
            try:
                channel = Ending(await websocket_connect(url))
                try:
                    async with Provider(self.plain.doc, channel):
                        await channel.ended.wait()
                finally:
                    channel.socket.close()
            except* (OSError, WebSocketClosedError):
                pass
            await asyncio.sleep(0.1)

    async def ask(self, **command: object) -> dict[str, Report]:
        assert self.node.stdin is not None and self.node.stdout is not None
        self.node.stdin.write(json.dumps(command).encode() + b"\n")
        told: dict[str, Report] = json.loads(await self.node.stdout.readline())
        if "type" in command:
            self.plain.type(bool(command["type"]))
            self.other.type(bool(command["type"]))
        if command.get("report"):
            names = [str(state["user"]["name"]) for state in self.client.others.values()]
            names = [name.removesuffix(" (guest)") for name in names]
            told["collab.client"] = self.other.report([*names, "collab.client"])
            told["pycrdt"] = self.plain.report(None)
        return told

    async def until(
        self, what: str, condition: Callable[[dict[str, Report]], object]
    ) -> dict[str, Report]:
        """Reports of all, once the condition holds for them."""
        deadline = time.monotonic() + PATIENCE
        while not condition(reports := await self.ask(report=True)):
            assert time.monotonic() < deadline, f"{what}: {brief(reports)}"
            await asyncio.sleep(0.05)
        return reports

    async def more(self, count: int) -> None:
        """Everybody makes so many more edits."""
        made = {name: len(r["made"]) for name, r in (await self.ask(report=True)).items()}
        await self.until(
            "edits",
            lambda reports: all(len(r["made"]) >= made[n] + count for n, r in reports.items()),
        )


def brief(reports: dict[str, Report]) -> str:
    return "\n".join(
        f"{n}: made {len(r['made'])}, has {len(r['tokens'])} and {r['letters']} letters, saved "
        f"{r['saved']}, sees {r.get('sees')}"
        for n, r in reports.items()
    )


def all_see_all(reports: dict[str, Report]) -> bool:
    names = sorted(name for name, report in reports.items() if "sees" in report)
    return all(report["sees"] == names for report in reports.values() if "sees" in report)


def all_are_equal(reports: dict[str, Report]) -> bool:
    """Each edit is everywhere once, in the same order, and each client calls it saved."""
    first = next(iter(reports.values()))
    made = sorted(token for report in reports.values() for token in report["made"])
    return sorted(first["tokens"]) == made and all(
        report["tokens"] == first["tokens"] and report["letters"] == len(made) and report["saved"]
        for report in reports.values()
    )


def keyed(folder: Path) -> tuple[tuple[str, str], dict[str, str]]:
    """Options of a server with users, and a token for each of them."""
    key, keys = new_key(), folder / "quire.keys"
    keys.write_text(key)
    keys.chmod(0o600)
    tokens, until_then = Tokens([key]), int(time.time()) + 3600
    clients = re.search(r"const CLIENTS = \{(.*?)\n\}", (NODE / "mixed.mjs").read_text(), re.DOTALL)
    assert clients is not None
    names = re.findall(r"^  '(.*?)':", clients[1], re.MULTILINE)
    assert len(names) == 11
    users = {
        name: tokens.issue(name, {"mixed": Level.WRITE}, until_then, name=name)[0]
        for name in (*names, "pycrdt", "collab.client")
    }
    users["sdk"], _ = tokens.issue("app", {"mixed": Level.ADMIN}, until_then)
    return ("--keys", str(keys)), users


def test_everybody_in_one_document(tmp_path: Path, seed: int) -> None:
    """All type, all end equal, all see all; a kill -9 in the middle loses and doubles nothing."""
    need_node()
    options, tokens = keyed(tmp_path)

    async def story(server: Server, proxy: Proxy) -> None:
        async with Room(server, proxy, tokens, seed) as room:
            await room.ask(type=True)
            await room.more(ENOUGH)
            await room.until("all see all while they type", all_see_all)
            server.kill()
            await room.more(OFFLINE)
            server.start()
            await room.more(ENOUGH)
            await room.ask(type=False)
            await room.client.saved()
            await room.until("all are equal", all_are_equal)
            await room.until("all see all again", all_see_all)
            await room.ask(leave="Hocuspocus 3")
            await room.ask(leave="y-sweet")
            await room.until("they see who has left", all_see_all)

    with (
        Server(tmp_path / "quire.db", QUIRE, *options) as server,
        Proxy(server.port, "forbids") as proxy,
    ):
        play(story(server, proxy), 4 * PATIENCE)
        assert proxy.requests > 0
        assert server.troubles() == []
