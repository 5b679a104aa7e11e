"""Whether two stretches of a document say the same, unit for unit, though they are not the same.

After a restore everything that came back is there under a new id: going back to that moment once
more, or to one nearby, has to change nothing, or little. Contents are compared as bytes.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from collab.past.moments import Unit, View
from collab.past.order import Branch, Item
from collab.past.pages import walk

DEEPEST = 64
"""Types inside of so many others are not compared: they count as different."""


class Piece(NamedTuple):
    """Units of one item in a list; `place` grows from each piece of the list to the next."""

    item: Item
    start: int
    end: int
    place: int


class Change(NamedTuple):
    """What of `back` has to be inserted again, and what of `away` deleted; the first is to stand
    behind the unit `after`, or else behind itself."""

    back: list[Piece]
    away: list[Piece]
    after: Unit | None


def changes(
    gone: Sequence[Piece], then: View, come: Sequence[Piece], now: View
) -> Iterator[Change]:
    """What makes the one of the other, given all that one view has, and the other has not, between
    two units of a list that stay.

    What came back once stands right behind what it was. So the list is cut before each piece that
    is gone and follows one that has come: in each part, all that is gone stands before all that has
    come. Equal beginnings and ends of the two are left out.
    """
    blocks = list(_blocks(gone, come))
    olds = [_tokens(old, then, 0) for old, _ in blocks]
    news = [_tokens(new, now, 0) for _, new in blocks]
    if list(chain(*olds)) == list(chain(*news)):
        return
    for (back, away), old, new in zip(blocks, olds, news, strict=True):
        if old != new:
            yield _trimmed(back, old, away, new)


def _blocks(
    gone: Sequence[Piece], come: Sequence[Piece]
) -> Iterator[tuple[list[Piece], list[Piece]]]:
    marked = [(_place(piece), False, piece) for piece in gone]
    marked += [(_place(piece), True, piece) for piece in come]
    old: list[Piece] = []
    new: list[Piece] = []
    for _, has_come, piece in sorted(marked, key=itemgetter(0)):
        if has_come:
            new.append(piece)
            continue
        if new:
            yield old, new
            old, new = [], []
        old.append(piece)
    yield old, new


def _trimmed(gone: list[Piece], old: list[Any], come: list[Piece], new: list[Any]) -> Change:
    head, most = 0, min(len(old), len(new))
    while head < most and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < most - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    if head and _halves(old[head : head + 1] + new[head : head + 1]):
        head -= 1
    if tail and _halves(old[len(old) - tail :][:1]):
        tail -= 1
    back, away = _middle(gone, head, tail), _middle(come, head, tail)
    if back and head:
        item, _, end, _ = _middle(come, 0, len(new) - head)[-1]
        return Change(back, away, (item, end - 1))
    return Change(back, away, None)


def alike(one: Unit, then: View, other: Unit, now: View) -> bool:
    """Whether two units say the same, with all that is in them."""
    return _tokens([_unit(one)], then, 0) == _tokens([_unit(other)], now, 0)


def _halves(tokens: list[Any]) -> bool:
    """Whether one of these units is the second half of a character: it is not to be cut off."""
    return any(isinstance(it, str) and "\udc00" <= it <= "\udfff" for it in tokens)


def _place(piece: Piece) -> tuple[int, int]:
    return piece.place, piece.start


def _unit(unit: Unit) -> Piece:
    item, clock = unit
    return Piece(item, clock, clock + 1, 0)


def _middle(pieces: Iterable[Piece], head: int, tail: int) -> list[Piece]:
    """The pieces without so many units at both ends."""
    left = list(pieces)
    while head and left:
        item, start, end, place = left.pop(0)
        if end - start > head:
            left.insert(0, Piece(item, start + head, end, place))
        head -= min(head, end - start)
    while tail and left:
        item, start, end, place = left.pop()
        if end - start > tail:
            left.append(Piece(item, start, end - tail, place))
        tail -= min(tail, end - start)
    return left


def _tokens(pieces: Iterable[Piece], view: View, depth: int) -> list[Any]:
    """A token a unit, equal where the units are."""
    tokens: list[Any] = []
    for item, start, end, _ in pieces:
        content = item.units(start, end)
        if isinstance(content, bytes):
            inner = _inside(item.branch, view, depth + 1) if item.branch is not None else None
            tokens.append((item.ref, content, inner))
        else:
            tokens += content
    return tokens


def _inside(branch: Branch, view: View, depth: int) -> object:
    if depth > DEEPEST:
        return object()
    pieces = [
        Piece(item, *range_, 0) for item in walk(branch, view.time) for range_ in view.alive(item)
    ]
    units = {key: view.entry(branch, key) for key in branch.entries}
    entries = {key: _tokens([_unit(u)], view, depth) for key, u in units.items() if u is not None}
    return _tokens(pieces, view, depth), entries
