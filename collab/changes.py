"""How one text became another: the places that changed, as few and as small as is quickly found.

Positions count characters (code points). difflib is good enough: what people change in one go lies
close together, so that nearly all of a text is cut off as equal at both ends first, in linear time;
only what is between is compared, by letters if it is short, else by lines.
"""

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

BY_LETTERS = 2_000  # characters that are compared one by one; more are compared line by line


class Change(NamedTuple):
    """What was from `start` up to `end` in the old text is `words` in the new one."""

    start: int
    end: int
    words: str


def changes(old: str, new: str) -> Iterator[Change]:
    """What changed, front to back, not overlapping; all positions are those of the old text."""
    start, end = ends(old, new)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    letters = max(len(old), len(new)) <= BY_LETTERS
    olds, news = (list(text) if letters else text.splitlines(True) for text in (old, new))
    places = [0]
    for piece in olds:
        places.append(places[-1] + len(piece))
    # Lines that are everywhere, such as empty ones, are no landmarks: to try each would take hours.
    matcher = SequenceMatcher(None, olds, news, autojunk=not letters)
    for tag, first, last, begin, stop in matcher.get_opcodes():
        if tag != "equal":
            words = "".join(news[begin:stop])
            yield Change(start + places[first], start + places[last], words)


def patched(text: str, made: Iterable[Change]) -> str:
    """The text with these changes, which are in order."""
    parts, at = [], 0
    for start, end, words in made:
        parts += [text[at:start], words]
        at = end
    return "".join(parts) + text[at:]


def moved(at: int, made: Iterable[Change]) -> int:
    """Where a position is when these changes, which are in order, have been made; what was
    replaced is at the end of what stands there now."""
    grown = 0
    for start, end, words in made:
        if at < end or at <= start:
            return at + grown if at <= start else start + grown + len(words)
        grown += len(words) - (end - start)
    return at + grown


def ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many characters of two texts, or elements of two lists, are the same at the beginning,
    and how many of the others at the end."""
    start = _common(old, new)
    return start, _common(old[start:][::-1], new[start:][::-1])


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many are the same at the beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:  # comparing slices is a hundred times as fast as a loop over characters
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
