"""JSON-RPC over the standard input and output, as language servers do it. Knows no method.

    Content-Length: 42\\r\\n\\r\\n{"jsonrpc": "2.0", ...}

or each message on a line of its own; the first message decides, and is answered in kind.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from collab.errors import ProtocolError

MAX_MESSAGE = 64 << 20  # bytes: a whole file comes in one
MALFORMED = -32700


class Stdio:
    """`open` it, then `read` until that returns None; `say` at any time."""

    def __init__(self) -> None:
        self._reader = asyncio.StreamReader(MAX_MESSAGE)
        self._lines: bool | None = None

    async def open(self) -> None:
        """OSError or ValueError when the standard input is no pipe: nobody is there to talk to."""
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader), sys.stdin.buffer
        )

    async def read(self) -> object:
        """The next message; None when there are no more. One that is no JSON is answered here.
        ProtocolError when it is not known where the next one begins."""
        while (data := await self._data()) is not None:
            try:
                message: object = json.loads(data)
            except (ValueError, RecursionError):
                error = {"code": MALFORMED, "message": "The message is not JSON."}
                self.say({"jsonrpc": "2.0", "id": None, "error": error})
                continue
            if message is not None:
                return message
        return None

    def say(self, message: dict[str, Any]) -> None:
        """Writes a message; waits while the editor does not read."""
        data = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        head = b"" if self._lines else b"Content-Length: %d\r\n\r\n" % len(data)
        sys.stdout.buffer.write(head + data + (b"\n" if self._lines else b""))
        sys.stdout.buffer.flush()

    async def _data(self) -> bytes | None:
        size = None
        try:
            while line := await self._reader.readline():
                if self._lines is None and line.strip():
                    self._lines = line.lstrip().startswith(b"{")
                if self._lines:
                    return line
                name, _, value = line.partition(b":")
                if name.strip().lower() == b"content-length":
                    size = int(value)
                elif not line.strip() and size is not None:
                    if not 0 <= size <= MAX_MESSAGE:
                        raise ValueError
                    return await self._reader.readexactly(size)
        except asyncio.IncompleteReadError:
            return None
        except ValueError:
            raise ProtocolError("The editor sends what is no message.") from None
        return None


async def serve(stdio: Stdio, receive: Callable[[object], None]) -> None:
    """Gives each message to `receive`, until the editor goes."""
    await stdio.open()
    while (message := await stdio.read()) is not None:
        receive(message)
