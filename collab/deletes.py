"""Which ids are deleted: Yjs's delete set. Knows client ids and clocks, nothing of contents.

On the wire (Yjs 13, `utils/DeleteSet.js`; all numbers are varUints):

    deletes = count • (client id • count • (clock • length)...)...

In memory a client's ranges are one sorted list of bounds, [start, end, start, end, ...], none
touching the next: an even position is where deletion begins, an odd one where it stops, so that one
bisection says whether a clock is deleted, and one slice assignment adds a range.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from collab.reader import read_var_uint, refuse, write_var_uint

Bounds = list[int]

_FEW = 400  # bounds: that many are added one by one, which moves the list's tail each time


class DeleteSet:
    """client id -> sorted, disjoint ranges [start, end) of deleted clocks. Grows only."""

    __slots__ = ("_bounds", "_encoded")

    def __init__(self) -> None:
        self._bounds: dict[int, Bounds] = {}
        self._encoded: bytes | None = None

    def __bool__(self) -> bool:
        return bool(self._bounds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeleteSet) and self._bounds == other._bounds

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"DeleteSet({ {client: self.ranges(client) for client in self._bounds} })"

    @property
    def clients(self) -> Iterable[int]:
        """The clients of whose edits something is deleted."""
        return self._bounds.keys()

    def ranges(self, client: int) -> list[tuple[int, int]]:
        """The client's deleted ranges [start, end), by rising clock."""
        bounds = self._bounds.get(client, ())
        return list(zip(bounds[::2], bounds[1::2], strict=True))

    def end(self, client: int) -> int:
        """The clock after the last one that is deleted of a client in `clients`."""
        return self._bounds[client][-1]

    def below(self, vector: dict[int, int]) -> "DeleteSet":
        """A new set: what is deleted of the ids that a state vector has."""
        known = DeleteSet()
        for client, bounds in self._bounds.items():
            limit = vector.get(client, 0)
            at = bisect_left(bounds, limit)
            if at:
                known._bounds[client] = bounds[:at] + [limit] * (at % 2)
        return known

    def covers(self, client: int, start: int, end: int) -> bool:
        """Whether all of [start, end) is deleted."""
        bounds = self._bounds.get(client)
        if bounds is None:
            return False
        at = bisect_right(bounds, start)
        return at % 2 == 1 and end <= bounds[at]

    def copy(self) -> "DeleteSet":
        """A set of its own with the same ranges."""
        other = DeleteSet()
        other._bounds = {client: bounds[:] for client, bounds in self._bounds.items()}
        other._encoded = self._encoded
        return other

    def add(self, client: int, start: int, end: int) -> None:
        """Delete [start, end), which is not empty; whatever of it is deleted already stays so."""
        self._encoded = None
        bounds = self._bounds.get(client)
        if bounds is None:
            self._bounds[client] = [start, end]
            return
        low, high = bisect_left(bounds, start), bisect_right(bounds, end)
        bounds[low:high] = [start] * (low % 2 == 0) + [end] * (high % 2 == 0)

    def update(self, other: "DeleteSet") -> None:
        """Delete whatever `other` does."""
        for client, bounds in other._bounds.items():
            known = self._bounds.get(client)
            if known is None:
                self._bounds[client] = bounds[:]
            elif len(bounds) == 2 or len(bounds) < min(len(known) // 8, _FEW):
                for at in range(0, len(bounds), 2):
                    self.add(client, bounds[at], bounds[at + 1])
            else:
                self._bounds[client] = _united(_pairs(known), _pairs(bounds))
        self._encoded = None

    def subtract(self, other: "DeleteSet") -> "DeleteSet":
        """A new set: what is deleted here and not in `other`."""
        rest = DeleteSet()
        for client, bounds in self._bounds.items():
            known = other._bounds.get(client)
            left = bounds[:] if known is None else _without(bounds, known)
            if left:
                rest._bounds[client] = left
        return rest

    def encode(self) -> bytes:
        """The set as Yjs writes it, higher client ids first; remembered until the set changes."""
        if self._encoded is None:
            buffer = bytearray()
            write_var_uint(buffer, len(self._bounds))
            for client in sorted(self._bounds, reverse=True):
                bounds = self._bounds[client]
                write_var_uint(buffer, client)
                write_var_uint(buffer, len(bounds) // 2)
                for start, end in _pairs(bounds):
                    write_var_uint(buffer, start)
                    write_var_uint(buffer, end - start)
            self._encoded = bytes(buffer)
        return self._encoded


def _pairs(bounds: Bounds) -> Iterator[tuple[int, int]]:
    pair = iter(bounds)
    return zip(pair, pair, strict=True)


def _united(*ranges: Iterable[tuple[int, int]]) -> Bounds:
    united: Bounds = []
    for start, end in sorted(pair for pairs in ranges for pair in pairs):
        if united and start <= united[-1]:
            united[-1] = max(united[-1], end)
        else:
            united += (start, end)
    return united


def _without(bounds: Bounds, known: Bounds) -> Bounds:
    left: Bounds = []
    for start, end in _pairs(bounds):
        low, high = bisect_right(known, start), bisect_left(known, end)
        if low % 2 == 0:
            left.append(start)
        left += known[low:high]
        if high % 2 == 0:
            left.append(end)
    return left


def read_deletes(data: bytes, at: int, limit: int) -> tuple[DeleteSet, int, bool]:
    """The delete set at `data[at]`, where it ends, and whether it is written as Yjs writes one.

    Yjs reads ranges in any order, overlapping and of a client named twice; yrs keeps the last of
    two entries of a client only. Such a set is read in full, and has to be encoded again.
    Raises ProtocolError for empty ranges and clocks of `limit` and more, IndexError at the end.
    """
    deletes = DeleteSet()
    count, at = read_var_uint(data, at)
    canonical = True
    again: dict[int, list[tuple[int, int]]] = {}  # ranges of clients that are named again
    for _ in range(count):
        client, at = read_var_uint(data, at)
        bounds, at, in_order = _read_ranges(data, at, limit)
        if client in deletes._bounds:
            again.setdefault(client, []).extend(_pairs(bounds))
        elif bounds:
            deletes._bounds[client] = bounds
        canonical = canonical and in_order
    for client, pairs in again.items():
        deletes._bounds[client] = _united(_pairs(deletes._bounds[client]), pairs)
    return deletes, at, canonical and not again


def _read_ranges(data: bytes, at: int, limit: int) -> tuple[Bounds, int, bool]:
    """The ranges of one client, where they end, and whether there are some and all in order."""
    count, at = read_var_uint(data, at)
    if count > len(data) - at:
        refuse("A count is larger than the update.")
    bounds: Bounds = []
    others: list[tuple[int, int]] = []
    last = -1
    for _ in range(count):
        start, at = read_var_uint(data, at)
        units, at = read_var_uint(data, at)
        if not units:
            refuse("A range of deletes is empty.")
        end = start + units
        if end >= limit:
            refuse("A clock is larger than 2^31.")
        if start < last:
            others.append((start, end))
            continue
        if start > last:
            bounds += (start, end)
        else:
            bounds[-1] = end
        last = end
    if others:
        bounds = _united(_pairs(bounds), others)
    return bounds, at, count > 0 and not others
