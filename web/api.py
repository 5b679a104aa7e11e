"""The HTTP API: what all of its handlers share, and its rules. Knows Tornado and the hub.

Every answer is JSON but for a document's content, which comes as the `Accept` header wants it.
Every error is `{"error": {"status": 404, "code": "not-found", "message": "..."}}`.
"""

import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping
from importlib.metadata import version
from typing import Any, ClassVar

from tornado.routing import URLSpec
from tornado.web import HTTPError, RequestHandler

from collab import Hub
from collab.access import OURS, Level, everybody
from collab.audit import Action
from collab.errors import NO_MEMORY, AccessDenied, CollabError, NotFound, ProtocolError, Unavailable
from collab.web import openapi
from collab.web.answers import AnsweringHandler
from collab.web.defences import admit, defend, told_to_wait
from collab.web.origin import answer_preflight, followed_link, foreign, share
from collab.web.proxies import client_address
from collab.web.rights import OPEN, WHOLE, credentials, needed
from collab.web.schemas import Fields, Schema, check_body, defaults, from_query

CODES = {
    400: "bad-request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    408: "timed-out",
    413: "too-big",
    415: "not-json",
    429: "too-many",
    503: "unavailable",
}

LONG = 1.0  # seconds after which rights are looked at once more

_JSON = re.compile(r"application/([\w.+-]+\+)?json\s*(;.*)?", re.IGNORECASE)


class WrongType(ProtocolError):
    """The body is said to be something else than what is asked for."""

    http_status = 415


class ApiHandler(AnsweringHandler):
    """What all of them share: who may, errors in one shape, JSON in and out, no foreign pages, a
    line in the audit log.

    A rule's first group is the name of a document. Its handler gets the key instead by which the
    store knows the document, and is called only if the peer may do this with it."""

    hub: Hub
    audited: ClassVar[dict[str, Action]] = {}
    """By method, what the audit log calls it; `detail` may say more. Noted when it was done."""
    detail = ""

    def initialize(self, hub: Hub, origins: Collection[str], path: str) -> None:
        self.hub = hub
        self.origins = origins
        self.path = path
        self.grant = OURS
        self.gone = False
        self.key = ""

    def set_default_headers(self) -> None:
        defend(self)
        self.set_header("Cache-Control", "no-store")
        share(self, getattr(self, "origins", ()))  # again for each error; not known at first

    async def prepare(self) -> None:
        admit(self)
        if answer_preflight(self, self.origins):
            return
        if foreign(self.request, self.origins) and not followed_link(self.request):
            raise AccessDenied("Pages of other sites may neither read nor change documents here.")
        self.check_type()
        await self.hub.start()
        self.credentials = credentials(self.request)
        method = self.request.method or ""
        if method not in methods(type(self)):
            raise HTTPError(405)
        level = needed(self.path, method)
        if self.path_args:
            self.path_args[0] = await self.admit(self.path_args[0], level)
        elif level is not OPEN:
            await self.admit("", level)
        if self.path in WHOLE and self.grant.tenant:
            raise AccessDenied("This tells of all tenants, and is for who belongs to none.")

    async def admit(self, name: str, level: Level) -> str:
        """The key of a document ('': none in particular), if the peer may do that with it; raises
        what the door raises."""
        self.key, self.grant = await self.hub.door.admit(self.credentials, name, level)
        return self.key

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """In which a worker reads a whole document for this request. Who had to wait long for it
        may have gone, or may not read it any more."""
        began = time.monotonic()
        async with self.hub.exporting(self.grant, client_address(self.request)):
            if self.gone:
                raise HTTPError(408)  # which nobody reads
            if self.hub.rooms.closed:
                raise Unavailable("The server is going down. Try again soon.")
            if time.monotonic() > began + LONG:
                level = needed(self.path, self.request.method or "")
                if await self.hub.door.level(self.credentials, self.key) < level:
                    raise AccessDenied("You may not do this any more.")
            yield

    def on_connection_close(self) -> None:
        self.gone = True
        super().on_connection_close()

    def on_finish(self) -> None:
        action = self.audited.get(self.request.method or "")
        if action is not None and self.get_status() < 400:
            self.hub.audit.note(
                action,
                user=self.grant.user,
                address=client_address(self.request),
                document=self.key,
                detail=self.detail,
                now=time.time(),
            )

    def check_xsrf_cookie(self) -> None:
        """Where the application has `xsrf_cookies`. Who shows a token in a header is no page to
        which a browser lends its cookies: they do not count then, whatever the token is worth.
        Browsers lend what is `Basic` as they do cookies."""
        scheme = self.request.headers.get("Authorization", "").partition(" ")[0].lower()
        if scheme in ("bearer", "token"):
            self.request.headers.pop("Cookie", None)
        else:
            super().check_xsrf_cookie()

    def check_type(self) -> None:
        """WrongType for a body that a form could have sent."""
        content_type = self.request.headers.get("Content-Type", "application/json")
        if self.request.method not in ("GET", "HEAD") and not _JSON.fullmatch(content_type):
            raise WrongType("The body must be application/json: say so in the Content-Type.")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, OSError):
            error = Unavailable("The store does not answer now. Try again.")
        if isinstance(error, MemoryError):
            error = Unavailable(NO_MEMORY)
        message = "Something went wrong on our side."
        if status_code < 500:
            message = f"The request cannot be answered: {self._reason}."
        if isinstance(error, CollabError):
            status_code, message = error.http_status, str(error)
            self.set_status(status_code)
            if error.limit:
                address = client_address(self.request)
                self.hub.limits_hit.note(error.limit, address, time.time(), document=self.key)
        told_to_wait(self, status_code)
        if status_code == 405:
            self.set_header("Allow", ", ".join(methods(type(self))))
        code = CODES.get(status_code, "error")
        self.finish({"error": {"status": status_code, "code": code, "message": message}})

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        faults = (CollabError, HTTPError)  # of the client, or told in the log where they arose
        if not isinstance(value, faults):
            super().log_exception(typ, value, tb)

    async def head(self, *path: str) -> None:
        """As GET, of which Tornado then sends the headers alone."""
        answer: Awaitable[None] | None = self.get(*path)
        if answer is not None:
            await answer

    def body(self, shape: Schema) -> dict[str, Any]:
        """The request's JSON object, which is of that shape. ProtocolError if it is not."""
        try:
            body = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError):
            raise ProtocolError("The body is not JSON.") from None
        return check_body(shape, body)

    def query(self, fields: Fields) -> dict[str, Any]:
        """What the URL says of these fields, and the defaults of those of which it says nothing
        and that have one. ProtocolError for what is wrong, or said twice."""
        query = defaults(fields)
        for name, field in fields.items():
            values = self.get_query_arguments(name, strip=False)
            if len(values) > 1:
                raise ProtocolError(f"{name} must be given once.")
            if values:
                query[name] = from_query(name, values[0], field)
        return query


