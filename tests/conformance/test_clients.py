"""The clients that people have, unmodified: y-websocket 1 to 4, Hocuspocus 2, 3 and 4, and pycrdt's
Provider."""

import asyncio
import json
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pycrdt import Channel, Doc, Provider, Text
from tornado.websocket import WebSocketClientConnection, websocket_connect

from collab.access import Level
from collab.tokens import Tokens, new_key
from tests.collab.genuine import need_node
from tests.live import PATIENCE, QUIRE, Server, until

NODE = Path(__file__).parents[1] / "node"
STORY = re.compile(r"^  async '(.*)' \(\)", re.MULTILINE)
STORIES = STORY.findall((NODE / "clients.mjs").read_text())
SHARED = STORY.findall((NODE / "hocuspocus.mjs").read_text())
OPEN = SHARED[: SHARED.index("a reader sees, and changes nothing")]  # those without keys
EXPECTED = ("was deleted", "document's name")  # two stories are about being refused


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all stories; its log is clean in the end."""
    with Server(tmp_path_factory.mktemp("clients") / "quire.db") as server:
        yield server
    assert [line for line in server.troubles() if not any(e in line for e in EXPECTED)] == []


@pytest.fixture(scope="module", params=["yws1", "yws2", "yws3", "yws4"])
def told(request: pytest.FixtureRequest, server: Server) -> dict[str, dict[str, object]]:
    """What became of each story with one version of y-websocket."""
    return tell("clients.mjs", request.param, server.page(""))


def tell(*words: str) -> dict[str, dict[str, object]]:
    """What became of each story of a program."""
    if shutil.which("node") is None:
        pytest.skip("Node is not there")
    run = subprocess.run(["node", *words], cwd=NODE, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr
    return {line["story"]: line for line in map(json.loads, run.stdout.splitlines())}


@pytest.mark.parametrize("story", STORIES)
def test_y_websocket(told: dict[str, dict[str, object]], story: str) -> None:
    """The story of that name in clients.mjs comes out as it is told there."""
    assert told[story]["ok"], told[story]["error"]


@pytest.mark.parametrize(("version", "times"), [("yws2", 6), ("yws3", 1), ("yws4", 6)])
def test_a_wrong_token_is_no_storm(tmp_path: Path, version: str, times: int) -> None:
    """Version 3 gives up; the others try again for ever, ten times a second at most. All are in as
    soon as they show a token that counts."""
    need_node()
    options, tokens = keyed(tmp_path)
    with Server(tmp_path / "quire.db", QUIRE, *options) as server:
        program = ["node", "refused.mjs", version, server.page("").rstrip("/")]
        run = subprocess.run(
            [*program, json.loads(tokens)["write"]], cwd=NODE, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        told = json.loads(run.stdout)
        assert [4401] * times == told["codes"]
        assert times == 1 or told["pace"] > 90
        assert server.troubles() == []


@pytest.fixture(scope="module", params=["hoc2", "hoc3", "hoc4"])
def told_by_providers(
    request: pytest.FixtureRequest, server: Server
) -> dict[str, dict[str, object]]:
    """The same with one version of Hocuspocus' provider, where everybody may do everything."""
    return tell("hocuspocus.mjs", request.param, server.page("").rstrip("/"))


@pytest.fixture(scope="module", params=["hoc2", "hoc3", "hoc4"])
def told_with_keys(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, object]]:
    """The same, with tokens."""
    folder = tmp_path_factory.mktemp("keys")
    options, tokens = keyed(folder)
    with Server(folder / "quire.db", QUIRE, *options) as server:
        told = tell("hocuspocus.mjs", request.param, server.page("").rstrip("/"), tokens)
        assert [line for line in server.troubles() if "was deleted" not in line] == []
    return told


def keyed(folder: Path) -> tuple[tuple[str, str], str]:
    """Options of a server with users, and tokens for all documents by level, as JSON."""
    keys, key = folder / "quire.keys", new_key()
    keys.write_text(key + "\n")
    keys.chmod(0o600)
    until_then = int(time.time()) + 3600
    tokens = {
        level.name.lower(): Tokens([key]).issue("ann", {"*": level}, until_then, name="Ann")[0]
        for level in (Level.READ, Level.COMMENT, Level.WRITE, Level.ADMIN)
    }
    return ("--keys", str(keys)), json.dumps(tokens)


@pytest.mark.parametrize("story", OPEN)
def test_hocuspocus(told_by_providers: dict[str, dict[str, object]], story: str) -> None:
    """The story of that name in hocuspocus.mjs comes out as it is told there."""
    assert told_by_providers[story]["ok"], told_by_providers[story]["error"]


@pytest.mark.parametrize("story", SHARED)
def test_hocuspocus_with_tokens(told_with_keys: dict[str, dict[str, object]], story: str) -> None:
    """The same, and those about who may do what."""
    assert told_with_keys[story]["ok"], told_with_keys[story]["error"]


class Socket(Channel):
    """pycrdt's transport over a WebSocket of Tornado's."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self.socket = socket

    @property
    def path(self) -> str:
        return "notes"

    async def __anext__(self) -> bytes:
        try:
            return await self.recv()
        except EOFError:
            raise StopAsyncIteration from None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def send(self, message: bytes) -> None:
        await self.socket.write_message(message, binary=True)

    async def recv(self) -> bytes:
        message = await self.socket.read_message()
        if message is None:
            raise EOFError
        assert isinstance(message, bytes)
        return message


def test_pycrdt_provider(server: Server) -> None:
    """Two programs, each with pycrdt's own Provider: what is there comes down, what is new goes
    up, and each sees what the other does."""

    async def story() -> None:
        ann, bob = Doc(), Doc()
        ann.get("content", type=Text).insert(0, "before ")
        sockets = [await websocket_connect(server.url("provider")) for _ in range(2)]
        async with Provider(ann, Socket(sockets[0])), Provider(bob, Socket(sockets[1])):
            read = bob.get("content", type=Text)
            await until("what Ann had", lambda: str(read) == "before ")
            ann.get("content", type=Text).insert(7, "after")
            await until("what Ann types", lambda: str(read) == "before after")
            read.insert(0, "Bob: ")
            await until("Bob", lambda: str(ann["content"]) == "Bob: before after")
        for socket in sockets:
            socket.close()
            while await socket.read_message() is not None:
                pass

    asyncio.run(asyncio.wait_for(story(), PATIENCE))
