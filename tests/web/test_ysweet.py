"""y-sweet's addresses: what they answer and to whom, and what they refuse.

Its client and its SDK are in tests/conformance/test_ysweet.py; who may do what is in test_rights.
"""

import asyncio
import json
import time
import urllib.error
import urllib.request

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import websocket_connect

from collab import Hub
from collab.access import Grant, Level
from collab.storage import open_store
from collab.tokens import Tokens, new_key
from collab.web import routes
from collab.wire import AwarenessUpdate, Receipt, SyncStep2, SyncUpdate
from tests.httppeer import HttpPeer
from tests.live import QUIRE, STEP1, STEP2, Peer, Server, polls, run, typed, var_bytes

LATER = int(time.time()) + 7200


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One with users, behind a proxy; `token(...)` makes one's token."""
    folder, key = tmp_path_factory.mktemp("ysweet"), new_key()
    keys = folder / "quire.keys"
    keys.write_text(key)
    keys.chmod(0o600)
    options = ("--keys", str(keys), "--proxies", "127.0.0.1")
    with Server(folder / "quire.db", QUIRE, *options) as server:
        server.tokens = Tokens([key])
        server.admin = token(server, {"*": Level.ADMIN})
        yield server
        expected = ("stands twice", "y-sweet's ids", "A receipt is", "53 bits", "ends too early")
        assert [t for t in server.troubles() if not any(e in t for e in expected)] == []


def token(server, rights, user="app", **claims):
    return server.tokens.issue(user, rights, LATER, **claims)[0]


