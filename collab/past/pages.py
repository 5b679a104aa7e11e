"""Lists by the page: which stretches of a list need not be looked at for some moment.

Old documents are mostly tombstones. A page holds some neighbours of a list and remembers when the
first of them came and, if all are dead, when the last one went; whoever walks through a moment
passes over those that had not begun by then, or were over. Knows items and their deaths.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collab.past.order import Branch, Item

MOST_ITEMS = 64
"""A page with more is cut in two."""

Time = tuple[int, int]
"""From after a row up to before the row that follows another one; of one row twice: a moment."""

ALIVE = 1 << 62
"""Later than all rows: when a page will have died of which something is alive."""


class Page:
    """Neighbours of a list: from `start` up to the `start` of the `next` page.

    `since`   no unit here came with an earlier row
    `until`   all were dead after this row, or ALIVE; `stale` if that may have become so since
    `size`    how many items
    """

    __slots__ = ("next", "since", "size", "stale", "start", "until")

    def __init__(self, start: "Item", since: int) -> None:
        self.start = start
        self.since = since
        self.until = ALIVE
        self.stale = False
        self.size = 0
        self.next: Page | None = None

    def __iter__(self) -> "Iterator[Item]":
        item: Item | None = self.start
        end = self.next.start if self.next is not None else None
        while item is not None and item is not end:
            yield item
            item = item.right

    def add(self, item: "Item") -> None:
        """An item has been linked in among the others."""
        item.page = self
        self.until = ALIVE
        self.stale = True
        self.size += 1
        if self.size > MOST_ITEMS:
            self._cut()

    def drop(self, item: "Item") -> None:
        """An item is no longer there: its units are its left neighbour's."""
        self.size -= 1
        if item is self.start and item.right is not None:
            self.start = item.right

    def died(self) -> int:
        """`until`, looked up anew if it may have changed."""
        if self.stale:
            self.stale = False
            self.until = max(map(_death, self))
        return self.until

    def _cut(self) -> None:
        items = list(self)
        half = len(items) // 2
        rest = Page(items[half], 0)
        rest.next, self.next = self.next, rest
        for page, own in ((self, items[:half]), (rest, items[half:])):
            page.since = min(item.since for item in own)
            page.size = len(own)
            page.stale = True
            for item in own:
                item.page = page


def _death(item: "Item") -> int:
    """The row after which no unit of an item was alive, or ALIVE."""
    left, last = item.end - item.clock, 0
    for start, end, seq, step in item.deaths:
        left -= end - start
        last = max(last, seq, seq + step * (end - start - 1))
    return ALIVE if left else last


def walk(branch: "Branch", *times: Time) -> "Iterator[Item]":
    """The items of a list that may have been alive at one of some times, at least."""
    page = branch.page
    while page is not None:
        until = page.died() if page.stale else page.until
        for after, upto in times:
            if page.since <= upto and until > after:
                yield from page
                break
        page = page.next
