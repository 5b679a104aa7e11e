"""The HTTP API of a document's past. Knows Tornado, the hub, and how moments are written.

A moment is the number of an edit (`225`), a named version (`@Draft`) or a time
(`2026-11-23T18:10:00Z`); two of them, `201..225`, are a difference.
"""

import json
from typing import Any, ClassVar

from collab.access import Grant
from collab.audit import Action
from collab.errors import ProtocolError
from collab.history import History
from collab.names import guest_name
from collab.web import schemas
from collab.web.api import ApiHandler


class TimelineHandler(ApiHandler):
    """`/api/documents/{name}/history`: who edited when, newest first, and the named versions."""

    async def get(self, name: str) -> None:
        history = self.hub.history(name)
        query = self.query(schemas.TIMELINE)
        limit = query["limit"]
        head = await history.head()
        stretches = await history.stretches(query.get("before", head + 1), limit)
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
        query = self.query(schemas.ROWS)
        first = query["first"]
        rows = await self.hub.history(name).rows(first, query.get("last", first))
        self.write({"rows": [row._asdict() for row in rows]})


class MomentHandler(ApiHandler):
    """`/api/documents/{name}/history/{moment}`: the document as it was: every root as JSON, the
    text, or one Yjs update."""

    audited: ClassVar[dict[str, Action]] = {"GET": "export"}

    async def get(self, name: str, moment: str) -> None:
        async with self.turn():
            await self.export(name, moment)

    async def export(self, name: str, moment: str) -> None:
        history = self.hub.history(name)
        seq = await history.find(moment)
        self.detail = f"edit {seq}"
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


class DifferenceHandler(ApiHandler):
    """`/api/documents/{name}/history/{moment}..{moment}`: what changed, by whom and when."""

    audited: ClassVar[dict[str, Action]] = {"GET": "export"}

    async def get(self, name: str, earlier: str, later: str) -> None:
        history = self.hub.history(name)
        before, after = await history.find(earlier), await history.find(later)
        self.detail = f"edits {before} to {after}"
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        async with self.turn():
            self.finish(await history.difference(before, after))


class RestoreHandler(ApiHandler):
    """`/api/documents/{name}/restore`: back to a moment, as one edit."""

    audited: ClassVar[dict[str, Action]] = {"POST": "restore"}

    async def post(self, name: str) -> None:
        body = self.body(schemas.RESTORE)
        history = self.hub.history(name)
        seq = await history.find(body["to"])
        self.detail = f"to edit {seq}"
        head, changed = await history.restore(seq, author(body, self.grant))
        self.write({"seq": head, "changed": changed})


class UndoHandler(ApiHandler):
    """`/api/documents/{name}/undo`: take back the edits of a range, of everybody or of one."""

    audited: ClassVar[dict[str, Action]] = {"POST": "undo"}

    async def post(self, name: str) -> None:
        body = self.body(schemas.UNDO)
        first = body["first"]
        last = body.get("last", first)
        self.detail = f"edits {first} to {last}" + (" of one author" if "by" in body else "")
        head, changed = await self.hub.history(name).undo(
            first, last, body.get("by"), author(body, self.grant)
        )
        self.write({"seq": head, "changed": changed})


class VersionsHandler(ApiHandler):
    """`/api/documents/{name}/versions`: the named moments; name one."""

    async def get(self, name: str) -> None:
        versions = await self.hub.history(name).versions()
        self.write({"versions": [version._asdict() for version in versions]})

    async def post(self, name: str) -> None:
        body = self.body(schemas.NEW_VERSION)
        history = self.hub.history(name)
        seq = await history.find(body["at"]) if "at" in body else await history.head()
        self.set_status(201)
        named = await history.name_version(body["name"], seq, author(body, self.grant))
        self.write(named._asdict())


class VersionHandler(ApiHandler):
    """`/api/documents/{name}/versions/{version}`: rename, or take the name away."""

    async def patch(self, name: str, version: str) -> None:
        new = self.body(schemas.NEW_NAME)["name"]
        history = self.hub.history(name)
        named = await history.rename_version(version, new, self.grant.label)
        self.write(named._asdict())

    async def delete(self, name: str, version: str) -> None:
        await self.hub.history(name).delete_version(version, self.grant.label)
        self.set_status(204)


HANDLERS: dict[str, type[ApiHandler]] = {
    r"/api/documents/(.+)/versions/([^/]+)": VersionHandler,
    r"/api/documents/(.+)/history": TimelineHandler,
    r"/api/documents/(.+)/history/rows": RowsHandler,
    r"/api/documents/(.+)/history/([^/]*?)\.\.([^/]*)": DifferenceHandler,
    r"/api/documents/(.+)/history/([^/]+)": MomentHandler,
    r"/api/documents/(.+)/restore": RestoreHandler,
    r"/api/documents/(.+)/undo": UndoHandler,
    r"/api/documents/(.+)/versions": VersionsHandler,
}


def author(body: dict[str, Any], grant: Grant) -> str:
    """Who does it: whoever the grant names, else who the body says; a guest may choose a name. An
    agent may say which of its `runs` it is, so that one can be told from another, and taken back by
    itself."""
    name, run = (" ".join(body.get(field, "").split()) for field in ("author", "run"))
    if not (name + run).isprintable():
        raise ProtocolError("A name has printable characters only.")
    if grant.user and not grant.name:
        name = guest_name(name)
    name = grant.name or name
    return f"{name} ({run})".strip() if run else name
