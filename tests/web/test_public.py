"""Every rule of the real server: it has its rows in the tables of rights, or is public on purpose.

Whoever adds a route adds a line to `collab.web.rights`, or one here, and says why nobody has to be
asked who they are.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from tornado.httpclient import HTTPRequest
from tornado.routing import PathMatches, Rule, RuleRouter, URLSpec
from tornado.web import Application, RequestHandler

from collab import Hub
from collab.storage import Entry, open_store
from collab.web import rights
from collab.web.api import ApiHandler, UnknownHandler, methods
from collab.web.page import FileHandler
from collab.web.server import application
from collab.web.settings import Settings
from collab.web.sockets import SyncHandler
from tests.live import typed
from tests.matrix import Watched
from tests.rights import CANARY, HTTP


class Public(NamedTuple):
    """Who asks for `path` is answered with `status`, whoever it is: for that `reason`."""

    path: str
    status: int
    reason: str


PUBLIC = {
    "/": Public("/", 200, "the page: it holds nothing, and asks the API for all that it shows"),
    "/d/.+": Public("/d/notes", 200, "the page: which document, its script reads in the address"),
    "/sw.js": Public("/sw.js", 200, "a part of the page, the same for everybody"),
    "/favicon.ico": Public("/favicon.ico", 200, "a part of the page, the same for everybody"),
    "/static/(.*)": Public("/static/sw.js", 200, "parts of the page: nobody can put any there"),
    "/client/quire-editor.js": Public("/client/quire-editor.js", 200, "a program for any page"),
    "/client/quire-socket.js": Public("/client/quire-socket.js", 200, "a program for any page"),
    "/client/quire-versions.js": Public("/client/quire-versions.js", 200, "a program for any page"),
    "/examples": Public("/examples", 302, "leads to the examples"),
    "/examples/": Public("/examples/", 200, "the same for everybody, where it is switched on"),
    "/examples/(.+)": Public("/examples/chat", 200, "the same for everybody, where switched on"),
    "/examples/echo/socket": Public("/examples/echo/socket", 400, "says what it hears, to nobody "
                                    "else: a socket, and this is no upgrade"),
    "/api/.*": Public("/api/nothing", 404, "tells everybody that there is no such endpoint"),
    "/y-sweet/.*": Public("/y-sweet/nothing", 404, "tells everybody that there is none"),
    "NothingHandler": Public("/nothing", 404, "tells everybody that there is nothing"),
    "OtherHostHandler": Public("/", 421, "tells whoever comes by a name of another host that this "
                               "is not it"),
}  # fmt: skip
EVERYTHING = Settings(examples=True)
OTHER = "OtherHostHandler"  # by its host, and there is no other answer


def rules(router: RuleRouter) -> Iterator[Rule]:
    """All of them, those within others too."""
    for rule in router.rules:
        if isinstance(rule.target, RuleRouter):
            yield from rules(rule.target)
        else:
            yield rule


def called(rule: Rule) -> str:
    """The path that a rule answers, as the tables have it, else its handler's name."""
    if isinstance(rule.matcher, PathMatches):
        path = rule.matcher.regex.pattern.removesuffix("$")
        return path if path in {path for path, _ in rights.LEVELS} else path.replace("\\", "")
    return str(rule.target.__name__)


def decided(rule: Rule) -> bool:
    """Whether a table says who may, for every method."""
    handler = rule.target
    if issubclass(handler, ApiHandler) and handler is not UnknownHandler:
        own = {method for method in methods(handler) if method != "HEAD"}
        return own == {method for path, method in rights.LEVELS if path == called(rule)}
    # A socket is asked for by GET; what is said over it has a table of its own.
    return issubclass(handler, SyncHandler) and (called(rule), "GET") in rights.LEVELS


def undecided(server: Application) -> list[str]:
    """The rules that neither a table nor the list of public ones knows."""
    names = [called(rule) for rule in rules(server.default_router) if not decided(rule)]
    names.append(server.settings["default_handler_class"].__name__)
    return [name for name in names if name not in PUBLIC]


@pytest.fixture
def hub(io_loop):
    hub = Hub(Watched(open_store(":memory:")))
    yield hub
    io_loop.run_sync(hub.close)


@pytest.fixture
def app(hub):
    return application(EVERYTHING, hub)


def test_every_rule_is_decided(app):
    """And what the list says is there."""
    assert [] == undecided(app)
    known = {called(rule) for rule in rules(app.default_router)} | {"NothingHandler"}
    assert set() == set(PUBLIC) - known
    assert {path for path, _ in rights.LEVELS} <= known


def test_who_forgets_a_line_is_told(hub):
    """A page, an endpoint, a method, a socket: each without its row."""

    class Forgotten(ApiHandler):
        def get(self) -> None: ...

        def post(self) -> None: ...

    path = r"/api/documents/(.+)/content"  # which has a row for GET, and none for POST
    for rule in (
        URLSpec(r"/new", RequestHandler),
        URLSpec(r"/static/new", FileHandler),
        URLSpec(r"/api/new", Forgotten, {"path": "/api/new"}),
        URLSpec(path, Forgotten, {"path": path}),
        URLSpec(r"/socket", SyncHandler),
    ):
        server = application(EVERYTHING, hub)
        server.add_handlers(".*", [rule])
        assert [called(rule)] == undecided(server)


@pytest.mark.gen_test
@pytest.mark.parametrize("name", PUBLIC)
async def test_what_is_public_asks_for_nothing(name, hub, http_client, http_server, base_url):
    """By no method: neither who it is, nor anything of the store; and it says nothing of it."""
    await hub.start()
    await hub.store.append([Entry("notes", 1, CANARY, typed(7, 0, CANARY))])
    hub.store.asked.clear()
    host = {"Host": "evil.example"} if name == OTHER else {}
    for method in HTTP:
        body = "{}" if method in ("POST", "PUT", "PATCH") else None
        asked = HTTPRequest(
            base_url + PUBLIC[name].path, method, host, body,
            follow_redirects=False, allow_nonstandard_methods=True,
        )  # fmt: skip
        answer = await http_client.fetch(asked, raise_error=False)
        right = PUBLIC[name].status if method == "GET" else answer.code
        assert (right, []) == (answer.code, hub.store.asked)
        assert method in ("GET", "HEAD") or answer.code >= 400
        assert CANARY not in answer.body.decode()
