"""Who may do what, told a second time: for the matrix in tests/web/test_rights.py to compare with.

Nothing here asks the tables of the code. `expected` is the whole law, in words of HTTP; `people`
are all who can come, `PLACES` all documents that they can ask for.
"""

import time
from dataclasses import dataclass
from typing import Any

import jwt

from collab.access import Level
from collab.storage import Entry, Store, Token, Version
from collab.tokens import Tokens
from tests.live import typed

CANARY = "canary"  # is in all that a document holds, and in no name that anybody asks for
OURS, THEIRS = "acme", "bolt"  # tenants; everybody here is of the first one

# How high each word of a right is: as in the README.
READ, COMMENT, WRITE, ADMIN = range(1, 5)
OPERATOR = 5  # of all tenants, of which everybody here has one

PLACES = ("own", "other", "theirs", "unknown", "hidden", "deleted")
"""One's own document; another one of the same tenant; one of another tenant that has the name of
one's own; none, of a name that one may use; none, of one that one may not; one that was deleted."""

NAME, TOKEN = "the name", "a token that counts"  # in a body
HTTP = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# A path as a client writes it, {} is the document's name: by method what that takes, and a body.
ROUTES: dict[str, dict[str, tuple[int, Any]]] = {
    "/api/status": {"GET": (0, None)},
    "/api/openapi.json": {"GET": (0, None)},
    "/sync": {"GET": (0, None), "POST": (0, {}), "DELETE": (0, None)},
    "/sync/{}": {"GET": (READ, None), "POST": (READ, {}), "DELETE": (READ, None)},  # over HTTP
    "/y-sweet/d/{}/ws/{}": {
        "GET": (READ, None), "POST": (READ, {}), "DELETE": (READ, None),
    },
    "/y-sweet/d/{}/as-update": {"GET": (READ, None)},
    "/y-sweet/d/{}/update": {"POST": (WRITE, b"\x00\x00")},
    "/y-sweet/doc/{}/auth": {"POST": (ADMIN, {})},
    "/y-sweet/doc/new": {"POST": (ADMIN, {"docId": NAME})},
    "/y-sweet/check_store": {"GET": (READ, None), "POST": (READ, {})},
    "/y-sweet/ready": {"GET": (0, None)},
    "/api/session?document={}": {
        "GET": (0, None), "POST": (0, {"token": TOKEN}), "DELETE": (0, None),
    },
    "/api/audit?document={}": {"GET": (ADMIN, None)},
    "/metrics": {"GET": (OPERATOR, None)},
    "/api/tokens/nobodys": {"DELETE": (ADMIN, None)},
    "/api/documents": {"GET": (READ, None), "POST": (WRITE, {"name": NAME})},
    "/api/documents/{}": {
        "GET": (READ, None), "PATCH": (WRITE, {"title": "new"}), "DELETE": (ADMIN, None),
    },
    "/api/documents/{}/content": {"GET": (READ, None)},
    "/api/documents/{}/edits": {"POST": (WRITE, {"edits": [{"text": "new"}], "seed": True})},
    "/api/documents/{}/updates": {"POST": (WRITE, b"\x00\x00")},
    "/api/documents/{}/undelete": {"POST": (ADMIN, {})},
    "/api/documents/{}/links": {"GET": (ADMIN, None), "POST": (ADMIN, {"level": "read"})},
    "/api/documents/{}/links/link-{}": {"DELETE": (ADMIN, None)},
    "/api/documents/{}/history": {"GET": (READ, None)},
    "/api/documents/{}/history/rows": {"GET": (READ, None)},
    "/api/documents/{}/history/1": {"GET": (READ, None)},
    "/api/documents/{}/history/0..1": {"GET": (READ, None)},
    "/api/documents/{}/restore": {"POST": (WRITE, {"to": "0"})},
    "/api/documents/{}/undo": {"POST": (WRITE, {"first": 1})},
    "/api/documents/{}/versions": {"GET": (READ, None), "POST": (COMMENT, {"name": "Two"})},
    "/api/documents/{}/versions/v1": {
        "PATCH": (COMMENT, {"name": "Two"}), "DELETE": (COMMENT, None),
    },
}  # fmt: skip
OF_ALL = ("/api/audit?document={}", "/metrics", "/api/tokens/nobodys")
"""These take the level for everything, not for the document."""


@dataclass(frozen=True)
class Person:
    """Somebody who comes, with a token that is made for each document. `known`: it counts."""

    name: str
    level: int = 0  # with their own document
    known: bool = True
    everything: bool = False

    def may(self, place: str) -> int:
        """What they may do with a document."""
        return self.level if self.known and (self.everything or place not in HIDDEN) else 0


