"""The HTTP API: the list of documents, and what is in them. Knows Tornado and the hub.

Every answer is JSON but for a document's content, which comes as the `Accept` header wants it.
Every error is `{"error": {"status": 404, "code": "not-found", "message": "..."}}`.
"""

import json
import time
from collections.abc import Collection
from importlib.metadata import version
from typing import Any

from tornado.routing import URLSpec
from tornado.web import HTTPError, RequestHandler

from collab import Hub
from collab.errors import AccessDenied, CollabError, Conflict, NotFound, ProtocolError, Unavailable
from collab.names import document_name, new_name
from collab.storage import Document
from collab.web.origin import foreign

MAX_BODY = 64 << 10
MAX_TITLE = 200  # characters
KINDS = ("", "rich", "text", "markdown", "code")
PAGE = 50  # documents of a list

CODES = {
    400: "bad-request",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    413: "too-big",
    503: "unavailable",
}


class ApiHandler(RequestHandler):
    """What all of them share: errors in one shape, JSON in and out, no foreign pages."""

    def initialize(self, hub: Hub, origins: Collection[str]) -> None:
        self.hub = hub
        self.origins = origins

    def set_default_headers(self) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    async def prepare(self) -> None:
        if self.request.method not in ("GET", "HEAD") and foreign(self.request, self.origins):
            raise AccessDenied("Pages of other sites may not change documents here.")
        await self.hub.start()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, OSError):
            error = Unavailable("The store does not answer now. Try again.")
        message = "Something went wrong on our side."
        if status_code < 500:
            message = f"The request cannot be answered: {self._reason}."
        if isinstance(error, CollabError):
            status_code, message = error.http_status, str(error)
            self.set_status(status_code)
        code = CODES.get(status_code, "error")
        self.finish({"error": {"status": status_code, "code": code, "message": message}})

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        faults = (CollabError, HTTPError)  # of the client, or told in the log where they arose
        if not isinstance(value, faults):
            super().log_exception(typ, value, tb)

    def body(self, **fields: type) -> dict[str, Any]:
        """The request's JSON object, of whose `fields` any may be missing and none may be of
        another type."""
        try:
            body = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError):
            raise ProtocolError("The body is not JSON.") from None
        if not isinstance(body, dict):
            raise ProtocolError("The body must be a JSON object.")
        for name, value in body.items():
            if name not in fields:
                raise ProtocolError(f"Unknown field: the known ones are {', '.join(fields)}.")
            if not isinstance(value, fields[name]):
                raise ProtocolError(f"{name} must be a {fields[name].__name__}.")
        return body

    def describe(self, document: Document) -> dict[str, Any]:
        """A document as every endpoint shows it; times in ms since the epoch."""
        room = self.hub.rooms.get(document.name)
        people = room.awareness.users() if room else []
        editors = [{key: person.get(key) for key in ("name", "color")} for person in people]
        fields = document._asdict()
        return {**fields, "editors": [e for e in editors if isinstance(e["name"], str)]}


class DocumentsHandler(ApiHandler):
    """`/api/documents`: list and create."""

    async def get(self) -> None:
        after = self.get_query_argument("after", None)
        deleted = self.get_query_argument("deleted", "") in ("1", "true")
        limit = page_limit(self.get_query_argument("limit", str(PAGE)))
        search = self.get_query_argument("search", "")
        try:
            page = await self.hub.store.documents(search, after, limit, deleted)
        except LookupError:
            raise NotFound("There is no document to go on after.") from None
        following = page[-1].name if len(page) == limit else None
        self.write({"documents": [self.describe(d) for d in page], "next": following})

    async def post(self) -> None:
        body = self.body(title=str, kind=str, name=str)
        title = _title(body.get("title", ""))
        name = document_name(body["name"]) if "name" in body else new_name(title)
        now = int(time.time() * 1000)
        try:
            document = await self.hub.store.create(name, title, _kind(body.get("kind", "")), now)
        except FileExistsError:
            raise Conflict("There is a document of that name, or a deleted one.") from None
        self.set_status(201)
        self.write(self.describe(document))


class DocumentHandler(ApiHandler):
    """`/api/documents/{name}`: look at, rename, delete."""

    async def get(self, name: str) -> None:
        document = await self.hub.store.find(document_name(name))
        if document is None or document.erased:
            raise NotFound("There is no document of that name.")
        self.write(self.describe(document))

    async def patch(self, name: str) -> None:
        body = self.body(title=str, kind=str)
        title = _title(body["title"]) if "title" in body else None
        kind = _kind(body["kind"]) if "kind" in body else None
        self.write(self.describe(await self.hub.describe(name, title=title, kind=kind)))

    async def delete(self, name: str) -> None:
        self.write(self.describe(await self.hub.delete(name)))


class UndeleteHandler(ApiHandler):
    """`/api/documents/{name}/undelete`: bring a deleted document back."""

    async def post(self, name: str) -> None:
        self.write(self.describe(await self.hub.undelete(name)))


class ContentHandler(ApiHandler):
    """`/api/documents/{name}/content`: every root as JSON, the text, or one Yjs update."""

    async def get(self, name: str) -> None:
        state = (await self.hub.state(name)).encode()
        accept = self.request.headers.get("Accept", "application/json")
        if "application/octet-stream" in accept:
            self.set_header("Content-Type", "application/octet-stream")
            self.finish(state)
        elif "text/plain" in accept:
            self.set_header("Content-Type", "text/plain; charset=UTF-8")
            self.finish(await self.hub.engine.run("text", state))
        else:
            self.set_header("Content-Type", "application/json")
            self.finish(await self.hub.engine.run("json", state))


class StatusHandler(ApiHandler):
    """`/api/status`: whether edits can be saved, and how much is going on."""

    def get(self) -> None:
        rooms = self.hub.rooms.values()
        self.write(
            {
                "version": version("quire"),
                "saving": self.hub.writer.saving,
                "documents": len(rooms),
                "editors": sum(len(room.sessions) for room in rooms),
            }
        )


class UnknownHandler(ApiHandler):
    """Whatever else is under `/api/`."""

    def prepare(self) -> None:  # type: ignore[override]  # nothing to wait for
        raise NotFound("There is no such endpoint.")


def api_routes(
    prefix: str, settings: dict[str, Any], more: dict[str, type[ApiHandler]]
) -> list[URLSpec]:
    """The API's rules for `collab.web.routes`, with the handlers of other files."""
    handlers: dict[str, type[ApiHandler]] = {
        **more,
        r"/api/status": StatusHandler,
        r"/api/documents": DocumentsHandler,
        r"/api/documents/(.+)/content": ContentHandler,
        r"/api/documents/(.+)/undelete": UndeleteHandler,
        r"/api/documents/(.+)": DocumentHandler,
        r"/api/.*": UnknownHandler,
    }
    return [URLSpec(prefix + path, handler, settings) for path, handler in handlers.items()]


def _title(title: str) -> str:
    title = " ".join(title.split())
    if len(title) > MAX_TITLE:
        raise ProtocolError(f"A title may have {MAX_TITLE} characters at most.")
    return title


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise ProtocolError(f"kind must be one of {', '.join(KINDS[1:])}, or empty.")
    return kind


def page_limit(limit: str) -> int:
    """How many entries a page of a list is to have. ProtocolError if it is no such number."""
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= 500:
        raise ProtocolError("limit must be a number from 1 to 500.")
    return int(limit)
