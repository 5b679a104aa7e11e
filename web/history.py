"""The HTTP API of a document's past. Knows Tornado, the hub, and how moments are written.

A moment is the number of an edit (`225`), a named version (`@Draft`) or a time
(`2026-11-23T18:10:00Z`); two of them, `201..225`, are a difference.
"""

import json
from typing import Any

from collab.errors import ProtocolError
from collab.history import History
from collab.web.api import ApiHandler, page_limit

MAX_NAME = 200  # characters of a version's name, or of an author's


class TimelineHandler(ApiHandler):
    """`/api/documents/{name}/history`: who edited when, newest first, and the named versions."""

    async def get(self, name: str) -> None:
        history = self.hub.history(name)
        limit = page_limit(self.get_query_argument("limit", "50"))
        head = await history.head()
        stretches = await history.stretches(_number(self, "before", head + 1), limit)
        following = stretches[-1].first if len(stretches) == limit else None
        self.write(
            {
                "head": head,
                "stretches": [stretch._asdict() for stretch in stretches],
                "versions": [version._asdict() for version in await history.versions()],
                "next": following if following != 1 else None,
            }
        )


class RowsHandler(ApiHandler):
    """`/api/documents/{name}/history/rows`: single edits, 1,000 at the most."""

    async def get(self, name: str) -> None:
        first = _number(self, "first", 1)
        rows = await self.hub.history(name).rows(first, _number(self, "last", first))
        self.write({"rows": [row._asdict() for row in rows]})


class MomentHandler(ApiHandler):
    """`/api/documents/{name}/history/{moment}`: the document as it was: every root as JSON, the
    text, or one Yjs update; or, for two moments, what changed."""

    async def get(self, name: str, moment: str) -> None:
        earlier, dots, later = moment.partition("..")
        if dots:
            await self.compare(name, earlier, later)
            return
        history = self.hub.history(name)
        seq = await history.find(moment)
        accept = self.request.headers.get("Accept", "application/json")
        if "application/octet-stream" in accept:
            self.set_header("Content-Type", "application/octet-stream")
            self.finish(await history.update(seq))
        elif "text/plain" in accept:
            self.set_header("Content-Type", "text/plain; charset=UTF-8")
            self.finish(await history.text(seq))
        else:
            await self.show(history, seq)

    async def show(self, history: History, seq: int) -> None:
        row = await history.row(seq)
        found = row._asdict() if row is not None else {"seq": 0, "time": None, "author": ""}
        head = json.dumps(found).encode()
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        # The content is JSON already.
        self.finish(b'%s, "content": %s}' % (head[:-1], await history.content(seq)))

    async def compare(self, name: str, earlier: str, later: str) -> None:
        history = self.hub.history(name)
        before, after = await history.find(earlier), await history.find(later)
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(await history.difference(before, after))


class RestoreHandler(ApiHandler):
    """`/api/documents/{name}/restore`: back to a moment, as one edit."""

    async def post(self, name: str) -> None:
        body = self.body(to=str, author=str)
        history = self.hub.history(name)
        seq = await history.find(_needed(body, "to"))
        head, changed = await history.restore(seq, _named(body.get("author", "")))
        self.write({"seq": head, "changed": changed})


class UndoHandler(ApiHandler):
    """`/api/documents/{name}/undo`: take back the edits of a range, of everybody or of one."""

    async def post(self, name: str) -> None:
        body = self.body(first=int, last=int, by=str, author=str)
        first = _needed(body, "first")
        head, changed = await self.hub.history(name).undo(
            first, body.get("last", first), body.get("by"), _named(body.get("author", ""))
        )
        self.write({"seq": head, "changed": changed})


class VersionsHandler(ApiHandler):
    """`/api/documents/{name}/versions`: the named moments; name one."""

    async def get(self, name: str) -> None:
        versions = await self.hub.history(name).versions()
        self.write({"versions": [version._asdict() for version in versions]})

    async def post(self, name: str) -> None:
        body = self.body(name=str, at=str, author=str)
        history = self.hub.history(name)
        version = _needed(body, "name")
        seq = await history.find(body["at"]) if "at" in body else await history.head()
        author = _named(body.get("author", ""))
        self.set_status(201)
        self.write((await history.name_version(version, seq, author))._asdict())


class VersionHandler(ApiHandler):
    """`/api/documents/{name}/versions/{version}`: rename, or take the name away."""

    async def patch(self, name: str, version: str) -> None:
        new = _needed(self.body(name=str), "name")
        self.write((await self.hub.history(name).rename_version(version, new))._asdict())

    async def delete(self, name: str, version: str) -> None:
        await self.hub.history(name).delete_version(version)
        self.set_status(204)


HANDLERS: dict[str, type[ApiHandler]] = {
    r"/api/documents/(.+)/history": TimelineHandler,
    r"/api/documents/(.+)/history/rows": RowsHandler,
    r"/api/documents/(.+)/history/([^/]+)": MomentHandler,
    r"/api/documents/(.+)/restore": RestoreHandler,
    r"/api/documents/(.+)/undo": UndoHandler,
    r"/api/documents/(.+)/versions": VersionsHandler,
    r"/api/documents/(.+)/versions/([^/]+)": VersionHandler,
}


def _number(handler: ApiHandler, name: str, default: int) -> int:
    text = handler.get_query_argument(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise ProtocolError(f"{name} must be the number of an edit.")
    return int(text)


def _needed(body: dict[str, Any], field: str) -> Any:
    if field not in body:
        raise ProtocolError(f"{field} is missing.")
    return body[field]


def _named(name: str) -> str:
    name = " ".join(name.split())
    if len(name) > MAX_NAME or not name.isprintable():
        raise ProtocolError(f"A name has {MAX_NAME} printable characters at the most.")
    return name
