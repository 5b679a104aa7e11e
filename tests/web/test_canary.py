"""No token, no cookie and nothing that people wrote gets where it does not belong.

A real server, used as people use it and as they should not; then everything that it said and wrote
is searched for words that were put there to be found.
"""

import contextlib
import json
import signal
import socket
import time

import jwt
import psutil
import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from collab.access import Level
from collab.reader import var_uints
from collab.tokens import Tokens, new_key
from collab.web.rights import SUBPROTOCOL
from collab.wire import AwarenessUpdate, Receipt, SyncUpdate, encode
from tests.canary import CONTENT, in_store, request, secrets_in_store
from tests.live import QUIRE, STEP1, STEP2, Peer, Server, run, typed

API = "/api/documents"
OTHER = {"exp": int(time.time()) + 600, "aud": "quire", "sub": "ann", "rights": {"*": "write"}}


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
        if not frames or frames[-1] != b"\x03":
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


def bad_tokens(key: str) -> list[str]:
    """Tokens that do not count, each for its own reason."""
    return [
        jwt.encode(OTHER, new_key(), "HS256"),
        jwt.encode(OTHER | {"exp": 1}, key, "HS256"),
        jwt.encode(OTHER | {"aud": "other"}, key, "HS256"),
        jwt.encode(OTHER | {"rights": "canary"}, key, "HS256"),
        jwt.encode(OTHER, key, "HS512"),
        jwt.encode({**OTHER, "pad": "x" * 9000}, key, "HS256"),
        jwt.encode(OTHER, key, "HS256")[:-3] + "\u00e9\u00e9".encode().decode("latin-1"),
    ]


async def use(told: Told, ann: str, cookie: str, link: str) -> None:
    """What people do."""
    good = {"Authorization": f"Bearer {ann}"}
    peers = [await Peer.connect(f"{told.server.url('notes')}?token={ann}") for _ in range(2)]
    for peer in peers:
        await peer.send(STEP1 + STEP2)
    state = json.dumps({"note": CONTENT["state"], "user": {"name": "Ann"}}).encode()
    await peers[0].say(AwarenessUpdate(var_uints(1, 7, 1, len(state)) + state))
    await peers[0].say(SyncUpdate(typed(7, 0, CONTENT["text"])))
    await peers[0].say(Receipt(1))
    await peers[1].hear(SyncUpdate)
    told.ask(f"{API}/notes", "PATCH", {"title": CONTENT["title"]}, **good)
    told.ask(f"{API}/notes/versions", "POST", {"name": CONTENT["version"], "at": "1"}, **good)
    told.ask(f"{API}?search={CONTENT['search']}&token={ann}")
    for path in ("", "/content", "/history", "/history/1", "/history/0..1", "/versions", "/links"):
        told.ask(f"{API}/notes{path}", Cookie=f"quire={ann}")
    told.ask(f"{API}/notes/restore", "POST", {"to": "0"}, **good)
    told.ask(f"/d/notes?token={ann}")
    told.ask("/api/session", Cookie=f"quire={cookie}")
    await told.knock("/sync/notes", b"\x03", Cookie=f"quire={cookie}")
    await told.knock(f"/sync/notes?token={link}", b"\x03")
    await told.knock("/sync/notes", b"\x03", Sec_WebSocket_Protocol=f"{SUBPROTOCOL}{ann}, quire")
    peers[0].vanish()


