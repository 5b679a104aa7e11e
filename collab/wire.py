"""The messages between editors and Quire, and how y-websocket spells them. Knows no document.

y-websocket (y-protocols' PROTOCOL.md; `•` joins, varBytes is a length and that many bytes):

    00 • 00 • varBytes(state vector)   SyncStep1   what I have; tell me what I lack
    00 • 01 • varBytes(update)         SyncStep2   what you lacked
    00 • 02 • varBytes(update)         SyncUpdate  what has just happened
    01 • varBytes(awareness update)    AwarenessUpdate
    02 • 00 • varString(reason)        Denied      server to client only
    03                                 QueryAwareness
    66 • varBytes(varUint version)     Receipt     client: "my edits so far are my version n";
                                                   server: "up to version n all is on disk"

y-sweet's clients say who they are with 03, as varBytes, once more than with 01: that tells nothing
new. The receipt is y-sweet's message 102. Clients that do not know it never see one, for the server
sends one only to those who asked. A frame holds one message or several; we read both, and write
one a frame, for that is all y-websocket 1 to 3 read.
"""

import contextlib
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

from collab.errors import ProtocolError
from collab.reader import Reader, var_uints, write_var_bytes, write_var_uint

SYNC, AWARENESS, AUTH, QUERY_AWARENESS, RECEIPT = 0, 1, 2, 3, 102
STEP1, STEP2, UPDATE = 0, 1, 2
MOST = 100  # messages in one frame; clients send one
KEPT = 64 << 10  # bytes of an update whose frame is kept for the next peer


class SyncStep1(NamedTuple):
    """`vector`: an encoded state vector."""

    vector: bytes


class SyncStep2(NamedTuple):
    """`update`: a Yjs update (v1) with all that the other side's state vector lacked."""

    update: bytes


class SyncUpdate(NamedTuple):
    """`update`: a Yjs update (v1) with what has just happened."""

    update: bytes


class AwarenessUpdate(NamedTuple):
    """`update`: y-protocols' awareness update."""

    update: bytes


class QueryAwareness(NamedTuple):
    """The peer wants to hear of everybody who is here."""


class Denied(NamedTuple):
    """The peer may read, but what it writes is not kept; `reason` is a sentence for people."""

    reason: str


class Receipt(NamedTuple):
    """`version`: the client's own count of its edits."""

    version: int


Message = SyncStep1 | SyncStep2 | SyncUpdate | AwarenessUpdate | QueryAwareness | Denied | Receipt

_EDIT = bytes((SYNC, UPDATE))
_sync_update = partial(tuple.__new__, SyncUpdate)  # half the time of calling SyncUpdate
_SYNC: dict[int, type[SyncStep1 | SyncStep2 | SyncUpdate]] = {
    STEP1: SyncStep1,
    STEP2: SyncStep2,
    UPDATE: SyncUpdate,
}


def decode(frame: bytes) -> Iterable[Message]:
    """The messages of a client's frame. ProtocolError at the first one that is malformed."""
    if frame[:2] == _EDIT and len(frame) > 2 and frame[2] == len(frame) - 3 < 0x80:
        return (_sync_update((frame[3:],)),)  # one short edit and nothing else, as nearly always
    return _decode(frame)


def _decode(frame: bytes) -> Iterator[Message]:
    if not frame:
        raise ProtocolError("The frame is empty: a message starts with its type.")
    reader = Reader(frame)
    count = 0
    while not reader.at_end:
        count += 1
        if count > MOST:
            raise ProtocolError(f"A frame may hold {MOST} messages at most.")
        kind = reader.var_uint()
        if kind == SYNC:
            step = reader.var_uint()
            if step not in _SYNC:
                raise ProtocolError(f"Unknown sync message {step}: 0, 1 and 2 are known.")
            yield _SYNC[step](reader.var_bytes())
        elif kind == AWARENESS:
            yield AwarenessUpdate(reader.var_bytes())
        elif kind == QUERY_AWARENESS:
            _skip_presence(reader)
            yield QueryAwareness()
        elif kind == RECEIPT:
            yield _read_receipt(reader.var_bytes())
        else:
            raise ProtocolError(f"Unknown message type {kind}: 0, 1, 3 and 102 are known.")


def encode(message: Message) -> bytes:
    """The one frame that says `message` to a client."""
    if isinstance(message, SyncUpdate) and len(message.update) <= KEPT:
        return _encode_update(message.update)
    frame = bytearray()
    match message:
        case SyncStep1(body):
            frame += b"\x00\x00"
        case SyncStep2(body):
            frame += b"\x00\x01"
        case SyncUpdate(body):
            frame += b"\x00\x02"
        case AwarenessUpdate(body):
            frame += b"\x01"
        case QueryAwareness():
            return b"\x03"
        case Denied(reason):
            frame += b"\x02\x00"
            body = reason.encode()
        case Receipt(version):
            frame += b"\x66"
            number = bytearray()
            write_var_uint(number, version)
            body = bytes(number)
    write_var_bytes(frame, body)
    return bytes(frame)


@lru_cache(maxsize=2)  # everybody in a room is told the same, one after the other
def _encode_update(update: bytes) -> bytes:
    return _EDIT + var_uints(len(update)) + update


def _skip_presence(reader: Reader) -> None:
    """What y-sweet's clients put behind a query. It ends their frame; with others the next message
    may follow, and is none of that."""
    start = reader.position
    with contextlib.suppress(ProtocolError):
        if _is_presence(Reader(reader.var_bytes())) and reader.at_end:
            return
    reader.position = start


def _is_presence(body: Reader) -> bool:
    """Whether it tells of clients, and of nothing else. ProtocolError where it ends too early."""
    for _ in range(body.var_uint()):
        body.var_uint()
        body.var_uint()
        body.var_string()
    return body.at_end


def _read_receipt(body: bytes) -> Receipt:
    reader = Reader(body)
    version = reader.var_uint()
    if not reader.at_end:
        raise ProtocolError("A receipt is one number and nothing else.")
    return Receipt(version)
