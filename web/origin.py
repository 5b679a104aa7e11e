"""Which browsers may connect and change things: pages of this host, and of the allowed origins.

Programs that are not browsers send neither `Sec-Fetch-Site` nor `Origin`; they are not what this
protects against, which is a foreign page that uses its reader's access.
"""

import ipaddress
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher
from tornado.web import RequestHandler


def allowed(origin: str, origins: Collection[str]) -> bool:
    """Whether pages of another origin, such as "https://app.example.com", may connect."""
    return origin in origins or "*" in origins


def foreign(request: HTTPServerRequest, origins: Collection[str]) -> bool:
    """Whether a request comes from a page that has no business here. A page of this host is told
    by `Sec-Fetch-Site`, or by `Origin` where an old browser does not send that."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site in ("same-origin", "none") or (site is None and origin is None):
        return False
    if origin is None:
        return True
    # Compared, not parsed: no browser sends more than scheme and host, but others send anything.
    same_host = origin.partition("://")[2].lower() == request.host.lower()
    return not (site is None and same_host) and not allowed(origin, origins)


def share(handler: RequestHandler, origins: Collection[str]) -> bool:
    """Lets pages of the allowed origins read this answer, as CORS has it, and says whether it is
    one of them that asks. Without its reader's cookies: who one is, such a page has to show."""
    if not origins:
        return False
    handler.set_header("Vary", "Origin")
    origin = handler.request.headers.get("Origin", "")
    if not origin or not allowed(origin, origins):
        return False
    handler.set_header("Access-Control-Allow-Origin", origin)
    return True


def answer_preflight(
    handler: RequestHandler,
    origins: Collection[str],
    methods: str = "GET, HEAD, POST, PATCH, DELETE",
    headers: str = "Authorization, Content-Type",
) -> bool:
    """Whether a browser asked here what a page of an allowed origin may ask, and has its answer."""
    request = handler.request
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not share(handler, origins) or not asks:
        return False
    handler.set_header("Access-Control-Allow-Methods", methods)
    handler.set_header("Access-Control-Allow-Headers", headers)
    handler.set_header("Access-Control-Max-Age", "600")
    handler.set_status(204)
    handler.finish()
    return True


def followed_link(request: HTTPServerRequest) -> bool:
    """Whether somebody came here by a link on another page: a tab of its own shows the answer, and
    that page sees nothing of it."""
    headers = request.headers
    dest = headers.get("Sec-Fetch-Dest")
    return (
        request.method == "GET"
        and headers.get("Sec-Fetch-Mode") == "navigate"
        and dest == "document"
    )


class OtherHosts(Matcher):
    """Matches requests for a host of any other name than localhost and those of the origins.

    Whoever owns a name can have it lead to this machine (DNS rebinding), and to the browser their
    page is one of this host then. An address cannot be had like that. For servers that only this
    machine can reach, and that ask nobody who they are."""

    def __init__(self, origins: Collection[str]) -> None:
        self.names = {"localhost", *(urlsplit(origin).hostname or "" for origin in origins)}

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        host = request.host_name.lower()
        if host in self.names or host.endswith(".localhost"):
            return None
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return {}
        return None
