"""Quire as its users meet it: a server process of its own, and peers that speak raw WebSocket.

Knows the wire and the command line; nothing of what is inside the server. The peers hold no
document unless a test gives them one, so that nothing a stranger sends can hurt the test itself.
"""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import psutil
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from collab import wire
from collab.reader import Reader, var_uints
from collab.wire import Message, SyncStep2

QUIRE = (sys.executable, "-m", "collab.web", "serve")
RATES = {f"{what}_per_second": 1 << 40 for what in ("edits", "bytes", "presence")}
FAST = ("--limit", ",".join(f"{rate}={most}" for rate, most in RATES.items()))
"""For peers that send as fast as they can, to see what that costs: as no editor may by default."""

FIRST_LINE = "Quire is at http://127.0.0.1:"
PATIENCE = 30.0  # seconds that anything may take before a test gives up

STEP1 = b"\x00\x00\x01\x00"  # SyncStep1 of somebody who has nothing
STEP2 = b"\x00\x01\x02\x00\x00"  # SyncStep2 of the same

T = TypeVar("T")


class Server:
    """A server on a store in a file. `with Server(file) as server:` starts it and ends it; `kill`
    and `start` in between do so again, at the same port."""

    def __init__(self, store: Path, program: Sequence[str] = QUIRE, *options: str) -> None:
        self.store = store
        self.program = program
        self.options = options
        self.port = 0
        self.log = store.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when the server listens."""
        command = [*self.program, "--port", str(self.port), "--store", str(self.store)]
        with self.log.open("ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                [*command, *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        for _ in polls("the server to listen"):
            told = self.log.read_bytes()[begin:].decode()
            assert self.process.poll() is None, told
            if FIRST_LINE in told and "\n" in told.partition(FIRST_LINE)[2]:
                self.port = int(told.partition(FIRST_LINE)[2].split("/")[0])
                return

    def kill(self) -> None:
        """SIGKILL: no word, no flush."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def stop(self) -> None:
        """SIGTERM, as an administrator does it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def memory(self) -> int:
        """Resident bytes of the process that holds the sockets."""
        assert self.process is not None
        return psutil.Process(self.process.pid).memory_info().rss

    def peak(self) -> int:
        """The most resident bytes at any moment since this was asked last."""
        assert self.process is not None
        folder = Path(f"/proc/{self.process.pid}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        (folder / "clear_refs").write_text("5")
        return int(status["VmHWM"].split()[0]) << 10

    def url(self, name: str) -> str:
        """Where editors of document `name` connect."""
        return f"ws://127.0.0.1:{self.port}/sync/{quote(name, safe='')}"

    def page(self, path: str) -> str:
        """An HTTP address."""
        return f"http://127.0.0.1:{self.port}{path}"

    def troubles(self) -> list[str]:
        """The log's messages of WARNING and above, so far; tracebacks with them."""
        troubles = []
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                if not line.startswith((FIRST_LINE, "It is open to", "Who has a token")):
                    troubles.append(line)  # nobody but the logger has anything to say there
                continue
            if record["level"] not in ("debug", "info"):
                troubles.append(f"{record['level']}: {record['message']}{record.get('error', '')}")
        return troubles


def run(story: Coroutine[Any, Any, T]) -> T:
    """Plays a story; whoever is still connected in the end is disconnected."""

    async def play() -> T:
        try:
            return await story
        finally:
            while _open:
                _open.pop().vanish()

    return asyncio.run(play())


_open: list["Peer"] = []


class Peer:
    """One socket to one document; `run` closes it, if nobody does before."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        assert socket.protocol is not None and socket.protocol.stream is not None
        self.socket = socket
        self.stream = socket.protocol.stream
        _open.append(self)

    @classmethod
    async def connect(cls, url: str) -> "Peer":
        """A socket that has said nothing yet."""
        return cls(await asyncio.wait_for(websocket_connect(url), PATIENCE))

    @classmethod
    async def join(cls, url: str) -> "Peer":
        """Connected, asked and answered: what it sends from here on counts."""
        peer = await cls.connect(url)
        await peer.send(STEP1 + STEP2)
        await peer.hear(SyncStep2)
        return peer

    async def send(self, frame: bytes) -> None:
        """One binary frame."""
        await self.socket.write_message(frame, binary=True)

    async def say(self, message: Message) -> None:
        """One message in one frame."""
        await self.send(wire.encode(message))

    def put(self, message: Message) -> None:
        """Sends a message, or loses it with the connection; whoever types does not wait."""
        with contextlib.suppress(WebSocketClosedError):
            sent = asyncio.ensure_future(self.socket.write_message(wire.encode(message), True))
            sent.add_done_callback(lambda future: future.cancelled() or future.exception())

    async def pour(self, data: bytes) -> bool:
        """Puts bytes onto the wire as they are; False when there is no wire any more."""
        try:
            await self.stream.write(data)
        except StreamClosedError:
            return False
        return True

    async def frame(self, seconds: float = PATIENCE) -> bytes | None:
        """The next frame; None when the socket was closed: see `code`."""
        frame = await asyncio.wait_for(self.socket.read_message(), seconds)
        assert not isinstance(frame, str)
        return frame

    async def hear(self, kind: type, seconds: float = PATIENCE) -> Message:
        """The next message of a kind; those before it are thrown away."""
        deadline = time.monotonic() + seconds
        while True:
            frame = await self.frame(deadline - time.monotonic())
            assert frame is not None, f"closed with {self.code}: {self.socket.close_reason}"
            for message in messages(frame):
                if isinstance(message, kind):
                    return message

    async def end(self) -> int | None:
        """Reads until the server closes; the code that it gave."""
        async with asyncio.timeout(PATIENCE):
            while await self.frame() is not None:
                pass
        self.close()
        return self.code

    @property
    def code(self) -> int | None:
        """The close code that the server gave."""
        return self.socket.close_code

    def close(self) -> None:
        """Says goodbye."""
        self.socket.close()

    def vanish(self) -> None:
        """The network is gone: no close frame."""
        self.stream.close()
        self.socket.close()


def messages(frame: bytes) -> list[Message]:
    """What a frame of the server says; also the one message that clients never send."""
    if frame[:2] == b"\x02\x00":
        reader = Reader(frame, 2)
        return [wire.Denied(reader.var_string())]
    return list(wire.decode(frame))


def var_bytes(data: bytes) -> bytes:
    """lib0's varBytes."""
    return var_uints(len(data)) + data


def typed(client: int, clock: int, text: str) -> bytes:
    """The update of somebody who types `text` (ASCII) at the end of what `client` typed before."""
    content = var_bytes(text.encode())
    if clock == 0:
        return var_uints(1, 1, client, 0) + b"\x04\x01" + var_bytes(b"t") + content + b"\x00"
    return var_uints(1, 1, client, clock) + b"\x84" + var_uints(client, clock - 1) + content + b"\0"


def polls(what: str, seconds: float = PATIENCE, pause: float = 0.01) -> Iterator[None]:
    """Look again and again, until a deadline: `for _ in polls("the file"): if ...: break`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(pause)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")


async def until(what: str, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Returns when the condition holds; fails after a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        await asyncio.sleep(0.005)
