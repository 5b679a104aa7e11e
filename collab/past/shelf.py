"""A document's whole past as bytes, and back: so that who looks at it need not read its rows again.

Columns of numbers, for they are read quickly and compress well: the clients and the rows that
brought their units; the items, list by list in order; their deaths; their contents. For this very
program only: whoever finds another `VERSION` begins from the rows again. Knows items, no store.
"""

import sys
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from operator import attrgetter

from collab.content import DELETED, GC, STRING, TYPE, read_bytes
from collab.errors import ProtocolError
from collab.past.items import Client, Items
from collab.past.order import Branch, Item
from collab.past.pages import MOST_ITEMS, Page
from collab.past.units import read_content, split_units, write_content
from collab.reader import read_var_uint, var_uints, write_var_bytes, write_var_string
from collab.update import Id

VERSION = 5 if sys.byteorder == "little" else 6

_COLUMNS = {
    "clients": ("Q", 2),
    "births": ("I", 2),
    "branches": ("I", 1),
    "items": ("I", 6),
    "origins": ("I", 2),
    "deaths": ("I", 3),
    "steps": ("b", 1),
    "sizes": ("I", 1),
}
"""The type of each column's numbers, and how many belong together: these are written apart, all
first ones, then all second ones, for then they compress better."""


_NOTHING, _BEFORE, _OTHER = 0, 1, 2
"""What an origin is: none; the client's unit before; or an id in `origins`. Three times as much is
added for the right origin."""


class _Columns:
    """The columns, to write them from the front or to read them from the front."""

    def __init__(self) -> None:
        self.clients = array("Q")  # client id, count of births
        self.births = array("I")  # length, seq
        self.branches = array("I")  # since, count of items, count of keys, count of each key's
        self.items = array("I")  # client, clock, units, ref and origins, since, count of deaths
        self.origins = array("I")  # client, clock
        self.deaths = array("I")  # after the last one, length, seq
        self.steps = array("b")  # of births, and of deaths
        self.sizes = array("I")  # of each content in `raw`
        self.raw = bytearray()
        self.names: list[str] = []  # of roots and keys
        self.texts: list[str] = []


def dump(items: Items) -> bytes:
    """What `load` reads. Compress it: it becomes a third."""
    columns = _Columns()
    numbers = {client: number for number, client in enumerate(items.clients)}
    for client, known in items.clients.items():
        columns.clients.extend((client, len(known.births)))
        for start, end, seq, step in known.births:
            columns.births.extend((end - start, seq))
            columns.steps.append(step)
    writer = _Writer(columns, numbers)
    columns.names += items.roots
    waiting = deque(items.roots.values())
    while waiting:
        waiting += writer.branch(waiting.popleft())
    everything = (item for known in items.clients.values() for item in known.items)
    garbage = [item for item in everything if item.parent is None]
    columns.branches.append(len(garbage))
    writer.list(garbage)
    return _pack(columns, (VERSION, items.seq, len(items.roots)))


class _Writer:
    def __init__(self, columns: _Columns, numbers: dict[int, int]) -> None:
        self.columns = columns
        self.numbers = numbers

    def branch(self, branch: Branch) -> list[Branch]:
        """A branch; returns those in it."""
        lists = [list(branch), *(list(branch.chain(key))[::-1] for key in branch.entries)]
        self.columns.names += branch.entries
        self.columns.branches.extend((branch.since, len(branch.entries), *map(len, lists)))
        for items in lists:
            self.list(items)
        return [item.branch for items in lists for item in items if item.branch is not None]

    def list(self, items: Iterable[Item]) -> None:
        columns = self.columns
        for item in items:
            kind = item.ref << 4 | self.origin(item, item.origin)
            kind += 3 * self.origin(item, item.right_origin)
            number = self.numbers[item.client]
            numbers = (number, item.clock, item.end - item.clock, kind, item.since)
            columns.items.extend((*numbers, len(item.deaths)))
            done = item.clock
            for start, end, seq, step in item.deaths:
                columns.deaths.extend((start - done, end - start, seq))
                columns.steps.append(step)
                done = end
            self.content(item)

    def origin(self, item: Item, identity: Id | None) -> int:
        if identity is None:
            return _NOTHING
        if identity == (item.client, item.clock - 1):
            return _BEFORE
        self.columns.origins.extend((self.numbers[identity[0]], identity[1]))
        return _OTHER

    def content(self, item: Item) -> None:
        if isinstance(item.content, str):
            self.columns.texts.append(item.content)
        elif item.ref not in (GC, DELETED):
            raw = write_content(item.ref, item.content, 1)
            self.columns.sizes.append(len(raw))
            self.columns.raw += raw


def _pack(columns: _Columns, header: tuple[int, ...]) -> bytes:
    packed = bytearray(var_uints(*header, len(columns.names)))
    for name in columns.names:
        write_var_string(packed, name)
    for column, (_, width) in _COLUMNS.items():
        numbers = getattr(columns, column)
        apart = b"".join(numbers[place::width].tobytes() for place in range(width))
        write_var_bytes(packed, apart)
    write_var_bytes(packed, "".join(columns.texts).encode("utf-8", "surrogatepass"))
    write_var_bytes(packed, bytes(columns.raw))
    return bytes(packed)


