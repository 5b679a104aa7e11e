"""Spans say of each clock what was said of it first, however many of them share a line."""

from random import Random

from collab.past.spans import (
    append,
    chosen,
    cut,
    gaps,
    graves,
    mark,
    outlived,
    overlay,
    reached,
    together,
    within,
    without,
)


def told(spans):
    """clock -> seq, of all clocks."""
    return {
        clock: seq + step * (clock - start)
        for start, end, seq, step in spans
        for clock in range(start, end)
    }


def clocks(ranges):
    """All clocks of some ranges, in order."""
    return [clock for start, end in ranges for clock in range(start, end)]


def deletes(random: Random):
    """Ranges with rising seqs, here and there, or on and on in one direction."""
    at, step = 0, 0
    for seq in range(1, 80):
        if random.random() < 0.2:
            at, step = random.randrange(100), random.choice((-1, 1))
        at = (at + step) % 100
        yield at, at + random.choice((1, 1, 1, 1, 2, 5)), seq


def test_marking(seed):
    """The first to delete a clock is the one who did; lines are found, whichever way they go."""
    random = Random(seed)
    for _ in range(200):
        spans, expected = [], {}
        for start, end, row in deletes(random):
            mark(spans, start, end, row)
            expected = dict.fromkeys(range(start, end), row) | expected
            assert told(spans) == expected
            assert spans == sorted(spans)
        upto, start = random.randint(0, 80), random.randrange(100)
        alive = [clock for clock in range(start, 105) if expected.get(clock, 99) > upto]
        assert clocks(gaps(start, 105, spans, upto)) == alive
        assert outlived(0, 110, graves(spans), upto) == gaps(0, 110, spans, upto)
        own = {clock: row for clock, row in expected.items() if start <= clock < start + 20}
        assert told(within(spans, start, start + 20)) == own
        left, right = cut(spans, start)
        assert told(left) | told(right) == expected
        assert all(clock < start for clock in told(left))
        assert all(clock >= start for clock in told(right))
        rows = set(random.sample(range(80), 30))
        theirs = sorted(clock for clock, row in expected.items() if row in rows)
        assert clocks(chosen(spans, rows)) == theirs


def test_backspace_is_one_line():
    """A word deleted backwards, as somebody leans on the key."""
    spans = []
    for row in range(10):
        mark(spans, 50 - row, 51 - row, 100 + row)
    assert spans == [(41, 51, 109, -1)]


def test_how_far_the_clocks_had_got(seed):
    """With seqs that never fall, as rows bring them."""
    random = Random(seed)
    for _ in range(200):
        spans, ends, clock, row = [], {}, 0, 0
        for _ in range(30):
            row += random.choice((1, 1, 1, 4))
            units = random.choice((1, 1, 1, 6))
            append(spans, (clock, clock + units, row, 0))
            clock += units
            ends[row] = clock
        for asked in range(row + 2):
            known = max((end for row, end in ends.items() if row <= asked), default=0)
            assert reached(spans, asked) == known


def test_sets_of_clocks(seed):
    """What is in one, in the other, and in both."""
    random = Random(seed)
    for _ in range(200):
        one, other = ({c for c in range(40) if random.random() < 0.5} for _ in range(2))
        ranges, others = (together([(c, c + 1) for c in clocks], ()) for clocks in (one, other))
        assert clocks(without(ranges, others)) == sorted(one - other)
        assert clocks(together(ranges, without(others, ranges))) == sorted(one | other)
        assert {c: (a, b) for s, e, a, b in overlay(ranges, others) for c in range(s, e)} == {
            c: (c in one, c in other) for c in one | other
        }
