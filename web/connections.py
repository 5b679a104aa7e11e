"""How many connections there are, how long they may take, and who they are: before any handler.

`Connections` counts them, for the process and for each address; `Entrance` is Tornado's HTTP server
with those counts, with deadlines, and with the proxies that are believed. Knows Tornado; nothing of
documents.
"""

import copy
import socket
import sys
import time
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, SSLIOStream

from collab import Hub
from collab.errors import TooMany, Unavailable
from collab.rates import network
from collab.web.proxies import Proxies, canonical, client_address

SILENT = {
    "first_message_seconds": "Say something within the first seconds.",
    "idle_seconds": "No document is open here any more. Come back with one.",
}
"""By limit, what an editor is told that says nothing for so long."""


class Connections:
    """Counts connections, in all and by address.

    One above a limit is let in as far as to be told so (`Visit.check`); when a tenth of the limit
    is busy with being told, the next ones are not let in at all."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.limits = hub.limits
        self.hits = hub.limits_hit
        self.total = 0
        self.of: Counter[str] = Counter()

    def enter(self, address: str) -> "Visit | None":
        """One more from an address ("": of a proxy, who knows of whom). None: not even to be told;
        else call `leave` of what it returns when the connection has gone."""
        over, spare = self._over(address)
        visit = Visit(self, address, over)
        if over:
            self.note(over, address)
        if spare < 0:
            return None
        self._count(address, 1)
        return visit

    def note(self, limit: str, address: str) -> None:
        """A limit was hit."""
        local = address in ("127.0.0.1", "::1") and limit == "address_connections"
        advice = ": a proxy of yours? --proxies says which ones to believe" if local else ""
        self.hits.note(limit, address or "a proxy", time.time(), advice)

    def _over(self, address: str) -> tuple[str, int]:
        """The limit that one more from there would break ("": none), and how many more than that
        would still be told."""
        found = ("", 1)
        for limit, most, count in (
            ("address_connections", self.limits.address_connections, self.of[network(address)]),
            ("connections", self.limits.connections, self.total),
        ):
            if count >= most and (limit == "connections" or address):
                found = limit, min(found[1], most + most // 10 + 5 - count - 1)
        return found

    def _count(self, address: str, one: int) -> None:
        where = network(address)
        self.total += one
        self.of[where] += one
        if not self.of[where]:
            del self.of[where]


@dataclass(slots=True)
class Visit:
    """One connection, from its beginning to its end."""

    connections: Connections
    address: str
    over: str  # the limit that it is above
    waits: str = "handshake_seconds"  # the limit of how long what it does now may take,
    since: float = field(default_factory=time.monotonic)  # and since when it does
    is_socket: bool = False
    gone: bool = False

    def begin(self, limit: str) -> None:
        """What is next may take so long."""
        self.waits, self.since = limit, time.monotonic()

    def move(self, address: str) -> None:
        """It comes from there, as its proxy says."""
        if address != self.address:
            self.connections._count(self.address, -1)
            self.over = self.over or self.connections._over(address)[0]
            if self.over == "address_connections":
                self.connections.note(self.over, address)
            self.address = address
            self.connections._count(address, 1)

    def check(self) -> None:
        """Unavailable or TooMany when it is above a limit."""
        if self.over == "connections":
            raise Unavailable("Too many connections. Try again later.")
        if self.over:
            raise TooMany("Too many connections from your address. Close some, or try again later.")

    def leave(self) -> None:
        """It has gone; more than once does no harm."""
        if not self.gone:
            self.gone = True
            self.connections._count(self.address, -1)

    def late(self) -> bool:
        """Whether it took too long for what it did."""
        allowed: int = getattr(self.connections.limits, self.waits)
        return time.monotonic() - self.since > allowed - 0.1


def visit_of(request: HTTPServerRequest) -> Visit | None:
    """The connection that a request came by; None where the server is somebody else's."""
    visit = getattr(getattr(request.connection, "context", None), "visit", None)
    return visit if isinstance(visit, Visit) else None


