"""Where the items of a document stand: runs of units, linked into lists as Yjs links them (YATA).

The order of two units never changes, so a list with all that ever was in it, dead or alive, is the
order of every moment. Knows items and their neighbours; nothing of rows, seqs and updates.
"""

from collections.abc import Callable, Iterator

from collab.past.pages import ALIVE, Page
from collab.past.spans import Grave, Span, cut, graves, mark
from collab.past.units import JOINABLE, Content, type_of
from collab.update import Id

MOST_UNITS = 1_000
"""Runs are not joined beyond that: to join copies them."""


class Item:
    """A run of units of one client: the clocks from `clock` up to `end`, which is not among them.

    `ref`, `content`   see `collab.past.units`
    `origin`           the unit that stood before when it was inserted, or None; of each further
                       unit it is the one before
    `right_origin`     the unit that stood after, or None
    `parent`, `key`    where it is: in the list of a branch, or in the chain of a key. Without a
                       parent it is garbage, and nowhere
    `left`, `right`    its neighbours there, dead or alive
    `deaths`           which units are deleted, and since which row
    `branch`           what is in it, if it is a shared type
    `since`            the row that brought its first unit
    `page`             the stretch of its list that it is in; chains have none
    """

    __slots__ = (
        "_graves", "branch", "client", "clock", "content", "deaths", "end", "key", "left",
        "origin", "page", "parent", "ref", "right", "right_origin", "since",
    )  # fmt: skip

    def __init__(
        self,
        client: int,
        clock: int,
        end: int,
        ref: int,
        origin: Id | None,
        right: Id | None,
        since: int,
    ) -> None:
        self.client = client
        self.clock = clock
        self.end = end
        self.ref = ref
        self.origin = origin
        self.right_origin = right
        self.content: Content = b""
        self.parent: Branch | None = None
        self.key: str | None = None
        self.left: Item | None = None
        self.right: Item | None = None
        self.deaths: list[Span] = []
        self._graves: list[Grave] | None = None
        self.branch: Branch | None = None
        self.since = since
        self.page: Page | None = None

    def __repr__(self) -> str:
        return f"<{self.client}:{self.clock}-{self.end} {self.ref} {self.content!r} {self.deaths}>"

    def graves(self) -> list[Grave]:
        """`deaths`, stretch by stretch, to look at often."""
        if self._graves is None:
            self._graves = graves(self.deaths)
        return self._graves

    def died(self, start: int, end: int, seq: int) -> None:
        """Units that are alive die of a row; the others stay as they are."""
        mark(self.deaths, start, end, seq)
        self.bury()

    def bury(self) -> None:
        """`deaths` have changed."""
        self._graves = None
        if self.page is not None and self.page.until == ALIVE:
            self.page.stale = True

    def units(self, start: int, end: int) -> Content:
        """The content of some of its units."""
        if (start == self.clock and end == self.end) or not isinstance(self.content, str | list):
            return self.content
        return self.content[start - self.clock : end - self.clock]

    def continued_by(self, ref: int, right_origin: Id | None, end: int) -> bool:
        """Whether units up to `end`, whose origin is the last one here, read like more of it."""
        return (
            ref == self.ref
            and right_origin == self.right_origin
            and end - self.clock <= MOST_UNITS
            and ref in JOINABLE
        )

    def stands_before(self, identity: Id | None) -> bool:
        """Whether that unit, or the end of the list, is next to it."""
        right = self.right
        if right is None or identity is None:
            return right is None and identity is None
        return right.clock == identity[1] and right.client == identity[0]

    def extend(self, content: Content, end: int) -> None:
        """More units of it."""
        if isinstance(content, str | list):
            self.content += content  # type: ignore[operator]  # both of one ref
        self.end = end
        if self.page is not None:
            self.page.until = ALIVE

    def split(self, clock: int, since: int) -> "Item":
        """Cut it before a clock, which came with the row `since`; returns the second half, which
        stands next to it."""
        origin = self.client, clock - 1
        rest = Item(self.client, clock, self.end, self.ref, origin, self.right_origin, since)
        rest.content = self.units(clock, self.end)
        self.content = self.units(self.clock, clock)
        self.deaths, rest.deaths = cut(self.deaths, clock)
        self._graves = None
        self.end = clock
        rest.parent, rest.key = self.parent, self.key
        link(rest, self)
        return rest


