"""Edits that come without a connection: made from the past, or by a program that asks over HTTP.

They go the way of all edits: through the gate, to disk, and then to everybody. What a program says
of text and values is made an update by a worker (`collab.editing`), so that no engine is loaded
here. A document's edits are made one at a time, each by a client id of its user, not by one of its
own: else each would make the document's state vector longer.
"""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from collab.access import Grant
from collab.connection import Connection
from collab.errors import AccessDenied, Conflict, NotFound, ProtocolError
from collab.gate import admit
from collab.names import name_of
from collab.reader import MAX_SAFE_INTEGER, read_var_uint
from collab.room import Room
from collab.wire import Denied, Message, Receipt, SyncStep1, SyncStep2, encode

if TYPE_CHECKING:
    from collab.hub import Hub

T = TypeVar("T")

NOTHING = b"\x00\x00"  # the update that changes nothing
WRITERS = 10_000  # users and documents whose client ids are remembered


def anywhere(room: Room) -> bool:
    """Whatever the document is."""
    return True


async def enter(
    hub: "Hub",
    key: str,
    update: bytes,
    grant: Grant,
    wanted: Callable[[Room], bool] = anywhere,
) -> int | None:
    """Enters an update (v1) that connects, as a peer would who may do what the grant says. The head
    once it is on disk; None where it is not `wanted`, which is asked just before. Raises what a
    peer is told: ProtocolError or TooBig when it is malformed, AccessDenied when it may not be, and
    what `hub.join` raises."""
    moved = asyncio.Event()
    session = await hub.join(key, moved.set, grant)
    connection = Connection(hub, session)
    try:
        if not wanted(session.room):
            return None
        session.next_message()  # a question, which we answer unasked
        await _send(connection, SyncStep2(update))
        await _send(connection, Receipt(1))
        while True:
            moved.clear()
            while (message := session.next_message()) is not None:
                if message == Receipt(1):
                    return session.room.seq
                if isinstance(message, SyncStep1):  # not all of it was taken at once
                    await _send(connection, SyncStep2(update))
                if isinstance(message, Denied):
                    raise AccessDenied(message.reason)
            await moved.wait()
    finally:
        connection.leave(clean=True)


async def alone(hub: "Hub", key: str, work: Callable[[], Awaitable[T]]) -> T:
    """Makes an edit of a document that is made from what is there: one at a time. Whoever asked may
    go away: what was begun is ended, before the next one begins. It would build on the same."""

    async def whole() -> T:
        async with hub.archive.rewriting(key):
            return await work()

    return await asyncio.shield(asyncio.create_task(whole()))


async def _send(connection: Connection, message: Message) -> None:
    busy = connection.receive(encode(message))
    if busy is not None:
        await busy


def client_of(update: bytes) -> int | None:
    """Whose structs an update of one client holds."""
    clients, at = read_var_uint(update, 0)
    return read_var_uint(update, read_var_uint(update, at)[1])[0] if clients else None


class Edits:
    """The edits of programs, of one hub."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._clients: dict[tuple[str, str], int] = {}  # by document and user

    async def take(self, key: str, update: bytes, grant: Grant, author: str) -> tuple[int, bool]:
        """Takes a whole update (v1) that a program has made. The head when it is on disk, and
        whether there was anything new in it. Conflict when it builds on what is not here, and what
        `enter` raises."""

        async def work() -> tuple[int, bool]:
            room = await self._room(key)
            limits = room.limits
            news, missing = await admit(self._hub.engine, room.head, update, False, limits=limits)
            _require_open(room)
            if missing:
                raise Conflict("The update builds on edits that are not here: send those first.")
            if news is None and (room.frozen or room.durable == room.entered):
                return room.seq, False
            # What is known may still wait for the disk.
            said = NOTHING if news is None else update
            seq, _ = await self._enter(key, said, grant, author)
            return seq, news is not None

        return await alone(self._hub, key, work)

    async def make(
        self,
        key: str,
        edits: Sequence[object] | Callable[[], Awaitable[Sequence[object]]],
        grant: Grant,
        author: str,
        seed: bool = False,
    ) -> tuple[int, bool]:
        """Makes edits as `collab.editing` knows them, all together or none; a function is asked for
        them when it is their turn. The head when they are on disk, and whether anything was
        changed. `seed`: only where nothing was ever written; of several who seed a document at once
        one does. Raises what `enter` raises."""
        wanted = _untouched if seed else anywhere

        async def work() -> tuple[int, bool]:
            room = await self._room(key)
            if not wanted(room):
                return room.seq, False
            said = _plain(await edits() if callable(edits) else edits)
            _require_open(room)
            client = self._client(room, grant.user)
            update = await self._hub.editing.run("edit", room.state.encode(), client, said)
            if update == NOTHING:
                return room.seq, False
            return await self._enter(key, update, grant, author, wanted)

        return await alone(self._hub, key, work)

    async def _enter(
        self,
        key: str,
        update: bytes,
        grant: Grant,
        author: str,
        wanted: Callable[[Room], bool] = anywhere,
    ) -> tuple[int, bool]:
        own = replace(grant, name=author) if author else grant
        seq = await enter(self._hub, key, update, own, wanted)
        return (seq, True) if seq is not None else ((await self._room(key)).seq, False)

    async def _room(self, key: str) -> Room:
        """The room of a document that there is."""
        await self._hub.start()
        if await self._hub.store.find(key) is None:
            raise NotFound(f"There is no document {name_of(key)!r}.")
        return await self._hub.rooms.enter(key)

    def _client(self, room: Room, user: str) -> int:
        """The client id by which a user's edits are made here: nobody else's."""
        writer = room.name, user
        if writer not in self._clients:
            client = secrets.randbits(31) | 1 << 30
            while client in room.head.vector:
                client = secrets.randbits(31) | 1 << 30
            if len(self._clients) >= WRITERS:
                del self._clients[next(iter(self._clients))]
            self._clients[writer] = client
        return self._clients[writer]


def _require_open(room: Room) -> None:
    """Raise what has ended the room while something was waited for: it knows nothing any more."""
    if room.ended is not None:
        raise room.ended.bare()


def _plain(edits: Sequence[object]) -> str:
    """The edits as JSON. ProtocolError for what no document can hold."""
    try:
        said = json.dumps(edits, ensure_ascii=False, allow_nan=False)
        said.encode()
        json.loads(said, parse_int=_safe)
    except (ValueError, RecursionError):
        raise ProtocolError("A value is a number or a text that no document can hold.") from None
    return said


def _safe(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > MAX_SAFE_INTEGER:
        raise ValueError(digits)
    return 0


def _untouched(room: Room) -> bool:
    return not (room.seq or room.entered)
