"""y-sweet's addresses: its clients and its SDK come here as they are, by another URL.

    ys://TOKEN@HOST/y-sweet     the SDK's connection string; TOKEN has ADMIN over what it asks for

The SDK makes documents and gives out client tokens, which are tokens of ours for one document. A
client says the id twice in the address of its socket, and speaks y-websocket there, with receipts.
Knows Tornado and the hub.
"""

import re
import secrets
import time
from typing import Any, ClassVar

from collab.access import Credentials, Level
from collab.audit import Action
from collab.connection import Connection
from collab.errors import BadName, Conflict, NotFound, ProtocolError
from collab.names import in_tenant, name_of
from collab.tokens import LEEWAY, Tokens, literal
from collab.web import ysweet_shapes
from collab.web.api import ApiHandler, UnknownHandler
from collab.web.edits import UpdatesHandler
from collab.web.peers import Dialect, Peer, Wake, one_document
from collab.web.proxies import secure
from collab.web.sockets import SyncHandler

LEVELS = {"full": Level.WRITE, "read-only": Level.READ}
STORE_FAILS = "The store cannot be written now."

_ID = re.compile(r"[A-Za-z0-9_-]+")


def checked(name: str) -> str:
    """The id of a document, as y-sweet has them. BadName."""
    if not _ID.fullmatch(name):
        raise BadName("y-sweet's ids have letters, digits, - and _ only.")
    return name


async def said_twice(
    peer: Peer, shown: Credentials, wake: Wake, needed: Level, name: str, again: str
) -> Connection:
    """The dialect of y-sweet's clients: the address names the document twice."""
    if name != again:
        raise BadName("The id stands twice in the address, and must be the same.")
    return await one_document(peer, shown, wake, needed, checked(name))


class YSweetSyncHandler(SyncHandler):
    """`/y-sweet/d/{id}/ws/{id}`: where y-sweet's clients connect."""

    __slots__ = ()
    dialect: ClassVar[Dialect] = staticmethod(said_twice)


class YSweetHandler(ApiHandler):
    """What answers the SDK."""

    async def admit(self, name: str, level: Level) -> str:
        return await super().admit(checked(name) if name else "", level)


class NewHandler(YSweetHandler):
    """`/y-sweet/doc/new`: make a document; nothing happens where there is one."""

    async def post(self) -> None:
        asked = self.body(ysweet_shapes.NEW).get("docId") or secrets.token_urlsafe(15)
        key = await self.admit(asked, Level.ADMIN)
        try:
            await self.hub.store.create(key, "", "", int(time.time() * 1000))
        except FileExistsError:
            document = await self.hub.store.find(key)
            if document is not None and document.deleted is not None:
                raise Conflict("The document of that id was deleted.") from None
        self.write({"docId": asked})


class AuthHandler(YSweetHandler):
    """`/y-sweet/doc/{id}/auth`: a token for one client of a document, and where it goes with it."""

    audited: ClassVar[dict[str, Action]] = {"POST": "grant"}

    async def post(self, key: str) -> None:
        body = self.body(ysweet_shapes.AUTH)
        if not body["userId"].isprintable():
            raise ProtocolError("userId has printable characters only.")
        document = await self.hub.store.find(key)
        if document is None or document.deleted is not None:
            raise NotFound("There is no document of that id.")
        name, authorization = name_of(key), body["authorization"]
        base = self.request.path.rpartition("/doc/")[0]
        where = f"://{self.request.host}{base}/d/{name}"
        s = "s" if secure(self.request) else ""
        answer = {"url": f"ws{s}{where}/ws", "baseUrl": f"http{s}{where}", "docId": name}
        self.write({**answer, **(await self.token(name, body)), "authorization": authorization})

    async def token(self, name: str, body: dict[str, Any]) -> dict[str, str]:
        """The token, where clients need one; for no longer than that of who asks for it counts."""
        level, seconds = LEVELS[body["authorization"]], body["validForSeconds"]
        self.detail = f"{level.name.lower()}, {seconds} seconds"
        tokens, grant = self.hub.door.authorize, self.grant
        if not isinstance(tokens, Tokens):
            return {}
        expires = int(min(time.time() + seconds, grant.expires - LEEWAY))
        token, identity = tokens.issue(
            await self.user(body["userId"]),
            {literal(name): level},
            expires,
            tenant=grant.tenant,
            parent=grant.token,
            crowd=not body["userId"],
        )
        self.detail += f", token {identity}"
        return {"token": token}

    async def user(self, known: str) -> str:
        """Whose the token is. All whom the SDK does not name are one user: so each goes on under
        its client id with a newer token. It is no person who might be in, too. Who is no
        administrator of everything names users of its own, and nobody who may be elsewhere: under
        their names it could fill up how many connections these may have."""
        app = re.sub(r"([\\:])", r"\\\1", self.grant.user)  # so that it ends at the first ":"
        if not known:
            return f"crowd-{app}"
        whole = await self.hub.door.level(self.credentials, in_tenant(self.grant.tenant, ""))
        return known if whole >= Level.ADMIN else f"{app}:{known}"


class AsUpdateHandler(YSweetHandler):
    """`/y-sweet/d/{id}/as-update`: a document as one Yjs update (v1)."""

    audited: ClassVar[dict[str, Action]] = {"GET": "export"}

    async def get(self, key: str) -> None:
        async with self.turn():
            state = await self.hub.state(key)
            self.set_header("Content-Type", "application/octet-stream")
            self.finish(state.encode())


class UpdateHandler(YSweetHandler, UpdatesHandler):
    """`/y-sweet/d/{id}/update`: a Yjs update (v1), which is the body. On disk when it answers."""

    def check_type(self) -> None:
        """WrongType as there; the SDK for Python says nothing."""
        if "Content-Type" in self.request.headers:
            super().check_type()

    async def post(self, key: str) -> None:
        who, update = self.grant.label, self.request.body
        seq, changed = await self.hub.edits.take(key, update, self.grant, who)
        self.write({"seq": seq, "changed": changed})


class ReadyHandler(YSweetHandler):
    """`/y-sweet/ready`: whether this server is there."""

    def get(self) -> None:
        self.write({"ok": True})


class CheckStoreHandler(YSweetHandler):
    """`/y-sweet/check_store`: whether edits come to disk."""

    def get(self) -> None:
        saving = self.hub.writer.saving
        self.write({"ok": True} if saving else {"ok": False, "error": STORE_FAILS})

    def post(self) -> None:
        self.body(ysweet_shapes.NOTHING)
        self.get()


HANDLERS: dict[str, type[ApiHandler]] = {
    r"/y-sweet/doc/new": NewHandler,
    r"/y-sweet/doc/([^/]+)/auth": AuthHandler,
    r"/y-sweet/d/([^/]+)/as-update": AsUpdateHandler,
    r"/y-sweet/d/([^/]+)/update": UpdateHandler,
    r"/y-sweet/ready": ReadyHandler,
    r"/y-sweet/check_store": CheckStoreHandler,
    r"/y-sweet/.*": UnknownHandler,
}
