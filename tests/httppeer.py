"""An editor where WebSocket is blocked: `tests.live.Peer`, over HTTP requests of which any can be
lost, repeated or late.

Knows the wire of `collab.web.fallback`, told here once more, by itself.
"""

import asyncio
import json
import time
from typing import Any
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse

from collab import wire
from collab.reader import Reader, var_uints
from collab.wire import Message, SyncStep2
from tests.live import PATIENCE, STEP1, STEP2, messages

BATCH = "application/octet-stream"


class Refused(Exception):
    """An answer that is an error: `status`, `code` of the connection's end or None, `error`."""

    def __init__(self, answer: HTTPResponse) -> None:
        super().__init__(f"{answer.code} {answer.body.decode(errors='replace')}")
        self.status = answer.code
        close = answer.headers.get("Quire-Close")
        self.code = int(close) if close else None
        self.error: dict[str, Any] = json.loads(answer.body)["error"]


def batch(*frames: bytes) -> bytes:
    """Whole frames, as they go up."""
    return b"".join(b"\x00" + var_uints(len(frame)) + frame for frame in frames)


def piece(part: bytes) -> bytes:
    """A part of a frame that goes on."""
    return b"\x01" + var_uints(len(part)) + part


def address(port: int, name: str) -> str:
    return f"http://127.0.0.1:{port}/sync/{quote(name, safe='')}"


class HttpPeer:
    """One virtual connection; made by `connect` or `join`. Close it in the end."""

    def __init__(self, url: str, token: str = "", client: AsyncHTTPClient | None = None) -> None:
        self.url = url
        self.client = client or AsyncHTTPClient(force_instance=True)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.identity = ""
        self.number = 0  # of the last batch
        self.after = 0  # the last frame that came
        self.code: int | None = None
        self.reason = ""
        self._frames: list[bytes] = []

    @classmethod
    async def connect(cls, url: str, token: str = "") -> "HttpPeer":
        """A connection that has said nothing yet; Refused."""
        peer = cls(url, token)
        try:
            await peer.open()
        except Refused:
            peer.client.close()
            raise
        return peer

    async def open(self) -> None:
        """Makes the connection."""
        answer = await self.ask("POST", {"Content-Type": "application/json"}, b"{}")
        self.identity = json.loads(answer.body)["connection"]

    @classmethod
    async def join(cls, url: str, token: str = "") -> "HttpPeer":
        """Connected, asked and answered."""
        peer = await cls.connect(url, token)
        await peer.send(STEP1 + STEP2)
        await peer.hear(SyncStep2)
        return peer

    async def ask(
        self, method: str, headers: dict[str, str], body: bytes | None = None
    ) -> HTTPResponse:
        """One request; Refused for an error."""
        headers = {**self.headers, **headers}
        if self.identity:
            headers.setdefault("Quire-Connection", self.identity)
        request = HTTPRequest(
            self.url, method, headers, body, request_timeout=PATIENCE,
            allow_nonstandard_methods=True,
        )  # fmt: skip
        try:
            return await self.client.fetch(request)
        except HTTPClientError as error:
            if error.response is None:
                raise
            raise Refused(error.response) from None

    async def post(self, number: int, body: bytes) -> HTTPResponse:
        """A batch, as it stands."""
        headers = {"Content-Type": BATCH, "Quire-Number": str(number)}
        return await self.ask("POST", headers | {"Quire-After": str(self.after)}, body)

    async def poll(self, after: int | None = None) -> list[tuple[int, bytes]]:
        """What one GET brings; `code` is set by the end."""
        headers = {"Quire-After": str(self.after if after is None else after)}
        answer = await self.ask("GET", headers)
        return self.read(answer.body)

    def read(self, body: bytes) -> list[tuple[int, bytes]]:
        """The frames of an answer."""
        reader, frames = Reader(body), []
        while not reader.at_end:
            kind = reader.var_uint()
            if kind == 1:
                frames.append((reader.var_uint(), reader.var_bytes()))
            elif kind == 2:
                self.code, self.reason = reader.var_uint(), reader.var_string()
            else:
                assert kind == 0
        return frames

    async def send(self, frame: bytes) -> None:
        """One frame."""
        self.number += 1
        await self.post(self.number, batch(frame))

    async def say(self, message: Message) -> None:
        """One message in one frame."""
        await self.send(wire.encode(message))

    async def frame(self, seconds: float = PATIENCE) -> bytes | None:
        """The next frame; None when it is over: see `code`."""
        async with asyncio.timeout(seconds):
            while not self._frames and self.code is None:
                try:
                    frames = await self.poll()
                except Refused as refused:
                    self.code = refused.code
                    continue
                for number, frame in frames:
                    assert number == self.after + 1
                    self.after = number
                    self._frames.append(frame)
        return self._frames.pop(0) if self._frames else None

    async def hear(self, kind: type, seconds: float = PATIENCE) -> Message:
        """The next message of a kind; those before it are thrown away."""
        deadline = time.monotonic() + seconds
        while True:
            frame = await self.frame(deadline - time.monotonic())
            assert frame is not None, f"closed with {self.code}"
            for message in messages(frame):
                if isinstance(message, kind):
                    return message

    async def end(self) -> int | None:
        """Reads until it is over; the code."""
        while await self.frame() is not None:
            pass
        return self.code

    async def close(self) -> None:
        """Says goodbye."""
        try:
            await self.ask("DELETE", {})
        finally:
            self.client.close()