def load(data: bytes) -> Items:
    """The past that was dumped. ValueError if this is of another version, or no shelf at all."""
    try:
        return _load(data)
    except (IndexError, KeyError, StopIteration, ProtocolError):
        raise ValueError("The shelf is not what was dumped.") from None


def _load(data: bytes) -> Items:
    version, at = read_var_uint(data, 0)
    if version != VERSION:
        raise ValueError(f"The shelf is of version {version}.")
    items = Items()
    items.seq, at = read_var_uint(data, at)
    roots, at = read_var_uint(data, at)
    reader = _Reader(items, data, at)
    waiting: deque[Branch] = deque()
    for _ in range(roots):
        name = next(reader.names)
        root = items.roots[name] = Branch(name, None, 0)
        waiting.append(root)
    while waiting:
        waiting += reader.branch(waiting.popleft())
    reader.list(None, None, next(reader.branches))
    for known in items.clients.values():
        known.items.sort(key=_clock)
        known.starts = list(map(_clock, known.items))
    return items


_clock = attrgetter("clock")


class _Reader:
    """Makes items of columns."""

    def __init__(self, items: Items, data: bytes, at: int) -> None:
        count, at = read_var_uint(data, at)
        names = []
        for _ in range(count):
            name, at = read_bytes(data, at)
            names.append(name.decode())
        columns: dict[str, Iterator[int]] = {}
        for column, (kind, width) in _COLUMNS.items():
            body, at = read_bytes(data, at)
            numbers = array(kind)
            numbers.frombytes(body)
            size = len(numbers) // width
            apart = [numbers[size * place : size * (place + 1)] for place in range(width)]
            columns[column] = chain.from_iterable(zip(*apart, strict=True))
        text, at = read_bytes(data, at)
        self.names = iter(names)
        self.text, self.text_at = split_units(text.decode("utf-8", "surrogatepass")), 0
        self.raw, self.raw_at = read_bytes(data, at)[0], 0
        self.branches, self.numbers = columns["branches"], columns["items"]
        self.origins, self.deaths = columns["origins"], columns["deaths"]
        self.steps, self.sizes = columns["steps"], columns["sizes"]
        self.clients: list[tuple[int, Client]] = []
        for client, count in _by(2, columns["clients"]):
            known = items.clients[client] = Client()
            self.clients.append((client, known))
            self.fill_births(known, _by(2, islice(columns["births"], 2 * count)))

    def fill_births(self, known: Client, births: Iterable[tuple[int, ...]]) -> None:
        start = 0
        for size, seq in births:
            known.births.append((start, start + size, seq, next(self.steps)))
            start += size

    def branch(self, branch: Branch) -> list[Branch]:
        """What is in a branch; returns the branches in it."""
        branch.since, keys, size = islice(self.branches, 3)
        inner = self.list(branch, None, size)
        for count in list(islice(self.branches, keys)):
            inner += self.list(branch, next(self.names), count)
        return inner

    def list(self, branch: Branch | None, key: str | None, count: int) -> list[Branch]:
        """A list or a chain, or garbage; returns the branches in it."""
        left: Item | None = None
        inner = []
        page: Page | None = None
        for numbers in _by(6, islice(self.numbers, 6 * count)):
            item = self.item(numbers)
            if branch is None:
                continue
            item.parent, item.key, item.left = branch, key, left
            if left is not None:
                left.right = item
            if item.ref == TYPE:
                item.branch = Branch(None, item, item.since)
                inner.append(item.branch)
            if key is None:
                page = self.shelve(branch, item, page)
            left = item
        if key is not None and left is not None and branch is not None:
            branch.entries[key] = left
        return inner

    def shelve(self, branch: Branch, item: Item, page: Page | None) -> Page:
        """Put the next item of a list on its page."""
        if item.branch is not None:
            branch.types |= 1 << item.branch.kind
        else:
            branch.refs |= 1 << item.ref
        if page is None or page.size == MOST_ITEMS // 2:
            last, page = page, Page(item, item.since)
            page.stale = True
            if last is None:
                branch.start, branch.page = item, page
            else:
                last.next = page
        page.size += 1
        page.since = min(page.since, item.since)
        item.page = page
        return page

    def item(self, numbers: tuple[int, ...]) -> Item:
        number, clock, units, kind, since, deaths = numbers
        client, known = self.clients[number]
        end, ref, origins = clock + units, kind >> 4, kind & 15
        origin = self.origin(origins % 3, client, clock)
        right = self.origin(origins // 3, client, clock)
        item = Item(client, clock, end, ref, origin, right, since)
        known.items.append(item)
        if deaths:
            for gap, size, seq in _by(3, islice(self.deaths, 3 * deaths)):
                clock += gap
                item.deaths.append((clock, clock + size, seq, next(self.steps)))
                clock += size
        if ref == STRING:
            item.content = self.text[self.text_at : self.text_at + units]
            self.text_at += units
        elif ref not in (GC, DELETED):
            at = self.raw_at
            self.raw_at += next(self.sizes)
            item.content = read_content(ref, self.raw, at, self.raw_at)
        return item

    def origin(self, kind: int, client: int, clock: int) -> Id | None:
        if kind == _NOTHING:
            return None
        if kind == _BEFORE:
            return client, clock - 1
        return self.clients[next(self.origins)][0], next(self.origins)


def _by(count: int, numbers: Iterator[int]) -> Iterator[tuple[int, ...]]:
    """The numbers in groups."""
    return zip(*[numbers] * count, strict=True)
