"""The past over HTTP: what programs and the page ask for, and what they get for bad questions."""

import json

import pytest
from pycrdt import Doc, Text
from tornado.httpclient import AsyncHTTPClient
from tornado.web import Application

from collab.web import routes


@pytest.fixture
def app(hub):
    return Application(routes(hub))


@pytest.fixture
def ask(http_server, base_url, hub):
    """`await ask(method, path, body)` is the status and the answer, from JSON."""

    async def ask(method, path, body=None, accept="application/json"):
        if not await hub_has_notes(hub):
            for author, text in (("Ann", "Hello"), ("Bob", " world")):
                async with hub.open("notes/today", author) as editor:
                    content = editor.doc.get("content", type=Text)
                    content += text
        response = await AsyncHTTPClient().fetch(
            f"{base_url}/api/documents/notes/today/{path}",
            method=method,
            body=None if method in ("GET", "DELETE") else json.dumps(body or {}),
            headers={"Content-Type": "application/json", "Accept": accept},
            raise_error=False,
        )
        if "json" in response.headers.get("Content-Type", ""):
            return response.code, json.loads(response.body)
        return response.code, response.body

    return ask


async def hub_has_notes(hub):
    await hub.start()
    return await hub.store.find("notes/today") is not None


@pytest.mark.gen_test
async def test_the_timeline(ask):
    """Newest first, page by page, with the named versions."""
    code, told = await ask("GET", "history?limit=1")
    assert code == 200
    assert told["head"] == 2
    (stretch,) = told["stretches"]
    assert (stretch["first"], stretch["last"], stretch["author"]) == (2, 2, "Bob")
    assert told["versions"] == []
    assert told["next"] == 2
    _, told = await ask("GET", "history?before=2")
    assert [one["author"] for one in told["stretches"]] == ["Ann"]
    assert told["next"] is None
    _, told = await ask("GET", "history/rows?first=1&last=2")
    assert [row["author"] for row in told["rows"]] == ["Ann", "Bob"]


@pytest.mark.gen_test
async def test_a_moment(ask):
    """As JSON, as text, as a Yjs update."""
    code, told = await ask("GET", "history/1")
    assert (code, told["content"], told["author"]) == (200, {"content": "Hello"}, "Ann")
    assert (await ask("GET", "history/0"))[1]["content"] == {}
    assert await ask("GET", "history/1", accept="text/plain") == (200, b"Hello")
    _, update = await ask("GET", "history/2", accept="application/octet-stream")
    doc = Doc()
    doc.apply_update(update)
    assert str(doc.get("content", type=Text)) == "Hello world"


@pytest.mark.gen_test
async def test_a_difference(ask):
    """Runs by fate, with who did it; from nothing to the present it is who wrote what."""
    code, told = await ask("GET", "history/1..2")
    assert (code, told["from"], told["to"]) == (200, 1, 2)
    part = told["roots"]["content"]
    assert part["kind"] == "text"
    kept, came = part["runs"]
    assert (kept["state"], kept["value"]) == ("kept", "Hello")
    assert (came["state"], came["value"], came["first"]) == ("inserted", " world", 2)
    assert told["stretches"][came["by"]]["author"] == "Bob"
    _, told = await ask("GET", "history/0..2")
    runs = told["roots"]["content"]["runs"]
    assert [told["stretches"][run["by"]]["author"] for run in runs] == ["Ann", "Bob"]


@pytest.mark.gen_test
async def test_back_and_forth(ask):
    """Restore, its undo by another restore, and the undo of what one did."""
    assert await ask("POST", "restore", {"to": "1", "author": "Cleo"}) == (
        200,
        {"seq": 3, "changed": True},
    )
    assert (await ask("GET", "history/3"))[1]["author"] == "Cleo"
    assert (await ask("POST", "restore", {"to": "1"}))[1] == {"seq": 3, "changed": False}
    assert (await ask("POST", "restore", {"to": "2"}))[1]["changed"]
    assert (await ask("GET", "history/4", accept="text/plain"))[1] == b"Hello world"
    assert (await ask("POST", "undo", {"first": 1, "last": 2, "by": "Ann"}))[1]["changed"]


