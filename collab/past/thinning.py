"""A log with fewer rows: the moments that are kept read as before, and what came and went between
two of them is gone. Pure; knows no engine, no times and no authors.

What is gone keeps its place and its ids, so everything that refers to it still finds it: as a
ContentDeleted; a shared type stays one, for others name it as their parent, and so do the keys of
maps. That it is deleted is said as well, to those who come back with a copy. What was deleted later
than the next moment that is kept stays readable, for that moment shows it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from collab.content import DELETED, GC, TYPE
from collab.deletes import DeleteSet
from collab.past.encoding import write_struct
from collab.past.items import Items
from collab.past.order import Item
from collab.past.spans import Span, within
from collab.past.units import write_content
from collab.reader import var_uints


def thinned(
    items: Items, start: int, ends: Sequence[int], kept: Sequence[int]
) -> Iterator[tuple[int, bytes]]:
    """(seq, update v1) of the rows, by rising seq, that say what those after `start` up to the last
    of `ends` said: one for each of `ends`, for all rows after the one before it, as far as there is
    something left to say. `kept` are those of `ends`, the last one among them, that are moments
    as they were; each of them gets a row."""
    log = _Log(start, ends, kept)
    for known in items.clients.values():
        for item in known.items:
            log.enter(item, within(known.births, item.clock, item.end))
    must = set(kept)
    for place, seq in enumerate(ends, 1):
        row = log.encode(place)
        if seq in must or row is not None:
            yield seq, row or b"\0\0"


class _Log:
    """The new rows by their places: 0 are rows up to `start`, which stay as they are; as do those
    behind the last, whose place is one more."""

    def __init__(self, start: int, ends: Sequence[int], kept: Sequence[int]) -> None:
        self.marks = [start, *ends]
        self.periods = [bisect_left(kept, mark) for mark in self.marks] + [len(kept)]
        self.structs: list[dict[int, list[bytes]]] = [{} for _ in self.marks]
        self.starts: list[dict[int, int]] = [{} for _ in self.marks]
        self.deletes = [DeleteSet() for _ in self.marks]

    def enter(self, item: Item, births: Iterable[Span]) -> None:
        """What is to be said of an item."""
        last = len(self.marks)
        for start, end, born in _joined(_placed(births, self.marks)):
            if born == last:
                break
            done = start
            for begin, stop, died in _placed(within(item.deaths, start, end), self.marks):
                gone = 0 < born and self.periods[born] == self.periods[died]
                if gone:
                    self.write(item, done, begin, born, dead=False)
                    self.write(item, begin, stop, born, dead=True)
                    done = stop
                if 0 < died < last:  # said even of what is gone: somebody may have it still
                    self.deletes[born if gone else died].add(item.client, begin, stop)
            self.write(item, done, end, born, dead=False)

    def write(self, item: Item, start: int, end: int, place: int, dead: bool) -> None:
        if start < end and place:
            self.starts[place].setdefault(item.client, start)
            structs = self.structs[place].setdefault(item.client, [])
            structs.append(_struct(item, start, end, dead))

    def encode(self, place: int) -> bytes | None:
        """The row at a place; None when there is nothing to say."""
        structs, starts, deletes = self.structs[place], self.starts[place], self.deletes[place]
        if not structs and not deletes:
            return None
        parts = [var_uints(len(structs))]
        for client in sorted(structs, reverse=True):
            parts.append(var_uints(len(structs[client]), client, starts[client]))
            parts += structs[client]
        return b"".join(parts) + deletes.encode()


def _placed(spans: Iterable[Span], marks: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(start, end, place) of clocks: their seqs are at most `marks[place]`."""
    for start, end, seq, step in spans:
        while start < end:
            place = bisect_left(marks, seq)
            stop = end
            if step > 0 and place < len(marks):
                stop = min(end, start + marks[place] - seq + 1)
            elif step < 0 and place:
                stop = min(end, start + seq - marks[place - 1])
            yield start, stop, place
            seq += step * (stop - start)
            start = stop


def _joined(pieces: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Neighbours of one place as one."""
    whole: tuple[int, int, int] | None = None
    for start, end, place in pieces:
        if whole is not None and whole[2] == place:
            whole = whole[0], end, place
        else:
            if whole is not None:
                yield whole
            whole = start, end, place
    if whole is not None:
        yield whole


def _struct(item: Item, start: int, end: int, dead: bool) -> bytes:
    """Some units of an item."""
    if item.parent is None:
        return bytes((GC,)) + var_uints(end - start)
    ref = DELETED if dead and item.ref != TYPE else item.ref
    origin = item.origin if start == item.clock else (item.client, start - 1)
    content = b"" if ref == DELETED else item.units(start, end)
    body = write_content(ref, content, end - start)
    return write_struct(ref, origin, item.right_origin, item.parent, item.key, body)
