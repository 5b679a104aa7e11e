"""An editor's plugin, as far as `quire client` can tell: JSON-RPC over pipes, or a socket."""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.live import PATIENCE

BRIDGE = (sys.executable, "-m", "collab.web", "client")


class Plugin:
    """An editor's end: `start` makes the other one, too, `connect` goes to one that is there."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lines: bool
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.lines = lines
        self.process: asyncio.subprocess.Process | None = None
        self.ids = 0

    @classmethod
    async def start(
        cls,
        folder: Path,
        *arguments: str,
        lines: bool = False,
        command: Sequence[str] = BRIDGE,
        **extra,
    ) -> "Plugin":
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, *arguments, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, **extra
        )
        plugin = cls(process.stdout, process.stdin, lines)
        plugin.process = process
        return plugin

    @classmethod
    async def connect(cls, path: str, *, lines: bool) -> "Plugin":
        return cls(*await asyncio.open_unix_connection(path), lines)

    def send(self, method: str, **params) -> int:
        self.ids += 1
        message = {"jsonrpc": "2.0", "id": self.ids, "method": method, "params": params}
        self.write(json.dumps(message).encode())
        return self.ids

    def write(self, data: bytes) -> None:
        head = b"" if self.lines else b"Content-Length: %d\r\n\r\n" % len(data)
        self.writer.write(head + data + (b"\n" if self.lines else b""))

    async def read(self) -> dict:
        if not self.lines:
            size = int((await self.reader.readline()).split(b":")[1])
            assert b"\r\n" == await self.reader.readline()
            return json.loads(await self.reader.readexactly(size))
        return json.loads(await self.reader.readline())

    async def hear(self, wanted: Callable[[dict], object]) -> dict:
        """The next message that is wanted; those before it are thrown away."""
        async with asyncio.timeout(PATIENCE):
            while not wanted(message := await self.read()):
                pass
        return message

    async def ask(self, method: str, **params) -> dict:
        """The answer to a request."""
        asked = self.send(method, **params)
        return await self.hear(lambda message: message.get("id") == asked)

    async def hang_up(self) -> None:
        """Goes, when there is no process to wait for."""
        self.writer.close()
        await self.writer.wait_closed()

    async def leave(self) -> tuple[int, str]:
        """Goes, as an editor does that ends: its exit code, and what it said to people."""
        self.writer.close()
        async with asyncio.timeout(PATIENCE):
            errors = await self.process.stderr.read()
            return await self.process.wait(), errors.decode()


def place(line: int, character: int, end: int | None = None) -> dict:
    stop = character if end is None else end
    return {
        "start": {"line": line, "character": character},
        "end": {"line": line, "character": stop},
    }


def is_edit(message: dict) -> bool:
    return message.get("method") == "edit"
