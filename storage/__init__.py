"""What a store keeps and what it promises: names, numbers and opaque bytes.

This package knows nothing of CRDTs, rooms, sockets or HTTP, and imports nothing of Quire.
The promises that the rest stands on:

- what `Store.append` returned is on disk: it survives SIGKILL and power loss;
- what it raised for is not there: to repeat the same call is right and doubles nothing;
- the rows of a document are numbered 1, 2, 3 ... and never change, never move, never go, but
  for those that `reject` puts aside, and those that `thin` and `erase` are told to let go;
- a number without a row is a moment that is no longer kept: the next row stands for it as well;
- a row or snapshot that reads back different from what was written is never handed out.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from collab.storage.audit import AuditLine, AuditLog
from collab.storage.catalog import TENANT, Catalog
from collab.storage.people import People, Token
from collab.storage.records import (
    Damaged,
    Document,
    Entry,
    Loaded,
    Moment,
    Past,
    Problem,
    Snapshot,
    Stretch,
    Update,
    Version,
)

__all__ = [
    "PAUSE",
    "TENANT",
    "AuditLine",
    "Damaged",
    "Document",
    "Entry",
    "Loaded",
    "Moment",
    "Past",
    "Problem",
    "Snapshot",
    "Store",
    "Stretch",
    "Token",
    "Update",
    "Version",
    "open_store",
]

PAUSE = 5 * 60 * 1000
"""The longest pause between two rows of one stretch, in milliseconds."""


class Store(Catalog, People, AuditLog):
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
        nothing of it is there, and to repeat the call is right. ValueError when a document is
        damaged or erased, or an entry cannot be kept: the others can be appended without it.
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
        """Return at most `limit` rows with `after` < seq <= `upto`, in order; less than that only
        where there are no more.

        Raises Damaged when one of them cannot be read: those before it can be asked for.
        """

    @abstractmethod
    async def reject(self, name: str, reasons: Mapping[int, str], instead: bytes) -> None:
        """Put rows aside, each seq for its reason, and write `instead` in their places (none
        is written for rows behind the head, and for moments that are not kept).

        What can be read of them is kept where no call of this contract reads it. Rows that seemed
        damaged stay when they can be read after all: when only what is derived from them was.
        Snapshots, and the past, at or behind the first seq are forgotten. LookupError for an
        unknown name.
        """

    @abstractmethod
    async def quarantine(self, name: str, seq: int, reason: str) -> None:
        """Let a row that kills who reads it be one that cannot be read, until `reject` puts it
        aside: Damaged with this reason. Snapshots, and the past, at or behind it are forgotten,
        and none is saved any more. LookupError for an unknown name; to repeat it does no harm."""

    @abstractmethod
    async def thin(self, name: str, first: int, last: int, rows: Sequence[Update]) -> None:
        """Put `rows`, fewer, in the places of all rows from `first` to `last`, in one transaction.

        Each stands for those that go between the row before it and itself, and has the seq of one
        that is there; the last one has `last`. Snapshots from `first` on, but before `last`, and
        the past are forgotten: save none that was made before. What goes is overwritten at once,
        but for copies that the storage below may have made of single rows: see `compact`. A range
        is read as a whole, and written in one go: thin some ten thousand rows at a time.

        LookupError for an unknown name; Damaged when a row of these, or of their packed runs,
        cannot be read; ValueError for a range that is not in the log, for rows that do not fit,
        and when a named version would lose its row. Nothing is changed then.
        """

    @abstractmethod
    async def save_snapshot(self, name: str, snapshot: Snapshot) -> None:
        """Keep the snapshot and the one before it (the fallback); forget older ones.

        Raises LookupError for an unknown name, ValueError when the log does not reach to `seq` or
        does not keep that moment any more.
        """

    @abstractmethod
    async def pack(self, name: str, upto: int) -> bool:
        """Pack the oldest rows that can be packed, about a thousand, none of them behind `upto`.

        They need a tenth of the room then; that is all that changes. Rows that are too few to be
        worth it stay as they are, and so does a damaged row. False when nothing more is to be
        packed: so repeat it until then, with a pause where appends should not wait for it.
        """

    @abstractmethod
    async def stretches(
        self, name: str, before: int | None = None, limit: int = 100
    ) -> list[Stretch]:
        """Return at most `limit` stretches, the newest first, of the rows with seq < `before`.

        Consecutive rows of one author are one stretch unless PAUSE is exceeded between two; it
        begins behind the last row of the one before, for which there may be no row any more. The
        next page is what is `before` the `first` of the last one. Damaged rows are in none. Quick
        for rows that are packed, however many they are; others are read one by one.
        """

    @abstractmethod
    async def moments(self, name: str, first: int, last: int) -> list[Moment]:
        """Return the rows from `first` to `last`, those that there are, without their data.

        Raises Damaged like `updates`.
        """

    @abstractmethod
    async def seq_at(self, name: str, time: int) -> int:
        """Return the seq of the last row at a time: of the one before the first later one.

        0 when there was none. When a clock was set back, rows seem to be older than those before
        them; they count from the time of the latest of those. Raises Damaged when that row is in
        a packed run that cannot be read.
        """

    @abstractmethod
    async def name_version(self, document: str, version: Version) -> None:
        """Name a moment of the document; to repeat the very same does no harm.

        LookupError for an unknown document, FileExistsError when it has such a name already,
        ValueError for an empty name, one that no store keeps, and a seq without a row.
        """

    @abstractmethod
    async def rename_version(self, document: str, name: str, to: str) -> Version:
        """Change a name; LookupError when it is unknown, FileExistsError when `to` is taken."""

    @abstractmethod
    async def delete_version(self, document: str, name: str) -> None:
        """Forget a name, not the moment; LookupError when it is unknown."""

    @abstractmethod
    async def versions(self, document: str) -> list[Version]:
        """Return the named moments by seq, and by name where it is the same."""

    @abstractmethod
    async def save_past(self, name: str, past: Past) -> None:
        """Keep this one and forget the one before; LookupError and ValueError like
        `save_snapshot`."""

    @abstractmethod
    async def load_past(self, name: str) -> Past | None:
        """Return what `save_past` kept; None when there is none, or it is damaged."""

    @abstractmethod
    async def erase(self, name: str) -> Document:
        """Let a document go for good: nothing of it comes back; erasing twice does no harm.

        Its rows, whatever was derived or put aside of them, its versions, its title and its kind
        are overwritten like what is thinned, and so are authors whom nothing else is from; to be
        sure that not even a copy of a row is left, `compact` afterwards. The name stays, deleted
        (if it was not: since its last row) and taken, so that no copy of the document comes back
        under it: from then on it has no rows, and an append to it is a ValueError. LookupError for
        an unknown name.
        """

    @abstractmethod
    async def compact(self) -> None:
        """Write the store anew, without what is unused in it: it becomes as small as it can be,
        and what `thin` and `erase` overwrote is in no corner any more.

        Takes some 15 s for each GB and as much room once more; appends wait for it.
        """

    @abstractmethod
    def verify(self) -> AsyncIterator[Problem]:
        """Read everything that has a checksum and check it; yield what is wrong, change nothing."""


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
