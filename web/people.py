"""The HTTP API of who is here: the page's own session, links that share a document, revoking.

A link is a token for one document that many may have; each browser that follows it is a guest of
its own. What was given out can be taken back, and is taken back from those who are in by it, too.
"""

import secrets
import time
from typing import Any, ClassVar
from urllib.parse import quote

from collab.access import JOINT, MOST, Grant, Level
from collab.audit import Action
from collab.errors import AccessDenied, NotFound, ProtocolError, Unauthenticated
from collab.names import document_name, in_tenant, name_of
from collab.storage import Token
from collab.tokens import WORDS, Tokens, literal
from collab.web import schemas
from collab.web.api import ApiHandler
from collab.web.proxies import secure
from collab.web.rights import cookie, cookie_name

DAY = 24 * 3600
DAYS = 3650  # that a link may last at the most
MAX_LABEL = 100  # characters
MAX_COOKIE = 3800  # characters: browsers drop one that has more than 4,096 with its name


class SessionHandler(ApiHandler):
    """`/api/session`: who one is, and what one may do, with one document or (`?document=`) at all;
    sign in with a token, and out again."""

    async def get(self) -> None:
        document = self.query(schemas.SESSION)["document"]
        try:
            await self.admit(document_name(document) if document else "", Level.NONE)
        except (Unauthenticated, AccessDenied):
            self.grant = Grant(Level.NONE)
        grant = self.grant
        shown = {"user": grant.user or None, "name": grant.name, "color": grant.color}
        shown |= {"tenant": grant.tenant, "level": grant.level.name.lower()}
        self.write({**shown, "users": _tokens(self) is not None})

    async def post(self) -> None:
        """Connections that came in by what the request shows go on with the new token, if they are
        the same user's."""
        token = self.body(schemas.SIGN_IN)["token"]
        tokens = _tokens(self)
        if tokens is None:
            raise ProtocolError("There are no users here: no token is needed.")
        await self.hub.door.admit(self.credentials._replace(token=token), "", Level.READ)
        own = _again(tokens, cookie(self.request), token) or tokens.personal(token)
        shown = self.credentials._replace(token=own)
        _, grant = await self.hub.door.admit(shown, "", Level.READ)
        others = cookie(self.request).split(JOINT)
        kept = [one for one in others if await self._counts_beside(tokens, one, own)]
        self._keep(_joined([own, *kept]), grant.expires)
        renewed = await self.hub.door.renew(self.credentials, own, grant, self.hub.rooms.values())
        self.write({"user": grant.user, "name": grant.name, "renewed": renewed})

    async def delete(self) -> None:
        self._keep("", 0)
        self.set_status(204)

    async def _counts_beside(self, tokens: Tokens, token: str, newest: str) -> bool:
        """Whether a token is of use beside a newer one. One that was revoked would stand before
        it, where it allowed more."""
        if not _another(tokens, token, newest):
            return False
        shown = self.credentials._replace(token=token)
        key = in_tenant(tokens.verify(token).get("tenant", ""), "")
        return await self.hub.door.level(shown, key) > Level.NONE

    def _keep(self, value: str, expires: float) -> None:
        safe = secure(self.request)
        age = max(0, int(expires - time.time())) if value else 0
        self.add_header(
            "Set-Cookie",
            f"{cookie_name(safe)}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}"
            + ("; Secure" if safe else ""),
        )