class Branch:
    """What a shared type holds: a list, and a chain of entries for each key.

    `name`     of a root, else None; then `item` is what the type came as
    `kind`     the type's ref; -1 for roots, which do not say
    `tag`      the name of an element
    `start`    the first item of the list, `page` its first page
    `entries`  key -> the last item of its chain: the value, unless it is deleted
    `refs`     bits: the contents that ever were in the list; `types`: the kinds of its shared types
    `since`    the first row that put something in
    """

    __slots__ = (
        "entries",
        "item",
        "kind",
        "name",
        "page",
        "refs",
        "since",
        "start",
        "tag",
        "types",
    )

    def __init__(self, name: str | None, item: Item | None, since: int) -> None:
        self.name = name
        self.item = item
        self.kind, self.tag = type_of(item.content) if item is not None else (-1, "")
        self.start: Item | None = None
        self.page: Page | None = None
        self.entries: dict[str, Item] = {}
        self.refs = self.types = 0
        self.since = since

    def __iter__(self) -> Iterator[Item]:
        item = self.start
        while item is not None:
            yield item
            item = item.right

    def chain(self, key: str) -> Iterator[Item]:
        """The items of a key, the last one first."""
        item: Item | None = self.entries[key]
        while item is not None:
            yield item
            item = item.left


def link(item: Item, left: Item | None) -> None:
    """Put an item behind another one of its parent and key, or first."""
    parent = item.parent
    assert parent is not None
    if left is not None:
        right, left.right = left.right, item
    else:
        right = first(parent, item.key)
        if item.key is None:
            parent.start = item
    item.left, item.right = left, right
    if item.key is None:
        _put_on_page(item, parent)
    if right is not None:
        right.left = item
    elif item.key is not None:
        parent.entries[item.key] = item


def _put_on_page(item: Item, parent: Branch) -> None:
    beside = item.left or item.right
    page = beside.page if beside is not None else None
    if page is None:
        page = parent.page = Page(item, item.since)
    elif item.left is None:
        page.start = item
    page.add(item)


def unlink(item: Item) -> None:
    """Take an item out whose units are part of its left neighbour now."""
    assert item.left is not None and item.parent is not None
    item.left.right = item.right
    if item.page is not None:
        item.page.drop(item)
    if item.right is not None:
        item.right.left = item.left
    elif item.key is not None:
        item.parent.entries[item.key] = item.left


def first(parent: Branch, key: str | None) -> Item | None:
    """The first item of a list, or of a key's chain."""
    if key is None:
        return parent.start
    item = parent.entries.get(key)
    while item is not None and item.left is not None:
        item = item.left
    return item


def integrate(
    item: Item, left: Item | None, right: Item | None, find: Callable[[Id], Item]
) -> None:
    """Link an item in, between the items where it was inserted: Yjs 13, `Item.integrate`.

    What others have inserted at the same place stands between the two by now. Items with the same
    origin are ordered by client id; what was inserted after one of them stays behind it.
    """
    assert item.parent is not None
    if left is None:
        behind = first(item.parent, item.key)
        crowded = right is None or right.left is not None
    else:
        behind = left.right
        crowded = behind is not right
    if crowded and behind is not None:
        left = _pass(item, left, behind, right, find)
    link(item, left)


def _pass(
    item: Item,
    left: Item | None,
    other: Item | None,
    right: Item | None,
    find: Callable[[Id], Item],
) -> Item | None:
    """The item to stand behind, among those from `other` up to `right`."""
    before: set[Item] = set()  # between the origin and here
    rivals: set[Item] = set()  # those of them that may yet turn out to stand behind
    while other is not None and other is not right:
        before.add(other)
        rivals.add(other)
        if item.origin == other.origin:
            if other.client < item.client:
                left = other
                rivals.clear()
            elif item.right_origin == other.right_origin:
                break
        elif other.origin is not None and (origin := find(other.origin)) in before:
            if origin not in rivals:
                left = other
                rivals.clear()
        else:
            break
        other = other.right
    return left
