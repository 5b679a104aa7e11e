"""Going back as one ordinary edit: the update that makes the present look like another view.

What is there in both keeps its identity, so that carets and concurrent edits stay where they are.
What is dead and wanted is inserted again right behind its own tombstone; dead types are made anew
with what is wanted in them; keys get their values; what is not wanted is deleted. Contents are
copied byte for byte. Knows no engine: it reads `Items`, and writes bytes.

Roots that are TiptapCollabProvider's stay as they are: its list of versions, comments and people
are not what people write, and nobody who goes back wants to lose the way forward.
"""

from collections.abc import Iterable
from itertools import count

from collab.content import ANY, DELETED, GC, STRING
from collab.deletes import DeleteSet
from collab.past.encoding import write_struct
from collab.past.items import Items
from collab.past.likeness import Piece, alike, changes
from collab.past.moments import Moment, Unit, View
from collab.past.order import Branch, Item
from collab.past.pages import walk
from collab.past.spans import Range, Span, chosen, gaps, overlay, together, without
from collab.past.units import Content, joined, write_content
from collab.reader import var_uints
from collab.tiptap import ROOTS
from collab.update import Id

NOTHING = b"\0\0"
"""The update that changes nothing."""


def inverse(items: Items, seq: int) -> bytes:
    """The update that brings the document back to how it was at `seq`; `NOTHING` if it is so.

    Its structs are a new client's, `fresh_client(items)`. Send it through the gate like any other
    edit, before the next row.
    """
    return _rewrite(_Writer(items, Moment(items, seq), thrifty=True))


def undo(items: Items, seqs: Iterable[int]) -> bytes:
    """The update that takes back some rows and leaves the others: see `Without`. Nothing that they
    inserted is left, even if it says the same as what it replaced: that comes back."""
    return _rewrite(_Writer(items, Without(items, seqs), thrifty=False))


def fresh_client(items: Items) -> int:
    """A client id that nobody has. It is the smallest: of what is inserted at one place, the
    smaller one's stands first, so it is next to its tombstone also for those who have typed there
    meanwhile. Only where somebody has 0, it is the first that is free."""
    lowest = min(items.clients, default=1 << 31)
    if lowest:
        return lowest - 1
    return next(client for client in count() if client not in items.clients)


def _rewrite(writer: "_Writer") -> bytes:
    roots = writer.items.roots.items()
    waiting = [root for name, root in roots if not name.startswith(ROOTS)]
    while waiting:
        waiting += writer.amend(waiting.pop())
    return writer.encode()


class Without:
    """A view: what there would be without some rows.

    What they inserted is not there. What they deleted is, also what later came to be inside of it.
    A key whose present value, or absence, is theirs has the value that others gave it before.
    Whatever later rows deleted, or set anew, stays so.
    """

    def __init__(self, items: Items, seqs: Iterable[int]) -> None:
        self.items = items
        self.now = Moment(items, items.seq)
        self.seqs = frozenset(seqs)
        self.first = min(self.seqs, default=items.seq + 1)
        self.last = max(self.seqs, default=0)
        self.time = self.first - 1, items.seq

    def alive(self, item: Item) -> list[Range]:
        """The units of an item that would be there."""
        alive = self.now.alive(item)
        if item.deaths:
            alive = together(alive, self._lost(item))
        return without(alive, self._own(item)) if alive else alive

    def entry(self, branch: Branch, key: str) -> Unit | None:
        """The value that a key would have."""
        last = branch.entries[key]
        clock = last.end - 1
        alive = bool(self.now.alive(last))
        theirs = self._own(last) if alive else self._lost(last)
        if not theirs or theirs[-1][1] <= clock:
            return (last, clock) if alive else None
        for item in branch.chain(key):
            if others := without([(item.clock, item.end)], self._own(item)):
                clock = others[-1][1] - 1
                lost = any(start <= clock < end for start, end in self._lost(item))
                return (item, clock) if lost else None
        return None

    def _own(self, item: Item) -> list[Range]:
        return self._theirs(self.items.births(item.client, item.clock, item.end))

    def _theirs(self, spans: Iterable[Span]) -> list[Range]:
        near = [
            (start, end, seq, step)
            for start, end, seq, step in spans
            if min(seq, seq + step * (end - start)) <= self.last
            and max(seq, seq + step * (end - start)) >= self.first
        ]
        return chosen(near, self.seqs) if near else []

    def _lost(self, item: Item) -> list[Range]:
        if item.ref in (GC, DELETED) or not item.deaths:
            return []
        lost = self._theirs(item.deaths)
        taken = self._taken(item.parent)
        if taken is not None:
            lost = together(without(self._since(item, taken), lost), lost)
        return lost

    def _taken(self, branch: Branch | None) -> int | None:
        """The row of theirs that deleted the type, or one around it when this was not there yet."""
        while branch is not None and branch.item is not None and branch.item.deaths:
            item = branch.item
            seq = item.deaths[0][2]
            if seq in self.seqs:
                return seq
            if seq != next(self.items.births(item.client, item.clock, item.end))[2]:
                return None
            branch = item.parent
        return None

    def _since(self, item: Item, seq: int) -> list[Range]:
        """The units that came later than a row."""
        return [
            range_
            for birth in self.items.births(item.client, item.clock, item.end)
            for range_ in gaps(birth[0], birth[1], [birth], seq)
        ]


