"""Recorded editing histories as the Yjs updates that their authors' editors would have sent.

Reads the format of github.com/josephg/editing-traces (gzipped JSON): `txns`, each with `patches` of
[position, deleted, inserted], positions in code points; in concurrent traces also the `agent` and
the `parents`, the transactions whose merge is the text that it was made on. The updates are made
with pycrdt, before anything is measured. Knows no server.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pycrdt import Doc, Text, TransactionEvent

from collab.update import read_state_vector

ROOT = "content"  # the root that Quire's own page edits
CLIENT = 2_000_000_000  # of the first writer; as many bytes as those that editors draw


class Edit(NamedTuple):
    """One transaction: the `update` that `writer` (0, 1, ...) sends once it has heard `needs`:
    client id -> clock."""

    writer: int
    update: bytes
    needs: dict[int, int]


class Trace(NamedTuple):
    """`edits` in an order in which nobody waits for ever; `text` is what must come out."""

    edits: list[Edit]
    writers: int
    text: str


Step = dict[str, Any]
"""A recorded transaction."""

Longer = Callable[[list[Step]], list[Step]]
"""Makes another history of a recorded one, which ends in a text of the same length."""


class Replica:
    """One writer's document."""

    def __init__(self, client: int, ascii_only: bool) -> None:
        self.client = client
        self.doc: Doc[Any] = Doc(client_id=client)
        self.text = self.doc.get(ROOT, type=Text)
        self.ascii_only = ascii_only
        self._copy = ""  # the text, to count bytes in
        self._made = b""
        self._mine = False
        self._subscription = self.doc.observe(self._changed)

    def edit(self, patches: Iterable[tuple[int, int, str]]) -> bytes:
        """Carries out a transaction; the update that tells of it."""
        self._mine, self._made = True, b""
        with self.doc.transaction():
            for position, deleted, inserted in patches:
                start, end = self.span(position, deleted, inserted)
                if end > start:
                    del self.text[start:end]
                if inserted:
                    self.text.insert(start, inserted)
        self._mine = False
        return self._made or b"\x00\x00"

    def apply(self, update: bytes) -> None:
        """What another writer did."""
        self.doc.apply_update(update)
        if not self.ascii_only:
            self._copy = str(self.text)

    def span(self, position: int, deleted: int, inserted: str) -> tuple[int, int]:
        """Where pycrdt finds what is deleted: it counts bytes of UTF-8, traces code points."""
        if self.ascii_only:
            return position, position + deleted
        text, end = self._copy, position + deleted
        self._copy = text[:position] + inserted + text[end:]
        start = len(text[:position].encode())
        return start, start + len(text[position:end].encode())

    def _changed(self, event: TransactionEvent) -> None:
        if self._mine:
            self._made = event.update


def load(path: Path, limit: int | None, bar: Any, longer: Longer = list) -> Trace:
    """The first `limit` transactions of a trace, made longer; `bar`, a progress bar of click's, is
    told of each.

    OSError, ValueError or KeyError when it is no trace."""
    with gzip.open(path) as file:
        recorded = json.load(file)
    steps = recorded["txns"][:limit]
    whole = len(steps) == len(recorded["txns"])
    start = recorded.get("startContent", "")
    if start:
        steps.insert(0, {"patches": [[0, 0, start]]})
    ascii_only = all(patch[2].isascii() for step in steps for patch in step["patches"])
    authors = {step.get("agent", 0) for step in steps}
    replicas = [Replica(CLIENT + author, ascii_only) for author in range(max(authors) + 1)]
    make = _concurrent if "agent" in steps[0] else _sequential
    steps = longer(steps)
    bar.length = len(steps)
    edits = make(steps, replicas, bar.update)
    kept = whole and longer is not signed
    return Trace(edits, len(replicas), recorded["endContent"] if kept else _text_of(edits))


def signed(steps: list[Step]) -> list[Step]:
    """The same history in which each writer types nothing but a letter of their own, `letter_of`:
    so its text says who wrote each character."""
    return [
        {
            **step,
            "patches": [
                [position, deleted, letter_of(step.get("agent", 0)) * len(inserted)]
                for position, deleted, inserted in step["patches"]
            ],
        }
        for step in steps
    ]


def letter_of(writer: int) -> str:
    return chr(ord("a") + writer)


