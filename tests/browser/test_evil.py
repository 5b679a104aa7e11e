"""A page of another site, in the same browser as Quire: it can neither reach in, read nor change.

Of another host name it is cross-site, of another port only it is same-site: neither may.
"""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from .harness import PATIENCE, Server

pytestmark = pytest.mark.own_server

SECRET = "the secret of Ada"


class Evil(BaseHTTPRequestHandler):
    """Serves an empty page, whose scripts are what the stories have it run."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>evil</title><body>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(params=["localhost", "127.0.0.1"])
def evil(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    """The page of the other site, on which somebody has let it open windows."""
    host = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"http://{request.param}:{host.server_address[1]}/")
    yield page
    context.close()
    host.shutdown()
    host.server_close()


@pytest.fixture
def name(server: Server) -> Iterator[str]:
    """A document, of which in the end everything is as it was."""
    name = server.document(SECRET, "text")
    other = server.document("put away", "text")
    server.api("DELETE", f"/documents/{other}")
    before = everything(server)
    yield name
    assert before == everything(server)


def everything(server: Server) -> list[Any]:
    """What the API tells of all documents."""
    lists = [server.api("GET", f"/documents?deleted={number}")["documents"] for number in (0, 1)]
    return [*lists, server.api("GET", "/status")]


def test_it_cannot_open_a_socket(server: Server, evil: Page, name: str) -> None:
    """Neither to a document that is there nor to make one."""
    outcome = """(url) => new Promise((done) => {
        const socket = new WebSocket(url)
        socket.onopen = () => done('open')
        socket.onerror = () => done('refused')
        socket.onmessage = () => done('told')
    })"""
    for document in (name, "new"):
        url = f"ws://127.0.0.1:{server.port}/sync/{document}"
        assert "refused" == evil.evaluate(outcome, url)


def test_it_cannot_post_a_form(server: Server, evil: Page, name: str) -> None:
    """In any encoding that forms have, also one that looks like JSON."""
    paths = (
        "/api/documents", f"/api/documents/{name}/undo", f"/api/documents/{name}/restore",
        f"/api/documents/{name}/undelete", f"/api/documents/{name}/versions",
    )  # fmt: skip
    for path in paths:
        for encoding in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            with evil.context.expect_page() as opened, evil.context.expect_event(
                "response", lambda response: "/api/" in response.url
            ) as answered:  # fmt: skip
                evil.evaluate(
                    """([action, enctype]) => {
                        const form = document.createElement('form')
                        Object.assign(form, { action, enctype, method: 'post', target: '_blank' })
                        const field = document.createElement('input')
                        Object.assign(field, { name: '{"title":"pwned","x":"', value: '"}' })
                        form.append(field)
                        document.body.append(form)
                        form.submit()
                    }""",
                    [server.url + path, encoding],
                )
            assert answered.value.status == 403, (path, encoding)
            opened.value.close()


FETCHES = [
    {"mode": "cors"},
    {"mode": "no-cors"},
    {"mode": "cors", "credentials": "include"},
    {"mode": "no-cors", "method": "POST", "body": '{"title":"pwned"}'},
    {"mode": "cors", "method": "POST", "body": '{"title":"pwned"}'},
    {"mode": "cors", "method": "POST", "body": '{"title":"pwned"}',
     "headers": {"Content-Type": "application/json"}},
    {"mode": "cors", "method": "PATCH", "body": '{"title":"pwned"}',
     "headers": {"Content-Type": "application/json"}},
    {"mode": "cors", "method": "DELETE"},
]  # fmt: skip


def test_it_cannot_fetch(server: Server, evil: Page, name: str) -> None:
    """Neither what simple requests do nor what browsers ask about before; a beacon does nothing."""
    read = """async ([url, options]) => {
        try {
            return await (await fetch(url, options)).text()
        } catch (error) {
            return String(error)
        }
    }"""
    for path in ("/api/documents", f"/api/documents/{name}", f"/api/documents/{name}/content", "/"):
        for options in FETCHES:
            told = evil.evaluate(read, [server.url + path, options])
            assert told in ("", "TypeError: Failed to fetch"), (path, options, told)
    evil.evaluate(
        '(url) => navigator.sendBeacon(url, new Blob([\'{"title":"pwned"}\']))',
        f"{server.url}/api/documents",
    )


def test_it_cannot_frame(server: Server, evil: Page, name: str) -> None:
    """Not the page, not the API, not in any element that shows other pages."""
    show = """([tag, url]) => new Promise((done) => {
        const frame = document.createElement(tag)
        frame[tag === 'object' ? 'data' : 'src'] = url
        frame.onload = frame.onerror = () => done()
        document.body.append(frame)
    })"""
    for path in ("/", f"/d/{name}", f"/api/documents/{name}", "/api/nothing", "/nothing"):
        for tag in ("iframe", "object", "embed"):
            evil.evaluate(show, [tag, server.url + path])
    inner = [frame for frame in evil.frames if frame is not evil.main_frame]
    assert len(inner) >= 5
    assert {"chrome-error://chromewebdata/"} == {frame.url for frame in inner} - {"about:blank", ""}
    for frame in inner:
        assert SECRET not in frame.content()


def test_it_keeps_no_hold_of_a_window(server: Server, evil: Page, name: str) -> None:
    """What it opens is let go of at once, and does not know who opened it."""
    for path in ("/", f"/d/{name}", "/nothing"):
        with evil.context.expect_page() as opened:
            evil.evaluate("(url) => { window.victim = window.open(url) }", server.url + path)
        victim = opened.value
        victim.wait_for_load_state("load")
        assert victim.evaluate("window.opener === null")
        evil.wait_for_function("victim.closed")
        assert 0 == evil.evaluate("victim.length")
        reach = "() => { try { return victim.document.title } catch (error) { return error.name } }"
        assert evil.evaluate(reach) in ("SecurityError", "TypeError")
        victim.close()


def test_it_cannot_include(server: Server, evil: Page, name: str) -> None:
    """Answers and files, as scripts, images, styles, sound or modules."""
    include = """([tag, url, more]) => new Promise((done) => {
        const element = Object.assign(document.createElement(tag), more)
        element.onload = element.onloadeddata = () => done('loaded')
        element.onerror = () => done('refused')
        element[tag === 'link' ? 'href' : 'src'] = url
        document.head.append(element)
    })"""
    ways: list[tuple[str, dict[str, str]]] = [
        ("script", {}),
        ("script", {"type": "module"}),
        ("img", {}),
        ("link", {"rel": "stylesheet"}),
        ("audio", {}),
    ]
    paths = ("/api/documents", f"/api/documents/{name}", "/static/js/api.js", "/favicon.svg",
             "/static/css/base.css", "/favicon.ico")  # fmt: skip
    for path in paths:
        for tag, more in ways:
            assert "refused" == evil.evaluate(include, [tag, server.url + path, more]), (path, tag)
