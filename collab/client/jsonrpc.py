"""JSON-RPC as editors speak it, over the standard input and output, or a socket. Knows no method.

    Content-Length: 42\\r\\n\\r\\n{"jsonrpc": "2.0", ...}

as language servers do it, or each message on a line of its own; the first byte decides, and it is
answered in kind.
"""

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from collab.errors import Conflict, ProtocolError

MAX_MESSAGE = 64 << 20  # bytes: a whole file comes in one
MALFORMED = -32700

logger = logging.getLogger(__name__)


class Channel:
    """To and from an editor: `read` until that returns None; `say` at any time."""

    def __init__(self, reader: asyncio.StreamReader, write: Callable[[bytes], None]) -> None:
        self._reader = reader
        self._write = write
        self._lines: bool | None = None

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
        """Writes a message."""
        data = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        head = b"" if self._lines else b"Content-Length: %d\r\n\r\n" % len(data)
        self._write(head + data + (b"\n" if self._lines else b""))

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
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        except ValueError:
            raise ProtocolError("The editor sends what is no message.") from None
        return None


async def stdio() -> Channel:
    """The editor that has started us; what is said waits while it does not read. OSError or
    ValueError when the standard input is no pipe: nobody is there to talk to."""
    reader = asyncio.StreamReader(MAX_MESSAGE)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
    )

    def write(data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    return Channel(reader, write)


async def listen(path: Path, serve: Callable[[Channel], Awaitable[None]]) -> None:
    """Serves every editor that connects to a socket at `path`, until it is cancelled; then each
    `serve` is, too, and waited for. Conflict when somebody listens there; OSError."""

    async def guest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def write(data: bytes) -> None:
            if writer.transport.get_write_buffer_size() > MAX_MESSAGE:
                writer.transport.abort()  # it does not read
            if not writer.is_closing():
                writer.write(data)

        try:
            await serve(Channel(reader, write))
        except ProtocolError as error:
            logger.warning("an editor is hung up on: %s", error)
        except Exception:  # the others go on
            logger.exception("an error of ours")
        finally:
            writer.close()

    with _bound(path) as ours:
        async with asyncio.TaskGroup() as guests:

            def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                guests.create_task(guest(reader, writer))

            server = await asyncio.start_unix_server(welcome, sock=ours, limit=MAX_MESSAGE)
            try:
                await asyncio.Event().wait()
            finally:
                server.close()


@contextlib.contextmanager
def _bound(path: Path) -> Iterator[socket.socket]:
    """A socket at this path, for nobody but this user, and gone in the end. One that nobody listens
    to any more is of somebody who has crashed: it is replaced."""
    with socket.socket(socket.AF_UNIX) as ours:
        mask = os.umask(0o177)
        try:
            if path.is_socket():
                _clear(path)
            ours.bind(str(path))
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), str(path)) from None
        finally:
            os.umask(mask)
        known = path.stat()
        try:
            yield ours
        finally:
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(known, path.stat()):
                    path.unlink()


def _clear(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        else:
            raise Conflict(f"Somebody listens at {path} already.")
