"""What no correct client sends: frames, and the close code that each has to get.

Every case is one connection that has joined, sends what the case says, and is closed for it. The
secret in some of them must never show in a log.
"""

from collections.abc import Iterator
from typing import NamedTuple

from collab.reader import var_uints
from tests.live import STEP1, typed, var_bytes

BAD, BIG, MANY, BROKEN = 1007, 1009, 1008, 1002  # close codes
LIMIT = 8 << 20  # bytes of a message, by default
SECRET = b"SeCrEt"

TEXT, BINARY, CONTINUATION = 1, 2, 0


NAMES = {
    "nothing": "",
    "a space": "%20",
    "a space before": "%20x",
    "a control character": "a%00b",
    "a line feed": "a%0Ab",
    "an escape": "%1B%5B31m",
    "a character that turns the direction": "a%E2%80%AEb",
    "an isolate": "a%E2%81%A6b",
    "a line separator": "a%E2%80%A8b",
    "a lone surrogate": "%ED%A0%80",
    "half of a character": "%C3",
    "no UTF-8": "%FF%FE",
    "256 bytes": "x" * 256,
    "129 characters of two bytes": "%C3%A9" * 129,
    "60,000 characters": "x" * 20_000,
}
"""Percent-encoded names that no document can have."""

ORDINARY = ["a/b//c", "..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "__proto__", "constructor", "a%20b"]
ORDINARY += ["%25", "%F0%9F%98%80", "x" * 255, "'%3B%20DROP%20TABLE%20documents%3B--", "a%3Fb%23c"]
"""Odd ones that are names like any other."""


class Case(NamedTuple):
    """`data` is what goes onto the socket: whole WebSocket frames, or less."""

    name: str
    data: bytes
    code: int


def frame(payload: bytes, opcode: int = BINARY, final: bool = True, size: int = -1) -> bytes:
    """A client's frame; `size` is what its header claims, if that is another than it has."""
    size = len(payload) if size < 0 else size
    first = bytes((opcode | final << 7,))
    if size < 126:
        length = bytes((0x80 | size,))
    elif size < 1 << 16:
        length = b"\xfe" + size.to_bytes(2)
    else:
        length = b"\xff" + size.to_bytes(8)
    return first + length + bytes(4) + payload  # a mask of zeros masks nothing


def update(body: bytes) -> bytes:
    """A SyncUpdate."""
    return b"\x00\x02" + var_bytes(body)


def item(content: bytes, info: int = 4, parent: bytes = b"\x01\x01t", clock: int = 0) -> bytes:
    """An update of one item of client 5."""
    return var_uints(1, 1, 5, clock) + bytes((info,)) + parent + content + b"\x00"


def awareness(*states: tuple[int, int, bytes]) -> bytes:
    """An awareness update of (client, clock, state)."""
    body = b"".join(var_uints(client, clock) + var_bytes(state) for client, clock, state in states)
    return b"\x01" + var_bytes(var_uints(len(states)) + body)


def cases() -> Iterator[Case]:
    """All of them: some hundreds."""
    yield from _frames()
    for name, payload, code in (*_messages(), *_updates(), *_vectors(), *_presences()):
        yield Case(name, frame(payload), code)


Payload = tuple[str, bytes, int]


def _frames() -> Iterator[Case]:
    yield Case("a text frame", frame(SECRET, TEXT), BAD)
    yield Case("an empty text frame", frame(b"", TEXT), BAD)
    yield Case("a text frame that is no text", frame(b"\xff\xfe", TEXT), BAD)
    yield Case("an empty frame", frame(b""), BAD)
    yield Case("a frame not masked", b"\x82\x01\x03", BROKEN)
    yield Case("a reserved bit", frame(STEP1, BINARY | 0x40), BROKEN)
    yield Case("an opcode that nobody knows", frame(STEP1, 3), BROKEN)
    yield Case("a fragment of nothing", frame(STEP1, CONTINUATION), BROKEN)
    yield Case("a frame one byte too long, header only", frame(b"", size=LIMIT + 1), BIG)
    yield Case("a frame of 100 MB, header only", frame(b"", size=100_000_000), BIG)
    yield Case("a frame of 2^62 bytes, header only", frame(b"", size=1 << 62), BIG)
    part = frame(bytes(1 << 20), CONTINUATION, final=False)
    yield Case("9 MiB in fragments", frame(b"\x00", final=False) + 9 * part, BIG)
    part = frame(b"\x00", CONTINUATION, final=False)
    yield Case("2,000 fragments", frame(b"\x00", final=False) + 2_000 * part, MANY)


def _messages() -> Iterator[Payload]:
    known = {0, 1, 3, 102}
    for kind in [*range(112), 127, 128, 255, 300, 2**31, 2**32, 2**53 - 1]:
        if kind not in known:
            yield f"message type {kind}", var_uints(kind) + b"\x00" + SECRET, BAD
    for step in [*range(3, 20), 127, 128, 2**32]:
        yield f"sync step {step}", b"\x00" + var_uints(step) + b"\x02\x00\x00", BAD
    genuine = {
        "SyncStep1": b"\x00\x00" + var_bytes(var_uints(1, 4_000_000_000, 300)),
        "SyncStep2": b"\x00\x01" + var_bytes(typed(4_000_000_000, 0, SECRET.decode())),
        "SyncUpdate": update(typed(4_000_000_000, 0, SECRET.decode())),
        "AwarenessUpdate": awareness((4_000_000_000, 300, b'{"user":{"name":"SeCrEt"}}')),
        "Receipt": b"\x66" + var_bytes(var_uints(300)),
    }
    for name, message in genuine.items():
        for size in range(1, len(message)):
            yield f"{name} cut after {size} bytes", message[:size], BAD
    for start in (b"", b"\x00", b"\x00\x00", b"\x00\x02", b"\x01", b"\x66", b"\x00\x02\x01"):
        for size in (1, 7, 8, 9, 10, 1_000):
            yield f"an endless number after {start.hex()}", start + b"\xff" * size, BAD
        yield f"2^53 after {start.hex()}", start + var_uints(2**53), BAD
    yield "101 messages in a frame", b"\x03" * 101, BAD
    yield "8 million messages in a frame", b"\x03" * (LIMIT - 1), BAD
    yield "2 million SyncStep1 in a frame", STEP1 * (LIMIT // 4), BAD
    yield "a receipt and more", b"\x66\x02\x01\x01", BAD
    yield "a receipt that is empty", b"\x66\x00", BAD
    yield "a permission denied from a client", b"\x02\x00" + var_bytes(SECRET), BAD


def _updates() -> Iterator[Payload]:
    string = var_bytes(SECRET)
    bad = {
        "nothing": b"",
        "a count and no more": b"\x01",
        "bytes after its end": item(string) + b"\x00",
        "2^40 clients": var_uints(2**40),
        "2^40 structs": var_uints(1, 2**40, 5, 0),
        "a client twice": var_uints(2, 1, 5, 0, 0, 1, 1, 5, 1, 0, 1, 0),
        "a clock of 2^31": item(string, clock=2**31),
        "an end beyond 2^31": var_uints(1, 1, 5, 0) + b"\x00" + var_uints(2**31) + b"\x00",
        "an empty GC": var_uints(1, 1, 5, 0) + b"\x00\x00\x00",
        "an empty string": item(b"\x00"),
        "a string that is no UTF-8": item(b"\x02\xff\xfe"),
        "a lone surrogate": item(b"\x03\xed\xa0\x80"),
        "a string longer than the update": item(var_uints(2**40) + SECRET),
        "deleted content of no length": item(b"\x00", info=1),
        "JSON content, which yrs does not read": item(b"\x01" + var_bytes(b'"x"'), info=2),
        "a root name that is no UTF-8": item(string, parent=b"\x01\x01\xff"),
        "a parent of kind 2": item(string, parent=b"\x02\x01t"),
        "a parent that is itself": item(string, parent=b"\x00" + var_uints(5, 0)),
        "an origin that is itself": item(string, 0x84, var_uints(5, 3), clock=3),
        "an empty range of deletes": var_uints(0, 1, 5, 1, 0, 0),
        "a range of deletes beyond 2^31": var_uints(0, 1, 5, 1, 2**31, 5),
        "2^40 ranges of deletes": var_uints(0, 1, 5, 2**40),
        "an embed that is no JSON": item(var_bytes(b"{SeCrEt"), info=5),
        "an embed of NaN": item(var_bytes(b"NaN"), info=5),
        "an embed nested 30,000 deep": item(var_bytes(b"[" * 30_000 + b"]" * 30_000), info=5),
        "a format that is no JSON": item(var_bytes(b"bold") + var_bytes(b"tru"), info=6),
        "a value nested 60,000 deep": item(b"\x01" + b"\x75\x01" * 30_000 + b"\x7e", info=8),
        "an object nested 20,000 deep": item(b"\x01" + b"\x76\x01\x01k" * 20_000 + b"\x7e", info=8),
        "2^40 values": item(var_uints(2**40), info=8),
        "a number that never ends": item(b"\x01\x7d" + b"\xff" * 20, info=8),
        "a subdocument without options": item(var_bytes(b"guid") + b"\x7e", info=9),
    }  # fmt: skip
    for ref in [*range(11, 32)]:
        bad[f"content {ref}"] = item(string, info=ref)
    for kind in (5, 7, 8, 15, 127, 2**31):
        bad[f"shared type {kind}"] = item(var_uints(kind), info=7)
    for tag in [*range(0, 116, 9), 115, 128, 255]:
        bad[f"a value of kind {tag}"] = item(bytes((1, tag)) + SECRET, info=8)
    for name, body in bad.items():
        yield f"update: {name}", update(body), BAD
        yield f"SyncStep2: {name}", b"\x00\x01" + var_bytes(body), BAD


def _vectors() -> Iterator[Payload]:
    bad = {
        "nothing": b"",
        "2^40 clients": var_uints(2**40),
        "two clients and one entry": var_uints(2, 5, 1),
        "a client twice": var_uints(2, 5, 1, 5, 2),
        "a clock of 2^31": var_uints(1, 5, 2**31),
        "a clock of 2^53": var_uints(1, 5, 2**53),
        "a client of 2^53": var_uints(1, 2**53, 1),
        "bytes after its end": var_uints(1, 5, 1, 0),
    }
    for name, body in bad.items():
        yield f"state vector: {name}", b"\x00\x00" + var_bytes(body), BAD


def _presences() -> Iterator[Payload]:
    states = {
        "no JSON": SECRET,
        "half of a JSON": b'{"user":',
        "a number": b"7",
        "a list": b"[]",
        "a text": b'"x"',
        "NaN": b'{"x":NaN}',
        "no UTF-8": b'{"x":"\xff"}',
        "nothing": b"",
        "nested 1,900 deep": b'{"x":' + b"[" * 1_900 + b"]" * 1_900 + b"}",
    }
    for name, state in states.items():
        yield f"awareness: {name}", awareness((9, 1, state)), BAD
    yield "awareness: nothing at all", b"\x01\x00", BAD
    yield "awareness: 2^40 clients", b"\x01" + var_bytes(var_uints(2**40)), BIG
    yield "awareness: bytes after its end", b"\x01" + var_bytes(var_uints(0, 0)), BAD
    yield "awareness: a client twice", awareness((9, 1, b"{}"), (9, 2, b"{}")), BAD
    yield "awareness: a clock of 2^53", awareness((9, 2**53, b"{}")), BAD
    yield "awareness: a state of 5 KB", awareness((9, 1, b'{"x":"%s"}' % (b"x" * 5_000))), BIG
    many = [(n, 1, b"{}") for n in range(10_000, 210_000)]
    yield "awareness: 65 clients", awareness(*many[:65]), BIG
    yield "awareness: 200,000 clients", awareness(*many), BIG


def heavy() -> Iterator[tuple[str, bytes]]:
    """Messages that are allowed, and as expensive as they can be made."""
    structs = var_uints(1, 500_000, 5, 0) + b"\x00\x01" * 500_000 + b"\x00"
    yield "500,000 structs", update(structs)
    yield "2 million values", update(item(var_uints(2_000_000) + b"\x7e" * 2_000_000, 8))
    yield "8 MB of text", update(item(var_bytes(b"x" * (LIMIT - 100))))
    ranges = b"".join(var_uints(100 * n, 1) for n in range(80_000))
    gone = var_uints(1, 1, 5, 0, 0, 10_000_000, 1, 5, 80_000) + ranges
    yield "80,000 ranges of deletes", update(gone)
    clients = b"".join(var_uints(1, 1_000 + n, 0, 0, 1) for n in range(9_000))
    yield "9,000 clients", update(var_uints(9_000) + clients + b"\x00")
    yield "structs that wait for one another in turn", update(_zigzag(20_000))
    vector = var_uints(9_000) + b"".join(var_uints(n, 1) for n in range(9_000))
    yield "a state vector of 9,000 clients", b"\x00\x00" + var_bytes(vector)
    yield "100 times SyncStep1", STEP1 * 100
    state = b'{"x":"%s"}' % (b"x" * 4_000)
    yield "256 KB of presence", awareness(*[(n, 1, state) for n in range(64)])


def _zigzag(count: int) -> bytes:
    """Two clients' structs, each to the right of one of the other's."""
    first = b"\x04\x01\x01a\x01b"
    one = [first] + [b"\x84" + var_uints(12, n) + b"\x01a" for n in range(count - 1)]
    other = [b"\x84" + var_uints(11, n) + b"\x01a" for n in range(count)]
    two = var_uints(count, 12, 0) + b"".join(other) + var_uints(count, 11, 0) + b"".join(one)
    return var_uints(2) + two + b"\x00"
