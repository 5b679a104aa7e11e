"""Old rows in little room: about a thousand of them as a few blobs, and back, byte for byte.

Pure functions on bytes; knows no database. Rows of one length are written as columns: first the
first byte of each, then the second of each, and so on. Updates that an editor sends differ in a few
bytes only, so most columns are almost constant, and zlib finds what is left: 24 bytes of a typed
character become 1. (Measured on a real trace, for rows by the thousand: the rows as they are 4.3
bytes each with zlib and 2.0 with lzma, XORed with the one before 1.8 and 1.25, as columns 1.03 and
0.92; columns XORed or subtracted 0.95 and 0.89. Columns and zlib are the simplest of the good ones,
and take a tenth of the time to read.)

Times and authors have a blob of their own, so that a timeline reads no contents; the stretches that
they make, if these are few, have a text. None of them says whether it is what was written: keep
checksums, and read nothing that does not match.

A segment goes from the seq after the row before it to the seq of its last row. Where rows were
thinned their seqs have gaps; then the moments hold the steps from each to the next as well.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from struct import Struct
from typing import NamedTuple, Protocol
from zlib import compress, decompress

from collab.storage import Stretch
from collab.storage.stretches import cut

ROWS = 2000
"""The most rows of a segment: it is read as a whole, even for one of them."""

BYTES = 1 << 20
"""A segment ends before its rows hold more, so that to read one row never means to read many MB."""

ROOM = 1980
"""What the parts of a segment should take: half a page of a database, together with what belongs
to them. Were it two thirds, each would take a page."""

FEWEST = 500
"""Rows that need so much room that half a page holds less of them are packed by the thousand."""

_SHORT = 200  # characters of stretches
_FULL = 0.94  # of ROOM: good enough
_WIDE = 256  # Longer rows have nothing in common column by column.
_FAR = 1 << 63
_HEAD = Struct("<II")  # count of rows, bytes of the names


class Row(Protocol):
    """What is written of a row."""

    @property
    def seq(self) -> int:
        """Where it stands in the log."""

    @property
    def time(self) -> int:
        """In milliseconds; 64 bits, signed."""

    @property
    def author(self) -> str:
        """Text without NUL."""

    @property
    def data(self) -> bytes:
        """Anything."""


class Packed(NamedTuple):
    """The first rows of some: how many, and what they become."""

    rows: int
    stretches: str
    moments: bytes
    contents: bytes

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.stretches) + len(self.moments) + len(self.contents)


def pack(rows: Sequence[Row], start: int) -> Packed:
    """Pack as many of the rows as ROOM takes; how many these are is found by trying.

    `start` is where the segment is to begin: the seq after the row before the first of these.
    """
    first = packed = _pack(rows[:1000], start)
    for _ in range(4):
        if _FULL * ROOM <= packed.size <= ROOM:
            break
        count = int(packed.rows * 0.98 * ROOM / packed.size)
        if count < min(FEWEST, len(rows)):
            return first
        count = min(count, len(rows), ROWS)
        if count == packed.rows:
            break
        packed = _pack(rows[:count], start)
    return packed


def _pack(rows: Sequence[Row], start: int) -> Packed:
    ready, moments = write_stretches(stretches(rows, start)), write_moments(rows, start)
    return Packed(len(rows), ready, moments, write_contents(rows))


def stretches(rows: Sequence[Row], start: int) -> list[Stretch]:
    """Return the stretches of the rows of a segment that is to begin at `start`."""
    seqs, times, authors = zip(*((row.seq, row.time, row.author) for row in rows), strict=True)
    return cut(start, seqs, times, authors)


def write_stretches(found: Sequence[Stretch]) -> str:
    """Return the stretches, for `read_stretches`; "" when they are so many that these are better
    found in the moments again."""
    ends = [(stretch.last - found[0].first, *stretch[2:]) for stretch in found]
    text = json.dumps(ends, separators=(",", ":"))
    return text if len(text) <= _SHORT else ""


def read_stretches(text: str, first: int) -> list[Stretch]:
    """Return the stretches of the segment that begins at `first`."""
    found = []
    start = first
    for last, author, began, ended in json.loads(text):
        found.append(Stretch(start, first + last, author, began, ended))
        start = first + last + 1
    return found


def write_moments(rows: Sequence[Row], start: int) -> bytes:
    """Return the seqs, times and authors of the rows: at least one, at most 65,535."""
    authors = {row.author: 0 for row in rows}
    authors = {author: number for number, author in enumerate(authors)}
    names = "\0".join(authors).encode()
    times = [0, *(row.time for row in rows)]
    steps = [_wrapped(after - before) for before, after in pairwise(times)]
    columns = _column("H", (authors[row.author] for row in rows)) + _column("q", steps)
    if rows[-1].seq - start >= len(rows):
        seqs = [start - 1, *(row.seq for row in rows)]
        columns += _column("q", (after - before for before, after in pairwise(seqs)))
    return compress(_HEAD.pack(len(rows), len(names)) + names + columns, 9)


def read_moments(blob: bytes, first: int) -> tuple[Sequence[int], list[int], list[str]]:
    """Return the seqs, times and authors of the segment that begins at `first`."""
    raw = decompress(blob)
    count, size = _HEAD.unpack_from(raw)
    start = _HEAD.size + size
    names = raw[_HEAD.size : start].decode().split("\0")
    authors = [names[number] for number in _values("H", raw, start, count)]
    times = list(accumulate(_values("q", raw, start + 2 * count, count)))
    if not -_FAR <= min(times) <= max(times) < _FAR:
        times = [_wrapped(time) for time in times]
    end = start + 10 * count
    if end == len(raw):
        return range(first, first + count), times, authors
    seqs = accumulate(_values("q", raw, end, count), initial=first - 1)
    return list(seqs)[1:], times, authors


def write_contents(rows: Sequence[Row]) -> bytes:
    """Return the data of the rows."""
    by_length: dict[int, list[bytes]] = {}
    for row in rows:
        by_length.setdefault(len(row.data), []).append(row.data)
    lengths = _column("I", (len(row.data) for row in rows))
    parts = [_HEAD.pack(len(rows), 0), lengths]
    for length, group in sorted(by_length.items()):
        joined = b"".join(group)
        if length <= _WIDE:
            parts += (joined[place::length] for place in range(length))
        else:
            parts.append(joined)
    return compress(b"".join(parts), 9)


def read_contents(blob: bytes) -> list[bytes]:
    """Return the data that `write_contents` wrote."""
    raw = decompress(blob)
    count, _ = _HEAD.unpack_from(raw)
    lengths = _values("I", raw, _HEAD.size, count)
    counts: dict[int, int] = {}
    for length in lengths:
        counts[length] = counts.get(length, 0) + 1
    start = _HEAD.size + 4 * count
    groups: dict[int, Iterator[bytes]] = {}
    for length, rows in sorted(counts.items()):
        end = start + length * rows
        groups[length] = _group(raw[start:end], length, rows)
        start = end
    return [next(groups[length]) for length in lengths]


def _group(block: bytes, length: int, count: int) -> Iterator[bytes]:
    """Yield the `count` rows of one length."""
    if 0 < length <= _WIDE:
        joined = bytearray(len(block))
        for place in range(length):
            joined[place::length] = block[place * count : (place + 1) * count]
        block = bytes(joined)
    return (block[place * length : (place + 1) * length] for place in range(count))


def _column(code: str, values: Iterable[int]) -> bytes:
    """Return the numbers, little-endian: the lowest byte of each, then the next of each ..."""
    numbers = array(code, values)
    if sys.byteorder == "big":
        numbers.byteswap()
    raw = numbers.tobytes()
    return b"".join(raw[place :: numbers.itemsize] for place in range(numbers.itemsize))


def _values(code: str, raw: bytes, start: int, count: int) -> array[int]:
    """Return the `count` numbers that `_column` wrote, from `start` on."""
    numbers = array(code)
    size = numbers.itemsize
    joined = bytearray(count * size)
    for place in range(size):
        joined[place::size] = raw[start + place * count : start + (place + 1) * count]
    numbers.frombytes(joined)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _wrapped(number: int) -> int:
    """Return the number in 64 bits: the step between two times may need one more."""
    return (number + _FAR) % (2 * _FAR) - _FAR
