"""The operations of the HTTP API as one table, and the OpenAPI document made of it.

Plain data: knows no Tornado and no hub. A test looks for routes without a row, another one plays
every operation and compares what comes with what is said here.
"""

from importlib.metadata import version
from typing import NamedTuple

from collab.web import schemas, ysweet_shapes
from collab.web.schemas import Fields, Schema, listed, maybe, ref, text, thing


class Operation(NamedTuple):
    """One method of one path. `answer` is the schema of the JSON that comes with `status`, None
    where nothing comes; `content`: a document comes, and the `Accept` header says in which form;
    `media`: it is not JSON; `takes_bytes`: neither is the body; `batch`: nor the one of frames, and
    each has an answer of its own."""

    id: str
    does: str
    answer: Schema | None
    status: int = 200
    query: Fields = {}  # noqa: RUF012  # nobody changes it
    body: Schema | None = None
    errors: tuple[int, ...] = ()
    content: bool = False
    media: str = "application/json"
    takes_bytes: bool = False
    headers: Fields = {}  # noqa: RUF012
    batch: bool = False


_D = ref("Document")
_V = ref("Version")
_DOCUMENTS = thing(
    documents=listed(_D, "The last edited one first."),
    next=maybe(text("What to ask for `after` to go on; null at the end.")),
)
_TIMES = thing(
    head=schemas.HEAD, stretches=listed(ref("Stretch"), "The newest first."),
    versions=listed(_V, "The oldest first."), next=schemas.NEXT,
)  # fmt: skip
_NAMES = thing(versions=listed(_V, "The oldest first."))
_LINES = thing(lines=listed(ref("AuditLine"), "The newest first."), next=schemas.NEXT)
_LINKS = thing(links=listed(ref("Link"), "Those that count."))
_SIGNED_IN = thing(
    user=text("The id of the user."), name=text("As others are shown it."),
    renewed=schemas.number("How many open connections go on with it."),
)  # fmt: skip
_ROW_LIST = thing(rows=listed(ref("Row"), "In order."))
_TEXT = {"type": "string"}
_OCTETS = "application/octet-stream"
_OPENED = thing(connection=text("Its id: send it as Quire-Connection."))
_RECEIVED = thing(received=schemas.number("The number of the batch."))
_OF = "/api/documents/{name}"
_YSWEET = "/y-sweet"


def _by_http(where: str) -> dict[str, Operation]:
    """Where WebSocket is blocked: what takes its place at one of its addresses."""
    lost = (404, 408, 409)
    return {
        "get": Operation(f"hearFrames{where}", "Where WebSocket is blocked: what the server says",
                         {}, media=_OCTETS, headers=schemas.HEARING, errors=lost),
        "post": Operation(f"sayFrames{where}", "Open a connection; with its id, say something",
                          _OPENED, 201, body=thing(), headers=schemas.SAYING, errors=lost,
                          batch=True),
        "delete": Operation(f"closeConnection{where}", "Say goodbye",
                            None, 204, headers=schemas.LEAVING, errors=lost),
    }  # fmt: skip