def drafted(steps: list[Step], times: int) -> list[Step]:
    """The same text with `times` times as many edits: before each run of typing there are drafts of
    it, typed and taken back with the backspace key. ValueError for a concurrent trace."""
    runs = list(_runs(steps))
    typed = sum(len(run) for run in runs if _types(run[0]))
    share = (times - 1) * len(steps) / (2 * typed) if typed else 0.0
    made: list[Step] = []
    owed = 0.0
    for run in runs:
        if _types(run[0]):
            owed += share
            for _ in range(int(owed)):
                made += run
                made += map(_taken_back, reversed(run))
            owed -= int(owed)
        made += run
    return made


def anew(steps: list[Step], times: int) -> list[Step]:
    """The whole text written `times` times, each but the last one selected and deleted when it is
    complete; then the writer reloads the page. ValueError for a concurrent trace."""
    _require_sequential(steps)
    patches = [patch for step in steps for patch in step["patches"]]
    size = sum(len(inserted) - deleted for _, deleted, inserted in patches)
    wiped = {"patches": [[0, size, ""]], "reload": True}
    return [*steps, *[wiped, *steps] * (times - 1)]


def _require_sequential(steps: list[Step]) -> None:
    if steps and "agent" in steps[0]:
        raise ValueError("a concurrent history cannot be made longer")


def _runs(steps: list[Step]) -> Iterator[list[Step]]:
    """Steps that type one behind the other, together; each other step by itself."""
    _require_sequential(steps)
    run: list[Step] = []
    end = -1
    for step in steps:
        if run and not (_types(step) and step["patches"][0][0] == end):
            yield run
            run = []
        run.append(step)
        position, _, inserted = step["patches"][0]
        end = position + len(inserted) if _types(step) else -1
    if run:
        yield run


def _types(step: Step) -> bool:
    """Whether it inserts at one place, and deletes nothing."""
    (_, deleted, inserted), *others = step["patches"]
    return not others and not deleted and bool(inserted)


def _taken_back(step: Step) -> Step:
    """What undoes a step that types."""
    [[position, _, inserted]] = step["patches"]
    return {"patches": [[position, len(inserted), ""]]}


def _sequential(
    steps: list[Step], replicas: list[Replica], progress: Callable[[int], object]
) -> list[Edit]:
    edits = []
    for step in steps:
        edits.append(Edit(0, replicas[0].edit(step["patches"]), {}))
        if step.get("reload"):  # of an empty text; its tombstones would only cost time here
            replicas[0] = Replica(replicas[0].client + 1, replicas[0].ascii_only)
        progress(1)
    return edits


def _concurrent(
    steps: list[Step], replicas: list[Replica], progress: Callable[[int], object]
) -> list[Edit]:
    """Each replica is brought to the state of the parents before it edits. A writer's edits follow
    each other, so a state is how many edits it has of each writer."""
    edits: list[Edit] = []
    versions: list[list[int]] = []  # after each step
    logs: list[list[bytes]] = [[] for _ in replicas]
    clocks: list[list[int]] = [[0] for _ in replicas]  # of each writer, after so many of its edits
    applied = [[0] * len(replicas) for _ in replicas]
    for step in steps:
        writer = step["agent"]
        replica, has = replicas[writer], applied[writer]
        before = [versions[parent] for parent in step["parents"]]
        version = [max(counts, default=0) for counts in zip(*before, strict=True)]
        version = version or [0] * len(replicas)
        if any(count < known for count, known in zip(version, has, strict=True)):
            raise ValueError("a writer of this trace goes back in time")
        for other, count in enumerate(version):
            for update in logs[other][has[other] : count] if other != writer else ():
                replica.apply(update)
        update = replica.edit(step["patches"])
        needs = {
            replicas[other].client: clocks[other][count]
            for other, count in enumerate(version)
            if other != writer and count > has[other]
        }
        version[writer] += 1
        applied[writer] = version
        versions.append(version)
        logs[writer].append(update)
        clocks[writer].append(vector_of(replica.doc).get(replica.client, 0))
        edits.append(Edit(writer, update, needs))
        progress(1)
    return edits


def vector_of(doc: "Doc[Any]") -> dict[int, int]:
    """The state vector of a document."""
    return read_state_vector(doc.get_state())


def _text_of(edits: list[Edit]) -> str:
    doc: Doc[Any] = Doc()
    with doc.transaction():
        for edit in edits:
            doc.apply_update(edit.update)
    return str(doc.get(ROOT, type=Text))
