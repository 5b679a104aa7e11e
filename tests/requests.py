"""Genuine requests of the HTTP API made wrong: method, path, query, headers, body.

next(requests(dice)) -> bytes, a whole request or less
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

API = "/api/documents"
TEMPLATES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/", None),
    ("GET", "/d/{name}", None),
    ("GET", "/metrics", None),
    ("GET", "/api/openapi.json", None),
    ("GET", "/api/status", None),
    ("GET", "/api/audit?limit=3&document={name}&user=ann&action=login&since=1&before=9", None),
    ("GET", "/api/session", None),
    ("POST", "/api/session", {"token": "x.y.z"}),
    ("DELETE", "/api/session", None),
    ("DELETE", "/api/tokens/abc", None),
    ("GET", API + "/{name}/links", None),
    ("POST", API + "/{name}/links", {"level": "read", "days": 3, "label": "Ann"}),
    ("DELETE", API + "/{name}/links/abc", None),
    ("GET", "/sync/{name}", None),
    ("POST", "/sync/{name}", {}),
    ("DELETE", "/sync/{name}", None),
    ("GET", "/y-sweet/d/{name}/ws/{name}", None),
    ("POST", "/y-sweet/d/{name}/ws/{name}", {}),
    ("DELETE", "/y-sweet/d/{name}/ws/{name}", None),
    ("GET", "/y-sweet/d/{name}/as-update?z=abc", None),
    ("POST", "/y-sweet/d/{name}/update?z=abc", {}),
    ("POST", "/y-sweet/doc/new?z=abc", {"docId": "{name}"}),
    ("POST", "/y-sweet/doc/{name}/auth?z=abc",
     {"authorization": "read-only", "userId": "ann", "validForSeconds": 60}),
    ("POST", "/y-sweet/check_store", {}),
    ("GET", "/y-sweet/check_store", None),
    ("GET", "/y-sweet/ready", None),
    ("GET", "/sync", None),
    ("POST", "/sync", {}),
    ("DELETE", "/sync", None),
    ("GET", API + "?search=a&limit=3&deleted=1", None),
    ("GET", API + "?after=x&limit=1", None),
    ("POST", API, {"title": "A title", "kind": "text", "name": "{name}"}),
    ("GET", API + "/{name}", None),
    ("PATCH", API + "/{name}", {"title": "Another"}),
    ("DELETE", API + "/{name}", None),
    ("POST", API + "/{name}/undelete", {}),
    ("GET", API + "/{name}/content", None),
    ("POST", API + "/{name}/edits", {"edits": [{"insert": "x", "at": 0}, {"text": "new"}],
                                     "seed": False, "author": "Bot", "run": "7"}),
    ("POST", API + "/{name}/edits", {"edits": [{"set": {"a": [1]}, "path": ["map", "key"]},
                                               {"append": 1, "path": ["list"]}]}),
    ("POST", API + "/{name}/updates?author=Bot", {}),
    ("GET", API + "/{name}/history?before=9&limit=2", None),
    ("GET", API + "/{name}/history/rows?first=1&last=3", None),
    ("GET", API + "/{name}/history/1", None),
    ("GET", API + "/{name}/history/0..@Draft", None),
    ("GET", API + "/{name}/history/2026-11-23T18:10:00Z", None),
    ("POST", API + "/{name}/restore", {"to": "1", "author": "Ann"}),
    ("POST", API + "/{name}/undo", {"first": 1, "last": 2, "by": "Bob", "author": "Ann"}),
    ("GET", API + "/{name}/versions", None),
    ("POST", API + "/{name}/versions", {"name": "Draft", "at": "1", "author": "Ann"}),
    ("PATCH", API + "/{name}/versions/1", {"name": "Final"}),
    ("DELETE", API + "/{name}/versions/1", None),
]  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "FROB", "")
HEADERS = (
    "Quire-Connection: abc", "Quire-Connection: ", "Quire-Number: 1", "Quire-Number: -1",
    "Quire-After: 0", "Quire-After: 99999999999999999999", "Quire-Mode: stream",
    "Quire-Leave: back",
    "Accept: text/plain", "Accept: application/octet-stream", "Accept: */*;q=x", "Accept: \xff",
    "Accept-Encoding: gzip;q=0, *;q=2", "If-None-Match: \"x\"", "Range: bytes=9-1",
    "Content-Type: application/x-www-form-urlencoded", "Content-Encoding: gzip",
    "Content-Type: multipart/form-data; boundary=x", "Content-Type: application/json; charset=x",
    "Transfer-Encoding: chunked", "Content-Length: 5", "Content-Length: -1", "Expect: 100-continue",
    "Origin: http://evil.example", "Origin: null", "Origin: http://[x",
    "Sec-Fetch-Site: cross-site", "Cookie: a=\x01",
    "Authorization: Bearer x.y.z", "Upgrade: websocket", "Connection: Upgrade", "X: " + "x" * 9_000,
    "Host: ", "Host: a b", "X-Forwarded-For: 1.2.3.4", "Sec-WebSocket-Version: 13", "no colon",
    " folded: x",
)  # fmt: skip
NAMES = (
    "", "%20", "a%00b", "%FF%FE", "%E2%80%AEx", "..", "%2e%2e%2fetc", "__proto__", "x" * 300, "%",
    "%25", "a/b//c", "a%2Fb", "\xe9", "content", "history", "x/content/history/versions/undelete",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 2**64, 1e308, float("nan"), "", "\0", "\ud800", "\u202e", "x" * 999,
    [], [[]], {}, {"a": {"b": []}}, "0..1", "@", "@Draft", "9" * 400, "2026-13-45", "-1",
    "1e9", [1],
)  # fmt: skip


def requests(dice: Random, under: str = "") -> Iterator[bytes]:
    """Requests without end, of paths that begin so; of those that ask for documents, most ask for a
    few that are there."""
    templates = [template for template in TEMPLATES if template[1].startswith(under)]
    while True:
        method, path, body = dice.choice(templates)
        name = some_name(dice)
        text = json.dumps(_changed(body, dice)) if body is not None else ""
        if dice.random() < 0.1:
            method = dice.choice(METHODS)
        path = path.replace("{name}", name)
        if dice.random() < 0.2:
            at = dice.randrange(len(path))
            path = path[:at] + str(dice.choice((*NAMES, "?", "/", "=&", "..", "\x00"))) + path[at:]
        content = text.replace("{name}", name).encode()
        yield _request(dice, method, path, content)


def some_name(dice: Random) -> str:
    """Of a document, mostly."""
    return f"fuzzed-{dice.randrange(5)}" if dice.random() < 0.8 else dice.choice(NAMES)


def _changed(body: dict[str, Any], dice: Random) -> Any:
    if dice.random() < 0.05:
        return dice.choice(VALUES)
    return {
        field: dice.choice(VALUES) if dice.random() < 0.3 else value
        for field, value in body.items()
        if dice.random() < 0.9
    }


def _request(dice: Random, method: str, path: str, content: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(content)}"]
    if dice.random() < 0.9:
        lines.append("Content-Type: application/json")
    if dice.random() < 0.4:
        lines += dice.sample(HEADERS, dice.choice((1, 1, 2, 5)))
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    request = bytearray(head + content)
    if dice.random() < 0.15:
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(request))
            match dice.randrange(4):
                case 0:
                    request[at] ^= 1 << dice.randrange(8)
                case 1:
                    del request[at : at + dice.randint(1, 9)]
                case 2:
                    request[at:at] = dice.randbytes(dice.randint(1, 9))
                case 3:
                    request[at:at] = dice.choice((b"\r\n", b"\r\n\r\n", b"\0", b"\xff" * 20))
    return bytes(request) or b"\r\n"
