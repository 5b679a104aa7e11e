"""The HTTP API against a real hub and store."""

import json
from urllib.parse import quote

import pytest
from pycrdt import Doc, Text
from tornado.httpclient import HTTPClientError
from tornado.web import Application

from collab import Hub
from collab.storage import open_store
from collab.web import routes


@pytest.fixture
def hub():
    return Hub(open_store(":memory:"))


@pytest.fixture
def app(hub):
    return Application(routes(hub))


@pytest.fixture
def ask(http_client, http_server, base_url, hub, io_loop):
    """Asks the server: `await ask("GET", "/api/...", {...})` is (status, parsed body)."""

    async def ask(method, path, body=None, **headers):
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        answer = await http_client.fetch(
            base_url + path,
            method=method,
            body=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            raise_error=False,
            allow_nonstandard_methods=True,
        )
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return answer.code, json.loads(answer.body) if is_json else answer.body

    yield ask
    io_loop.run_sync(hub.close)


@pytest.mark.gen_test
async def test_the_life_of_a_document(ask):
    """Create, look at, rename, delete, undelete."""
    status, made = await ask("POST", "/api/documents", {"title": "Launch  plan", "kind": "rich"})
    assert status == 201
    assert made["title"] == "Launch plan" and made["kind"] == "rich"
    assert made["name"].startswith("launch-plan-") and made["edited"] is None
    path = "/api/documents/" + made["name"]

    assert await ask("GET", path) == (200, made)
    status, renamed = await ask("PATCH", path, {"title": "Plan B"})
    assert (status, renamed["title"], renamed["name"]) == (200, "Plan B", made["name"])

    status, deleted = await ask("DELETE", path)
    assert status == 200 and deleted["deleted"] >= made["created"]
    assert (await ask("GET", "/api/documents"))[1]["documents"] == []
    assert len((await ask("GET", "/api/documents?deleted=1"))[1]["documents"]) == 1

    status, back = await ask("POST", path + "/undelete", {})
    assert status == 200 and back["deleted"] is None
    assert (await ask("GET", "/api/documents"))[1]["documents"] == [back]


@pytest.mark.gen_test
async def test_the_list_comes_in_pages_and_can_be_searched(ask):
    """The newest first; a page says after whom the next one begins."""
    for number in range(5):
        await ask("POST", "/api/documents", {"title": f"Note {number}", "name": f"n{number}"})

    _, first = await ask("GET", "/api/documents?limit=3")
    _, second = await ask("GET", f"/api/documents?limit=3&after={first['next']}")
    names = [d["name"] for d in first["documents"] + second["documents"]]
    assert sorted(names) == ["n0", "n1", "n2", "n3", "n4"]
    assert second["next"] is None
    _, found = await ask("GET", "/api/documents?search=NOTE%203")
    assert [d["name"] for d in found["documents"]] == ["n3"]


@pytest.mark.gen_test
async def test_content_comes_as_it_is_asked_for(ask, hub):
    """JSON, plain text or one Yjs update; for names of any kind."""
    name = "a/b c/é?"
    async with hub.open(name) as editor:
        editor.doc.get("content", type=Text).insert(0, "Grüße")
    path = f"/api/documents/{quote(name)}/content"

    assert await ask("GET", path) == (200, {"content": "Grüße"})
    assert await ask("GET", path, Accept="text/plain") == (200, "Grüße".encode())
    status, update = await ask("GET", path, Accept="application/octet-stream")
    doc = Doc()
    doc.apply_update(update)
    assert str(doc.get("content", type=Text)) == "Grüße"


@pytest.mark.gen_test
async def test_status_says_whether_edits_are_saved(ask, hub):
    """And who is here, in numbers."""
    async with hub.open("notes"):
        status, body = await ask("GET", "/api/status")
    assert status == 200
    assert body["saving"] is True
    assert (body["documents"], body["editors"]) == (1, 1)


ERRORS = [
    ("GET", "/api/documents/nobody", None, 404, "not-found"),
    ("DELETE", "/api/documents/nobody", None, 404, "not-found"),
    ("PATCH", "/api/documents/nobody", {"title": "x"}, 404, "not-found"),
    ("POST", "/api/documents/nobody/undelete", {}, 404, "not-found"),
    ("GET", "/api/documents/nobody/content", None, 404, "not-found"),
    ("GET", "/api/nothing", None, 404, "not-found"),
    ("GET", "/api/documents?limit=0", None, 400, "bad-request"),
    ("GET", "/api/documents?limit=many", None, 400, "bad-request"),
    ("GET", "/api/documents?after=nobody", None, 404, "not-found"),
    ("POST", "/api/documents", {"title": 7}, 400, "bad-request"),
    ("POST", "/api/documents", {"title": "x" * 201}, 400, "bad-request"),
    ("POST", "/api/documents", {"title": "a\0b"}, 400, "bad-request"),
    ("POST", "/api/documents", {"title": "\ud800"}, 400, "bad-request"),
    ("POST", "/api/documents", {"kind": "virus"}, 400, "bad-request"),
    ("POST", "/api/documents", {"name": " x"}, 400, "bad-request"),
    ("POST", "/api/documents", {"colour": "red"}, 400, "bad-request"),
    ("POST", "/api/documents", [], 400, "bad-request"),
    ("PUT", "/api/documents", {}, 405, "method-not-allowed"),
    ("GET", "/api/documents/%00", None, 400, "bad-request"),
    ("GET", "/api/documents/%ff", None, 400, "bad-request"),
]


@pytest.mark.gen_test
@pytest.mark.parametrize(("method", "path", "body", "status", "code"), ERRORS)
async def test_errors_have_one_shape(ask, method, path, body, status, code):
    """`{"error": {"status", "code", "message"}}`, whatever went wrong."""
    answered, error = await ask(method, path, body)

    assert answered == status
    assert error["error"].keys() == {"status", "code", "message"}
    assert (error["error"]["status"], error["error"]["code"]) == (status, code)
    assert "Traceback" not in error["error"]["message"]


@pytest.mark.gen_test
async def test_a_name_is_taken_once(ask):
    """Also by a document that was deleted."""
    await ask("POST", "/api/documents", {"name": "notes"})
    assert (await ask("POST", "/api/documents", {"name": "notes"}))[0] == 409
    await ask("DELETE", "/api/documents/notes")
    assert (await ask("POST", "/api/documents", {"name": "notes"}))[0] == 409


@pytest.mark.gen_test
async def test_pages_of_other_sites_change_nothing(ask, base_url):
    """A browser says where a request comes from; programs say nothing and are let in."""
    new = {"title": "x"}

    for headers in (
        {"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        assert (await ask("POST", "/api/documents", new, **headers))[0] == 403
    assert (await ask("GET", "/api/documents"))[1]["documents"] == []
    for headers in ({}, {"Sec_Fetch_Site": "same-origin"}, {"Origin": base_url}):
        assert (await ask("POST", "/api/documents", new, **headers))[0] == 201


@pytest.mark.gen_test
async def test_the_page_is_served_with_a_strict_policy(http_client, http_server, base_url, ask):
    """Every path of the page is the same file, and no script but ours may run in it."""
    for path in ("/", "/d/notes", "/d/a%2Fb"):
        answer = await http_client.fetch(base_url + path)
        assert b"<title>" in answer.body
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy and "default-src 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    with pytest.raises(HTTPClientError, match="404"):
        await http_client.fetch(base_url + "/static/nothing.js")