HIDDEN = ("other", "hidden")
PEOPLE = (
    Person("anonymous", known=False),
    Person("expired", ADMIN, known=False),
    Person("wrong signature", ADMIN, known=False),
    Person("alg none", ADMIN, known=False),
    Person("wrong audience", ADMIN, known=False),
    Person("garbage", known=False),
    Person("revoked", ADMIN, known=False),
    Person("reader", READ),
    Person("commenter", COMMENT),
    Person("writer", WRITE),
    Person("guest who reads", READ),
    Person("guest who writes", WRITE),
    Person("admin", ADMIN),
    Person("writer of all", WRITE, everything=True),
    Person("admin of all", ADMIN, everything=True),
)


def token_of(person: Person, name: str, tokens: Tokens, key: str) -> str:
    """The token that a person shows who may do that with the document of this name."""
    rights = {"*" if person.everything else name: Level(person.level or READ).name.lower()}
    claims = {
        "sub": "u1", "name": "Una", "tenant": OURS, "aud": "quire", "exp": time.time() + 600,
        "jti": person.name, "rights": rights,
    }  # fmt: skip
    match person.name:
        case "anonymous":
            return ""
        case "garbage":
            return "garbage.of.mine"
        case "alg none":
            return jwt.encode(claims, "", "none")
        case "wrong signature":
            return jwt.encode(claims, key[::-1], "HS256")
        case "wrong audience":
            return jwt.encode(claims | {"aud": "other"}, key, "HS256")
        case "expired":
            return jwt.encode(claims | {"exp": time.time() - 60}, key, "HS256")
    if "guest" in person.name:
        del claims["name"]
        return tokens.personal(jwt.encode(claims, key, "HS256"))
    return jwt.encode(claims, key, "HS256")


def expected(person: Person, place: str, path: str, method: str) -> set[int]:
    """The statuses that are right."""
    does = ROUTES[path].get("GET" if method == "HEAD" else method)
    if does is None:
        return {405}
    needed, _ = does
    if path == "/sync":
        return {201 if method == "POST" else 400}  # there is no connection yet
    if needed == 0:
        return {200, 204}
    may = person.may(place)
    if path in OF_ALL:
        may = person.level if person.everything else 0
    if path == CHECK or (path == "/api/documents" and method in ("GET", "HEAD")):
        may = person.level if person.known else 0  # those that one may read
    if may < needed:
        return {403} if person.known else {401}
    return answers(place, path, method)


def answers(place: str, path: str, method: str) -> set[int]:
    """The statuses of who may."""
    lists = method in ("GET", "HEAD") and path in ("/api/documents", LINKS)
    if lists or path in (*OF_ALL, CHECK):
        return {200, 204}
    if path == "/api/documents":
        return {409} if place in ("own", "other", "deleted") else {201}
    if path == LINKS:
        return {201}
    if path == NEW:
        return {409} if place == "deleted" else {200}
    if path in SYNC:
        # As a WebSocket: it may be the first one there. Without a connection only POST is right.
        return {400} if method != "POST" else {404} if place == "deleted" else {201}
    if place == "deleted":
        return {200, 201, 204, 404, 409}
    return {200, 201, 204} if place in ("own", "other") else {404}


LINKS = "/api/documents/{}/links"
SYNC = ("/sync/{}", "/y-sweet/d/{}/ws/{}")
NEW, CHECK = "/y-sweet/doc/new", "/y-sweet/check_store"


async def furnish(store: Store, place: str, name: str) -> None:
    """Puts there what belongs to a place."""
    tenant = THEIRS if place == "theirs" else OURS
    key = f"{tenant}\x1f{name}"
    if place in ("unknown", "hidden"):
        return
    await store.append([Entry(key, 1, f"{CANARY} author", typed(7, 0, CANARY))])
    await store.describe(key, title=f"{CANARY} title")
    await store.name_version(key, Version("v1", 1, f"{CANARY} author", 1))
    link = f"{tenant}\x1flink-{name}"
    await store.save_token(Token(link, key, 1, f"{CANARY} label", CANARY, 1, 1 << 45))
    if place == "deleted":
        await store.delete(key, 2)


async def all_of(store: Store, name: str) -> list[object]:
    """Everything that the store has under a name, in both tenants, and how many documents."""
    found: list[object] = []
    for tenant in (OURS, THEIRS):
        key = f"{tenant}\x1f{name}"
        found += [await store.find(key), await store.tokens(0, key)]
        if found[-2] is not None:
            found += [await store.versions(key), await store.updates(key)]
    return found
