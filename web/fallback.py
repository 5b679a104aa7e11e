"""The HTTP transport: where WebSocket is blocked, the same frames as POST and GET, at the same URL.

    POST    {}, application/json              opens: 201 {"connection": id}
    POST    a batch, application/octet-stream   says something: 200 {"received": its number}
    GET                                       hears something: records, as they come or when asked
    DELETE                                    says goodbye: 204; or a last batch, with `Quire-Leave`

`Quire-Connection` is the id, `Quire-Number` that of the batch, from 1 on, and `Quire-After` that of
the last frame that has come. `Quire-Mode: stream` keeps the answer to a GET open; through a proxy
that holds answers back it is `poll`: one answer for what there is, or after 20 s for nothing. Where
connections are scarce it is `glance`: one at once, for what there is, if anything.

    batch  = *(varUint more, varBytes piece)        more = 1: the frame goes on in the next piece
    answer = *record
    record = 0 | 1 varUint number varBytes frame | 2 varUint code varString reason

Errors are those of the API; `Quire-Close` is the close code when the connection is over. The token
is a header, never in a URL; no cookie is needed. An id is for whoever opened it, alone.
"""

from collections.abc import Sequence
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.routing import PathMatches, URLSpec
from tornado.web import HTTPError

from collab.access import Level
from collab.errors import AccessDenied, CollabError, ProtocolError, TooMany
from collab.web.api import ApiHandler, WrongType, methods
from collab.web.connections import Connections, Visit, visit_of
from collab.web.defences import admit
from collab.web.origin import answer_preflight, foreign
from collab.web.peers import Dialect, Peer
from collab.web.proxies import client_address
from collab.web.records import NOTHING, closed_record, frame_record
from collab.web.rights import OPEN, credentials, fingerprint, needed
from collab.web.schemas import HEARING, LEAVING, SAYING, Fields, from_query
from collab.web.virtual import Fetch, Gone, Line, Lines

BATCH = "application/octet-stream"
SENT = (
    "Authorization, Content-Type, Quire-After, Quire-Connection, Quire-Leave, Quire-Mode, "
    "Quire-Number"
)
HEARD = "Quire-Close, Retry-After"
FIELDS: dict[str, Fields] = {
    "GET": HEARING, "HEAD": HEARING, "POST": SAYING, "DELETE": LEAVING
}  # fmt: skip
MAX_MESSAGE = 10 << 20  # bytes, where the application's settings say nothing: as Tornado's


