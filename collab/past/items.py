"""Every item that a document ever had, and the rows of the log with which its units came and went.

Built from the rows, one by one. Nothing is thrown away, and what is deleted keeps its content.
Knows no engine, no clock and no authors: a row is its seq.

A row deletes what it says, and more (Yjs 13, `structs/Item.js`): what is in the types that it
deletes; the entry of a key that it sets anew; and what it inserts into a deleted type, or into a
key's chain before a later entry.
"""

from bisect import bisect_right
from collections.abc import Iterator

from collab.content import DELETED, GC, TYPE
from collab.past.order import Branch, Item, integrate, unlink
from collab.past.spans import Span, append, reached, within
from collab.past.units import read_content
from collab.reach import Integration
from collab.reader import Reader, read_var_uint
from collab.update import KEY, REF, Id, StateVector, Struct, read_struct, read_update


class Client:
    """The items of one client by rising clock, where each starts, and which rows brought them."""

    __slots__ = ("births", "items", "starts")

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.starts: list[int] = []
        self.births: list[Span] = []

    def at(self, clock: int) -> int:
        """The place of the item that has a clock."""
        return bisect_right(self.starts, clock) - 1


class Items:
    """A document's whole past. `seq` is the last row that entered."""

    def __init__(self) -> None:
        self.seq = 0
        self.roots: dict[str, Branch] = {}
        self.clients: dict[int, Client] = {}

    def enter(self, seq: int, row: bytes) -> None:
        """Take the next row of the log, as the gate let it in: it connects, and says only what is
        new. Its seq is larger than those before. Wherever in the document it is, it costs as much
        as it is long."""
        self.seq = seq
        clients, at = read_var_uint(row, 0)
        if clients > 1:
            at = self._enter_together(row)
        elif clients:
            count, at = read_var_uint(row, at)
            client, at = read_var_uint(row, at)
            clock, at = read_var_uint(row, at)
            for _ in range(count):
                struct = read_struct(row, at)
                self._take(row, at, client, clock, struct)
                at, clock = struct.end, clock + struct.units
        if row[at]:
            self._delete(row, at)

    def vector(self, seq: int) -> StateVector:
        """The state vector of the document as it was at a seq."""
        known = {client: reached(it.births, seq) for client, it in self.clients.items()}
        return {client: clock for client, clock in known.items() if clock}

    def births(self, client: int, start: int, end: int) -> Iterator[Span]:
        """The rows that brought some of a client's units."""
        return within(self.clients[client].births, start, end)

    def find(self, identity: Id) -> Item:
        """The item that has a unit."""
        client = self.clients[identity[0]]
        return client.items[bisect_right(client.starts, identity[1]) - 1]

    def _enter_together(self, row: bytes) -> int:
        """The structs of several clients, in an order in which each finds what it needs; returns
        where the deletes begin."""
        queues: dict[int, list[tuple[int, int, Struct]]] = {}
        clients, at = read_var_uint(row, 0)
        for _ in range(clients):
            count, at = read_var_uint(row, at)
            client, at = read_var_uint(row, at)
            clock, at = read_var_uint(row, at)
            queue = queues[client] = []
            for _ in range(count):
                struct = read_struct(row, at)
                queue.append((at, clock, struct))
                at, clock = struct.end, clock + struct.units
            queue.reverse()
        known = {client: it.births[-1][1] for client, it in self.clients.items()}
        for client, _, limit in Integration(read_update(row), known).steps():
            queue = queues[client]
            while queue and queue[-1][1] < limit:
                begin, clock, struct = queue.pop()
                self._take(row, begin, client, clock, struct)
        return at

    def _take(self, data: bytes, at: int, client: int, clock: int, struct: Struct) -> None:
        """The next struct of a client: more of its last item, or a new one."""
        info, units, origin, right, parent, content, content_end = struct
        ref, end = info & REF, clock + units
        known = self.clients.get(client)
        if known is None:
            known = self.clients[client] = Client()
        append(known.births, (clock, end, self.seq, 0))
        if origin is not None and origin == (client, clock - 1):
            last = known.items[-1]
            if last.continued_by(ref, right, end) and last.stands_before(right):
                last.extend(read_content(ref, data, content, content_end), end)
                self._settle(last, clock)
                return
        item = Item(client, clock, end, ref, origin, right, self.seq)
        item.content = read_content(ref, data, content, content_end)
        if origin is None and right is None and ref != GC:
            self._name_place(item, data, at + 1, info, parent)
        self._link(item)
        known.items.append(item)
        known.starts.append(clock)
        self._settle(item, clock)
        self._join(known)

    def _name_place(self, item: Item, data: bytes, at: int, info: int, parent: Id | None) -> None:
        """The parent and the key, as they are written in a struct that has no origins."""
        reader = Reader(data, at + 1)
        if parent is None:
            name = reader.var_string()
            if name not in self.roots:
                self.roots[name] = Branch(name, None, self.seq)
            item.parent = self.roots[name]
        else:
            reader.var_uint()
            reader.var_uint()
            item.parent = self.find(parent).branch
        if info & KEY:
            item.key = reader.var_string()

    def _link(self, item: Item) -> None:
        """Find the item's place; what has garbage for a neighbour or a parent is garbage."""
        left = self._ending(item.origin) if item.origin is not None else None
        right = self._starting(item.right_origin) if item.right_origin is not None else None
        beside = left or right
        if beside is not None:
            item.parent, item.key = beside.parent, beside.key
            if right is not None and right.parent is None:
                item.parent = None
        parent = item.parent
        if parent is None:
            item.ref, item.content = GC, b""
            return
        integrate(item, left, right, self.find)
        if item.ref == TYPE:
            item.branch = Branch(None, item, self.seq)
            parent.types |= 1 << item.branch.kind
        elif item.key is None:
            parent.refs |= 1 << item.ref

    def _ending(self, identity: Id) -> Item:
        """The item that ends with a unit: the run is cut behind it."""
        item = self.find(identity)
        if identity[1] + 1 < item.end and item.parent is not None:
            self._split(item, identity[1] + 1)
        return item

    def _starting(self, identity: Id) -> Item:
        """The item that starts with a unit: the run is cut before it."""
        item = self.find(identity)
        if item.clock < identity[1] and item.parent is not None:
            return self._split(item, identity[1])
        return item

    def _split(self, item: Item, clock: int) -> Item:
        known = self.clients[item.client]
        rest = item.split(clock, next(within(known.births, clock, clock + 1))[2])
        at = known.at(clock) + 1
        known.items.insert(at, rest)
        known.starts.insert(at, clock)
        return rest

    def _join(self, known: Client) -> None:
        """Make the client's newest item part of the one before, if it is more of the same."""
        if len(known.items) < 2:
            return
        last, item = known.items[-2:]
        if (
            item.left is not last
            or item.origin != (item.client, item.clock - 1)
            or not last.continued_by(item.ref, item.right_origin, item.end)
        ):
            return
        last.extend(item.content, item.end)
        for span in item.deaths:
            append(last.deaths, span)
        last.bury()
        unlink(item)
        known.items.pop()
        known.starts.pop()

    def _settle(self, item: Item, clock: int) -> None:
        """The units from a clock on have just come: who dies of it?"""
        parent = item.parent
        if parent is None:
            return
        if item.key is not None:
            if item.right is not None:
                self._kill(item, clock, item.end)
            else:
                self._kill(item, item.clock, item.end - 1)
                if item.left is not None:
                    self._kill(item.left, item.left.clock, item.left.end)
        if item.ref == DELETED or (parent.item is not None and parent.item.deaths):
            self._kill(item, clock, item.end)

    def _delete(self, row: bytes, at: int) -> None:
        """What the delete set at `row[at]` says."""
        clients, at = read_var_uint(row, at)
        for _ in range(clients):
            client, at = read_var_uint(row, at)
            ranges, at = read_var_uint(row, at)
            known = self.clients[client]
            for _ in range(ranges):
                start, at = read_var_uint(row, at)
                units, at = read_var_uint(row, at)
                end = start + units
                for place in range(known.at(start), len(known.items)):
                    item = known.items[place]
                    if item.clock >= end:
                        break
                    self._kill(item, max(start, item.clock), min(end, item.end))

    def _kill(self, item: Item, start: int, end: int) -> None:
        """Units of an item die of the last row, unless they are dead; so does what is in them."""
        if start >= end or item.parent is None:
            return
        waiting = [item] if item.ref == TYPE and not item.deaths else []
        item.died(start, end, self.seq)
        while waiting:
            branch = waiting.pop().branch
            for inner in (*branch, *branch.entries.values()) if branch is not None else ():
                if inner.ref == TYPE and not inner.deaths:
                    waiting.append(inner)
                inner.died(inner.clock, inner.end, self.seq)