class StatusHandler(ApiHandler):
    """`/api/status`: whether edits can be saved; and, where everybody may see everything, how much
    is going on."""

    def get(self) -> None:
        status = {"version": version("quire"), "saving": self.hub.writer.saving}
        if self.hub.door.authorize is everybody:
            rooms = self.hub.rooms.values()
            editors = sum(len(room.sessions) for room in rooms)
            status |= {"documents": len(rooms), "editors": editors}
        self.write(status)


class DescriptionHandler(ApiHandler):
    """`/api/openapi.json`: all of this for programs, as OpenAPI describes an API."""

    def get(self) -> None:
        path = self.request.path
        self.write(openapi.document(path.removesuffix("/api/openapi.json")))


class UnknownHandler(ApiHandler):
    """Whatever else is under `/api/`."""

    async def prepare(self) -> None:
        admit(self)
        raise NotFound("There is no such endpoint.")


HANDLERS: dict[str, type[ApiHandler]] = {
    r"/api/openapi\.json": DescriptionHandler,
    r"/api/status": StatusHandler,
    r"/api/.*": UnknownHandler,
}


def api_rules(
    prefix: str, settings: dict[str, Any], handlers: Mapping[str, type[ApiHandler]]
) -> list[URLSpec]:
    """Rules for `collab.web.routes`, for the handlers of one file."""
    return [
        URLSpec(prefix + path, handler, {**settings, "path": path})
        for path, handler in handlers.items()
    ]


def methods(handler: type[RequestHandler]) -> list[str]:
    """The methods that a handler answers, as HTTP spells them."""
    own = [m for m in handler.SUPPORTED_METHODS if _of(handler, m) is not _of(RequestHandler, m)]
    return [m for m in own if m != "HEAD" or "GET" in own]


def _of(handler: type[RequestHandler], method: str) -> object:
    return getattr(handler, method.lower())
