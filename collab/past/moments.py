"""The document as it was: which units were alive at a seq.

Nothing is replayed: the order of the units never changes, so a moment is the list of all that ever
was, without what came later and what was gone by then. Whatever says which units are alive is a
`View`; `collab.past.shapes` reads values from any of them, `collab.past.encoding` writes moments as
updates.
"""

from typing import Protocol

from collab.deletes import DeleteSet
from collab.past.items import Items
from collab.past.order import Branch, Item
from collab.past.pages import Time
from collab.past.spans import Range, outlived, without

ARRAY, MAP, TEXT, ELEMENT, FRAGMENT, XML_TEXT = 0, 1, 2, 3, 4, 6
"""The refs of the shared types."""

Unit = tuple[Item, int]
"""An item, and the clock of one of its units."""


class View(Protocol):
    """Which units are there: none that was not alive at some time in `time`."""

    time: Time

    def alive(self, item: Item) -> list[Range]:
        """The units of an item in a list that are there, given that its parent is."""

    def entry(self, branch: Branch, key: str) -> Unit | None:
        """The value of a key of a type that is there."""


class Moment:
    """A document after the row with a seq, and before the next one. A view of `items`, which may
    grow on."""

    def __init__(self, items: Items, seq: int) -> None:
        self.items = items
        self.seq = seq
        self.time = seq, seq
        self.vector = items.vector(seq)

    def deletes(self) -> DeleteSet:
        """What was deleted by then, of what `vector` has."""
        deletes = DeleteSet()
        for client, end in self.vector.items():
            for item in self.items.clients[client].items:
                if item.clock < end and (item.deaths or item.parent is None):
                    alive = self.alive(item) if item.parent is not None else []
                    for start, stop in without([(item.clock, min(item.end, end))], alive):
                        deletes.add(client, start, stop)
        return deletes

    def alive(self, item: Item) -> list[Range]:
        """The units of an item that were there."""
        start, end = item.clock, self.vector.get(item.client, 0)
        if end <= start:
            return []
        if end > item.end:
            end = item.end
        return outlived(start, end, item.graves(), self.seq) if item.deaths else [(start, end)]

    def entry(self, branch: Branch, key: str) -> Unit | None:
        """The value that a key had."""
        for item in branch.chain(key):
            if alive := self.alive(item):
                return item, alive[-1][1] - 1
        return None
