"""What changed between two moments, in place: what stayed, what came and what went, and by whom.

There is nothing to guess: every unit knows the rows that brought it and took it. The difference
between nothing and the present is who wrote what. Knows no engine and no authors: who asks says
what belongs together.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, NamedTuple

from collab.content import ANY, FORMAT, STRING
from collab.past.items import Items
from collab.past.moments import Moment, Unit
from collab.past.order import Branch, Item
from collab.past.pages import walk
from collab.past.shapes import change_format, kind_of, too_deep
from collab.past.spans import Span, overlay, within
from collab.past.units import plain, plain_format, text_of

Label = Callable[[int], Hashable]
"""seq -> whatever rows have in common that are to be shown as one: that they are of one stretch,
say. Between two rows with one label there is none with another."""

KEPT, INSERTED, DELETED = "kept", "inserted", "deleted"


class Run(NamedTuple):
    """Neighbours in a list that have the same fate.

    `state`            KEPT, INSERTED or DELETED
    `value`            text; or a list of elements, a shared type among them as a `Part`
    `label`            of the rows that inserted or deleted it, or, if it was kept, of the one that
                       changed its formats last; None if these are the same
    `first`, `last`    the lowest and the highest of these rows; 0 if there is none
    `before`, `after`  the formats of a text; None where it was not there
    """

    state: str
    value: Any
    label: Hashable
    first: int
    last: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Part(NamedTuple):
    """A shared type: `kind` is its ref, `tag` the name of an element. `runs` are what is in its
    list, `entries` each key's old and new value, if it had one at either moment."""

    kind: int
    tag: str
    runs: list[Run]
    entries: dict[str, list[Run]]


def difference(items: Items, before: int, after: int, label: Label) -> dict[str, Part]:
    """Root name -> what changed between the seqs `before` and `after`, the earlier one first."""
    look = _Look(items, before, after, label)
    return {
        name: look.part(branch)
        for name, branch in sorted(items.roots.items())
        if branch.since <= after
    }


class _Look:
    """One comparison of two moments."""

    def __init__(self, items: Items, before: int, after: int, label: Label) -> None:
        self.items = items
        self.then = Moment(items, before)
        self.now = Moment(items, after)
        self.label = label

    def part(self, branch: Branch) -> Part:
        runs = _Runs(self.label)
        for item in walk(branch, self.then.time, self.now.time):
            was, is_ = self.then.alive(item), self.now.alive(item)
            if not was and not is_:
                continue
            if item.ref == FORMAT:
                runs.change(item, bool(was), bool(is_), self.row(item, bool(was), bool(is_)))
            elif was == is_:
                for start, end in was:
                    runs.add(KEPT, None, 0, 0, self.value(item, start, end))
            else:
                self.compare(runs, item, was, is_)
        entries = {key: self.entry(branch, key) for key in sorted(branch.entries)}
        changed = {key: own for key, own in entries.items() if own}
        return Part(kind_of(branch), branch.tag, runs.finish(), changed)

    def compare(self, runs: "_Runs", item: Item, was: Iterable[Any], is_: Iterable[Any]) -> None:
        for start, end, then, now in overlay(was, is_):
            if then and now:
                runs.add(KEPT, None, 0, 0, self.value(item, start, end))
                continue
            state, spans = self.fate(item, start, end, now)
            for begin, stop, label, first, last in self.stretches(spans):
                runs.add(state, label, first, last, self.value(item, begin, stop))

    def fate(self, item: Item, start: int, end: int, now: bool) -> tuple[str, Iterator[Span]]:
        """Of units that are there at one moment only: what happened, and with which rows."""
        if now:
            return INSERTED, self.items.births(item.client, start, end)
        return DELETED, within(item.deaths, start, end)

    def row(self, item: Item, was: bool, is_: bool) -> int:
        """The row with which an item of one unit came or went between the moments; 0: neither."""
        if was == is_:
            return 0
        _, spans = self.fate(item, item.clock, item.end, is_)
        return next(spans)[2]

    def stretches(self, spans: Iterable[Span]) -> Iterator[tuple[int, int, Hashable, int, int]]:
        """(start, end, label, lowest seq, highest seq) of units whose rows have one label."""
        for start, end, seq, step in spans:
            while start < end:
                label = self.label(seq)
                units = self.alike(label, seq, step, end - start) if step else end - start
                last = seq + step * (units - 1)
                yield start, start + units, label, min(seq, last), max(seq, last)
                start, seq = start + units, last + step

    def alike(self, label: Hashable, seq: int, step: int, units: int) -> int:
        """How many of the units have a label, as the first of them has."""
        if self.label(seq + step * (units - 1)) == label:
            return units
        others = range(1, units)
        return 1 + bisect_left(others, True, key=lambda n: self.label(seq + step * n) != label)

    def value(self, item: Item, start: int, end: int) -> Any:
        content = item.units(start, end)
        if item.ref == STRING:
            return content
        if item.ref == ANY:
            return [plain(ANY, [one]) for one in content]  # type: ignore[list-item]  # bytes
        if item.branch is None:
            return [plain(item.ref, content)]
        return [None if too_deep(item.branch) else self.part(item.branch)]

    def entry(self, branch: Branch, key: str) -> list[Run]:
        old, new = self.then.entry(branch, key), self.now.entry(branch, key)
        runs = _Runs(self.label)
        if old is not None and old == new:
            runs.add(KEPT, None, 0, 0, self.value(old[0], old[1], old[1] + 1))
            return runs.finish()
        for unit, there in ((old, False), (new, True)):
            if unit is not None:
                self.compare_unit(runs, unit, there)
        return runs.finish()

    def compare_unit(self, runs: "_Runs", unit: Unit, now: bool) -> None:
        item, clock = unit
        state, spans = self.fate(item, clock, clock + 1, now)
        for _, _, seq, _ in spans:
            value = self.value(item, clock, clock + 1)
            runs.add(state, self.label(seq), seq, seq, value)