class NoUpgrade(PathMatches):
    """A path, for requests that do not ask for a WebSocket."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return None
        return super().match(request)


def plain_rules(prefix: str, sockets: Sequence[URLSpec], lines: Lines) -> list[URLSpec]:
    """Rules for `collab.web.routes`, one for each of those where WebSockets connect."""
    rules = []
    for socket in sockets:
        path = socket.regex.pattern.removesuffix("$")
        settings = {**(socket.kwargs or {}), "lines": lines, "path": path.removeprefix(prefix)}
        settings["dialect"] = socket.handler_class.dialect
        rules.append(URLSpec(path, FallbackHandler, settings))
        rules[-1].matcher = NoUpgrade(rules[-1].regex)
    return rules


class FallbackHandler(ApiHandler):
    """Any path where a WebSocket works, for requests that are no upgrade."""

    line: Line | None = None
    _fetch: Fetch | None = None
    _closes: CollabError | None = None

    def initialize(  # type: ignore[override]
        self, lines: Lines, connections: Connections, dialect: Dialect, **settings: Any
    ) -> None:
        super().initialize(**settings)
        self.level = Level.NOBODY
        self.said: dict[str, Any] = {}  # in headers of ours
        self.dialect = dialect
        self.lines = lines
        self.connections = connections

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        return value.decode("utf-8", "surrogateescape")  # as SyncHandler has it

    def compute_etag(self) -> str | None:
        return None

    def set_default_headers(self) -> None:
        super().set_default_headers()
        if "Access-Control-Allow-Origin" in self._headers:  # of errors, too
            self.set_header("Access-Control-Expose-Headers", HEARD)

    async def prepare(self) -> None:
        admit(self)
        if foreign(self.request, self.origins):
            raise AccessDenied("Pages of other sites may not connect here.")
        if answer_preflight(self, self.origins, "GET, POST, DELETE", SENT):
            return
        method = self.request.method or ""
        if method not in methods(type(self)):
            raise HTTPError(405)
        if "token" in self.request.query_arguments:
            raise ProtocolError("Send the token as Authorization: Bearer, not in the address.")
        self.said = {
            name: from_query(name, self.request.headers[name], schema)
            for name, schema in FIELDS[method].items()
            if name in self.request.headers
        }
        await self.hub.start()
        await self._find(needed(self.path, method))

    async def _find(self, level: Level) -> None:
        """The connection that is meant, if it is the peer's; or else whether it may open one."""
        identity = self.request.headers.get("Quire-Connection", "")
        if not identity:
            self.credentials = credentials(self.request)
            if self.request.method == "POST":
                if any(name.startswith("Quire-") for name in self.request.headers):
                    raise ProtocolError("Say which connection: without, POST opens one.")
                self.check_type()
                self.body({"type": "object", "properties": {}, "additionalProperties": False})
                self.level = level
            name, opens = self._name, self.request.method == "POST"
            if level is not OPEN and not (name and opens):  # else the dialect asks the door
                await self.admit(name, level)
            if opens:
                return
            raise ProtocolError("Say which connection: Quire-Connection. POST opens one.")
        if self.request.method == "POST" and self.request.headers.get("Content-Type") != BATCH:
            raise WrongType(f"A batch is {BATCH}: say so in the Content-Type.")
        line = self.lines.find(identity)
        if line.path != self.request.path:
            raise ProtocolError("This connection was opened at another address.")
        await self._own(line, level)
        self.line = line
        line.check()

    async def _own(self, line: Line, level: Level) -> None:
        """AccessDenied for another one than who opened it. Only they were told the id, a secret of
        192 bits; and besides, whoever has it shows the same token and cookies as before, or is the
        same user. Of another token, or none, the door says who that is. Other cookies alone come
        and go, unless a hook that reads them says something else than before, asked by the tokens
        that let the documents in, those in messages, too."""
        shown = fingerprint(self.request)
        same = level <= Level.READ and shown.token == line.owner.token
        if same and shown.cookies == line.owner.cookies:
            return
        if same:
            ours = await line.peer.remains(self.request)
        else:
            name = self._name
            _, grant = await self.hub.door.admit(
                credentials(self.request), name, max(level, Level.READ) if name else level
            )
            ours = line.peer.belongs(grant)
        if not ours:
            raise AccessDenied("This connection is somebody else's.")
        line.owner = shown

    async def post(self, *path: str) -> None:
        """Opens a connection, or takes a batch."""
        if self.line is None:
            await self._open()
            return
        number = self._said("Quire-Number")
        # One that was sent again may be behind what was acknowledged meanwhile.
        known = self.line.acknowledged
        self.line.acknowledge(max(self.said.get("Quire-After", known), known))
        leaves = "Quire-Leave" in self.said
        if leaves:  # and sends nothing again
            await self.line.turn(number)
        await self.line.take(number, self.request.body)
        if leaves:
            await self.delete()
        else:
            self.write({"received": number})

    async def get(self, *path: str) -> None:
        """Frames, as they come."""
        line = self.line
        assert line is not None  # else `prepare` has refused
        after = self._said("Quire-After")
        line.acknowledge(after)
        mode = self.said.get("Quire-Mode")
        patient = mode == "stream"
        self.set_header("Content-Type", BATCH)
        self.set_header("Cache-Control", "no-store, no-transform")
        self.set_header("X-Accel-Buffering", "no")
        self._fetch = fetch = line.begin(patient)
        try:
            if patient:
                self.write(NOTHING)  # so that it shows whether answers are held back
                await self.flush()
            await self._tell(line, fetch, after, waits=mode != "glance")
        except StreamClosedError:
            pass
        finally:
            line.done(fetch)

    async def _tell(self, line: Line, fetch: Fetch, after: int, waits: bool) -> None:
        while not fetch.over:
            frames = line.after(after)
            if frames:
                after = frames[-1][0]
                self.write(b"".join(frame_record(*one) for one in frames))
                if not fetch.patient:
                    return
                await self.flush()
            elif line.ended is not None:
                self.write(closed_record(line.ended))
                return
            elif not waits:
                return
            else:
                await line.more()

    async def delete(self, *path: str) -> None:
        """The peer says goodbye; `Quire-Leave: back` when it comes back in a moment."""
        assert self.line is not None
        self.line.leave(clean=self.said.get("Quire-Leave") != "back")
        self.lines.remove(self.line)
        self.set_status(204)

    def on_connection_close(self) -> None:
        """Whoever waited for frames does so no more."""
        if self.line is not None and self._fetch is not None:
            self.line.done(self._fetch)

    async def _open(self) -> None:
        visit = self._enter()
        most = self.settings.get("websocket_max_message_size") or MAX_MESSAGE
        peer = Peer(self.hub, self.request)
        line = Line(peer, visit, self.request.path, fingerprint(self.request), most)
        try:
            visit.check()
            await peer.enter(self.dialect, self.path_args, line.wake, self.level)
        except BaseException as error:
            visit.leave()
            if isinstance(error, CollabError):
                self.hub.counts.refused[error.close_code] += 1
                self._closes = error
            raise
        self.lines.add(line)
        self.set_status(201)
        self.write({"connection": line.id})

    def _enter(self) -> Visit:
        """It counts as a connection, beside those by which its requests come."""
        carrier = visit_of(self.request)
        connections = carrier.connections if carrier is not None else self.connections
        visit = connections.enter(client_address(self.request))
        if visit is None:
            raise TooMany("Too many connections. Close some, or try again later.")
        return visit

    @property
    def _name(self) -> str:
        """The document that the address names; '' where messages do."""
        return self.path_args[0] if self.path_args else ""

    def _said(self, header: str) -> int:
        """ProtocolError when a number is missing."""
        if header not in self.said:
            raise ProtocolError(f"{header} is missing.")
        number: int = self.said[header]
        return number

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        closes = self._closes or (self.line.ended if self.line is not None else None)
        # A fault of one request ends no connection, where one was meant.
        meant = "Quire-Connection" in self.request.headers
        if closes is None and isinstance(error, CollabError if not meant else Gone):
            closes = error
        if closes is not None:
            self.set_header("Quire-Close", str(closes.close_code))
        super().write_error(status_code, **kwargs)
