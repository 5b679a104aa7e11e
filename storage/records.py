"""What a store is given and gives back: rows, documents, caches, names, and what is wrong.

Plain values; import them from `collab.storage`. Knows nothing of how anything is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple


class Entry(NamedTuple):
    """One edit that is to be appended; `time` in milliseconds since the epoch.

    `claims` are (client id, user) that are known from then on: see `Loaded`.
    """

    document: str
    time: int
    author: str
    data: bytes
    claims: tuple[tuple[int, str], ...] = ()


class Update(NamedTuple):
    """One committed row of a document's log; `seq` counts 1, 2, 3 ... in each document."""

    document: str
    seq: int
    time: int
    author: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The log folded up to and including `seq`: a cache, never the truth.

    Both `data` and `index` (whatever its maker wants to find beside it) are opaque here.
    """

    seq: int
    data: bytes
    index: bytes


class Document(NamedTuple):
    """A document's entry in the list; times in milliseconds since the epoch.

    `edited` is the time of the last row (None: no row yet), `head` its seq (0: no row yet),
    `deleted` when it was deleted (None: it is not). Of one that is `erased` nothing is left but
    its name, `created`, `head` and `deleted`.
    """

    name: str
    title: str
    kind: str
    created: int
    edited: int | None
    head: int
    deleted: int | None
    erased: bool = False


class Moment(NamedTuple):
    """A row without its data: its seq, its time in milliseconds and its author."""

    seq: int
    time: int
    author: str


class Stretch(NamedTuple):
    """Rows `first` to `last`, one after the other, of one author and without a long pause.

    `began` and `ended` are the times of the first and the last of them, in milliseconds.
    """

    first: int
    last: int
    author: str
    began: int
    ended: int


class Version(NamedTuple):
    """A name that `author` gave, at `time` (milliseconds), to a document as it was after row
    `seq`."""

    name: str
    seq: int
    author: str
    time: int


@dataclass(frozen=True, slots=True)
class Past:
    """Whatever its maker derived from the rows up to and including `seq`: a cache, opaque here."""

    seq: int
    data: bytes


class Loaded(NamedTuple):
    """What a document is opened from: the newest good snapshot and the rows after it.

    `damaged` is the seq of the first row that cannot be read, or None. Rows from there on are
    not in `updates`, so the state is the last good one: open such a document read-only, and
    never append to it. `reason` says why it must not be read, where it is quarantined. `claims`
    says whose each client id is, as the entries said first.
    """

    snapshot: Snapshot | None
    updates: list[Update]
    damaged: int | None
    reason: str = ""
    claims: Mapping[int, str] = MappingProxyType({})


class Problem(NamedTuple):
    """One finding of `Store.verify`: a sentence, and where (None: not in one document or row)."""

    document: str | None
    seq: int | None
    reason: str


class Damaged(ValueError):
    """A stored row is missing or does not match its checksum, or it is quarantined for `reason`;
    nothing was changed. Nor can those behind it be read up to `last`, if that is given."""

    def __init__(
        self, document: str, seq: int, reason: str = "", *, last: int | None = None
    ) -> None:
        super().__init__(document, seq, reason)
        self.document = document
        self.seq = seq
        self.reason = reason
        self.last = seq if last is None else last

    def __str__(self) -> str:
        if self.reason:
            return f"row {self.seq} of document {self.document!r} is quarantined: {self.reason}"
        return f"row {self.seq} of document {self.document!r} is damaged"