def ask(server, method, path, body=None, token="", **headers):
    """Status and JSON of an answer."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    headers.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(server.page(path), data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())["error"]["message"]


def client_token(server, doc, **body):
    assert ask(server, "POST", "/y-sweet/doc/new", {"docId": doc}, server.admin)[0] == 200
    status, told = ask(server, "POST", f"/y-sweet/doc/{doc}/auth", body, server.admin)
    assert status == 200
    return told


def socket(server, told, again=""):
    """Where a client connects with what it was told."""
    return f"{told['url']}/{again or told['docId']}?token={told.get('token', '')}"


async def revoke(server, token):
    identity = server.tokens.verify(token)["jti"]
    headers = {"Authorization": f"Bearer {server.admin}"}
    asked = HTTPRequest(server.page(f"/api/tokens/{identity}"), "DELETE", headers)
    assert (await AsyncHTTPClient().fetch(asked)).code == 204


def test_a_client_goes_where_the_server_was_asked(server):
    """By the host that the SDK uses, encrypted where a proxy of ours says that it was."""
    told = client_token(server, "notes")
    assert told["baseUrl"] == server.page("/y-sweet/d/notes")
    headers = {"Host": "quire.example.com", "X-Forwarded-For": "203.0.113.9"}
    headers["X-Forwarded-Proto"] = "https"
    path = "/y-sweet/doc/notes/auth"
    _, told = ask(server, "POST", path, {}, server.admin, **headers)
    assert told["url"] == "wss://quire.example.com/y-sweet/d/notes/ws"
    assert told["baseUrl"] == "https://quire.example.com/y-sweet/d/notes"


def test_a_client_token_is_one_of_ours(server):
    """For this document alone, for an hour; of whom the SDK names, or of a crowd."""
    claims = server.tokens.verify(client_token(server, "notes")["token"])
    assert claims["rights"] == {"notes": "write"}
    assert (claims["sub"], claims["crowd"]) == ("crowd-app", True)  # not who asked for it
    assert 3590 <= claims["exp"] - time.time() <= 3600
    body = {"authorization": "read-only", "userId": "ann", "validForSeconds": 60}
    claims = server.tokens.verify(client_token(server, "notes", **body)["token"])
    assert claims["rights"] == {"notes": "read"}
    assert (claims["sub"], claims.get("crowd")) == ("ann", None)
    assert 50 <= claims["exp"] - time.time() <= 60


def test_a_client_token_ends_with_the_one_that_gave_it_out(server):
    """At the latest: who is in for a minute lets nobody in for an hour."""
    soon = int(time.time()) + 60
    brief = server.tokens.issue("app", {"*": Level.ADMIN}, soon)[0]
    client_token(server, "brief")
    told = ask(server, "POST", "/y-sweet/doc/brief/auth", {}, brief)[1]
    assert soon == server.tokens.verify(told["token"])["exp"]


def test_who_is_no_administrator_of_all_names_users_of_its_own(server):
    """Not those who are somebody elsewhere, and have so many connections at most; in a tenant, all
    is all of that."""
    for rights, tenant, user in (
        ({"named": Level.ADMIN}, "", "app:ann"),
        ({"named": Level.ADMIN}, "acme", "app:ann"),
        ({"*": Level.ADMIN}, "acme", "ann"),
        ({"*": Level.WRITE, "named": Level.ADMIN}, "acme", "app:ann"),
    ):
        own = token(server, rights, tenant=tenant)
        assert ask(server, "POST", "/y-sweet/doc/new", {"docId": "named"}, own)[0] == 200
        told = ask(server, "POST", "/y-sweet/doc/named/auth", {"userId": "ann"}, own)[1]
        assert server.tokens.verify(told["token"])["sub"] == user


def test_no_two_apps_name_the_same_user(server):
    """Whatever they are called: it would be one person, with two who speak for it."""
    named = {}
    for app in ("a", "a:b", "a\\", "a\\:b", "crowd-a", "a:b:c"):
        own = token(server, {"shared": Level.ADMIN}, app)
        ask(server, "POST", "/y-sweet/doc/new", {"docId": "shared"}, own)
        for user in ("", "b", "c", "b:c", ":c", "\\:c"):
            told = ask(server, "POST", "/y-sweet/doc/shared/auth", {"userId": user}, own)[1]
            named.setdefault(server.tokens.verify(told["token"])["sub"], []).append((app, user))
    assert [] == [same for same in named.values() if len(same) > 1]


def test_giving_out_a_token_is_in_the_audit_log(server):
    """For whom and how long, and by which id it can be taken back; not the token."""
    told = client_token(server, "audited", authorization="read-only", validForSeconds=60)
    identity = server.tokens.verify(told["token"])["jti"]
    path = "/api/audit?action=grant&document=audited"
    for _ in polls("the line"):
        lines = ask(server, "GET", path, token=server.admin)[1]["lines"]
        if lines:
            break
    detail = f"read, 60 seconds, token {identity}"
    assert [(line["user"], line["detail"]) for line in lines] == [("app", detail)]


def test_a_client_token_can_be_taken_back(server):
    """By the id in it, as any; who is in by it has to go."""
    told = client_token(server, "revoked")

    async def story():
        ann = await Peer.join(socket(server, told))
        await revoke(server, told["token"])
        assert await ann.end() == 4401

    run(story())


def test_client_tokens_are_taken_back_with_the_one_that_gave_them_out(server):
    """Who is in by them has to go, guests too, and nobody comes in; other apps' stay."""
    client_token(server, "orphans")
    parent = token(server, {"orphans": Level.ADMIN}, "leaky")
    told = ask(server, "POST", "/y-sweet/doc/orphans/auth", {}, parent)[1]
    guest = told | {"token": server.tokens.personal(told["token"])}

    async def story():
        peers = [await Peer.join(socket(server, one)) for one in (told, guest)]
        other = await Peer.join(socket(server, client_token(server, "orphans")))
        await revoke(server, parent)
        for peer in peers:
            assert await asyncio.wait_for(peer.end(), 5) == 4401
        for one in (told, guest):
            assert await (await Peer.connect(socket(server, one))).end() == 4401
        await other.say(Receipt(1))
        assert await other.hear(Receipt)

    run(story())


def test_client_tokens_stay_in_the_tenant(server):
    """The document of the same id is another one there."""
    acme = token(server, {"notes*": Level.ADMIN}, tenant="acme")
    assert ask(server, "POST", "/y-sweet/doc/notes/auth", {}, acme)[0] == 404
    assert ask(server, "POST", "/y-sweet/doc/new", {"docId": "notes"}, acme)[0] == 200
    _, told = ask(server, "POST", "/y-sweet/doc/notes/auth", {}, acme)
    assert server.tokens.verify(told["token"])["tenant"] == "acme"
    assert ask(server, "POST", "/y-sweet/doc/new", {}, acme)[0] == 403  # a name of any kind


