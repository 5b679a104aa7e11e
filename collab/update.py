"""Yjs updates (v1): what one holds, read strictly from its bytes. Knows no document and no engine.

This is the gate's structural half; `state` does the other half, whether an update connects to what
a document has. Whatever `read_update` returns can be handed to Yjs 13 and yrs 0.28 without harm, as
far as one can know without the document. The grammar (Yjs 13, `utils/encoding.js`; all numbers are
varUints, `•` joins):

    update  = count • clients • deletes
    client  = count • client id • clock of the first struct • structs
    struct  = u8 0 • length                                              GC: deleted for good
            | u8 10 • length                                             Skip: a gap
            | u8 info • [origin] • [right origin] • [parent] • content   Item
    id      = client id • clock
    parent  = (1 • root name | 0 • id) • [key]             only where neither origin is there
    deletes = count • (client id • count • (clock • length)...)...

`info`: the low five bits are the content's ref (`content`), 0x80 an origin follows, 0x40 a right
origin follows, 0x20 the item has a key, which is written only where a parent is. A struct stands
for as many clock ticks as it has units; lengths of strings count UTF-16 code units.
"""

from contextvars import copy_context
from functools import partial
from typing import NamedTuple

from collab.content import GC, READ, SKIP, nesting, read_text, read_units
from collab.deletes import DeleteSet, read_deletes
from collab.errors import ProtocolError, TooBig
from collab.limits import DEFAULT, Limits
from collab.reader import Reader, read_var_uint, refuse, write_var_uint

__all__ = [
    "TRUSTED", "Block", "Changes", "DeleteSet", "Link", "StateVector", "Struct",
    "encode_state_vector", "read_state_vector", "read_struct", "read_update",
]  # fmt: skip

StateVector = dict[int, int]
"""client id -> the next clock that is expected of it: how much of each client's edits is known."""

Id = tuple[int, int]
"""(client id, clock) of one unit."""

MAX_CLOCK = 2**31
"""Clocks stay below: some peers count them in 32 bits."""

ORIGIN, RIGHT_ORIGIN, KEY = 0x80, 0x40, 0x20
REF = 0x1F

BLOCK_STRUCTS = 64
"""Blocks hold at most so many structs: cutting one reads half of it on average."""


TRUSTED = Limits(update_structs=MAX_CLOCK, update_clients=MAX_CLOCK)
"""For what has passed the gate, whatever the limits were then."""


class Block(NamedTuple):
    """Structs of one client that follow each other without a gap.

    They stand for the clocks from `clock` up to `end`, which is not among them. `count` is the
    number of structs, `data` their bytes as on the wire, without the client's header.
    """

    client: int
    clock: int
    end: int
    count: int  # type: ignore[assignment]  # a field, not tuple.count
    data: bytes


_block = partial(tuple.__new__, Block)  # half the time of calling Block


class Link(NamedTuple):
    """The struct of `client` that begins at `clock` needs `other` to be known up to `needed`.

    A gap is a link of a client with itself: nothing is known at `clock`, and `needed` is where it
    goes on.
    """

    client: int
    clock: int
    other: int
    needed: int


class Changes:
    """What an update holds. Read-only; `read_update` makes it.

    `blocks`   its structs, in the order of the update; each client's by rising clock, gaps
               between blocks where the update skips some
    `links`    what its structs need of other clients, and what a gap lacks; a need that an earlier
               struct of the same client has already is left out
    `deletes`  the ids that it deletes
    `data`     the update itself
    `plain`    whether the update is written as Yjs writes one: it may be passed on as it is
    """

    __slots__ = ("blocks", "data", "deletes", "links", "plain")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.blocks: list[Block] = []
        self.links: list[Link] = []
        self.deletes = DeleteSet()
        self.plain = True


def read_update(data: bytes, limits: Limits = DEFAULT) -> Changes:
    """Read an update that anybody may have sent.

    Raises ProtocolError for whatever is not a well-formed update, TooBig for one with more structs
    or clients than the limits allow, and nothing else: the peer that sent it is at fault. The time
    is proportional to the number of bytes. Next, ask the document's `Head.admit` whether the
    changes connect and what is new in them.
    """
    if limits.update_nesting < nesting.get():
        context = copy_context()
        context.run(nesting.set, limits.update_nesting)
        return context.run(read_update, data, limits)
    changes = Changes(data)
    try:
        at = _read_clients(changes, limits)
        changes.deletes, end, canonical = read_deletes(data, at, MAX_CLOCK)
    except IndexError:
        raise ProtocolError("The update ends too early.") from None
    except UnicodeDecodeError:
        raise ProtocolError("A text of the update is not UTF-8.") from None
    if end != len(data):
        refuse("The update has bytes after its end.")
    changes.plain &= canonical
    return changes