def settle(request: HTTPServerRequest, connections: Connections) -> Visit:
    """The visit of a request that has become a socket: from now on it has to `leave` by itself.
    Unavailable when it has to go without having been counted; else `check` it."""
    visit = visit_of(request)
    if visit is None:
        visit = connections.enter(client_address(request))
        if visit is None:
            raise Unavailable("Too many connections. Try again later.")
    else:
        visit.move(client_address(request))
    visit.is_socket = True
    return visit


class Entrance(HTTPServer):
    """Tornado's HTTP server; `connections` says how many and how long, `proxies` whom to believe.

    Its other arguments are HTTPServer's, without `xheaders` and the timeouts."""

    def initialize(  # type: ignore[override]
        self, application: Any, *, connections: Connections, proxies: Proxies, **options: Any
    ) -> None:
        limits = connections.limits
        super().initialize(
            application,
            idle_connection_timeout=limits.handshake_seconds,
            body_timeout=limits.body_seconds,
            max_body_size=sys.maxsize,  # `_Watched` counts, and tells
            **options,
        )
        self.later_params = copy.copy(self.conn_params)
        self.later_params.header_timeout = limits.idle_seconds
        self.connections = connections
        self.proxies = proxies
        self.visits: dict[object, Visit] = {}

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        peer = canonical(address[0])
        visit = self.connections.enter("" if peer in self.proxies else peer)
        if visit is None:
            stream.close()
            return
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # The kernel closes on whoever takes nothing of an answer for so long.
            patience = self.connections.limits.idle_seconds * 1000
            stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
        self.visits[stream] = visit
        super().handle_stream(stream, address)

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        assert isinstance(server_conn, HTTP1ServerConnection)
        assert isinstance(request_conn, HTTP1Connection)
        visit = self.visits[server_conn.stream]
        if visit.waits != "handshake_seconds":
            request_conn.params = self.later_params
            visit.begin("idle_seconds")
            if visit.over:
                server_conn.stream.close()  # it has been told
        inner = super().start_request(server_conn, request_conn)
        protocol = "https" if isinstance(server_conn.stream, SSLIOStream) else "http"
        return _Watched(inner, request_conn, visit, protocol, self.proxies)

    def on_close(self, server_conn: object) -> None:
        """The connection speaks HTTP no more: it has ended, or has become a socket."""
        assert isinstance(server_conn, HTTP1ServerConnection)
        visit = self.visits.pop(server_conn.stream)
        if not visit.is_socket:
            visit.leave()
            if visit.late():
                self.connections.note(visit.waits, visit.address)
        super().on_close(server_conn)


class _Watched(HTTPMessageDelegate):
    """One request: what it waits for, and who it really is from."""

    def __init__(
        self,
        inner: HTTPMessageDelegate,
        connection: HTTP1Connection,
        visit: Visit,
        protocol: str,
        proxies: Proxies,
    ) -> None:
        self.inner = inner
        self.visit = visit
        self.size = 0  # bytes of the body that have come
        self.protocol = protocol
        self.proxies = proxies
        context: Any = connection.context
        context.visit = visit
        self.context = context

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self.visit.begin("body_seconds")
        peer = canonical(self.context.address[0])
        if peer in self.proxies:
            # Anew for each request: a proxy sends those of many clients by one connection.
            self.context.remote_ip, self.context.protocol = self.proxies.origin(
                peer, self.protocol, headers
            )
        self._bound(_number(headers.get("Content-Length", "")))
        return self.inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self.size += len(chunk)
        self._bound(self.size)  # what comes in chunks does not say before how large it is
        return self.inner.data_received(chunk)

    def finish(self) -> None:
        self.visit.begin("idle_seconds")
        self.inner.finish()

    def on_connection_close(self) -> None:
        self.inner.on_connection_close()

    def _bound(self, size: float) -> None:
        """HTTPInputError for a body that is too large: Tornado, which would refuse it, tells
        nobody."""
        connections = self.visit.connections
        if size > connections.limits.body_bytes:
            connections.note("body_bytes", self.context.remote_ip)
            raise HTTPInputError("body too large")


def _number(digits: str) -> float:
    """What a header says, however many digits it takes to say so."""
    if not (digits.isascii() and digits.isdigit()):
        return 0
    return int(digits) if len(digits) < 20 else inf
