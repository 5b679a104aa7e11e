"""Where a server is, what it says, and why it hung up. Knows addresses and bytes; opens nothing."""

from collections.abc import Iterator
from urllib.parse import quote, urlsplit, urlunsplit

from collab.errors import (
    AccessDenied,
    BadName,
    CollabError,
    Conflict,
    NotFound,
    ProtocolError,
    TooBig,
    Unauthenticated,
    Unavailable,
)
from collab.reader import Reader
from collab.wire import Denied, Message, decode

KINDS = (AccessDenied, BadName, Conflict, NotFound, ProtocolError, TooBig, Unauthenticated)
BY_CODE = {kind.close_code: kind for kind in KINDS}
BY_STATUS = {kind.http_status: kind for kind in (AccessDenied, NotFound, Unauthenticated)}


def address(url: str, document: str) -> str:
    """Where a document of the server at `url` is edited: ws://host/sync/name. ValueError when that
    is no server's address."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise ValueError("A server's address begins with http:// or https://, and has a host.")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("A server's address has no query and no token: give the token apart.")
    path = parts.path.rstrip("/").removesuffix("/sync") + "/sync/" + quote(document, safe="")
    return urlunsplit((scheme, parts.netloc, path, "", ""))


def messages(frame: bytes) -> Iterator[Message]:
    """What a frame of a server says; also the one message that only servers send. ProtocolError
    where it is malformed."""
    if frame[:2] == b"\x02\x00":
        yield Denied(Reader(frame, 2).var_string())
    else:
        yield from decode(frame)


def hung_up(code: int | None, reason: str | None) -> CollabError:
    """A WebSocket was closed with this code, by the server or by the network."""
    told = reason or f"The connection was closed with code {code}."
    if code is None or code < 4400:
        return BY_CODE.get(code or 0, Unavailable)(told)
    error = BY_CODE.get(code, CollabError)(told)
    error.close_code = code
    return error


def refused(status: int) -> CollabError:
    """No WebSocket was opened: the answer was that HTTP status."""
    if status == 599:  # Tornado's own: there was no answer
        return Unavailable("The server cannot be reached: it did not answer.")
    told = f"The server did not open a WebSocket: HTTP status {status}."
    return BY_STATUS.get(status, Unavailable)(told)


def final(error: CollabError) -> bool:
    """Whether trying again would only be told the same: 4400 to 4499, as y-websocket has it, and
    what was malformed or too large, for it would be sent again."""
    return 4400 <= error.close_code <= 4499 or error.close_code in (1007, 1009)
