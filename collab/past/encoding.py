"""A moment as one Yjs update (v1), written from its items. Knows no engine.

Only what was alive is written, and it keeps its ids. Where it stands is said anew: as if nothing
else had ever been there, behind and before what would have been next to it. So an update is about
as large as what it shows, and made as fast, however much was written and deleted before. All that
is dead is one GC per stretch of clocks.

A text is written in as few structs as can be, since each has its price: parts of a run that others
typed into are one again, and a few deleted characters in it are blanks, which the update deletes.
"""

from collections.abc import Iterator
from functools import lru_cache
from operator import attrgetter, itemgetter

from collab.content import STRING
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


Living = tuple[Item, list[Range]]
"""An item of which something is alive, and what."""

Piece = tuple[Item, int, int, Id | None, Id | None]
"""(item, start, end, origin, right origin): living units, and between which ones they stand."""


def encode_moment(items: Items, seq: int) -> bytes:
    """The document after a row, as an update that Yjs and yrs open to just that, to look at: it
    is not to be merged with the document itself, which says otherwise where things stand."""
    moment = Moment(items, seq)
    pieces: dict[int, list[Piece]] = {client: [] for client in moment.vector}
    for piece in _pieces(list(_lists(moment))):
        pieces[piece[0].client].append(piece)
    parts = [var_uints(len(moment.vector))]
    deletes: list[bytes] = []
    deleting = 0
    for client in sorted(pieces, reverse=True):
        writer = _Writer()
        for piece in sorted(pieces[client], key=_start):
            writer.add(piece)
        writer.skip(moment.vector[client])
        parts += (var_uints(len(writer.structs), client, 0), *writer.structs)
        if writer.dead:
            deleting += 1
            deletes.append(var_uints(client, len(writer.dead)))
            deletes += [var_uint(start) + var_uint(end - start) for start, end in writer.dead]
    return b"".join((*parts, var_uints(deleting), *deletes))


_clock, _start = attrgetter("clock"), itemgetter(1)


def _lists(moment: Moment) -> Iterator[list[Living]]:
    """All that was alive: list by list in order, each value of a key by itself."""
    branches = list(moment.items.roots.values())
    while branches:
        branch = branches.pop()
        living = [(it, alive) for it in walk(branch, moment.time) if (alive := moment.alive(it))]
        units = [moment.entry(branch, key) for key in branch.entries]
        entries = [[(it, [(clock, clock + 1)])] for it, clock in filter(None, units)]
        for some in (living, *entries):
            branches += [item.branch for item, _ in some if item.branch is not None]
            yield some


def _pieces(lists: list[list[Living]]) -> Iterator[Piece]:
    """Each is inserted into what those have made that come before it: between the nearest of them
    on its left and on its right."""
    ranks = _ranks([item for living in lists for item, _ in living])
    for living in lists:
        order = [ranks[item] for item, _ in living]
        for (item, alive), left, right in zip(living, *_nearest(order), strict=True):
            origin = (living[left][0].client, living[left][1][-1][1] - 1) if left >= 0 else None
            follows = (living[right][0].client, living[right][1][0][0]) if right >= 0 else None
            for start, end in alive:
                yield item, start, end, origin, follows
                origin = item.client, end - 1


def _nearest(order: list[int]) -> tuple[list[int], list[int]]:
    """The places of the nearest smaller ones on the left of each, and on the right; -1: none."""
    lefts, rights = [-1] * len(order), [-1] * len(order)
    rising: list[int] = []  # places of those that have no smaller one on their right yet
    for place, rank in enumerate(order):
        while rising and order[rising[-1]] > rank:
            rights[rising.pop()] = place
        if rising:
            lefts[place] = rising[-1]
        rising.append(place)
    return lefts, rights


def _ranks(items: list[Item]) -> dict[Item, int]:
    """An order in which each comes after its client's earlier ones, and after the type that it is
    in; otherwise higher clients come first, as Yjs takes them."""
    queues: dict[int, list[Item]] = {}
    for item in sorted(items, key=_clock, reverse=True):
        queues.setdefault(item.client, []).append(item)
    ranks: dict[Item, int] = {}
    waiting = sorted(queues)
    while waiting:
        queue = queues[waiting[-1]]
        while queue:
            parent = queue[-1].parent
            if parent is not None and parent.item is not None and parent.item not in ranks:
                waiting.append(parent.item.client)
                break
            ranks[queue.pop()] = len(ranks)
        else:
            waiting.pop()
    return ranks


class _Writer:
    """Writes the structs of one client by rising clock, and says what is dead."""

    def __init__(self) -> None:
        self.end = 0
        self.structs: list[bytes] = []
        self.dead: list[Range] = []
        self.text: list[str] = []  # not written yet; `first` is what it begins with
        self.first: Piece | None = None

    def add(self, piece: Piece) -> None:
        """The client's next piece."""
        item, start, end, origin, right = piece
        if item.ref == STRING and (first := self.first) is not None:
            blanks = start - self.end
            more = right == first[4] and origin == (item.client, self.end - 1)
            if more and blanks <= MOST_BLANKS:
                if blanks:
                    extend(self.dead, self.end, start)
                    self.text.append(" " * blanks)
                self.text.append(item.units(start, end))  # type: ignore[arg-type]  # of a STRING
                self.end = end
                return
        self.skip(start)
        if item.ref == STRING:
            self.first = piece
            self.text = [item.units(start, end)]  # type: ignore[list-item]
        else:
            self.put(piece, write_content(item.ref, item.units(start, end), end - start))
        self.end = end

    def skip(self, clock: int) -> None:
        """Nothing more up to a clock is alive, and the text is at its end."""
        self.flush()
        if self.end < clock:
            self.structs.append(b"\0" + var_uint(clock - self.end))
            extend(self.dead, self.end, clock)

    def flush(self) -> None:
        """Write the text. Two halves of a surrogate pair that were parted stay so."""
        if self.first is None:
            return
        text = "".join(self.text)
        if not text.isascii():
            text = "".join(map(text_of, self.text))
        body = text.encode()
        self.put(self.first, var_uint(len(body)) + body)
        self.first = None

    def put(self, piece: Piece, content: bytes) -> None:
        item, _, _, origin, right = piece
        self.structs.append(write_struct(item.ref, origin, right, item.parent, item.key, content))


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