class _Runs:
    """Puts neighbours of one fate together."""

    def __init__(self, label: Label) -> None:
        self.label = label
        self.marks: dict[str, int] = {}  # format -> the row that changed it, here
        self.runs: list[Run] = []
        self.before: dict[str, Any] = {}
        self.after: dict[str, Any] = {}
        self.values: list[Any] = []  # of the run that is growing
        self.run: Run | None = None

    def change(self, item: Item, was: bool, is_: bool, row: int) -> None:
        """A format mark, which was there then, or is there now, or both; `row` as in `_Look`."""
        self.marks[plain_format(item.content)[0]] = row
        if was:
            self.before = dict(self.before)
            change_format(self.before, item.content)
        if is_:
            self.after = dict(self.after)
            change_format(self.after, item.content)

    def add(self, state: str, label: Hashable, first: int, last: int, value: Any) -> None:
        """The next units of the list; `value` is a str or a list."""
        before = self.before if state != INSERTED else None
        after = self.after if state != DELETED else None
        if state == KEPT and before != after and (row := self.restyled()):
            label, first, last = self.label(row), row, row
        run = self.run
        if (
            run is not None
            and run.state == state
            and run.label == label
            and run.before == before
            and run.after == after
            and isinstance(value, str) == isinstance(self.values[0], str)
        ):
            self.values.append(value)
            if first < run.first or last > run.last:
                self.run = run._replace(first=min(run.first, first), last=max(run.last, last))
            return
        self.flush()
        self.run = Run(state, None, label, first, last, before, after)
        self.values = [value]

    def restyled(self) -> int:
        """The last row that changed the formats here; 0 when it is not known."""
        before, after = self.before, self.after
        changed = (key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
        return max((self.marks.get(key, 0) for key in changed), default=0)

    def flush(self) -> None:
        if self.run is None:
            return
        if isinstance(self.values[0], str):
            value: Any = text_of("".join(self.values))
        else:
            value = [one for values in self.values for one in values]
        self.runs.append(self.run._replace(value=value))
        self.run = None

    def finish(self) -> list[Run]:
        """All of them."""
        self.flush()
        return self.runs
