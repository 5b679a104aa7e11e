"""Which ids are deleted: Yjs's delete set. Knows client ids and clocks, nothing of contents.

On the wire (Yjs 13, `utils/DeleteSet.js`; all numbers are varUints):

    deletes = count • (client id • count • (clock • length)...)...
"""

from collections.abc import Iterable

from collab.ranges import Bounds, Ranges, pairs, unite
from collab.reader import read_var_uint, refuse, write_var_uint


class DeleteSet:
    """client id -> ranges [start, end) of deleted clocks. Grows only."""

    __slots__ = ("_clients", "_encoded")

    def __init__(self) -> None:
        self._clients: dict[int, Ranges] = {}
        self._encoded: bytes | None = None

    def __bool__(self) -> bool:
        return bool(self._clients)

    def __len__(self) -> int:
        """How many ranges there are."""
        return sum(map(len, self._clients.values()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeleteSet) and self._clients == other._clients

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"DeleteSet({ {client: self.ranges(client) for client in self._clients} })"

    @property
    def clients(self) -> Iterable[int]:
        """The clients of whose edits something is deleted."""
        return self._clients.keys()

    @property
    def units(self) -> int:
        """How many ids are deleted."""
        return sum(ranges.units for ranges in self._clients.values())

    def ranges(self, client: int) -> list[tuple[int, int]]:
        """The client's deleted ranges [start, end), by rising clock, none touching the next."""
        return list(self._clients.get(client, ()))

    def end(self, client: int) -> int:
        """The clock after the last one that is deleted of a client in `clients`."""
        return self._clients[client].end

    def below(self, vector: dict[int, int]) -> "DeleteSet":
        """A new set: what is deleted of the ids that a state vector has."""
        known = DeleteSet()
        for client, ranges in self._clients.items():
            bounds = ranges.below(vector.get(client, 0))
            if bounds:
                known._clients[client] = Ranges(bounds)
        return known

    def first(self, count: int) -> "DeleteSet":
        """A new set: `count` of the ranges, or all if there are not more."""
        some = DeleteSet()
        for client, ranges in self._clients.items():
            bounds = ranges.first(count)
            if bounds:
                some._clients[client] = Ranges(bounds)
            count -= len(bounds) // 2
        return some

    def covers(self, client: int, start: int, end: int) -> bool:
        """Whether all of [start, end) is deleted."""
        ranges = self._clients.get(client)
        return ranges is not None and ranges.covers(start, end)

    def copy(self) -> "DeleteSet":
        """A set of its own with the same ranges."""
        other = DeleteSet()
        other._clients = {client: ranges.copy() for client, ranges in self._clients.items()}
        other._encoded = self._encoded
        return other

    def add(self, client: int, start: int, end: int) -> None:
        """Delete [start, end), which is not empty; whatever of it is deleted already stays so."""
        self._encoded = None
        ranges = self._clients.get(client)
        if ranges is None:
            self._clients[client] = Ranges([start, end])
        else:
            ranges.add(start, end)

    def update(self, other: "DeleteSet") -> None:
        """Delete whatever `other` does."""
        self._encoded = None
        for client, ranges in other._clients.items():
            known = self._clients.get(client)
            if known is None:
                self._clients[client] = ranges.copy()
            else:
                known.update(ranges)

    def subtract(self, other: "DeleteSet") -> "DeleteSet":
        """A new set: what is deleted here and not in `other`."""
        rest = DeleteSet()
        for client, ranges in self._clients.items():
            known = other._clients.get(client)
            if known is None:
                rest._clients[client] = ranges.copy()
                continue
            bounds: Bounds = []
            for start, end in ranges:
                bounds += known.missing(start, end)
            if bounds:
                rest._clients[client] = Ranges(bounds)
        return rest

    def encode(self) -> bytes:
        """The set as Yjs writes it, higher client ids first; remembered until the set changes."""
        if self._encoded is None:
            buffer = bytearray()
            write_var_uint(buffer, len(self._clients))
            for client in sorted(self._clients, reverse=True):
                write_var_uint(buffer, client)
                buffer += self._clients[client].encode()
            self._encoded = bytes(buffer)
        return self._encoded


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
        if client in deletes._clients:
            again.setdefault(client, []).extend(pairs(bounds))
        elif bounds:
            deletes._clients[client] = Ranges(bounds)
        canonical = canonical and in_order
    for client, ranges in again.items():
        deletes._clients[client] = Ranges(unite(deletes._clients[client], ranges))
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
        bounds = unite(pairs(bounds), others)
    return bounds, at, count > 0 and not others
