"""Sorted, disjoint ranges of clocks: what is deleted of one client. Knows how Yjs writes them.

A range is two bounds, [start, end), and no two touch: in a sorted list of bounds an even position
is where deletion begins, an odd one where it stops, so one bisection says whether a clock is
deleted, and one slice assignment adds a range. The list is kept in pieces, each with its encoding:
to delete one character in a document with a million deletions moves and writes one piece anew.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from collab.reader import write_var_uint

Bounds = list[int]
"""[start, end, start, end, ...], rising."""

PIECE = 2_000
"""Bounds that a piece has at the most, give or take what is added at once."""

_FEW = 400  # bounds that are added one by one


class Ranges:
    """At least one range. Grows only."""

    __slots__ = ("_encoded", "_pieces", "_starts")

    def __init__(self, bounds: Bounds) -> None:
        """`bounds` are not empty, and belong to the ranges from now on."""
        self._pieces = _cut(bounds)
        self._starts = [piece[0] for piece in self._pieces]
        self._encoded: list[bytes | None] = [None] * len(self._pieces)

    def __len__(self) -> int:
        """How many there are."""
        return sum(map(len, self._pieces)) // 2

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and self.bounds() == other.bounds()

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return pairs(self.bounds())

    @property
    def units(self) -> int:
        """How many clocks there are."""
        return sum(sum(piece[1::2]) - sum(piece[::2]) for piece in self._pieces)

    @property
    def end(self) -> int:
        """The clock after the last one."""
        return self._pieces[-1][-1]

    def bounds(self) -> Bounds:
        """All bounds; a copy where there are many, so do not change them."""
        return self._pieces[0] if len(self._pieces) == 1 else list(chain(*self._pieces))

    def copy(self) -> "Ranges":
        """Ranges of their own."""
        other = Ranges.__new__(Ranges)
        other._pieces = [piece[:] for piece in self._pieces]
        other._starts, other._encoded = self._starts[:], self._encoded[:]
        return other

    def covers(self, start: int, end: int) -> bool:
        """Whether all of [start, end) is there."""
        piece = self._pieces[self._piece(start)]
        at = bisect_right(piece, start)
        return at % 2 == 1 and end <= piece[at]

    def first(self, count: int) -> Bounds:
        """The bounds of so many ranges, or of all if there are not more."""
        return list(islice(chain(*self._pieces), 2 * count))

    def below(self, limit: int) -> Bounds:
        """The bounds of what is there below a clock."""
        last = bisect_left(self._starts, limit)
        bounds = list(chain(*self._pieces[:last]))
        at = bisect_left(bounds, limit)
        return bounds[:at] + [limit] * (at % 2)

    def missing(self, start: int, end: int) -> Bounds:
        """The bounds of what of [start, end) is not there."""
        first = self._piece(start)
        bounds = self._joined(first, max(bisect_left(self._starts, end) - 1, first))
        low, high = bisect_right(bounds, start), bisect_left(bounds, end)
        return [start] * (low % 2 == 0) + bounds[low:high] + [end] * (high % 2 == 0)

    def add(self, start: int, end: int) -> None:
        """Add [start, end), which is not empty, or what of it is not there."""
        first = self._piece(start)
        last = max(bisect_right(self._starts, end) - 1, first)
        bounds = self._joined(first, last)
        low, high = bisect_left(bounds, start), bisect_right(bounds, end)
        bounds[low:high] = [start] * (low % 2 == 0) + [end] * (high % 2 == 0)
        self._replace(first, last + 1, bounds)

    def update(self, other: "Ranges") -> None:
        """Add all ranges of another client's state, which stays as it is."""
        more = other.bounds()
        if len(more) <= max(_FEW, len(self._pieces) * PIECE // 4):
            for start, end in pairs(more):
                self.add(start, end)
        else:
            first = self._piece(more[0])
            last = max(bisect_right(self._starts, more[-1]) - 1, first)
            known = pairs(self._joined(first, last))
            self._replace(first, last + 1, unite(known, other))

    def encode(self) -> bytes:
        """count • (clock • length)..., in varUints; each piece is remembered until it changes."""
        count = bytearray()
        write_var_uint(count, len(self))
        for at, data in enumerate(self._encoded):
            if data is None:
                self._encoded[at] = _encode(self._pieces[at])
        return b"".join((count, *filter(None, self._encoded)))

    def _piece(self, clock: int) -> int:
        """The last piece that begins at or below a clock, or the first one."""
        return max(bisect_right(self._starts, clock) - 1, 0)

    def _joined(self, first: int, last: int) -> Bounds:
        """The bounds of the pieces from `first` to `last`, which is one of them."""
        return (
            self._pieces[first] if first == last else list(chain(*self._pieces[first : last + 1]))
        )

    def _replace(self, first: int, last: int, bounds: Bounds) -> None:
        """The pieces [first, last) become those of `bounds`."""
        pieces = _cut(bounds)
        self._pieces[first:last] = pieces
        self._starts[first:last] = [piece[0] for piece in pieces]
        self._encoded[first:last] = [None] * len(pieces)


def pairs(bounds: Bounds) -> Iterator[tuple[int, int]]:
    """The ranges (start, end)."""
    pair = iter(bounds)
    return zip(pair, pair, strict=True)


def unite(*ranges: Iterable[tuple[int, int]]) -> Bounds:
    """The bounds of what is in any of these, in whatever order they are and overlap."""
    united: Bounds = []
    for start, end in sorted(pair for some in ranges for pair in some):
        if united and start <= united[-1]:
            united[-1] = max(united[-1], end)
        else:
            united += (start, end)
    return united


def _cut(bounds: Bounds) -> list[Bounds]:
    if len(bounds) <= PIECE:
        return [bounds]
    return [bounds[at : at + PIECE // 2] for at in range(0, len(bounds), PIECE // 2)]


def _encode(bounds: Bounds) -> bytes:
    buffer = bytearray()
    for start, end in pairs(bounds):
        write_var_uint(buffer, start)
        write_var_uint(buffer, end - start)
    return bytes(buffer)
