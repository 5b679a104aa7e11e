"""One client's presence, and how y-protocols writes what is known of clients. Keeps nothing.

awareness update = varUint(count) • count times
    varUint(client id) • varUint(clock) • varString(state as JSON, or `null`: it has gone)
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from collab.access import Grant
from collab.errors import ProtocolError, TooBig
from collab.names import guest_name
from collab.reader import Reader, var_uints

if TYPE_CHECKING:
    from collab.session import Session

MAX_STATES = 10_000  # clients in one awareness update: y-websocket repeats what it hears
NULL = b"null"


class Presence:
    """One client id: its state as JSON bytes, and who speaks for it."""

    __slots__ = (
        "came", "client", "clock", "deadline", "entry", "owner", "seen", "state", "told", "turn",
        "user",
    )  # fmt: skip

    def __init__(self, client: int) -> None:
        self.client = client
        self.clock = -1  # as its owner counts
        self.told = 0  # as the peers were told: our own count
        self.state = NULL
        self.entry = b""  # what is written of it in an awareness update, once that was asked for
        self.user: dict[str, object] = {}  # the state's "user", where editors put name and colour
        self.owner: Session | None = None
        self.came = self.turn = 0  # the turns of the room when it came first, and changed last
        self.seen = 0.0
        self.deadline: float | None = None

    @property
    def here(self) -> bool:
        """Whether it has not gone."""
        return self.state != NULL


def read_awareness(update: bytes) -> list[tuple[int, int, bytes]]:
    """(client, clock, state as JSON bytes) of each client in an awareness update."""
    reader = Reader(update)
    states: dict[int, tuple[int, bytes]] = {}
    count = reader.var_uint()
    if count > MAX_STATES:
        raise TooBig(f"An awareness update may tell of {MAX_STATES} clients at most.")
    for _ in range(count):
        client = reader.var_uint()
        clock = reader.var_uint()
        state = reader.var_bytes()
        if client in states:
            raise ProtocolError("An awareness update names a client twice.")
        states[client] = clock, state
    reader.end()
    return [(client, clock, state) for client, (clock, state) in states.items()]


def read_user(state: bytes) -> dict[str, object]:
    """The "user" in a client's awareness state. ProtocolError unless the state is a JSON object
    that every client can read: one bad state would throw in all of them."""
    try:
        value = json.loads(state.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ProtocolError("A client's awareness state is not JSON.") from None
    if not isinstance(value, dict):
        raise ProtocolError("A client's awareness state is a JSON object or null.")
    user = value.get("user")
    return user if isinstance(user, dict) else {}


def write_awareness(presences: Iterable[Presence], gone: bool = False) -> bytes | None:
    """The awareness update that tells of these presences, if there are any: how they are, or that
    they have gone, at the clocks that peers know, as y-protocols' `removeAwarenessStates` does."""
    entries = [_written(one, NULL) if gone else _entry(one) for one in presences]
    return var_uints(len(entries)) + b"".join(entries) if entries else None


def _entry(presence: Presence) -> bytes:
    if not presence.entry:
        presence.entry = _written(presence, presence.state)
    return presence.entry


def _written(presence: Presence, state: bytes) -> bytes:
    return var_uints(presence.client, presence.told, len(state)) + state


def stamp(state: bytes, grant: Grant) -> tuple[bytes, dict[str, object]]:
    """A client's awareness state, which `read_user` has read, with the name and the colour of whom
    the client belongs to, and its "user": so nobody can pose as somebody else. A user without a
    name is a guest, and is called so."""
    value = json.loads(state)
    own = value.get("user")
    user = dict(own) if isinstance(own, dict) else {}
    said = user.get("name")
    guest = guest_name(said if isinstance(said, str) else "")
    user |= {"name": grant.name or guest, "id": grant.user}
    if grant.crowd:
        del user["id"]  # by which several of one user are shown as one
    if grant.color:
        user["color"] = grant.color
    try:
        text = json.dumps(
            {**value, "user": user}, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
    except (RecursionError, ValueError):
        raise ProtocolError(
            "A client's awareness state is nested too deeply, or has a number that is too large."
        ) from None
    return text.encode("utf-8", "backslashreplace"), user  # half a surrogate pair: as JSON has it


def _refuse(constant: str) -> None:
    raise ValueError(constant)
