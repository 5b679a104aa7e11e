"""The description of the HTTP API: it names every route, and what it says is what comes.

`scripts/soak api` does what the last test does, in 5,000 cases.
"""

import json
import re
import urllib.error
import urllib.request

import pytest
import schemathesis
from tornado.web import URLSpec

from collab import Hub
from collab.storage import open_store
from collab.web import openapi, routes
from collab.web.api import UnknownHandler, methods
from tests.cases import KEPT, attack, furnished, troubles
from tests.httppeer import HttpPeer, address
from tests.live import STEP1, STEP2, run

RULES: list[URLSpec] = routes(Hub(open_store(":memory:")), page=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with furnished(tmp_path_factory.mktemp("openapi") / "quire.db") as server:
        yield server
        assert server.troubles() == []


@pytest.fixture(scope="module")
def description(server):
    return schemathesis.openapi.from_url(server.page("/api/openapi.json"))


def bearer(server) -> dict[str, str]:
    """What shows a server who asks."""
    return {"Authorization": f"Bearer {server.token}"}


def fill_in(sent, given):
    """The same with "{token}" and "{id}" for what this server made."""
    if isinstance(sent, dict):
        return {key: fill_in(value, given) for key, value in sent.items()}
    return sent.format_map(given) if isinstance(sent, str) else sent


def answered() -> set[tuple[str, str]]:
    """Path and method of all that the API's handlers answer, in the words of the description."""
    found = set()
    for path in openapi.OPERATIONS:
        rule = next(rule for rule in RULES if rule.regex.match(re.sub(r"\{\w+\}", "x", path)))
        own = methods(rule.handler_class)
        found |= {(path, method.lower()) for method in own if method != "HEAD"}
    return found


def test_every_route_is_described():
    """A new route, or a new method of one, is in the table; and nothing else is."""
    described = {(path, method) for path, of in openapi.OPERATIONS.items() for method in of}
    assert answered() == described
    paths = [re.sub(r"\{\w+\}", "x", path) for path in openapi.OPERATIONS]
    for rule in RULES:
        if rule.handler_class is not UnknownHandler and not rule.name:
            first = [next(r for r in RULES if r.regex.match(path)) for path in paths]
            assert rule in first, rule.regex.pattern


def test_the_description_is_valid(description):
    """By the schema of OpenAPI 3.1; with a prefix too."""
    description.validate()
    schemathesis.openapi.from_dict(openapi.document("/docs")).validate()


# One request of each operation that succeeds: how often it is asked for, and with what.
NOTES = {"name": KEPT}
SYNC = "/sync/{name}"
TWICE = {"docId": KEPT, "again": KEPT}
YSWEET = "/y-sweet/d/{docId}/ws/{again}"
TOUR = [
    ("post", SYNC, {"path": NOTES, "body": {}}),
    ("get", SYNC, {"path": NOTES, "headers": {"Quire-Connection": "{line}", "Quire-After": "0"}}),
    ("delete", SYNC, {"path": NOTES, "headers": {"Quire-Connection": "{line}"}}),
    ("post", YSWEET, {"path": TWICE, "body": {}}),
    ("get", YSWEET, {"path": TWICE, "headers": {"Quire-Connection": "{ys}", "Quire-After": "0"}}),
    ("delete", YSWEET, {"path": TWICE, "headers": {"Quire-Connection": "{ys}"}}),
    ("get", "/y-sweet/d/{docId}/as-update", {"path": TWICE}),
    ("post", "/y-sweet/d/{docId}/update", {"path": TWICE, "body": b"\x00\x00"}),
    ("post", "/y-sweet/doc/new", {"body": {"docId": "new-one"}}),
    (
        *("post", "/y-sweet/doc/{docId}/auth"),
        {
            "path": TWICE,
            "body": {"authorization": "read-only", "userId": "ann", "validForSeconds": 60},
        },
    ),
    ("get", "/y-sweet/check_store", {}),
    ("post", "/y-sweet/check_store", {"body": {}}),
    ("get", "/y-sweet/ready", {}),
    ("post", "/sync", {"body": {}}),
    ("get", "/sync", {"headers": {"Quire-Connection": "{shared}", "Quire-After": "0"}}),
    ("delete", "/sync", {"headers": {"Quire-Connection": "{shared}"}}),
    ("get", "/api/documents", {"query": {"search": "", "limit": 1, "deleted": "0"}}),
    ("post", "/api/documents", {"body": {"title": "New", "kind": "rich", "name": "new"}}),
    ("get", "/api/documents/{name}", {"path": NOTES}),
    ("patch", "/api/documents/{name}", {"path": NOTES, "body": {"title": "Notes", "kind": ""}}),
    ("delete", "/api/documents/{name}", {"path": {"name": "new"}}),
    ("post", "/api/documents/{name}/undelete", {"path": {"name": "new"}}),
    ("get", "/api/documents/{name}/content", {"path": NOTES}),
    (
        *("post", "/api/documents/{name}/edits"),
        {
            "path": NOTES,
            "body": {
                "edits": [{"insert": "x", "at": 0}],
                "seed": False,
                "author": "Bot",
                "run": "7",
            },
        },
    ),
    (
        *("post", "/api/documents/{name}/updates"),
        {"path": NOTES, "query": {"author": "Bot", "run": "7"}, "body": b"\x00\x00"},
    ),
    ("get", "/api/documents/{name}/history", {"path": NOTES, "query": {"before": 9}}),
    ("get", "/api/documents/{name}/history/rows", {"path": NOTES, "query": {"last": 3}}),
    ("get", "/api/documents/{name}/history/{moment}", {"path": NOTES | {"moment": "2"}}),
    (
        *("get", "/api/documents/{name}/history/{from}..{moment}"),
        {"path": NOTES | {"from": "1", "moment": "@Draft"}},
    ),
    (
        *("post", "/api/documents/{name}/restore"),
        {"path": NOTES, "body": {"to": "@Draft", "author": "Ann"}},
    ),
    (
        *("post", "/api/documents/{name}/undo"),
        {"path": NOTES, "body": {"first": 2, "last": 3, "by": "", "author": "Ann"}},
    ),
    ("get", "/api/documents/{name}/versions", {"path": NOTES}),
    (
        *("post", "/api/documents/{name}/versions"),
        {"path": NOTES, "body": {"name": "First", "at": "1", "author": "Ann"}},
    ),
    (
        *("patch", "/api/documents/{name}/versions/{version}"),
        {"path": NOTES | {"version": "First"}, "body": {"name": "One"}},
    ),
    ("delete", "/api/documents/{name}/versions/{version}", {"path": NOTES | {"version": "One"}}),
    ("get", "/api/documents/{name}/links", {"path": NOTES}),
    (
        *("post", "/api/documents/{name}/links"),
        {"path": NOTES, "body": {"level": "write", "days": 1, "label": "Bob"}},
    ),
    ("delete", "/api/documents/{name}/links/{id}", {"path": NOTES | {"id": "{id}"}}),
    ("get", "/api/session", {"query": {"document": KEPT}}),
    ("post", "/api/session", {"body": {"token": "{token}"}}),
    ("delete", "/api/session", {}),
    ("delete", "/api/tokens/{id}", {"path": {"id": "nobodys"}}),
    ("get", "/api/audit", {"query": {"action": "export", "limit": 1}}),
    ("get", "/api/status", {}),
    ("get", "/metrics", {}),
    ("get", "/api/openapi.json", {}),
]


def test_every_operation_answers_as_it_is_described(server, description):
    """Each succeeds with every field that it can be sent, and no field comes that is not there."""
    assert answered() == {(path, method) for method, path, _ in TOUR}
    link = ask(server, "POST", "/api/documents/notes/links", b"{}")[2]
    line = run(opened(server, address(server.port, KEPT), STEP1 + STEP2))
    shared = run(opened(server, server.page("/sync"), b"\x05notes" + STEP1))
    ys = run(opened(server, server.page(YSWEET.format_map(TWICE)), STEP1 + STEP2))
    given = {"token": server.token, "id": json.loads(link)["id"], "line": line, "shared": shared}
    given["ys"] = ys
    for method, path, sent in TOUR:
        sent = fill_in(sent, given)
        operation = openapi.OPERATIONS[path][method]
        if operation.body is not None:
            assert sent["body"].keys() == operation.body["properties"].keys(), path
        case = description[path][method.upper()].Case(
            path_parameters=sent.get("path", {}), query=sent.get("query", {}),
            **({"media_type": media_of(sent["body"])} if "body" in sent else {}),
            **({"body": sent["body"]} if "body" in sent else {}),
        )  # fmt: skip
        answer = case.call(headers=bearer(server) | sent.get("headers", {}))
        assert operation.status == answer.status_code, (path, answer.text)
        case.validate_response(answer)


def media_of(body):
    return "application/octet-stream" if isinstance(body, bytes) else "application/json"


async def opened(server, url, frame):
    """The id of a connection by HTTP to which the server has something to say."""
    peer = await HttpPeer.connect(url, server.token)
    await peer.send(frame)
    return peer.identity


def test_content_comes_in_three_forms(server, description):
    """By the `Accept` header, of the present and of the past."""
    for path in ("/api/documents/{name}/content", "/api/documents/{name}/history/{moment}"):
        for form in openapi.document("")["paths"][path]["get"]["responses"]["200"]["content"]:
            case = description[path]["GET"].Case(
                path_parameters=NOTES | {"moment": "2"}, headers={"Accept": form}
            )
            answer = case.call(headers=bearer(server))
            assert answer.status_code == 200
            assert answer.headers["content-type"][0].startswith(form)
            case.validate_response(answer)


def ask(server, method, path, body=None):
    """Status, headers and body, whatever the status."""
    headers = {"Content-Type": "application/json", **bearer(server)}
    request = urllib.request.Request(server.page(path), body, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


HALF = rb'{"title": "\ud800"}'
WRONG = [
    ("POST", "/api/documents", HALF),
    ("POST", "/api/documents", '{"title": "\ud800"}'.encode(errors="surrogatepass")),
    ("POST", "/api/documents", rb'{"title": "a\u0000b"}'),
    ("POST", "/api/documents", rb'{"title": "\u001b[31m"}'),
    ("POST", "/api/documents", rb'{"name": "\udfff"}'),
    ("POST", "/api/documents", b'{"kind": null}'),
    ("POST", "/api/documents", b"[" * 100_000),
    ("POST", "/api/documents", b'{"title": ' * 100_000),
    ("POST", "/api/documents", b'{"title": ' + b"9" * 5_000 + b"}"),
    ("POST", "/api/documents", b'{"title": NaN}'),
    ("POST", "/api/documents", b"\xff\xfe"),
    ("PATCH", "/api/documents/notes", HALF),
    ("POST", "/api/documents/notes/undo", b"{}"),
    ("POST", "/api/documents/notes/undo", b'{"first": true}'),
    ("POST", "/api/documents/notes/undo", b'{"first": 1.0}'),
    ("POST", "/api/documents/notes/undo", b'{"first": 0}'),
    ("POST", "/api/documents/notes/undo", b'{"first": -9, "last": -12}'),
    ("POST", "/api/documents/notes/undo", b'{"first": 3, "last": 1}'),
    ("POST", "/api/documents/notes/undo", b'{"first": 1, "last": 1' + b"0" * 40 + b"}"),
    ("POST", "/api/documents/notes/undo", b'{"first": 1, "by": 7}'),
    ("POST", "/api/documents/notes/restore", b'{"to": 1}'),
    ("POST", "/api/documents/notes/restore", rb'{"to": "1", "author": "\ud800"}'),
    ("POST", "/api/documents/notes/restore", rb'{"to": "0001-01-01T00:00:00+25:00"}'),
    ("POST", "/api/documents/notes/versions", rb'{"name": "\ud800"}'),
    ("POST", "/api/documents/notes/versions", b'{"name": "a", "at": ""}'),
    ("GET", "/api/documents/notes/history/..", None),
    ("GET", "/api/documents/notes/history/2..1", None),
    ("GET", "/api/documents/notes/history/rows?first=1&first=2", None),
    ("GET", "/api/documents/notes/history/rows?first=%31%30%30%30%30%30%30%30%30%30%30%30", None),
    ("GET", "/api/documents/notes/history?before=-1", None),
    ("GET", "/api/documents/notes/history?before=" + "9" * 400, None),
    ("GET", "/api/documents/notes/history?before=%D9%A1", None),
    ("GET", "/api/documents?limit=1&limit=1", None),
    ("GET", "/api/documents?limit=%00", None),
    ("GET", "/api/documents?limit=", None),
    ("GET", "/api/documents?deleted=maybe", None),
    ("GET", "/api/documents?search=%ff", None),
    ("GET", "/api/documents?after=%ed%a0%80", None),
    ("GET", "/api/documents/%ed%a0%80/history", None),
    ("GET", "/api/documents/a%00b/history", None),
    ("GET", "/api/documents/notes/history/%c3%28", None),
    ("GET", "/api/documents/notes/history/%00", None),
    ("DELETE", "/api/documents/notes/versions/%ff", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRONG)
def test_what_is_wrong_is_the_fault_of_who_asks(server, method, path, body):
    """400, in the one shape, of which nobody learns how we are made."""
    status, headers, told = ask(server, method, path, body)
    error = json.loads(told)["error"]
    assert (status, error["status"], error["code"]) == (400, 400, "bad-request")
    assert headers["Content-Type"].startswith("application/json")
    assert not re.search(r"Traceback|Error\b|sqlite|\.py", error["message"])


def test_a_title_may_come_with_any_white_space(server):
    """It becomes one space each; what was pasted need not be clean."""
    status, _, told = ask(server, "POST", "/api/documents", rb'{"title": " A\t\n\u00a0B\r\n"}')
    assert (status, json.loads(told)["title"]) == (201, "A B")


@pytest.mark.parametrize(("path", "methods"), list(openapi.OPERATIONS.items()))
def test_other_methods_are_refused(server, path, methods):
    """405, which says what there is instead (RFC 9110); whatever the method is called."""
    path = path.format_map(
        {"name": KEPT, "moment": "1", "from": "0", "version": "Draft", "id": "x", **TWICE}
    )
    allowed = {*methods, "head"} if "get" in methods else {*methods}
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
        if method.lower() not in allowed:
            status, headers, _ = ask(server, method, path)
            assert status == 405, method
            assert {*headers["Allow"].lower().split(", ")} == allowed, method


def test_head_is_get_without_the_rest(server):
    """With the same headers (RFC 9110), for a document, an error and a list."""
    for path in ("/api/documents/notes", "/api/documents/nobody", "/api/documents?limit=1"):
        status, headers, told = ask(server, "GET", path)
        assert ask(server, "HEAD", path)[::2] == (status, b"")
        assert int(ask(server, "HEAD", path)[1]["Content-Length"]) == len(told)
        assert headers["Content-Type"] == ask(server, "HEAD", path)[1]["Content-Type"]


def test_schemathesis_finds_no_fault(tmp_path, seed):
    """Few random requests, and all edges that it knows, against a server of its own."""
    with furnished(tmp_path / "quire.db") as server:
        figures = attack(server, 3, seed)
        print(figures.report)
        assert (figures.failures, troubles(server)) == (0, [])
    assert figures.cases > 300 and figures.accepted > 50
