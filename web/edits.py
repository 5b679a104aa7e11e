"""The HTTP API of those who edit without a socket: programs and agents, in text, values or updates.

What they do is an edit like any other: gated, on disk, with an author, in the history, and undone
by `POST .../undo` with that author.
"""

from collab.web import schemas
from collab.web.api import ApiHandler, WrongType
from collab.web.history import author


class EditsHandler(ApiHandler):
    """`/api/documents/{name}/edits`: edit text and values."""

    async def post(self, key: str) -> None:
        body = self.body(schemas.EDITS)
        who = author(body, self.grant)
        seq, changed = await self.hub.edits.make(key, body["edits"], self.grant, who, body["seed"])
        self.write({"seq": seq, "changed": changed})


class UpdatesHandler(ApiHandler):
    """`/api/documents/{name}/updates`: a Yjs update (v1), which is the body."""

    def check_type(self) -> None:
        """WrongType for what may be something else; no form can send this type."""
        method, said = self.request.method, self.request.headers.get("Content-Type", "")
        if method == "POST" and said.partition(";")[0].strip() != "application/octet-stream":
            raise WrongType("The body must be a Yjs update: say application/octet-stream.")

    async def post(self, key: str) -> None:
        who = author(self.query(schemas.WHO), self.grant)
        seq, changed = await self.hub.edits.take(key, self.request.body, self.grant, who)
        self.write({"seq": seq, "changed": changed})


HANDLERS: dict[str, type[ApiHandler]] = {
    r"/api/documents/(.+)/edits": EditsHandler,
    r"/api/documents/(.+)/updates": UpdatesHandler,
}
