"""Recorded editing histories as the Yjs updates that their authors' editors would have sent.

Reads the format of github.com/josephg/editing-traces (gzipped JSON): `txns`, each with `patches` of
[position, deleted, inserted], positions in code points; in concurrent traces also the `agent` and
the `parents`, the transactions whose merge is the text that it was made on. The updates are made
with pycrdt, before anything is measured. Knows no server.
"""

import gzip
import json
from collections.abc import Callable, Iterable
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


def load(path: Path, limit: int | None, bar: Any) -> Trace:
    """The first `limit` transactions of a trace; `bar`, a progress bar of click's, is told of each.

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
    bar.length = len(steps)
    edits = make(steps, replicas, bar.update)
    return Trace(edits, len(replicas), recorded["endContent"] if whole else _text_of(edits))


def _sequential(
    steps: list[dict[str, Any]], replicas: list[Replica], progress: Callable[[int], object]
) -> list[Edit]:
    edits = []
    for step in steps:
        edits.append(Edit(0, replicas[0].edit(step["patches"]), {}))
        progress(1)
    return edits


def _concurrent(
    steps: list[dict[str, Any]], replicas: list[Replica], progress: Callable[[int], object]
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
