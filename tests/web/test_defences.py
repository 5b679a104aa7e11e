"""What browsers are told to forbid with every answer, and which pages get no answer at all."""

import json

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.web import Application

from collab import Hub
from collab.storage import open_store
from collab.web import routes
from collab.web.page import NothingHandler
from tests.live import QUIRE, Server, run

EVIL = "https://evil.example"


@pytest.fixture
def hub():
    return Hub(open_store(":memory:"))


@pytest.fixture
def app(hub):
    return Application(
        routes(hub, origins=["https://app.example"]), default_handler_class=NothingHandler
    )


@pytest.fixture
def ask(http_client, http_server, base_url, hub, io_loop):
    """await ask(method, path, body, **headers): the answer, whatever its status."""

    async def ask(method, path, body=None, **headers):
        return await http_client.fetch(
            base_url + path,
            method=method,
            body=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            raise_error=False,
            allow_nonstandard_methods=True,
        )

    yield ask
    io_loop.run_sync(hub.close)


ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/d/notes", 200),
    ("GET", "/static/js/api.js", 200),
    ("GET", "/nowhere", 404),
    ("PUT", "/", 405),
    ("GET", "/api/status", 200),
    ("GET", "/api/documents/none", 404),
    ("GET", "/api/documents/none/content", 404),
    ("GET", "/api/nowhere", 404),
    ("DELETE", "/api/status", 405),
    ("GET", "/sync/notes", 400),
]


@pytest.mark.gen_test
@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_every_answer_defends_itself(ask, method, path, status):
    """Pages, files, the API, sockets that are none, and errors of each."""
    answer = await ask(method, path)
    assert status == answer.code
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy and "unsafe" not in policy
    for name, value in {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }.items():
        assert answer.headers[name] == value, name
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert "Server" not in answer.headers and "Strict-Transport-Security" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]


FOREIGN = [
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Origin": "http://[x"},  # urlsplit raises
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Sec_Fetch_Site": "cross-site", "Origin": EVIL},
    {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"},
    {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "script"},
    {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"},
]
CHANGES = [
    ("POST", "/api/documents"),
    ("PATCH", "/api/documents/notes"),
    ("DELETE", "/api/documents/notes"),
    ("POST", "/api/documents/notes/undelete"),
    ("POST", "/api/documents/notes/restore"),
    ("POST", "/api/documents/notes/undo"),
    ("POST", "/api/documents/notes/versions"),
    ("PATCH", "/api/documents/notes/versions/a"),
    ("DELETE", "/api/documents/notes/versions/a"),
]


@pytest.mark.gen_test
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_pages_of_other_sites_neither_change_nor_read(ask, hub, headers):
    """By whichever of its headers a browser says so."""
    await hub.start()
    await hub.store.create("notes", "Mine", "text", 1)
    for method, path in CHANGES:
        answer = await ask(method, path, "{}", Content_Type="application/json", **headers)
        assert answer.code == 403, (method, path)
    for path in ("/api/documents", "/api/documents/notes", "/api/documents/notes/content"):
        answer = await ask("GET", path, **headers)
        assert answer.code == 403 and b"Mine" not in answer.body, path
    [document] = await hub.store.documents()
    assert (document.name, document.title, document.deleted) == ("notes", "Mine", None)


@pytest.mark.gen_test
async def test_links_of_other_sites_can_be_followed(ask):
    """To the page and to the API, in a tab of their own; nothing changes by that."""
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    for path in ("/", "/d/notes", "/api/documents"):
        assert (await ask("GET", path, Sec_Fetch_Dest="document", **link)).code == 200
    posted = await ask("POST", "/api/documents", "{}", Sec_Fetch_Dest="document", **link)
    assert posted.code == 403


FORMS = ["text/plain", "application/x-www-form-urlencoded", "multipart/mixed",
         "application/jsonp", "text/plain; application/json"]  # fmt: skip


@pytest.mark.gen_test
@pytest.mark.parametrize("content_type", FORMS)
async def test_what_a_form_can_send_is_no_json(ask, hub, content_type):
    """Whatever is in it, and wherever it comes from."""
    await hub.start()
    for method, path in CHANGES:
        answer = await ask(method, path, '{"title": "b"}', Content_Type=content_type)
        assert answer.code == 415, (method, path)
        assert json.loads(answer.body)["error"]["code"] == "not-json"
    assert [] == await hub.store.documents()


JSON = ["application/json", "application/json; charset=UTF-8", "Application/JSON",
        "application/merge-patch+json"]  # fmt: skip


@pytest.mark.gen_test
@pytest.mark.parametrize("content_type", JSON)
async def test_json_is_json_however_it_is_called(ask, content_type):
    """And a program that says nothing about it may be right as well."""
    made = await ask("POST", "/api/documents", '{"name": "a"}', Content_Type=content_type)
    assert made.code == 201
    assert (await ask("PATCH", "/api/documents/a", '{"title": "b"}')).code == 200


@pytest.mark.gen_test
async def test_a_socket_is_for_our_own_pages(ask):
    """The handshake of any other ends with 403, by any of the headers."""
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec_WebSocket_Version": "13",
    }
    for headers in FOREIGN:
        assert (await ask("GET", "/sync/notes", **upgrade, **headers)).code == 403


def test_a_name_that_leads_here_is_not_this_host(tmp_path):
    """To a browser a page of a rebound name is one of this host; a server that asks nobody who they
    are answers to localhost, to addresses, and to the names of its origins."""

    async def answers(server, host):
        headers = {"Host": host, "Sec-Fetch-Site": "same-origin"}
        asked = HTTPRequest(server.page("/api/documents"), headers=headers)
        return (await AsyncHTTPClient().fetch(asked, raise_error=False)).code

    async def story(server):
        port = server.port
        for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "app.example"):
            assert 200 == await answers(server, host), host
        for host in (f"evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil.example"):
            assert 421 == await answers(server, host), host

    with Server(tmp_path / "q.db", QUIRE, "--origins", "https://app.example") as server:
        run(story(server))
        assert [] == server.troubles()
