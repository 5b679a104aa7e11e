"""A moment as one Yjs update (v1), written from its items. Knows no engine.

What was deleted keeps its place, not its content, and only as long as something alive stands where
it stands because of it: an item's origin, its right origin, theirs in turn. All other tombstones
are one GC per stretch of clocks, so that an update is about as large as what it shows, however
much was written and deleted before.

A text is written in as few structs as can be, since each has its price: parts of a run that others
typed into are one again, and a few deleted characters in it are blanks, which the update deletes.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter

from collab.content import DELETED, STRING, TYPE
from collab.past.items import Items
from collab.past.moments import Moment
from collab.past.order import Branch, Item
from collab.past.pages import walk
from collab.past.spans import Range, extend
from collab.past.units import text_of, write_content
from collab.reader import var_uints, write_var_string
from collab.update import KEY, ORIGIN, RIGHT_ORIGIN, Id

MOST_BLANKS = 32
"""Tombstones of a text in a row that are blanks: two more structs, of them and of what stands
behind, take about as much room."""

Needed = dict[int, dict[Item, Sequence[Range]]]
"""client -> item -> which of its units are alive: none of those that others stand by."""


def encode_moment(items: Items, seq: int) -> bytes:
    """The document after a row, as an update that Yjs and yrs open to just that, to look at: it
    is not to be merged with the document itself, whose tombstones it lacks."""
    moment = Moment(items, seq)
    parts = [var_uints(len(moment.vector))]
    deletes: list[bytes] = []
    deleting = 0
    for client, own in sorted(_needed(moment).items(), reverse=True):
        writer = _Writer(moment.vector[client])
        for item in sorted(own, key=_clock):
            writer.add(item, own[item])
        writer.skip(writer.upto)
        parts += (var_uints(len(writer.structs), client, 0), *writer.structs)
        if writer.dead:
            deleting += 1
            deletes.append(var_uints(client, len(writer.dead)))
            deletes += [var_uint(start) + var_uint(end - start) for start, end in writer.dead]
    return b"".join((*parts, var_uints(deleting), *deletes))


_clock = attrgetter("clock")


def _needed(moment: Moment) -> Needed:
    """What was alive, and all without which it would not stand where it does."""
    needed: Needed = {client: {} for client in moment.vector}
    found: list[Item] = []
    branches = list(moment.items.roots.values())
    while branches:
        branch = branches.pop()
        chains = (item for key in branch.entries for item in branch.chain(key))
        for item in (*walk(branch, moment.after, moment.upto), *chains):
            if alive := moment.alive(item):
                needed[item.client][item] = alive
                found.append(item)
                if item.branch is not None:
                    branches.append(item.branch)
    clients = moment.items.clients
    seen: set[Id] = set()
    for item in found:
        for identity in (item.origin, item.right_origin):
            if identity is None or identity in seen:
                continue
            seen.add(identity)
            client, clock = identity
            known, own = clients[client], needed[client]
            other = known.items[bisect_right(known.starts, clock) - 1]  # as Items.find
            if other not in own:
                own[other] = ()
                found.append(other)
    return needed


class _Writer:
    """Writes the structs of one client by rising clock, up to `upto`, and says what is dead."""

    def __init__(self, upto: int) -> None:
        self.upto = upto
        self.end = 0
        self.structs: list[bytes] = []
        self.dead: list[Range] = []
        self.text: list[str] = []  # not written yet: units from `start` on, the first of `item`
        self.item: Item | None = None
        self.start = 0

    def add(self, item: Item, alive: Sequence[Range]) -> None:
        """The next item that is needed."""
        clock, first = item.clock, self.item
        if (
            first is None
            or item.ref != STRING
            or item.right_origin != first.right_origin
            or item.origin != (item.client, self.end - 1)
            or clock != self.end
        ):
            self.skip(clock)
        self.end = min(item.end, self.upto)
        if item.ref != STRING:
            self.write(item, alive)
            return
        if self.item is None:
            self.item, self.start = item, clock
        if not item.deaths:
            self.text.append(item.units(clock, self.end))  # type: ignore[arg-type]  # of a STRING
            return
        for start, stop in alive:
            if clock < start:
                self.blank(item, clock, start)
            self.text.append(item.units(start, stop))  # type: ignore[arg-type]  # of a STRING
            clock = stop
        if clock < self.end:
            self.blank(item, clock, self.end)

    def blank(self, item: Item, start: int, end: int) -> None:
        """Dead units of a text."""
        if end - start <= MOST_BLANKS:
            extend(self.dead, start, end)
            self.text.append(" " * (end - start))
        else:
            self.flush()
            self.bury(item, start, end)
            self.item, self.start = item, end

    def skip(self, clock: int) -> None:
        """Nothing up to a clock is needed, nor more of the text."""
        self.flush()
        if self.end < clock:
            self.structs.append(b"\0" + var_uint(clock - self.end))
            extend(self.dead, self.end, clock)

    def flush(self) -> None:
        """Write the text. Two halves of a surrogate pair that were parted stay so."""
        if self.text and self.item is not None:
            text = "".join(self.text)
            if not text.isascii():
                text = "".join(map(text_of, self.text))
            body = text.encode()
            self.put(self.item, STRING, self.start, var_uint(len(body)) + body)
            self.text = []
        self.item = None

    def write(self, item: Item, alive: Sequence[Range]) -> None:
        """An item that is no text."""
        clock = item.clock
        for start, stop in alive:
            if clock < start:
                self.bury(item, clock, start)
            body = write_content(item.ref, item.units(start, stop), stop - start)
            self.put(item, item.ref, start, body)
            clock = stop
        if clock < self.end:
            self.bury(item, clock, self.end)

    def bury(self, item: Item, start: int, end: int) -> None:
        """Dead units. Deleted types stay types: others name them as their parent."""
        extend(self.dead, start, end)
        if item.ref == TYPE:
            self.put(item, TYPE, start, write_content(TYPE, item.content, 1))
        else:
            self.put(item, DELETED, start, var_uint(end - start))

    def put(self, item: Item, ref: int, start: int, content: bytes) -> None:
        """Some units of an item."""
        origin = item.origin if start == item.clock else (item.client, start - 1)
        right = item.right_origin
        self.structs.append(write_struct(ref, origin, right, item.parent, item.key, content))


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
            head = bytes((info | ORIGIN | RIGHT_ORIGIN,)) + _client(origin[0]) + var_uint(origin[1])
            return head + _client(right[0]) + var_uint(right[1]) + content
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