class _Writer:
    """Writes one update, the structs of a new client and deletes, that makes the document look like
    a view of it. A thrifty one leaves alone what says the same already."""

    def __init__(self, items: Items, wanted: View, thrifty: bool) -> None:
        self.items = items
        self.now = Moment(items, items.seq)
        self.wanted = wanted
        self.client = fresh_client(items)
        self.thrifty = thrifty
        self.clock = 0
        self.structs: list[bytes] = []
        self.deletes = DeleteSet()
        self.dead: list[tuple[Branch, Id]] = []  # types made anew, still empty, and their new ids

    def encode(self) -> bytes:
        """The update. Makes the types that are still waiting."""
        while self.dead:
            self.fill(*self.dead.pop())
        head = var_uints(1, len(self.structs), self.client, 0) if self.structs else b"\0"
        return head + b"".join(self.structs) + self.deletes.encode()

    def amend(self, branch: Branch) -> list[Branch]:
        """Change what is in a type that stays; returns the types in it that stay."""
        staying: list[Branch] = []
        gone: list[Piece] = []
        come: list[Piece] = []
        for place, item in enumerate(walk(branch, self.wanted.time, self.now.time)):
            wanted, now = self.wanted.alive(item), self.now.alive(item)
            if wanted == now:
                if now:
                    self.change(gone, come)
                    if item.branch is not None:
                        staying.append(item.branch)
                continue
            for start, end, then, there in overlay(wanted, now):
                if then and there:
                    self.change(gone, come)
                else:
                    (gone if then else come).append(Piece(item, start, end, place))
        self.change(gone, come)
        entries = [self.amend_entry(branch, key) for key in branch.entries]
        return staying + [kept for kept in entries if kept is not None]

    def change(self, gone: list[Piece], come: list[Piece]) -> None:
        """Between two units that stay: what is gone comes back, what has come goes."""
        if gone and come and self.thrifty:
            for back, away, after in changes(gone, self.wanted, come, self.now):
                self.delete(away)
                self.insert(back, after)
        else:
            self.delete(come)
            self.insert(gone)
        gone.clear()
        come.clear()

    def delete(self, pieces: Iterable[Piece]) -> None:
        for item, start, end, _ in pieces:
            self.remove(item, start, end)

    def remove(self, item: Item, start: int, end: int) -> None:
        """Delete units, and as Yjs does say so of all that is in them: who counts what is left of
        a document counts on it."""
        self.deletes.add(item.client, start, end)
        waiting = [item.branch] if item.branch is not None else []
        while waiting:
            branch = waiting.pop()
            units = [self.now.entry(branch, key) for key in branch.entries]
            inner = [(it, clock, clock + 1) for it, clock in filter(None, units)]
            for it in walk(branch, self.now.time):
                inner += [(it, begin, stop) for begin, stop in self.now.alive(it)]
            for it, begin, stop in inner:
                self.deletes.add(it.client, begin, stop)
                if it.branch is not None:
                    waiting.append(it.branch)

    def insert(self, pieces: Iterable[Piece], after: Unit | None = None) -> None:
        """Dead units of a list again: behind a unit, or else each piece behind itself."""
        right = _next(*after) if after is not None else None
        origin = (after[0].client, after[1]) if after is not None else None
        for item, start, end, _ in pieces:
            if after is None:
                origin, right = (item.client, end - 1), _next(item, end - 1)
            origin = self.write(item, item.units(start, end), end - start, origin, right)

    def amend_entry(self, branch: Branch, key: str) -> Branch | None:
        """Give a key its value; returns the type that it is, if that stays."""
        wanted, now = self.wanted.entry(branch, key), self.now.entry(branch, key)
        if wanted == now:
            return wanted[0].branch if wanted is not None else None
        if now is not None:
            if wanted is not None and self.thrifty and alike(wanted, self.wanted, now, self.now):
                return None
            self.remove(now[0], now[1], now[1] + 1)
        if wanted is not None:
            item, clock = wanted
            last = branch.entries[key]
            self.write(item, item.units(clock, clock + 1), 1, (last.client, last.end - 1), None)
        return None

    def fill(self, branch: Branch, parent: Id) -> None:
        """What is wanted in a type that was dead, in order, into the new one."""
        origin: Id | None = None
        run: list[Content] = []
        of: Item | None = None
        for item in walk(branch, self.wanted.time):
            for start, end in self.wanted.alive(item):
                if of is not None and (item.ref != of.ref or item.ref not in (STRING, ANY)):
                    origin, run = self.flush(of, run, origin, parent), []
                of = item
                run.append(item.units(start, end))
        if of is not None:
            self.flush(of, run, origin, parent)
        for key in branch.entries:
            if (unit := self.wanted.entry(branch, key)) is not None:
                item, clock = unit
                self.write(item, item.units(clock, clock + 1), 1, None, None, parent)

    def flush(self, of: Item, run: list[Content], origin: Id | None, parent: Id) -> Id:
        content = run[0] if len(run) == 1 else joined(of.ref, run)
        units = len(content) if of.ref in (STRING, ANY) else 1
        return self.write(of, content, units, origin, None, parent)

    def write(
        self,
        item: Item,
        content: Content,
        units: int,
        origin: Id | None,
        right: Id | None,
        parent: Id | None = None,
    ) -> Id:
        """A struct with an item's ref and key; returns the id of its last unit."""
        if item.branch is not None:
            self.dead.append((item.branch, (self.client, self.clock)))
        body = write_content(item.ref, content, units)
        self.structs.append(write_struct(item.ref, origin, right, parent, item.key, body))
        self.clock += units
        return self.client, self.clock - 1


def _next(item: Item, clock: int) -> Id | None:
    """The unit that stands behind one in its list."""
    if clock + 1 < item.end:
        return item.client, clock + 1
    return (item.right.client, item.right.clock) if item.right is not None else None
