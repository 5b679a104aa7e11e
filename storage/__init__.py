"""What a store keeps and what it promises: names, numbers and opaque bytes.

This package knows nothing of CRDTs, rooms, sockets or HTTP, and imports nothing of Quire.
The promises that the rest stands on:

- what `Store.append` returned is on disk: it survives SIGKILL and power loss;
- what it raised for is not there: to repeat the same call is right and doubles nothing;
- the rows of a document are numbered 1, 2, 3 ... and never change, never move, never go, but
  for those that `reject` puts aside;
- a row or snapshot that reads back different from what was written is never handed out.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

__all__ = [
    "Damaged",
    "Document",
    "Entry",
    "Loaded",
    "Problem",
    "Snapshot",
    "Store",
    "Update",
    "open_store",
]


class Entry(NamedTuple):
    """One edit that is to be appended; `time` in milliseconds since the epoch."""

    document: str
    time: int
    author: str
    data: bytes


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
    `deleted` when it was deleted (None: it is not).
    """

    name: str
    title: str
    kind: str
    created: int
    edited: int | None
    head: int
    deleted: int | None


class Loaded(NamedTuple):
    """What a document is opened from: the newest good snapshot and the rows after it.

    `damaged` is the seq of the first row that cannot be read, or None. Rows from there on are
    not in `updates`, so the state is the last good one: open such a document read-only, and
    never append to it.
    """

    snapshot: Snapshot | None
    updates: list[Update]
    damaged: int | None


class Problem(NamedTuple):
    """One finding of `Store.verify`: a sentence, and where (None: not in one document or row)."""

    document: str | None
    seq: int | None
    reason: str


class Damaged(ValueError):
    """A stored row is missing or does not match its checksum; nothing was changed."""

    def __init__(self, document: str, seq: int) -> None:
        super().__init__(document, seq)
        self.document = document
        self.seq = seq

    def __str__(self) -> str:
        return f"row {self.seq} of document {self.document!r} is damaged"


class Store(ABC):
    """The contract of every store; `tests/storage/contract.py` is its proof.

    Names, authors, titles and kinds are any Unicode text without NUL and lone surrogates
    (ValueError), compared exactly; a name is not empty. Every method but `open` needs an open
    store. Every method raises OSError, with a sentence, when the storage below does not answer;
    the store heals by itself, so the same call may be repeated at any time. A cancelled call may
    still be carried out.
    """

    @abstractmethod
    async def open(self) -> None:
        """Open the store, create or migrate it where needed.

        Raises OSError when it cannot be read or somebody else has it open, ValueError when it is
        not one of ours or was written by a newer Quire. Nothing is changed in either case.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finish what was asked for and let go of everything; closing twice does no harm."""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @abstractmethod
    async def append(self, entries: Sequence[Entry]) -> list[int]:
        """Append all entries, of any documents, in one transaction; return their seqs in order.

        On disk when it returns. A document not seen before is created, with no title and no
        kind; one that is deleted stays so. Raises OSError when it could not be written: then
        nothing of it is there, and to repeat the call is right.
        """

    @abstractmethod
    async def load(self, name: str) -> Loaded:
        """Return what the document is opened from; an unknown name loads as an empty one.

        A damaged snapshot is passed over for the one before it, or for all the rows.
        """

    @abstractmethod
    async def updates(
        self, name: str, after: int = 0, upto: int | None = None, limit: int = 1000
    ) -> list[Update]:
        """Return at most `limit` rows with `after` < seq <= `upto`, in order.

        Raises Damaged when one of them cannot be read: those before it can be asked for.
        """

    @abstractmethod
    async def reject(self, name: str, reasons: Mapping[int, str], instead: bytes) -> None:
        """Put rows aside, each seq for its reason, and write `instead` in their places (none
        is written for rows behind the head).

        What can be read of them is kept where no call of this contract reads it. Snapshots at or
        behind the first of them are forgotten. LookupError for an unknown name.
        """

    @abstractmethod
    async def save_snapshot(self, name: str, snapshot: Snapshot) -> None:
        """Keep the snapshot and the one before it (the fallback); forget older ones.

        Raises LookupError for an unknown name, ValueError when the log does not reach to `seq`.
        """

    @abstractmethod
    async def find(self, name: str) -> Document | None:
        """Return the document, deleted or not, or None when nobody made it."""

    @abstractmethod
    async def create(self, name: str, title: str, kind: str, time: int) -> Document:
        """Make a document without rows; FileExistsError when the name is taken, even deleted."""

    @abstractmethod
    async def describe(
        self, name: str, *, title: str | None = None, kind: str | None = None
    ) -> Document:
        """Change what is given; LookupError for an unknown name."""

    @abstractmethod
    async def delete(self, name: str, time: int) -> Document:
        """Mark as deleted (the first time counts); rows stay. LookupError for an unknown name."""

    @abstractmethod
    async def undelete(self, name: str) -> Document:
        """Take the mark of `delete` away; LookupError for an unknown name."""

    @abstractmethod
    async def documents(
        self, search: str = "", after: str | None = None, limit: int = 100, deleted: bool = False
    ) -> list[Document]:
        """Return a page of the documents, or of the deleted ones; newest edited or made first.

        `search` is looked for in titles and names, whatever the case; every character means
        itself. `after` is the name of the last document of the page before (LookupError when
        unknown); one that was edited since has moved to the front, and its page with it.
        """

    @abstractmethod
    def verify(self) -> AsyncIterator[Problem]:
        """Read every row and snapshot and check it; yield what is wrong, change nothing."""


def open_store(url: str | os.PathLike[str]) -> Store:
    """Return the store that `url` names; it still has to be opened (`async with`, or `open`).

    A path, 'sqlite:///path' (four slashes before an absolute one) or ':memory:'. Raises
    ValueError for any other scheme.
    """
    from collab.storage.sqlite import SQLiteStore

    path = os.fspath(url)
    scheme, separator, rest = path.partition("://")
    if not separator:
        return SQLiteStore(path)
    if scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        return SQLiteStore(rest[1:])
    raise ValueError(f"{path!r} is no store: give a path, sqlite:///path or :memory:")
