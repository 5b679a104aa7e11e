"""What attackers ask of the HTTP transport: mutants in batches, most of which are in order, and
some of all that can be wrong with them.

    opening("/sync/notes") -> the request that opens a virtual connection
    requests(dice, "/sync/notes", id, frames) -> what follows, request by request
"""

from collections.abc import Iterator
from random import Random

from tests.httppeer import BATCH, batch, piece

NEVER = (-1, 99, 1 << 62, 1 << 63)
WRONG = (0, 1, 2, *NEVER)


def opening(path: str) -> bytes:
    return _request("POST", path, "Content-Type: application/json\r\n", b"{}")


def requests(dice: Random, path: str, identity: str, frames: list[bytes]) -> Iterator[bytes]:
    """The first frame goes as it is: it is the greeting."""
    number = 0
    while frames:
        together = dice.choice((1, 1, 1, 2, 5)) if number else 1
        body = _spoilt(dice, batch(*frames[:together])) if number else batch(frames[0])
        frames, number = frames[together:], number + 1
        if number == 1:
            yield _post(path, identity, 0, number, body)
            continue
        after = dice.choice(WRONG) if dice.random() < 0.05 else 0
        yield _post(path, identity, after, number, body)
        if dice.random() < 0.1:  # once more, or in another one's place
            yield _post(path, identity, 0, dice.choice((number, *WRONG)), body)
        if dice.random() < 0.1:  # and a question that waits for no answer
            headers = f"Quire-Connection: {identity}\r\nQuire-After: {dice.choice(NEVER)}\r\n"
            yield _request("GET", path, headers, b"")
    if dice.random() < 0.97:
        yield _request("DELETE", path, f"Quire-Connection: {identity}\r\n", b"")


def _spoilt(dice: Random, body: bytes) -> bytes:
    """Wrong here and there: a number, or a frame that never ends."""
    if dice.random() < 0.1:
        at = dice.randrange(len(body))
        body = body[:at] + dice.randbytes(1) + body[at + 1 :]
    return body + piece(dice.randbytes(9)) if dice.random() < 0.05 else body


def _post(path: str, identity: str, after: int, number: int, body: bytes) -> bytes:
    headers = f"Quire-Connection: {identity}\r\nQuire-After: {after}\r\nQuire-Number: {number}\r\n"
    return _request("POST", path, f"Content-Type: {BATCH}\r\n{headers}", body)


def _request(method: str, path: str, lines: str, body: bytes) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}Content-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + body