@pytest.mark.gen_test
async def test_versions(ask):
    """Named, found in links, renamed, deleted."""
    code, version = await ask("POST", "versions", {"name": "First draft", "at": "1"})
    assert (code, version["name"], version["seq"]) == (201, "First draft", 1)
    assert (await ask("GET", "versions"))[1]["versions"] == [version]
    assert (await ask("GET", "history/@First%20draft"))[1]["seq"] == 1
    assert (await ask("POST", "versions", {"name": "First draft"}))[0] == 409
    assert (await ask("PATCH", "versions/First%20draft", {"name": "Draft/1"}))[0] == 200
    assert (await ask("GET", "history/@Draft%2F1..2"))[1]["from"] == 1
    assert (await ask("DELETE", "versions/Draft%2F1"))[0] == 204
    assert (await ask("GET", "versions"))[1]["versions"] == []


BAD = {
    "an edit that is not": ("GET", "history/3", None, 404),
    "a name that nobody gave": ("GET", "history/@Draft", None, 404),
    "a time before the first edit": ("GET", "history/1999-12-31T00:00:00Z", None, 404),
    "nonsense": ("GET", "history/yesterday", None, 400),
    "a range upside down": ("GET", "history/2..1", None, 400),
    "half a range": ("GET", "history/1..", None, 400),
    "rows upside down": ("GET", "history/rows?first=2&last=1", None, 400),
    "a page of nothing": ("GET", "history?limit=0", None, 400),
    "a page before nonsense": ("GET", "history?before=x", None, 400),
    "a restore to nowhere": ("POST", "restore", {}, 400),
    "a restore to what is not": ("POST", "restore", {"to": "9"}, 404),
    "an undo of nothing": ("POST", "undo", {}, 400),
    "an undo of what is not": ("POST", "undo", {"first": 9}, 400),
    "an undo upside down": ("POST", "undo", {"first": 2, "last": 1}, 400),
    "an undo of a truth": ("POST", "undo", {"first": True}, 400),
    "a version without a name": ("POST", "versions", {"name": " "}, 400),
    "a version with a long name": ("POST", "versions", {"name": "x" * 201}, 400),
    "a version that looks like a range": ("POST", "versions", {"name": "a..b"}, 400),
    "a version of what is not": ("POST", "versions", {"name": "x", "at": "9"}, 404),
    "a version of nothing": ("POST", "versions", {"name": "x", "at": "0"}, 400),
    "renaming what is not": ("PATCH", "versions/x", {"name": "y"}, 404),
    "deleting what is not": ("DELETE", "versions/x", None, 404),
}


@pytest.mark.gen_test
@pytest.mark.parametrize(("method", "path", "body", "code"), BAD.values(), ids=BAD)
async def test_bad_questions(ask, method, path, body, code):
    """A sentence that says what was wrong, and the right status."""
    status, told = await ask(method, path, body)
    assert (status, told["error"]["status"]) == (code, code)
    assert told["error"]["message"].endswith(".")
    assert await ask("GET", "history/2", accept="text/plain") == (200, b"Hello world")


@pytest.mark.gen_test
@pytest.mark.parametrize("name", ["undo", "restore", "content", "links", "versions", "history"])
async def test_a_version_may_be_called_like_an_endpoint(ask, name):
    """It is renamed and taken away like any other."""
    assert 201 == (await ask("POST", "versions", {"name": name}))[0]
    code, told = await ask("PATCH", f"versions/{name}", {"name": f"{name} 2"})
    assert (200, f"{name} 2") == (code, told["name"])
    await ask("PATCH", f"versions/{name}%202", {"name": name})
    assert 204 == (await ask("DELETE", f"versions/{name}"))[0]