class LinksHandler(ApiHandler):
    """`/api/documents/{name}/links`: who was given a link to a document; give out one more."""

    audited: ClassVar[dict[str, Action]] = {"POST": "grant"}

    async def get(self, key: str) -> None:
        links = await self.hub.store.tokens(_now(), key)
        self.write({"links": [_shown(link) for link in links if link.level]})

    async def post(self, key: str) -> None:
        body = self.body(schemas.NEW_LINK)
        tokens = _tokens(self)
        if tokens is None:
            raise ProtocolError("There are no users here: everybody can open the document.")
        label = " ".join(body["label"].split())
        if not label.isprintable():
            raise ProtocolError("A label has printable characters only.")
        await self._give(tokens, key, WORDS[body["level"]], body["days"], label)

    async def _give(self, tokens: Tokens, key: str, level: Level, days: int, label: str) -> None:
        expires = int(time.time()) + days * DAY
        tenant, name = self.grant.tenant, name_of(key)
        token, identity = tokens.issue(
            f"link-{secrets.token_urlsafe(6)}", {literal(name): level}, expires, tenant=tenant
        )
        known = in_tenant(tenant, identity)
        link = Token(known, key, level, label, self.grant.label, _now(), expires * 1000)
        await self.hub.store.save_token(link)
        self.detail = f"{level.name.lower()}, {days} days"
        self.set_status(201)
        self.write({**_shown(link), "path": f"/d/{quote(name, safe='')}#token={token}"})


class LinkHandler(ApiHandler):
    """`/api/documents/{name}/links/{id}`: take a link back."""

    audited: ClassVar[dict[str, Action]] = {"DELETE": "revoke"}

    async def delete(self, key: str, identity: str) -> None:
        known = in_tenant(self.grant.tenant, identity)
        for link in await self.hub.store.tokens(_now(), key):
            if link.id == known and link.level:
                await self.hub.door.limit(link._replace(level=0), self.hub.rooms.values())
                self.set_status(204)
                return
        raise NotFound("There is no such link.")


class TokenHandler(ApiHandler):
    """`/api/tokens/{id}`: revoke any token, by the id in it."""

    audited: ClassVar[dict[str, Action]] = {"DELETE": "revoke"}

    async def prepare(self) -> None:
        (identity,) = self.path_args
        self.path_args = []  # it is no document's
        await super().prepare()
        self.path_args = [identity]

    async def delete(self, identity: str) -> None:
        if len(identity) > MAX_LABEL or not identity.isprintable():
            raise ProtocolError("That is no token's id.")
        known, now = in_tenant(self.grant.tenant, identity), _now()
        token = Token(known, "", 0, "", self.grant.label, now, now + DAYS * DAY * 1000)
        self.detail = f"token {identity}"
        await self.hub.door.limit(token, self.hub.rooms.values())
        self.set_status(204)


HANDLERS: dict[str, type[ApiHandler]] = {
    r"/api/session": SessionHandler,
    r"/api/tokens/([^/]+)": TokenHandler,
    r"/api/documents/(.+)/links/([^/]+)": LinkHandler,
    r"/api/documents/(.+)/links": LinksHandler,
}


def _tokens(handler: ApiHandler) -> Tokens | None:
    authorize = handler.hub.door.authorize
    return authorize if isinstance(authorize, Tokens) else None


def _again(tokens: Tokens, shown: str, link: str) -> str:
    """The token of a guest who follows the same link once more, and stays who they are; '' for
    whoever is new."""
    asked = tokens.verify(link)
    for token in shown.split(JOINT)[:MOST]:
        try:
            known = tokens.verify(token)
        except Unauthenticated:
            continue
        if known.get("guest") and known.get("jti") == asked.get("jti"):
            return token
    return ""


def _another(tokens: Tokens, token: str, newest: str) -> bool:
    """Whether a token is of use beside a newer one: another user's, or for another document."""
    try:
        known, claims = tokens.verify(token), tokens.verify(newest)
    except Unauthenticated:
        return False
    return known["sub"] != claims["sub"] and known.get("jti") != claims.get("jti")


def _joined(tokens: list[str]) -> str:
    """As many of them, the newest first, as browsers keep in one cookie."""
    while len(value := JOINT.join(tokens[:MOST])) > MAX_COOKIE and len(tokens) > 1:
        tokens = tokens[:-1]
    return value


def _shown(link: Token) -> dict[str, Any]:
    level = Level(link.level).name.lower()
    facts = link._asdict() | {"id": name_of(link.id), "level": level}
    del facts["document"]
    return facts


def _now() -> int:
    return int(time.time() * 1000)