async def misuse(told: Told, ann: str, bad: list[str]) -> None:
    """What goes wrong, on purpose or not."""
    good = {"Authorization": f"Bearer {ann}"}
    for token in bad:
        asked = token.encode("ascii", "ignore").decode()
        told.ask(f"{API}/notes", Authorization=f"Bearer {asked}")
        told.ask(f"{API}/notes/content?token={asked}")
        told.ask(f"{API}", "POST", {"title": CONTENT["title"]}, Cookie=f"quire={asked}")
        told.ask("/api/session", "POST", {"token": token})
        told.ask(f"/api/tokens/{asked}", "DELETE", **good)
        told.ask(f"{API}/notes/links/{asked}", "DELETE", **good)
        told.ask(f"/nothing/{asked}")
        await told.knock(f"/sync/notes?token={asked}")
        if len(token) < 2000:
            await told.knock("/sync/notes", Sec_WebSocket_Protocol=f"{SUBPROTOCOL}{asked}")
    junk = CONTENT["junk"]
    for body in (junk, {junk: junk}, {"title": [junk]}, {"title": junk * 100}, {"kind": junk}):
        told.ask(f"{API}/notes", "PATCH", body, **good)
        told.ask(f"{API}/notes/versions", "POST", body, **good)
        told.ask(f"{API}/notes/restore", "POST", body, **good)
    told.ask(f"{API}/notes", "PATCH", {"title": junk}, **good, Content_Type="text/plain")
    told.ask(f"{API}/notes", "PATCH", junk * 200_000, **good)
    told.ask(f"{API}/notes/history?before={junk}", **good)
    told.ask(f"{API}/notes", "DELETE", {junk: junk}, Origin="https://evil.example", **good)
    words = junk.encode()
    for frame in (
        junk, words, b"\x00\x02" + words, encode(SyncUpdate(words)), encode(AwarenessUpdate(words)),
        encode(AwarenessUpdate(b"\x01\x08\x01" + bytes([len(words)]) + words)), words * 2_000_000,
        b"\x66" + words, b"\x02\x00\x05" + words,
    ):  # fmt: skip
        await told.knock(f"/sync/notes?token={ann}", STEP1 + STEP2, frame)
    for head in (
        f"GET /{junk}?token={ann} HTTP/9.9\r\n\r\n",
        f"GET /?token={ann} HTTP/1.1\r\n{junk}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nCookie: quire={ann * 200}\r\n\r\n",
        f"POST {API}?token={ann} HTTP/1.1\r\nHost: x\r\nContent-Length: {junk}\r\n\r\n",
        f"GET /sync/notes?token={ann} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
    ):  # fmt: skip
        told.raw(head.encode())


async def break_down(told: Told, ann: str, keys: object) -> None:
    """Faults of ours, and the end."""
    assert told.server.process is not None
    good = {"Authorization": f"Bearer {ann}"}
    for child in psutil.Process(told.server.process.pid).children(recursive=True):
        child.kill()
    told.ask(f"{API}/notes/content", **good)
    told.ask(f"{API}/notes/history/0..1", **good)
    keys.write_text(f"{CONTENT['junk']}\n")
    told.server.process.send_signal(signal.SIGHUP)
    told.said.append(("audit", told.ask("/api/audit?limit=500", **good)))
    told.said.append(("metrics", told.ask("/metrics", **good)))
    with open(f"/proc/{told.server.process.pid}/cmdline") as line:
        told.said.append(("command line", line.read()))


@pytest.mark.parametrize("form", ["json", "human"])
def test_nothing_is_told(tmp_path, form):
    """Neither in a log, nor in an answer, a table, a metric or a list of processes."""
    keys = tmp_path / "quire.keys"
    key = 2 * new_key()
    keys.write_text(f"{key}\n")
    keys.chmod(0o600)
    tokens, later = Tokens([key]), int(time.time()) + 600
    ann, _ = tokens.issue("ann", {"*": Level.ADMIN}, later, name="Ann")
    bad = bad_tokens(key)

    async def story(told):
        given = json.loads(
            told.ask(
                f"{API}/notes/links", "POST", {"level": "write"}, Authorization=f"Bearer {ann}"
            )
        )
        link = given["path"].partition("#token=")[2]
        status, head, _ = request(told.server.page("/api/session"), "POST", {"token": link})
        cookie = head.partition("quire=")[2].partition(";")[0]
        assert 200 == status and cookie not in ("", link)
        await use(told, ann, cookie, link)
        await misuse(told, ann, bad)
        await break_down(told, ann, keys)
        return [ann, link, cookie, *bad]

    store = tmp_path / "q.db"
    patient = ("--limit", "failed_logins=10000")
    with Server(store, QUIRE, "--keys", str(keys), "--log", form, *patient) as server:
        told = Told(server)
        secrets = run(story(told))
    told.said += [("log", line) for line in server.log.read_text().splitlines()]

    # The last part of a token says as much as all of it, and stands where it was cut.
    secrets = [key, *(token.rpartition(".")[2][:40] for token in secrets)]
    words = [*secrets, *CONTENT.values()]
    found = [f"{where}: {line[:300]}" for where, line in told.said for w in words if w in line]
    assert not found, "\n".join(found)
    assert [] == in_store(store, words)
    assert [] == secrets_in_store(store, secrets)
    assert any(where == "log" and "notes" in line for where, line in told.said)
