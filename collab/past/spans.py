"""Which row of the log a unit came or went with, for runs of clocks. Knows clocks and seqs only.

Somebody who types gives each unit a seq one higher than the unit before, who pastes gives all of
them the same one, and who holds the backspace key takes them away with falling clocks and rising
seqs. So a run of clocks is kept as a line: a span says the seq of its first clock and by how much,
-1, 0 or 1, it grows from each clock to the next.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Iterator
from operator import itemgetter

Span = tuple[int, int, int, int]
"""(start, end, seq, step): the unit of a clock in [start, end) has seq + step * (clock - start)."""

Grave = tuple[int, int, int, int, list[Span]]
"""(start, end, lowest seq, highest seq, the spans): neighbours that died soon after each other."""

Range = tuple[int, int]
"""Clocks [start, end)."""

NEAR = 1_000
"""Spans in one grave follow each other within so many rows: most moments are not in between."""

_seq = itemgetter(2)

_END = 1 << 62  # behind all clocks


def joined(one: Span, other: Span) -> Span | None:
    """Both as one span, if they are one line without a gap. A single unit has any step."""
    start, middle, seq, step = one
    begin, end, next_seq, next_step = other
    if middle != begin:
        return None
    size = middle - start
    slope = next_seq - seq - step * (size - 1)
    if slope > 1 or slope < -1:
        return None
    if (size > 1 and step != slope) or (end - begin > 1 and next_step != slope):
        return None
    return start, end, seq, slope


def append(spans: list[Span], span: Span) -> None:
    """Add a span behind all others."""
    if spans and (longer := joined(spans[-1], span)) is not None:
        spans[-1] = longer
    else:
        spans.append(span)


def mark(spans: list[Span], start: int, end: int, seq: int) -> None:
    """Give the clocks of [start, end) that have no seq this one: the first one counts."""
    if not spans:
        spans.append((start, end, seq, 0))
        return
    low = max(bisect_right(spans, (start, float("inf"))) - 1, 0)
    for begin, stop in gaps(start, end, spans[low : bisect_left(spans, (end,))]):
        _insert(spans, (begin, stop, seq, 0))


def _insert(spans: list[Span], span: Span) -> None:
    at = bisect_left(spans, span)
    low = high = at
    if at and (longer := joined(spans[at - 1], span)) is not None:
        span, low = longer, at - 1
    if at < len(spans) and (longer := joined(span, spans[at])) is not None:
        span, high = longer, at + 1
    spans[low:high] = [span]


def graves(spans: Iterable[Span]) -> list[Grave]:
    """The spans as few graves: an old text is full of what was written and deleted again, and
    then again at the same place."""
    found: list[Grave] = []
    group: list[Span] = []
    for span in spans:
        if group and not (group[-1][1] == span[0] and abs(group[-1][2] - span[2]) <= NEAR):
            found.append(_grave(group))
            group = []
        group.append(span)
    return [*found, _grave(group)] if group else found


def _grave(spans: list[Span]) -> Grave:
    if len(spans) == 1 and not spans[0][3]:
        start, end, seq, _ = spans[0]
        return start, end, seq, seq, spans
    seqs = [seq + step * done for start, end, seq, step in spans for done in (0, end - start - 1)]
    return spans[0][0], spans[-1][1], min(seqs), max(seqs), spans


def outlived(start: int, end: int, graves: Iterable[Grave], seq: int) -> list[Range]:
    """As `gaps` of all spans, of which none with a seq up to `seq` is elsewhere."""
    found = []
    for first, last, earliest, latest, spans in graves:
        if earliest > seq:
            continue
        if latest <= seq:
            if start < first:
                found.append((start, first))
            start = last
            continue
        found += gaps(start, last, spans, seq)
        start = found.pop()[0] if found and found[-1][1] == last else last
    if start < end:
        found.append((start, end))
    return found


def gaps(start: int, end: int, spans: Iterable[Span], seq: float = float("inf")) -> list[Range]:
    """The parts of [start, end) that no span covers, as far as its seqs are at most `seq`."""
    found = []
    for first, last, begin, step in spans:
        if step == 0:
            if begin > seq:
                continue
        elif step > 0:
            if first + seq - begin + 1 < last:
                last = first + int(seq) - begin + 1
        elif first + begin - seq > first:
            first += begin - int(seq)
        if first >= last or last <= start:
            continue
        if first >= end:
            break
        if start < first:
            found.append((start, first))
        start = last
    if start < end:
        found.append((start, end))
    return found


def within(spans: list[Span], start: int, end: int) -> Iterator[Span]:
    """The spans of [start, end), the first and the last one cut."""
    at = max(bisect_right(spans, (start, float("inf"))) - 1, 0)
    while at < len(spans):
        first, last, seq, step = spans[at]
        if first >= end:
            return
        if last > start:
            begin = max(first, start)
            yield begin, min(last, end), seq + step * (begin - first), step
        at += 1


def cut(spans: list[Span], clock: int) -> tuple[list[Span], list[Span]]:
    """The spans below a clock, and those from it on."""
    if not spans or spans[-1][1] <= clock:
        return spans, []
    if spans[0][0] >= clock:
        return [], spans
    left, right = [], []
    for span in spans:
        start, end, seq, step = span
        if end <= clock:
            left.append(span)
        elif start >= clock:
            right.append(span)
        else:
            left.append((start, clock, seq, step))
            right.append((clock, end, seq + step * (clock - start), step))
    return left, right


def reached(spans: list[Span], seq: int) -> int:
    """How far the clocks had got with a seq, where seqs never fall: what a state vector says."""
    at = bisect_right(spans, seq, key=_seq) - 1
    if at < 0:
        return 0
    start, end, first, step = spans[at]
    return min(end, start + seq - first + 1) if step else end


def chosen(spans: Iterable[Span], seqs: Container[int]) -> list[Range]:
    """The clocks whose seq is among `seqs`, in order."""
    found: list[Range] = []
    for start, end, seq, step in spans:
        if step == 0:
            if seq in seqs:
                extend(found, start, end)
            continue
        for clock in range(start, end):
            if seq in seqs:
                extend(found, clock, clock + 1)
            seq += step
    return found


def extend(ranges: list[Range], start: int, end: int) -> None:
    """Add a range behind all others."""
    if ranges and ranges[-1][1] == start:
        ranges[-1] = ranges[-1][0], end
    else:
        ranges.append((start, end))


def without(ranges: Iterable[Range], others: Iterable[Range]) -> list[Range]:
    """The clocks of the one that are not in the other."""
    spans = [(start, end, 0, 0) for start, end in others]
    return [left for start, end in ranges for left in gaps(start, end, spans)]


def together(ranges: Iterable[Range], others: Iterable[Range]) -> list[Range]:
    """The clocks of both; no clock is in both."""
    united: list[Range] = []
    for start, end in sorted([*ranges, *others]):
        extend(united, start, end)
    return united


def overlay(
    ranges: Iterable[Range], others: Iterable[Range]
) -> Iterator[tuple[int, int, bool, bool]]:
    """(start, end, whether in the one, whether in the other), for all clocks in either."""
    edges = [*(clock for range_ in ranges for clock in range_), _END]
    other_edges = [*(clock for range_ in others for clock in range_), _END]
    at = other_at = last = 0
    while (clock := min(edges[at], other_edges[other_at])) < _END:
        if clock > last and (at | other_at) & 1:
            yield last, clock, at & 1 == 1, other_at & 1 == 1
        at += edges[at] == clock
        other_at += other_edges[other_at] == clock
        last = clock
