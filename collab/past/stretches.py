"""Who wrote the rows of a log, and when: the stretches of a timeline, as the store cuts them.

The worker that is asked what changed keeps them beside the items, so that it can say by whom. To
look them up in the log would take longer with every row between the two moments, for an answer
that names a few. Knows authors and times, no items.
"""

from array import array
from bisect import bisect_right
from typing import Any

from collab.content import read_bytes
from collab.reader import read_var_uint, var_uints, write_var_bytes, write_var_string
from collab.storage import PAUSE


class Stretches:
    """Of the rows that were entered: in columns, for there may be many."""

    def __init__(self) -> None:
        self.last = 0  # the row that was entered last
        self.firsts = array("q")
        self.began = array("q")  # ms
        self.ended = array("q")
        self.authors = array("q")  # places in `names`
        self.names: dict[str, int] = {}

    def enter(self, seq: int, time: int, author: str) -> None:
        """The next row. What is missing before it belongs to it, as in a thinned log."""
        number = self.names.setdefault(author, len(self.names))
        if self.last and self.authors[-1] == number and time - self.ended[-1] <= PAUSE:
            self.ended[-1] = time
        else:
            self.firsts.append(self.last + 1)
            self.began.append(time)
            self.ended.append(time)
            self.authors.append(number)
        self.last = seq

    def place(self, seq: int) -> int:
        """Which stretch a row is in."""
        return bisect_right(self.firsts, seq) - 1

    def show(self, places: list[int], last: int, ended: int) -> list[dict[str, Any]]:
        """These stretches, as far as there are rows up to `last`, which was written at `ended`."""
        names, end = list(self.names), self.place(last)
        shown = []
        for place in places:
            upto, time = last, ended
            if place < end:
                upto, time = self.firsts[place + 1] - 1, self.ended[place]
            numbers = {"first": self.firsts[place], "last": upto, "began": self.began[place]}
            shown.append({**numbers, "ended": time, "author": names[self.authors[place]]})
        return shown

    def dump(self) -> bytes:
        """What `load` reads. Compress it."""
        packed = bytearray(var_uints(self.last, len(self.names)))
        for name in self.names:
            write_var_string(packed, name)
        for column in (self.firsts, self.began, self.ended, self.authors):
            write_var_bytes(packed, _steps(column).tobytes())
        return bytes(packed)

    @classmethod
    def load(cls, data: bytes, at: int) -> "Stretches":
        """What was dumped, from there on. IndexError or ProtocolError when it is cut short."""
        made = cls()
        made.last, at = read_var_uint(data, at)
        count, at = read_var_uint(data, at)
        for number in range(count):
            name, at = read_bytes(data, at)
            made.names[name.decode()] = number
        for column in (made.firsts, made.began, made.ended, made.authors):
            steps, at = read_bytes(data, at)
            column.frombytes(steps)
            for place in range(1, len(column)):
                column[place] += column[place - 1]
        return made


def _steps(numbers: "array[int]") -> "array[int]":
    """Each number less the one before it."""
    before = array("q", [0]) + numbers[:-1]
    return array("q", map(int.__sub__, numbers, before))