def _read_clients(changes: Changes, limits: Limits) -> int:
    data = changes.data
    clients, at = read_var_uint(data, 0)
    _check_count(clients, data, at)
    if clients > limits.update_clients:
        raise TooBig(f"An update may have {limits.update_clients} clients.", "update_clients")
    left = limits.update_structs
    seen = set()
    for _ in range(clients):
        count, at = read_var_uint(data, at)
        client, at = read_var_uint(data, at)
        clock, at = read_var_uint(data, at)
        _check_count(count, data, at)
        left -= count
        if left < 0:
            raise TooBig(f"An update may have {limits.update_structs} structs.", "update_structs")
        if client in seen:
            refuse("The update names a client twice.")
        seen.add(client)
        changes.plain &= count > 0
        at = _read_structs(changes, at, count, client, clock)
    return at


def _read_structs(changes: Changes, at: int, count: int, client: int, clock: int) -> int:
    """The structs of one client, in blocks; returns where they end."""
    data = changes.data
    needs: StateVector = {}  # what the structs before need of others
    gap = clock
    while count:
        if data[at] == SKIP:
            units, at = read_units(data, at + 1)
            clock = _clock(clock + units)
            count -= 1
            changes.plain = False
            continue
        if gap < clock:
            changes.links.append(Link(client, gap, client, clock))
        first, start, size = clock, at, 0
        while size < count and size < BLOCK_STRUCTS and data[at] != SKIP:
            _, units, origin, right, parent, _, at = read_struct(data, at)
            for identity in (origin, right, parent):
                if identity is not None:
                    other, needed = identity
                    if other == client:
                        if needed >= clock:
                            refuse("A struct refers to itself or to a later one of its client.")
                    elif needed >= needs.get(other, 0):
                        needs[other] = _clock(needed + 1)
                        changes.links.append(Link(client, clock, other, needed + 1))
            clock, size = clock + units, size + 1
        count -= size
        gap = _clock(clock)
        changes.blocks.append(_block((client, first, clock, size, data[start:at])))
    return at


def _check_count(count: int, data: bytes, at: int) -> None:
    if count > len(data) - at:  # neither a client nor a struct is shorter than a byte
        refuse("A count is larger than the update.")


def _clock(clock: int) -> int:
    if clock >= MAX_CLOCK:
        refuse("A clock is larger than 2^31.")
    return clock


class Struct(NamedTuple):
    """One GC or Item, as its bytes say.

    `units` clock ticks long; its content's bytes are `data[content:end]`. `origin`, `right` and
    `parent` are ids or None; the parent of an item with an origin is not written, and a root is not
    an id.
    """

    info: int
    units: int
    origin: Id | None
    right: Id | None
    parent: Id | None
    content: int
    end: int


_struct = partial(tuple.__new__, Struct)  # half the time of calling Struct


def read_struct(data: bytes, at: int) -> Struct:
    """The struct at `data[at]`; not a Skip. Raises as the readers of `content` do."""
    info = data[at]
    at += 1
    if info == GC:
        units, end = read_units(data, at)
        return _struct((info, units, None, None, None, at, end))
    origin = right = parent = None
    if info & ORIGIN:
        client, at = read_var_uint(data, at)
        clock, at = read_var_uint(data, at)
        origin = (client, clock)
    if info & RIGHT_ORIGIN:
        client, at = read_var_uint(data, at)
        clock, at = read_var_uint(data, at)
        right = (client, clock)
    if info < RIGHT_ORIGIN:
        parent, at = _read_parent(data, at)
        if info & KEY:
            at = read_text(data, at)
    units, end = READ[info & REF](data, at)
    return _struct((info, units, origin, right, parent, at, end))


def _read_parent(data: bytes, at: int) -> tuple[Id | None, int]:
    named, at = read_var_uint(data, at)
    if named == 1:
        return None, read_text(data, at)
    if named:
        refuse("A parent is of an unknown kind.")
    client, at = read_var_uint(data, at)
    clock, at = read_var_uint(data, at)
    return (client, clock), at


def read_state_vector(data: bytes, most: int = MAX_CLOCK) -> StateVector:
    """Read a state vector, a peer's with the `most` clients that it may name. Raises ProtocolError
    for anything malformed, TooBig for more clients."""
    reader = Reader(data)
    vector: StateVector = {}
    count = reader.var_uint(len(data))
    if count > most:
        raise TooBig(f"A state vector may name {most} clients at most.", "document_clients")
    for _ in range(count):
        client = reader.var_uint()
        if client in vector:
            refuse("The state vector names a client twice.")
        vector[client] = reader.var_uint(MAX_CLOCK - 1)
    reader.end()
    return vector


def encode_state_vector(vector: StateVector) -> bytes:
    """The state vector as Yjs writes it: higher client ids first."""
    buffer = bytearray()
    write_var_uint(buffer, len(vector))
    for client in sorted(vector, reverse=True):
        write_var_uint(buffer, client)
        write_var_uint(buffer, vector[client])
    return bytes(buffer)
