"""The HTTP API of the documents: their list, each of them, and what is in it.

Knows Tornado and the hub; nothing of the past.
"""

import time
from typing import Any, ClassVar

from collab.access import Grant, Level
from collab.audit import Action
from collab.errors import Conflict, NotFound
from collab.names import document_key, document_name, name_of, new_name
from collab.storage import Document
from collab.web import schemas
from collab.web.api import ApiHandler

LOOKED_AT = 1_000  # documents that the store is asked for at once


class DescribingHandler(ApiHandler):
    """Answers with documents."""

    def describe(self, document: Document, grant: Grant | None = None) -> dict[str, Any]:
        """A document as every endpoint shows it; times in ms since the epoch. `grant` is what the
        peer has for it; None says that it was admitted to this very document."""
        grant = grant or self.grant
        room = self.hub.rooms.get(document.name) if grant.sees else None
        people = room.awareness.users() if room else []
        editors = [{key: person.get(key) for key in ("name", "color")} for person in people]
        fields = document._asdict()
        fields["name"] = name_of(document.name)
        fields["level"] = grant.level.name.lower()
        return {**fields, "editors": [e for e in editors if isinstance(e["name"], str)]}


class DocumentsHandler(DescribingHandler):
    """`/api/documents`: list and create."""

    async def get(self) -> None:
        query = self.query(schemas.LIST)
        deleted = query.get("deleted") in ("1", "true")
        search, after, limit = query["search"].strip(), query.get("after"), query["limit"]
        key = document_key(self.grant.tenant, after) if after is not None else None
        unknown = NotFound("There is no document to go on after.")
        if key is not None and (await self.granted(key)).level < Level.READ:
            raise unknown
        try:
            page, more = await self.readable(search, key, limit, deleted)
        except LookupError:
            raise unknown from None
        following = name_of(page[-1][0].name) if more else None
        self.write({"documents": [self.describe(*found) for found in page], "next": following})

    async def granted(self, key: str) -> Grant:
        return await self.hub.door.grant(self.credentials, key)

    async def readable(
        self, search: str, after: str | None, limit: int, deleted: bool
    ) -> tuple[list[tuple[Document, Grant]], bool]:
        """A page of the documents that the peer may read, each with what it may do with that, and
        whether there are more. Who may read few of many is no reason to ask the store for each of
        them: it is asked for ever more."""
        found: list[tuple[Document, Grant]] = []
        size = limit + 1
        while len(found) <= limit:
            page = await self.hub.store.documents(
                search, after, size, deleted, tenant=self.grant.tenant
            )
            grants = [(each, await self.granted(each.name)) for each in page]
            found += [(each, grant) for each, grant in grants if grant.level >= Level.READ]
            if len(page) < size:
                break
            after = page[-1].name
            size = min(2 * size, LOOKED_AT)
        return found[:limit], len(found) > limit

    async def post(self) -> None:
        body = self.body(schemas.NEW_DOCUMENT)
        title = _title(body.get("title", ""))
        asked = document_name(body["name"]) if "name" in body else new_name(title)
        name = await self.admit(asked, Level.WRITE)
        now = int(time.time() * 1000)
        try:
            document = await self.hub.store.create(name, title, body.get("kind", ""), now)
        except FileExistsError:
            raise Conflict("There is a document of that name, or a deleted one.") from None
        self.set_status(201)
        self.write(self.describe(document))


class DocumentHandler(DescribingHandler):
    """`/api/documents/{name}`: look at, rename, delete."""

    audited: ClassVar[dict[str, Action]] = {"DELETE": "delete"}

    async def get(self, name: str) -> None:
        document = await self.hub.store.find(name)
        if document is None or document.erased:
            raise NotFound("There is no document of that name.")
        self.write(self.describe(document))

    async def patch(self, name: str) -> None:
        body = self.body(schemas.DOCUMENT_CHANGES)
        title = _title(body["title"]) if "title" in body else None
        document = await self.hub.describe(name, title=title, kind=body.get("kind"))
        self.write(self.describe(document))

    async def delete(self, name: str) -> None:
        self.write(self.describe(await self.hub.delete(name)))


class UndeleteHandler(DescribingHandler):
    """`/api/documents/{name}/undelete`: bring a deleted document back."""

    audited: ClassVar[dict[str, Action]] = {"POST": "undelete"}

    async def post(self, name: str) -> None:
        self.write(self.describe(await self.hub.undelete(name)))


class ContentHandler(ApiHandler):
    """`/api/documents/{name}/content`: every root as JSON, the text, or one Yjs update."""

    audited: ClassVar[dict[str, Action]] = {"GET": "export"}

    async def get(self, name: str) -> None:
        async with self.turn():
            await self.export(name)

    async def export(self, name: str) -> None:
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


HANDLERS: dict[str, type[ApiHandler]] = {
    r"/api/documents": DocumentsHandler,
    r"/api/documents/(.+)/content": ContentHandler,
    r"/api/documents/(.+)/undelete": UndeleteHandler,
    r"/api/documents/(.+)": DocumentHandler,  # the last one: any name is one of a document
}


def _title(title: str) -> str:
    return " ".join(title.split())
