"""The ways into a server: how strangers' bytes get there, a dialect on a transport or the HTTP API.

A further one is one more entry in WAYS. `tests.barrage` attacks over all of them.
"""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from collab.hocuspocus import prefix
from tests import batches, hostile
from tests.collab.genuine import corpus
from tests.fuzz import frames, updates
from tests.live import STEP1, STEP2
from tests.requests import requests, some_name

SAME = "attacked"  # where witnesses are, too

UPGRADE = (
    "GET /sync{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Way(NamedTuple):
    """`opening(dice, document)` is what an attacker says first, `mutants(dice)` what it goes on
    with, without end. Where that has to name the connection that was opened, `requests(dice,
    document, connection, mutants)` makes it, request by request. `share` of all connections come
    that way: by HTTP fewer, where each costs a connection or three, lest a night be three. Of some
    each mutant is a request, which is `answered` by itself."""

    name: str
    share: int
    opening: Callable[[Random, str], bytes]
    mutants: Callable[[Random], Iterator[bytes]]
    requests: Callable[[Random, str, str, list[bytes]], Iterator[bytes]] | None = None
    answered: bool = False


def _join(dice: Random, document: str) -> bytes:
    greeting = dice.choice((STEP2, STEP2, STEP1 + STEP2))
    return UPGRADE.format(name=f"/{document}").encode() + hostile.frame(greeting)


def _join_ysweet(dice: Random, document: str) -> bytes:
    document = document.replace("%20", "_")  # its ids have no spaces
    other = document if dice.random() < 0.98 else "other"
    opening = UPGRADE.format(name=f"/d/{document}/ws/{other}").replace("/sync/", "/y-sweet/", 1)
    return opening.encode() + hostile.frame(STEP1) + hostile.frame(STEP2)


def _join_shared(dice: Random, document: str) -> bytes:
    greeting = [TOKEN, STEP2] if dice.random() < 0.9 else [STEP1]
    opening = [hostile.frame(prefix(SAME) + said) for said in greeting]
    return UPGRADE.format(name="").encode() + b"".join(opening)


def _batches(dice: Random, document: str, connection: str, mutants: list[bytes]) -> Iterator[bytes]:
    return batches.requests(dice, f"/sync/{document}", connection, [STEP2, *mutants])


def _shared_batches(dice: Random, _: str, connection: str, mutants: list[bytes]) -> Iterator[bytes]:
    greeting = [prefix(SAME) + TOKEN, prefix(SAME) + STEP2]
    return batches.requests(dice, "/sync", connection, greeting + mutants)


def _websocket(dice: Random) -> Iterator[bytes]:
    return _framed(dice, frames(corpus(), dice))


def _shared(dice: Random) -> Iterator[bytes]:
    return _framed(dice, _addressed(dice, questions=True))


def _addressed(dice: Random, questions: bool = False) -> Iterator[bytes]:
    """What providers of Hocuspocus say: mostly about the document that is attacked, and mostly what
    y-websocket says as well. `questions` about versions are for who reads the answers: else the
    next one waits for that."""
    for payload in frames(corpus(), dice):
        address = SAME if dice.random() < 0.9 else dice.choice(ADDRESSES)
        said = payload if dice.random() < 0.9 else dice.choice(SHARED)
        if questions and dice.random() < 0.01:
            said = b"\x05" + prefix(json.dumps(dice.choice(QUESTIONS)))
        frame = bytearray(prefix(address) + said)
        if dice.random() < 0.05:
            frame[dice.randrange(len(frame))] = dice.randrange(256)
        yield bytes(frame)


def _ysweet(dice: Random) -> Iterator[bytes]:
    """What y-sweet's SDK asks, and updates that programs send: each a request."""
    asked, bodies = requests(dice, "/y-sweet/"), updates(corpus(), dice)
    while True:
        yield next(asked) if dice.random() < 0.3 else _sent(dice, next(bodies))


def _sent(dice: Random, update: bytes) -> bytes:
    name = SAME if dice.random() < 0.5 else some_name(dice)
    path = dice.choice(("/y-sweet/d/{}/update", "/y-sweet/d/{}/update?z=abc"))
    return (
        f"POST {path.format(name)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {batches.BATCH}\r\n"
        f"Content-Length: {len(update)}\r\n\r\n"
    ).encode("latin-1") + update


def _framed(dice: Random, payloads: Iterator[bytes]) -> Iterator[bytes]:
    """WebSocket frames: most of them carry a mutant, some are mutants themselves."""
    for payload in payloads:
        roll = dice.random()
        if roll < 0.9:
            yield hostile.frame(payload)
        elif roll < 0.95:
            at = dice.randint(0, len(payload))
            ping = hostile.frame(b"ping", 9) if dice.random() < 0.5 else b""
            last = hostile.frame(payload[at:], dice.choice((0, 0, 0, 2)))
            yield hostile.frame(payload[:at], final=False) + ping + last
        else:
            header = bytearray(hostile.frame(payload, dice.choice((1, 2, 2, 3, 8, 9, 10))))
            header[dice.randrange(4) % len(header)] ^= 1 << dice.randrange(8)
            yield bytes(header)


TOKEN = b"\x02\x00" + prefix("notoken") + prefix("4.8.0")
ADDRESSES = ["other", "other\0tab", "attacked\0tab", "\0", "x" * 300, "a/b", "__proto__"]
SHARED = [
    TOKEN, TOKEN[:-6], b"\x02\x01", b"\x03", b"\x04\x00", b"\x05" + prefix('{"action":"x"}'),
    b"\x06" + prefix("x"), b"\x07", b"\x08\x01", b"\x09", b"\x0a", b"",
]  # fmt: skip

NAMELESS = {"currentVersionName": False, "newVersionName": False}
QUESTIONS: list[dict[str, Any]] = [
    {"action": "version.create"},
    {"action": "version.create", "name": "Draft"},
    *({"action": "version.preview", "version": version} for version in (0, 1, "7", 1 << 40)),
    *({"action": "document.revert", "version": version} for version in (0, 1, "7")),
    {"action": "document.revert", "version": 1, **NAMELESS},
]

WAYS = [
    Way("y-websocket over WebSocket", 4, _join, _websocket),
    Way("Hocuspocus over WebSocket", 4, _join_shared, _shared),
    Way("y-sweet over WebSocket", 2, _join_ysweet, _websocket),
    Way(
        "y-websocket over HTTP",
        1,
        lambda dice, document: batches.opening(f"/sync/{document}"),
        lambda dice: frames(corpus(), dice),
        _batches,
    ),
    Way(
        "Hocuspocus over HTTP",
        1,
        lambda dice, document: batches.opening("/sync"),
        _addressed,
        _shared_batches,
    ),
    Way("the HTTP API", 1, lambda dice, document: b"", requests, answered=True),
    Way("y-sweet's HTTP API", 1, lambda dice, document: b"", _ysweet, answered=True),
]