OPERATIONS: dict[str, dict[str, Operation]] = {
    "/api/documents": {
        "get": Operation("listDocuments", "The documents, and who is in them",
                         _DOCUMENTS, query=schemas.LIST, errors=(404,)),
        "post": Operation("createDocument", "Make a document",
                          _D, 201, body=schemas.NEW_DOCUMENT, errors=(409,)),
    },
    _OF: {
        "get": Operation("getDocument", "One document", _D, errors=(404,)),
        "patch": Operation("changeDocument", "Rename it",
                           _D, body=schemas.DOCUMENT_CHANGES, errors=(404,)),
        "delete": Operation("deleteDocument", "Put it away; its editors are sent away",
                            _D, errors=(404,)),
    },
    _OF + "/undelete": {
        "post": Operation("undeleteDocument", "Bring it back", _D, errors=(404,)),
    },
    _OF + "/content": {
        "get": Operation("getContent", "What is in it", schemas.ROOTS, errors=(404,), content=True),
    },
    _OF + "/edits": {
        "post": Operation("edit", "Edit text and values, as a program",
                          ref("Done"), body=schemas.EDITS, errors=(404,)),
    },
    _OF + "/updates": {
        "post": Operation("update", "Take a Yjs update (v1), as a program",
                          ref("Done"), query=schemas.WHO, takes_bytes=True, errors=(404, 409)),
    },
    _OF + "/history": {
        "get": Operation("getHistory", "Who edited when, and the named versions",
                         _TIMES, query=schemas.TIMELINE, errors=(404,)),
    },
    _OF + "/history/rows": {
        "get": Operation("getRows", "Every single edit of a range",
                         _ROW_LIST, query=schemas.ROWS, errors=(404,)),
    },
    _OF + "/history/{moment}": {
        "get": Operation("getMoment", "The document as it was",
                         ref("Moment"), errors=(404,), content=True),
    },
    _OF + "/history/{from}..{moment}": {
        "get": Operation("getDifference", "What changed, by whom and when",
                         ref("Difference"), errors=(404,)),
    },
    _OF + "/restore": {
        "post": Operation("restore", "Back to a moment, as one edit",
                          ref("Done"), body=schemas.RESTORE, errors=(404,)),
    },
    _OF + "/undo": {
        "post": Operation("undo", "Take back the edits of a range",
                          ref("Done"), body=schemas.UNDO, errors=(404,)),
    },
    _OF + "/versions": {
        "get": Operation("listVersions", "The named moments", _NAMES, errors=(404,)),
        "post": Operation("nameVersion", "Name a moment, the last one if none is given",
                          _V, 201, body=schemas.NEW_VERSION, errors=(404, 409)),
    },
    _OF + "/versions/{version}": {
        "patch": Operation("renameVersion", "Rename a version",
                           _V, body=schemas.NEW_NAME, errors=(404, 409)),
        "delete": Operation("deleteVersion", "Take the name away", None, 204, errors=(404,)),
    },
    _OF + "/links": {
        "get": Operation("listLinks", "Who was given a link", _LINKS),
        "post": Operation("makeLink", "Give out a link that shares it",
                          ref("Link"), 201, body=schemas.NEW_LINK),
    },
    _OF + "/links/{id}": {
        "delete": Operation("deleteLink", "Take a link back, and from who is in by it",
                            None, 204, errors=(404,)),
    },
    "/sync/{name}": _by_http(""),
    "/sync": _by_http("OfSeveral"),
    _YSWEET + "/d/{docId}/ws/{again}": _by_http("OfYSweet"),
    _YSWEET + "/d/{docId}/as-update": {
        "get": Operation("getDocAsUpdate", "As y-sweet's SDK asks: a document as one Yjs update",
                         {}, media=_OCTETS, errors=(404,)),
    },
    _YSWEET + "/d/{docId}/update": {
        "post": Operation("updateDoc", "As y-sweet's SDK does it: take a Yjs update",
                          ref("Done"), takes_bytes=True, errors=(404, 409)),
    },
    _YSWEET + "/doc/new": {
        "post": Operation("createDoc", "As y-sweet's SDK does: make a document if there is none",
                          ysweet_shapes.CREATED, body=ysweet_shapes.NEW, errors=(409,)),
    },
    _YSWEET + "/doc/{docId}/auth": {
        "post": Operation("getClientToken", "As y-sweet's SDK asks: a token for one client",
                          ysweet_shapes.CLIENT_TOKEN, body=ysweet_shapes.AUTH, errors=(404,)),
    },
    _YSWEET + "/check_store": {
        "get": Operation("getCheckStore", "Whether edits come to disk", ysweet_shapes.FINE),
        "post": Operation("checkStore", "Whether edits come to disk", ysweet_shapes.FINE,
                          body=ysweet_shapes.NOTHING),
    },
    _YSWEET + "/ready": {
        "get": Operation("getReady", "Whether this server is there", ysweet_shapes.FINE),
    },
    "/api/session": {
        "get": Operation("getSession", "Who one is, and what one may do",
                         ref("Session"), query=schemas.SESSION),
        "post": Operation("signIn", "Sign in, or go on with a newer token",
                          _SIGNED_IN, body=schemas.SIGN_IN),
        "delete": Operation("signOut", "Sign out", None, 204),
    },
    "/api/tokens/{id}": {
        "delete": Operation("revokeToken", "Revoke a token, by the id in it", None, 204),
    },
    "/api/audit": {
        "get": Operation("getAudit", "Who did what to which document, newest first",
                         _LINES, query=schemas.AUDIT),
    },
    "/api/status": {
        "get": Operation("getStatus", "Whether edits are saved, how many are here",
                         ref("Status")),
    },
    "/metrics": {
        "get": Operation("getMetrics", "What happens here, as Prometheus reads it",
                         _TEXT, media="text/plain"),
    },
    "/api/openapi.json": {
        "get": Operation("getOpenAPI", "This document", {"type": "object"}),
    },
}  # fmt: skip

