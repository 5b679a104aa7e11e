"""A moment as one Yjs update (v1), written from its items. Knows no engine.

What was deleted keeps its place, not its content, and only as long as something alive stands where
it stands because of it: an item's origin, its right origin, theirs in turn. All other tombstones
are one GC per stretch of clocks, so that an update is about as large as what it shows, however
much was written and deleted before.
"""

from functools import lru_cache
from operator import attrgetter

from collab.content import DELETED, TYPE
from collab.past.items import Items
from collab.past.moments import Moment
from collab.past.order import Branch, Item
from collab.past.pages import walk
from collab.past.spans import Range, extend, gaps
from collab.past.units import write_content
from collab.reader import var_uints, write_var_string
from collab.update import KEY, ORIGIN, RIGHT_ORIGIN, Id


def encode_moment(items: Items, seq: int, since: int | None = None) -> bytes:
    """The document after a row, as an update that Yjs and yrs open to just that, to look at: it
    is not to be merged with the document itself, whose tombstones it lacks.

    With `since`, an earlier row, whatever was alive then or came after keeps its content, though it
    is deleted: Yjs, told not to collect garbage, can show both moments in the one document.
    """
    writer = _Writer(items, Moment(items, seq), seq if since is None else since)
    for root in items.roots.values():
        writer.need_all(root)
    return writer.encode()


class _Writer:
    """Collects the items that are needed, and writes them by client and clock."""

    def __init__(self, items: Items, moment: Moment, since: int) -> None:
        self.items = items
        self.moment = moment
        self.since = since
        self.needed: dict[int, set[Item]] = {client: set() for client in moment.vector}

    def need_all(self, root: Branch) -> None:
        """What was in a root, or in what was in it."""
        waiting = [root]
        while waiting:
            branch = waiting.pop()
            chains = (item for key in branch.entries for item in branch.chain(key))
            for item in (*walk(branch, self.since, self.moment.seq), *chains):
                if self.kept(item):
                    self.need(item)
                    if item.branch is not None:
                        waiting.append(item.branch)

    def kept(self, item: Item) -> list[Range]:
        """The units that keep their content."""
        if self.since == self.moment.seq:
            return self.moment.alive(item)
        end = min(item.end, self.moment.vector.get(item.client, 0))
        return gaps(item.clock, end, item.deaths, self.since)

    def need(self, item: Item) -> None:
        """An item, and all without which it would not stand where it does."""
        waiting = [item]
        needed, find = self.needed, self.items.find
        while waiting:
            item = waiting.pop()
            own = needed[item.client]
            if item not in own:
                own.add(item)
                if item.origin is not None:
                    waiting.append(find(item.origin))
                if item.right_origin is not None:
                    waiting.append(find(item.right_origin))

    def encode(self) -> bytes:
        """The update."""
        clients = sorted(self.moment.vector, reverse=True)
        parts = [var_uints(len(clients))]
        deletes: list[bytes] = []
        deleting = 0
        for client in clients:
            structs, dead = self.client(client, self.moment.vector[client])
            parts.append(var_uints(len(structs), client, 0))
            parts += structs
            if dead:
                deleting += 1
                deletes.append(var_uints(client, len(dead)))
                deletes += [var_uint(start) + var_uint(end - start) for start, end in dead]
        return b"".join((*parts, var_uints(deleting), *deletes))

    def client(self, client: int, end: int) -> tuple[list[bytes], list[Range]]:
        """The structs of a client, and which of its clocks are deleted."""
        structs: list[bytes] = []
        dead: list[Range] = []
        done = 0
        for item in sorted(self.needed[client], key=_clock):
            if done < item.clock:
                structs.append(b"\0" + var_uint(item.clock - done))
                extend(dead, done, item.clock)
            done = min(item.end, end)
            self.write(structs, item, done)
            if item.deaths:
                _bury(dead, self.moment.alive(item), item.clock, done)
        if done < end:
            structs.append(b"\0" + var_uint(end - done))
            extend(dead, done, end)
        return structs, dead

    def write(self, structs: list[bytes], item: Item, end: int) -> None:
        clock = item.clock
        for start, stop in self.kept(item):
            if clock < start:
                structs.append(_struct(item, clock, start, dead=True))
            structs.append(_struct(item, start, stop, dead=False))
            clock = stop
        if clock < end:
            structs.append(_struct(item, clock, end, dead=True))


_clock = attrgetter("clock")


def _bury(dead: list[Range], alive: list[Range], start: int, end: int) -> None:
    """Add what is not alive of [start, end)."""
    for begin, stop in alive:
        if start < begin:
            extend(dead, start, begin)
        start = stop
    if start < end:
        extend(dead, start, end)


def _struct(item: Item, start: int, end: int, dead: bool) -> bytes:
    """Some units of an item. Deleted types stay types: others name them as their parent."""
    ref = DELETED if dead and item.ref != TYPE else item.ref
    origin = item.origin if start == item.clock else (item.client, start - 1)
    content = b"" if ref == DELETED else item.units(start, end)
    body = write_content(ref, content, end - start)
    return write_struct(ref, origin, item.right_origin, item.parent, item.key, body)


def write_struct(
    ref: int,
    origin: Id | None,
    right: Id | None,
    parent: Branch | Id | None,
    key: str | None,
    content: bytes,
) -> bytes:
    """An item as its bytes (`collab.update` has the grammar)."""
    info = ref if key is None else ref | KEY
    if origin is not None:
        if right is not None:
            return bytes((info | ORIGIN | RIGHT_ORIGIN,)) + _id(origin) + _id(right) + content
        return bytes((info | ORIGIN,)) + _id(origin) + content
    if right is not None:
        return bytes((info | RIGHT_ORIGIN,)) + _id(right) + content
    header = bytearray((info,))
    if isinstance(parent, Branch):
        if parent.item is None:
            header.append(1)
            write_var_string(header, parent.name or "")
        else:
            header += var_uints(0, parent.item.client, parent.item.clock)
    elif parent is not None:
        header += var_uints(0, *parent)
    if key is not None:
        write_var_string(header, key)
    return bytes(header) + content


def _id(identity: Id) -> bytes:
    return _client(identity[0]) + var_uint(identity[1])


@lru_cache(1024)
def _client(client: int) -> bytes:
    return var_uints(client)


def var_uint(number: int) -> bytes:
    """A varUint; those that are written most, quickly."""
    if number < 0x80:
        return bytes((number,))
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    if number < 0x200000:
        return bytes((number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14))
    return var_uints(number)
