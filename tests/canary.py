"""Words that must not be told, and where they could be: for tests/web/test_canary.py.

A secret is a token or a cookie: nobody but its owner may see it again. A content is what people
wrote: those who may read it see it again, and no log, error or table that is not for it does.
"""

import contextlib
import json
import socket
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClosedError, websocket_connect

from collab.hocuspocus import prefix
from tests.dialects import Link, Provider, part, send
from tests.httppeer import Refused
from tests.live import Peer, Server

CONTENT = {
    "text": "canarytext",
    "title": "canarytitle",
    "version": "canaryversion",
    "state": "canarystate",
    "search": "canarysearch",
    "junk": "canaryjunk",
}

# Where the store keeps what people wrote, table and column; besides, all BLOBs are documents.
KEPT = {("documents", "title"), ("versions", "name")}


def request(
    url: str, method: str = "GET", body: object = None, **headers: str
) -> tuple[int, str, str]:
    """Status, headers and body of an answer."""
    text = body if isinstance(body, str | bytes | None) else json.dumps(body)
    data = text.encode() if isinstance(text, str) else text
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    names.setdefault("Content-Type", "application/json")
    asked = urllib.request.Request(url, data, names, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, str(answer.headers), answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        try:
            return error.code, str(error.headers), error.read().decode(errors="replace")
        except ConnectionError as broken:  # what is too large may not be read to its end
            return error.code, str(error.headers), str(broken)
    except OSError as error:  # it hung up on what is too large
        return 0, "", str(error)


def in_store(file: Path, words: list[str]) -> list[str]:
    """Where in a store's columns the words are that should not be there."""
    found = []
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in tables:
            cursor = db.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                for column, value in zip(columns, row, strict=True):
                    content = isinstance(value, bytes) or (table, column) in KEPT
                    if content:
                        continue
                    found += [f"{table}.{column}: {word}" for word in words if word in str(value)]
    return found


def secrets_in_store(file: Path, secrets: list[str]) -> list[str]:
    """Which tokens are anywhere in the store's files, as they are on the disk."""
    files = [path for path in file.parent.glob(f"{file.name}*") if path.suffix != ".log"]
    return [word[:20] for word in secrets for path in files if word.encode() in path.read_bytes()]


class Told:
    """What a server said: each line of it with where it came from."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.said: list[tuple[str, str]] = []

    def ask(self, path: str, method: str = "GET", body: object = None, **headers: str) -> str:
        """A request, of which all but the content of a good answer is remembered."""
        status, head, text = request(self.server.page(path), method, body, **headers)
        where = f"{method} {path.partition('?')[0]}: {status}"
        self.said.append((f"{where}, head", head))
        if status >= 400:
            self.said.append((f"{where}, body", text))
        return text

    async def knock(self, path: str, *frames: bytes | str, **headers: str) -> None:
        """A socket that says something, and how it ends; it says goodbye if it does not."""
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        url = self.server.page("").replace("http", "ws") + path
        peer = await websocket_connect(HTTPRequest(url, headers=names))
        head = dict(peer.headers)
        if "," not in names.get("Sec-WebSocket-Protocol", ","):
            # Browsers hang up where none is taken: who offers nothing else hears it again.
            del head["Sec-Websocket-Protocol"]
        self.said.append((path[:20], str(head)))
        for frame in frames:
            await peer.write_message(frame, binary=isinstance(frame, bytes))
        if frames and frames[-1] == b"\x03":
            peer.close()
        while await peer.read_message() is not None:
            pass
        self.said.append((path[:20], str(peer.close_reason)))
        peer.close()

    def raw(self, data: bytes) -> None:
        """Bytes on a connection of their own."""
        with socket.create_connection(("127.0.0.1", self.server.port), 20) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                while some := connection.recv(65536):
                    self.said.append(("raw", some.decode(errors="replace")))

    async def dismiss(self, link: Link, frame: bytes) -> None:
        """Says something for which one is sent away, or what else comes of it, and goes."""
        with contextlib.suppress(Refused, WebSocketClosedError, AssertionError, TimeoutError):
            await send(link, frame)
            while await link.frame(1.0) is not None:
                pass
        if isinstance(link, Peer):
            self.said.append(("closed", f"{link.code} {link.socket.close_reason}"))
        else:
            self.said.append(("closed", f"{link.code} {link.reason}"))
        await part(link)

    def hear(self, talk: Provider) -> None:
        """What a provider was told, but for what others write and where their carets are."""
        start = len(prefix(talk.name))
        for frame in talk.heard:
            if frame[start] > 1:
                self.said.append(("Hocuspocus", frame.decode(errors="replace")))