PATH: Fields = {
    "name": schemas.NAME,
    "moment": schemas.MOMENT,
    "from": schemas.MOMENT,
    "version": schemas.VERSION,
    "id": text("The id of a token or of a link.", 100),
    "docId": ysweet_shapes.ID | {"pattern": "^[A-Za-z0-9_-]+$"},
    "again": text("The same as docId."),
}
ANYWHERE = (400, 401, 403, 429, 503)  # what any request may be answered,
CHANGING = (413, 415)  # and what any that brings something
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-quire"},
    "plainCookie": {"type": "apiKey", "in": "cookie", "name": "quire"},  # without TLS
    "query": {"type": "apiKey", "in": "query", "name": "token"},
}


def document(prefix: str) -> Schema:
    """The whole, as OpenAPI 3.1; `prefix` stands before every path."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Quire",
            "version": version("quire"),
            "description": "Many hands, one document, nothing lost. Editors connect to "
            "`/sync/{name}` by WebSocket, or else by HTTP; this is what programs ask for.",
        },
        "servers": [{"url": prefix or "/"}],
        "security": [{}, *({name: []} for name in SECURITY)],
        "paths": {
            path: {method: _operation(path, method, one) for method, one in methods.items()}
            for path, methods in OPERATIONS.items()
        },
        "components": {
            "schemas": schemas.SCHEMAS,
            "securitySchemes": SECURITY,
            "responses": {"Error": _answer("What was wrong.", ref("Error"))},
        },
    }


def _operation(path: str, method: str, one: Operation) -> Schema:
    parts = [name for name in PATH if f"{{{name}}}" in path]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": PATH[name]} for name in parts
    ]
    parameters += [{"name": name, "in": "query", "schema": one.query[name]} for name in one.query]
    parameters += [
        {"name": name, "in": "header", "schema": schema} for name, schema in one.headers.items()
    ]
    answers = {str(one.status): _answer(one.does + ".", one.answer, one.media)}
    if one.content:
        answers["200"]["content"] |= {
            "text/plain": {"schema": _TEXT},
            _OCTETS: {"schema": {}},
        }
    usual = ANYWHERE if method == "get" else ANYWHERE + CHANGING
    for status in sorted({*usual, *one.errors}):
        answers[str(status)] = {"$ref": "#/components/responses/Error"}
    shown: Schema = {"operationId": one.id, "summary": one.does, "responses": answers}
    if one.body is not None:
        json = {"application/json": {"schema": one.body}}
        shown["requestBody"] = {"content": json, "required": "required" in one.body}
    if one.takes_bytes:
        media: Schema = {_OCTETS: {"schema": {}}}
        shown["requestBody"] = {"content": media, "required": True}
    if one.batch:
        shown["requestBody"]["content"] |= {_OCTETS: {"schema": {}}}
        answers["200"] = _answer("Taken.", _RECEIVED)
    return shown | ({"parameters": parameters} if parameters else {})


def _answer(does: str, schema: Schema | None, media: str = "application/json") -> Schema:
    content = {"content": {media: {"schema": schema}}} if schema is not None else {}
    return {"description": does} | content