WRONG = [
    ("POST", "/y-sweet/doc/new", {"docId": "a b"}, "letters, digits"),
    ("POST", "/y-sweet/doc/new", {"docId": "a/b"}, "letters, digits"),
    ("POST", "/y-sweet/doc/new", {"docId": "ä"}, "letters, digits"),
    ("POST", "/y-sweet/doc/new", {"docId": "a\n"}, "letters, digits"),
    ("POST", "/y-sweet/doc/new", {"docId": "x" * 256}, "255"),
    ("POST", "/y-sweet/doc/new", {"docId": 7}, "a string"),
    ("POST", "/y-sweet/doc/new", {"name": "x"}, "Unknown field"),
    ("POST", "/y-sweet/doc/a%20b/auth", {}, "letters, digits"),
    ("GET", "/y-sweet/d/a%2Fb/as-update", None, "letters, digits"),
    ("POST", "/y-sweet/doc/known/auth", {"validForSeconds": 1e12}, "from 1 to"),
    ("POST", "/y-sweet/doc/known/auth", {"validForSeconds": 10**12}, "from 1 to"),
    ("POST", "/y-sweet/doc/known/auth", {"validForSeconds": 0}, "from 1 to"),
    ("POST", "/y-sweet/doc/known/auth", {"validForSeconds": None}, "from 1 to"),
    ("POST", "/y-sweet/doc/known/auth", {"authorization": "admin"}, "full, read-only"),
    ("POST", "/y-sweet/doc/known/auth", {"userId": "a\u200bb"}, "printable"),
    ("POST", "/y-sweet/doc/known/auth", {"userId": "x" * 201}, "200"),
    ("POST", "/y-sweet/d/known/update", b"\x01\x02\x03", "too early"),
    ("POST", "/y-sweet/d/known/update", b"", "too early"),
    ("POST", "/y-sweet/check_store", {"x": 1}, "Unknown field"),
    ("POST", "/y-sweet/d/known/ws/other", {}, "stands twice"),
]


@pytest.mark.parametrize(("method", "path", "body", "said"), WRONG)
def test_what_is_wrong_is_told(server, method, path, body, said):
    """400, and what to do."""
    client_token(server, "known")
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    status, message = ask(server, method, path, body, server.admin, Content_Type=kind)
    assert (status, said in message) == (400, True), message


def test_what_is_not_there_is_told(server):
    """404: documents, and addresses."""
    for method, path in (
        ("POST", "/y-sweet/doc/nobody/auth"), ("GET", "/y-sweet/d/nobody/as-update"),
        ("GET", "/y-sweet"), ("GET", "/y-sweet/d/notes"), ("POST", "/y-sweet/doc/a/b/auth"),
    ):  # fmt: skip
        body = {} if method == "POST" else None
        if path != "/y-sweet":
            assert ask(server, method, path, body, server.admin)[0] == 404, path


def test_an_update_that_builds_on_nothing_is_refused(server):
    """It is not kept to wait for what may never come. A body that is no update neither."""
    client_token(server, "known")
    octets = {"Content_Type": "application/octet-stream"}
    path = "/y-sweet/d/known/update"
    assert ask(server, "POST", path, typed(5, 3, "x"), server.admin, **octets)[0] == 409
    assert ask(server, "POST", path, b"{}", server.admin)[0] == 415


@pytest.mark.parametrize(
    ("frame", "said"),
    [(b"\x66\x00", "early"), (b"\x66\x02\x01\x01", "receipt"), (b"\x66\x01\x80", "early"),
     (b"\x66", "early"), (b"\x66" + b"\x09" + b"\xff" * 9, "53 bits")],
)  # fmt: skip
def test_a_receipt_that_is_none_ends_the_connection(server, frame, said):
    """1007 and a sentence; others in the document go on."""
    told = client_token(server, "receipts")

    async def story():
        ann, eve = [await Peer.join(socket(server, told)) for _ in range(2)]
        await eve.send(frame)
        assert (await eve.end(), said in eve.socket.close_reason) == (1007, True)
        await ann.say(Receipt(1))
        assert await ann.hear(Receipt)

    run(story())


