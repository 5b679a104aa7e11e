"""How Hocuspocus spells the messages: each frame says which document it is about.

Hocuspocus 2 to 4, as read in @hocuspocus/provider and captured from it (`•` joins):

    varString(address) • 00 | 01 | 03 ...   as `collab.wire` has it: one message of y-websocket's
    varString(address) • 02 • 00 • varString(token) [• varString(version)]      Token
                         02 • 01 • varString(reason)                            server: refused
                         02 • 00                                                server: a token?
                         02 • 02 • varString("read-write" or "readonly")        server: let in
                         05 • varString(text)                                   Stateless, both ways
                         07                                                     Leave
                         07 • varString(reason)                                 server: it is closed
                         08 • varUint(1 or 0)                  server: an edit is saved, or is not
    0a                                                                          Pong

The address is the document's name; of a provider with `sessionAwareness` it is name • NUL • id, for
several of them on one socket may be in one document. Version 2 has no word for closing: to say it
to one ends in an exception. Which version it is says the token's message, from version 4 on.

Hocuspocus answers Leave by closing, too. Here nothing does: who left does not listen any more, but
a provider that was opened for the same document since would take it for its own.
"""

from enum import IntEnum
from typing import NamedTuple

from collab.errors import BadName, ProtocolError
from collab.reader import Reader, var_uints, write_var_string

TOKEN, REFUSED, LET_IN = 0, 1, 2
WANTED = 0  # the same number, when the server says it
PONG = b"\x0a"
MAX_ADDRESS = 1 << 10  # bytes: of a name and of an id behind it
MAX_STATELESS = 64 << 10  # bytes
MAX_TOKEN = 8 << 10  # bytes: what is longer is none


class Kind(IntEnum):
    """Types of messages. 4 and 6 are between servers, 9 is a ping of theirs."""

    SYNC = 0
    AWARENESS = 1
    AUTH = 2
    QUERY_AWARENESS = 3
    STATELESS = 5
    CLOSE = 7
    STATUS = 8


class Token(NamedTuple):
    """Who the peer is, for one document. `version` of the provider, as in "4.8.0"; "" before 4."""

    token: str
    version: str


class Stateless(NamedTuple):
    """A text beside the document."""

    text: str


class Leave(NamedTuple):
    """The peer closes the document; its socket stays."""


class Pong(NamedTuple):
    """The answer to a ping."""


Message = Token | Stateless | Leave | Pong


def split(frame: bytes) -> tuple[str, bytes]:
    """The address of a client's frame, and the frame without it; "" for none. ProtocolError when it
    is malformed."""
    if frame == PONG:
        return "", frame
    reader = Reader(frame)
    address = reader.var_string(MAX_ADDRESS)
    if not address:
        raise ProtocolError(
            "A frame begins with the name of its document here. Clients of y-websocket have it in "
            "their address: /sync/NAME."
        )
    if reader.at_end:
        raise ProtocolError("A frame has a type behind the name of its document.")
    return address, frame[reader.position :]


def name_in(address: str) -> str:
    """The document's name in an address. BadName when there is none."""
    if name := address.partition("\0")[0]:
        return name
    raise BadName("A document needs a name.")


def decode(frame: bytes) -> Message | None:
    """The message in a frame without its address; None when it is one of y-websocket's.
    ProtocolError when it is malformed, or none that a client sends."""
    if frame == PONG:
        return Pong()
    reader = Reader(frame)
    message: Message
    match reader.var_uint():
        case Kind.SYNC | Kind.AWARENESS | Kind.QUERY_AWARENESS:
            return None
        case Kind.AUTH:
            if reader.var_uint() != TOKEN:
                raise ProtocolError("A client sends its token, and no other message of its kind.")
            token = reader.var_string(MAX_TOKEN)
            message = Token(token, "" if reader.at_end else reader.var_string(100))
        case Kind.STATELESS:
            message = Stateless(reader.var_string(MAX_STATELESS))
        case Kind.CLOSE:
            message = Leave()
        case kind:
            raise ProtocolError(f"Message type {kind} is none that a client sends.")
    reader.end()
    return message


def refused(address: str, reason: str) -> bytes:
    """The token does not count, or not for this document."""
    return _said(address, Kind.AUTH, REFUSED) + _string(reason)


def token_wanted(address: str) -> bytes:
    """A token is asked for: versions from 3.4 on send one then, others do nothing."""
    return _said(address, Kind.AUTH, WANTED)


def let_in(address: str, writes: bool) -> bytes:
    """The token counts."""
    return _said(address, Kind.AUTH, LET_IN) + _string("read-write" if writes else "readonly")


def closed(address: str, reason: str) -> bytes:
    """The document is closed. Never for version 2."""
    return _said(address, Kind.CLOSE) + _string(reason)


def stateless(address: str, text: str) -> bytes:
    """A text beside the document."""
    return _said(address, Kind.STATELESS) + _string(text)


def status(address: str, saved: bool) -> bytes:
    """What became of one SyncStep2 or SyncUpdate."""
    return _said(address, Kind.STATUS, int(saved))


def prefix(address: str) -> bytes:
    """What stands before a frame of y-websocket's."""
    return _string(address)


def _said(address: str, *numbers: int) -> bytes:
    return _string(address) + var_uints(*numbers)


def _string(text: str) -> bytes:
    buffer = bytearray()
    write_var_string(buffer, text)
    return bytes(buffer)
