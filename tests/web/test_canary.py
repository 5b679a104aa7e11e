"""No token, no cookie and nothing that people wrote gets where it does not belong.

A real server, used as people use it and as they should not; then everything that it said and wrote
is searched for words that were put there to be found.
"""

import contextlib
import json
import signal
import time

import jwt
import psutil
import pytest

from collab.access import Level
from collab.hocuspocus import Leave, prefix
from collab.reader import var_uints
from collab.tokens import Tokens, new_key
from collab.web.rights import SUBPROTOCOL
from collab.wire import AwarenessUpdate, Receipt, SyncUpdate, encode
from tests.canary import CONTENT, Told, in_store, request, secrets_in_store
from tests.dialects import WAYS, Provider, connect, send
from tests.httppeer import BATCH, HttpPeer, Refused
from tests.live import QUIRE, STEP1, STEP2, Peer, Server, run, typed

API = "/api/documents"
OTHER = {"exp": int(time.time()) + 600, "aud": "quire", "sub": "ann", "rights": {"*": "write"}}


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


async def use_providers(told: Told, ann: str, bad: list[str]) -> list[str]:
    """Hocuspocus: tokens in messages, and texts beside a document. What is secret of it."""
    secrets, junk = [], CONTENT["junk"]
    texts = [junk, json.dumps({"action": junk}), json.dumps({junk: [junk]})]
    for action, field, value in (
        ("version.create", "name", CONTENT["version"]), ("version.create", "name", 99 * junk),
        ("version.create", "name", [junk]), ("version.preview", "version", junk),
        ("document.revert", "currentVersionName", 99 * junk), ("document.revert", "version", junk),
    ):  # fmt: skip
        texts.append(json.dumps({"action": action, "version": 1} | {field: value}))
    for way in (way for way in WAYS if way.in_band):
        link = await connect(told.server.port, way, "", "")
        secrets += [link.identity] if isinstance(link, HttpPeer) else []
        talk = Provider(link, "notes", ann)
        assert await talk.enter()
        await send(link, prefix("notes") + encode(SyncUpdate(typed(20, 0, CONTENT["text"]))))
        for text in texts:
            await talk.ask(text)
        assert await talk.say(Leave)
        await told.dismiss(link, prefix("notes") + b"\x05" + junk.encode())
        told.hear(talk)
        for token in bad:
            link = await connect(told.server.port, way, "", "")
            talk = Provider(link, "notes", token)
            with contextlib.suppress(AssertionError, Refused):  # what is too long ends the link
                assert not await talk.enter()
            await told.dismiss(link, prefix(token))
            told.hear(talk)
    return secrets


async def use_requests(told: Told, ann: str, bad: list[str]) -> list[str]:
    """Where WebSocket is blocked. What is secret of it: the ids of connections."""
    good, junk = {"Authorization": f"Bearer {ann}"}, CONTENT["junk"]
    peer = await HttpPeer.join(told.server.page("/sync/notes"), ann)
    state = json.dumps({"note": CONTENT["state"]}).encode()
    await peer.say(AwarenessUpdate(var_uints(1, 21, 1, len(state)) + state))
    await peer.say(SyncUpdate(typed(21, 0, CONTENT["text"])))
    await peer.hear(SyncUpdate)
    for name in ("Quire_Number", "Quire_After", "Quire_Mode", "Quire_Connection", "Content_Type"):
        for method in ("POST", "GET", "DELETE") if name != "Content_Type" else ("POST",):
            mine = {"Quire_Connection": peer.identity, "Quire_Number": "9", "Content_Type": BATCH}
            for said in (junk, ann):
                told.ask("/sync/notes", method, None, **{**good, **mine, name: said})
    for token in [ann, *bad]:
        asked = token.encode("ascii", "ignore").decode()
        told.ask(f"/sync/notes?token={asked}", "POST", {}, **good)
        told.ask("/sync/notes", "POST", {}, Authorization=f"Bearer {asked}", Quire_Mode=junk)
        told.ask("/sync/notes", "POST", {junk: asked}, Authorization=f"Bearer {asked}")
    await told.dismiss(peer, encode(SyncUpdate(junk.encode())))
    return [peer.identity]


async def use_ysweet(told: Told, ann: str, bad: list[str]) -> list[str]:
    """By the SDK, and by a client with the token that it was given, which is the secret."""
    good, junk = {"Authorization": f"Bearer {ann}"}, CONTENT["junk"]
    told.ask(f"/y-sweet/doc/new?z={junk}", "POST", {"docId": "sweet"}, **good)
    token = json.loads(told.ask(f"/y-sweet/doc/sweet/auth?z={junk}", "POST", {}, **good))["token"]
    edit = encode(SyncUpdate(typed(22, 0, CONTENT["text"])))
    socket = "/y-sweet/d/sweet/ws/sweet"
    await told.knock(f"{socket}?token={token}&z={junk}", STEP1 + STEP2, edit, b"\x03")
    told.ask(f"/y-sweet/d/sweet/as-update?z={junk}&token={token}")
    body = typed(23, 0, CONTENT["text"])
    told.ask(f"/y-sweet/d/sweet/update?z={junk}&token={token}", "POST", body, Content_Type=BATCH)
    told.ask("/y-sweet/d/sweet/update", "POST", junk, **good, Content_Type=BATCH)
    for wrong in (
        {"authorization": junk}, {"userId": [junk]}, {"userId": f"\n{junk}"}, {junk: junk},
        {"validForSeconds": junk}, junk,
    ):  # fmt: skip
        told.ask("/y-sweet/doc/sweet/auth", "POST", wrong, **good)
        told.ask("/y-sweet/doc/new", "POST", wrong, **good)
    for name in (token, f"{junk}:"):
        told.ask("/y-sweet/doc/new", "POST", {"docId": name}, **good)
    for one in [token, *bad]:
        asked = one.encode("ascii", "ignore").decode()
        told.ask(f"/y-sweet/check_store?token={asked}&z={asked}")
        told.ask(f"/y-sweet/doc/sweet/auth?z={asked}", "POST", {}, Authorization=f"Bearer {asked}")
        told.ask(f"/y-sweet/{asked}/{asked}")
        await told.knock(f"/y-sweet/d/sweet/ws/{asked}?token={asked}")
    return [token]


async def use_examples(told: Told, ann: str) -> None:
    """The echo says it to whom it hears, and nowhere else."""
    path = f"/examples/echo/socket?token={ann}"
    await told.knock(path, CONTENT["text"], 9_999 * CONTENT["junk"], Cookie=f"quire={ann}")
    told.ask(path, Origin="https://evil.example", Cookie=f"quire={ann}")
    told.ask(path, Sec_WebSocket_Protocol=f"{SUBPROTOCOL}{ann}")
    told.ask(f"/examples/{ann}?z={CONTENT['junk']}")


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
        secrets = [ann, link, cookie, *bad]
        for use_it in (use_providers, use_requests, use_ysweet):
            secrets += await use_it(told, ann, bad)
        await use_examples(told, ann)
        await break_down(told, ann, keys)
        return secrets

    store = tmp_path / "q.db"
    patient = ("--limit", "failed_logins=10000")
    options = ("--keys", str(keys), "--log", form, "--examples", *patient)
    with Server(store, QUIRE, *options) as server:
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