def test_the_two_ids_of_an_address_are_one(server):
    """4400 where they are not; and a token for another document opens nothing."""
    told, other = client_token(server, "mine"), client_token(server, "other")

    async def story():
        twisted = await Peer.connect(socket(server, told, "other"))
        assert (await twisted.end(), "twice" in twisted.socket.close_reason) == (4400, True)
        thief = await Peer.connect(socket(server, other | {"token": told["token"]}))
        assert await thief.end() == 4403
        wrong = await Peer.connect(server.url("")[: -len("/sync/")] + "/y-sweet/d/a%20b/ws/a%20b")
        assert await wrong.end() == 4400

    run(story())


def test_by_http_it_is_the_same(server):
    """Where WebSocket is blocked: reading, writing, receipts, and no more than the token allows."""
    full = client_token(server, "blocked")
    reads = client_token(server, "blocked", authorization="read-only")
    url = full["baseUrl"] + "/ws/blocked"

    async def story():
        ann, eve = [await HttpPeer.join(url, told["token"]) for told in (full, reads)]
        await eve.say(SyncUpdate(typed(2, 0, "hers")))
        await eve.say(Receipt(1))
        assert await eve.hear(Receipt) == Receipt(0)
        await ann.say(SyncUpdate(typed(1, 0, "his")))
        await ann.say(Receipt(1))
        while await ann.hear(Receipt) != Receipt(1):
            pass
        late = await HttpPeer.connect(url, reads["token"])
        await late.send(STEP1 + STEP2)
        update = (await late.hear(SyncStep2)).update
        assert (b"his" in update, b"hers" in update) == (True, False)
        for peer in (ann, eve, late):
            await peer.close()

    run(story())


def test_of_a_crowd_each_is_shown_for_itself(server):
    """Without an id by which the page would take them for one; called guests, for nobody knows."""
    told = client_token(server, "crowd")

    async def story():
        ann, bob = [await Peer.join(socket(server, told)) for _ in range(2)]
        state = var_bytes(b'{"user":{"name":"Ann","id":"eve"}}')
        await ann.say(AwarenessUpdate(b"\x01\x01\x01" + state))
        heard = (await bob.hear(AwarenessUpdate)).update
        assert b'{"user":{"name":"Ann (guest)"}}' in heard

    run(story())


def test_who_brings_a_newer_token_goes_on_as_before(server):
    """Under the same client id, which is of whoever had it: else what is typed was lost."""

    async def story():
        for clock in range(2):
            peer = await Peer.join(socket(server, client_token(server, "again")))
            await peer.say(SyncUpdate(typed(9, clock, "x")))
            await peer.say(Receipt(1))
            while await peer.hear(Receipt) != Receipt(1):
                pass
            peer.close()

    run(story())


@pytest.mark.gen_test
async def test_a_hook_of_ones_own_needs_no_tokens():
    """It knows people by what it likes: clients are told where to go, and nothing more."""

    async def hook(credentials, document):
        return Grant(Level.ADMIN, user="ann")

    hub = Hub(open_store(":memory:"), hook)
    server = HTTPServer(Application(routes(hub, prefix="/docs", page=False)))
    listener, port = bind_unused_port()
    server.add_socket(listener)
    try:
        base = f"http://127.0.0.1:{port}/docs/y-sweet"
        for path in ("/doc/new", "/doc/notes/auth"):
            body = '{"docId": "notes"}' if path == "/doc/new" else "{}"
            kind = {"Content-Type": "application/json"}
            asked = HTTPRequest(base + path, "POST", kind, body)
            answer = await AsyncHTTPClient().fetch(asked)
        told = json.loads(answer.body)
        where = base.removeprefix("http") + "/d/notes"
        assert told == {
            "url": f"ws{where}/ws", "baseUrl": f"http{where}", "docId": "notes",
            "authorization": "full",
        }  # fmt: skip
        peer = await websocket_connect(f"{told['url']}/notes")
        await peer.write_message(STEP1, binary=True)
        assert await peer.read_message() is not None
        peer.close()
    finally:
        server.stop()
        await hub.close()
