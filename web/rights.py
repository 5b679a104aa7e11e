"""What each route takes, and who asks: the one table by which the HTTP API lets in or refuses.

A route or a method without a row is for nobody; tests/web/test_rights.py walks through all of
them. Messages of editors have their own table in `collab.access`.
"""

import hashlib
from typing import NamedTuple

from tornado.httputil import HTTPServerRequest, parse_cookie

from collab.access import Credentials, Level
from collab.web.origin import foreign
from collab.web.proxies import client_address, secure

SUBPROTOCOL = "quire.token."
"""WebSocket clients that can set no header offer a subprotocol of this and their token."""

MAX_TOKEN = 8 << 10  # characters; what is longer is none

OPEN = Level.NONE
"""For everybody: nothing of any document or person is told there."""

LEVELS: dict[tuple[str, str], Level] = {
    # By HTTP, where WebSocket is blocked; what one may say there `collab.access` knows.
    (r"/sync/(.*)", "GET"): Level.READ,
    (r"/sync/(.*)", "POST"): Level.READ,
    (r"/sync/(.*)", "DELETE"): Level.READ,
    (r"/sync", "GET"): OPEN,  # who one is, each message says, and of which document
    (r"/sync", "POST"): OPEN,
    (r"/sync", "DELETE"): OPEN,
    (r"/y-sweet/d/([^/]+)/ws/([^/]+)", "GET"): Level.READ,
    (r"/y-sweet/d/([^/]+)/ws/([^/]+)", "POST"): Level.READ,
    (r"/y-sweet/d/([^/]+)/ws/([^/]+)", "DELETE"): Level.READ,
    (r"/y-sweet/d/([^/]+)/as-update", "GET"): Level.READ,
    (r"/y-sweet/d/([^/]+)/update", "POST"): Level.WRITE,
    (r"/y-sweet/doc/([^/]+)/auth", "POST"): Level.ADMIN,
    (r"/y-sweet/doc/new", "POST"): Level.READ,  # and ADMIN for the id
    (r"/y-sweet/check_store", "GET"): Level.READ,
    (r"/y-sweet/check_store", "POST"): Level.READ,
    (r"/y-sweet/ready", "GET"): OPEN,
    (r"/api/status", "GET"): OPEN,
    (r"/api/openapi\.json", "GET"): OPEN,
    (r"/api/audit", "GET"): Level.ADMIN,
    (r"/metrics", "GET"): Level.ADMIN,
    (r"/api/session", "GET"): OPEN,
    (r"/api/session", "POST"): OPEN,  # whoever has a token that counts
    (r"/api/session", "DELETE"): OPEN,
    (r"/api/tokens/([^/]+)", "DELETE"): Level.ADMIN,
    (r"/api/documents/(.+)/links", "GET"): Level.ADMIN,
    (r"/api/documents/(.+)/links", "POST"): Level.ADMIN,
    (r"/api/documents/(.+)/links/([^/]+)", "DELETE"): Level.ADMIN,
    (r"/api/documents", "GET"): Level.READ,  # each reader sees those that they may read
    (r"/api/documents", "POST"): Level.READ,  # and WRITE for the name that is asked for
    (r"/api/documents/(.+)", "GET"): Level.READ,
    (r"/api/documents/(.+)", "PATCH"): Level.WRITE,
    (r"/api/documents/(.+)", "DELETE"): Level.ADMIN,
    (r"/api/documents/(.+)/content", "GET"): Level.READ,
    (r"/api/documents/(.+)/edits", "POST"): Level.WRITE,
    (r"/api/documents/(.+)/updates", "POST"): Level.WRITE,
    (r"/api/documents/(.+)/undelete", "POST"): Level.ADMIN,
    (r"/api/documents/(.+)/history", "GET"): Level.READ,
    (r"/api/documents/(.+)/history/rows", "GET"): Level.READ,
    (r"/api/documents/(.+)/history/([^/]*?)\.\.([^/]*)", "GET"): Level.READ,
    (r"/api/documents/(.+)/history/([^/]+)", "GET"): Level.READ,
    (r"/api/documents/(.+)/restore", "POST"): Level.WRITE,
    (r"/api/documents/(.+)/undo", "POST"): Level.WRITE,
    (r"/api/documents/(.+)/versions", "GET"): Level.READ,
    (r"/api/documents/(.+)/versions", "POST"): Level.COMMENT,
    (r"/api/documents/(.+)/versions/([^/]+)", "PATCH"): Level.COMMENT,
    (r"/api/documents/(.+)/versions/([^/]+)", "DELETE"): Level.COMMENT,
}

WHOLE = frozenset({"/metrics"})
"""Routes that tell of all tenants at once: for who belongs to none, the server's own operator."""


def needed(path: str, method: str) -> Level:
    """The level that a route takes; `path` as its rule has it, without the prefix."""
    return LEVELS.get((path, "GET" if method == "HEAD" else method), Level.NOBODY)


def credentials(request: HTTPServerRequest) -> Credentials:
    """What a request shows: a bearer token, one in a subprotocol or in the query, or the page's
    cookie. A cookie is sent by the browser, not by whoever wrote the page that asks: it counts for
    our own pages only."""
    token = _bearer(request) or _offered(request) or _asked(request)
    if not token and not foreign(request, ()):
        token = cookie(request)
    return Credentials(token if len(token) <= MAX_TOKEN else "?", client_address(request), request)


class Fingerprint(NamedTuple):
    """What somebody shows who asks, by which they are known again: digests."""

    token: bytes  # that says who they are by itself; a cookie of ours, where no other one is shown
    cookies: bytes  # all of them: a hook may know people by others


def fingerprint(request: HTTPServerRequest) -> Fingerprint:
    """Of a request."""
    headers = request.headers
    token = headers.get("Authorization", "") + "\0" + credentials(request).token
    return Fingerprint(_digest(token), _digest(headers.get("Cookie", "")))


def cookie_name(safe: bool) -> str:
    """How the page's cookie is called. The prefix makes browsers see to it that no other host and
    no plain connection has set it."""
    return "__Host-quire" if safe else "quire"


def cookie(request: HTTPServerRequest) -> str:
    """The token in the page's cookie; '' without one. Read as browsers do: `http.cookies` sees none
    behind one that it finds malformed, such as one with JSON in it, and a site has many."""
    return parse_cookie(request.headers.get("Cookie", "")).get(cookie_name(secure(request)), "")


def _bearer(request: HTTPServerRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _offered(request: HTTPServerRequest) -> str:
    for protocol in request.headers.get("Sec-WebSocket-Protocol", "").split(","):
        if protocol.strip().startswith(SUBPROTOCOL):
            return protocol.strip().removeprefix(SUBPROTOCOL)
    return ""


def _asked(request: HTTPServerRequest) -> str:
    tokens = request.query_arguments.get("token", [])
    return tokens[-1].decode("ascii", "replace") if tokens else ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
