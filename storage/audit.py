"""The audit log's part of a store's contract: who did what to which document.

Lines are only ever added: no call of any contract changes or removes one, `erase` neither. So
nothing may get into it that may have to go some day: no content, no title, no token.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

MAX_TEXT = 400
"""Characters of each text of a line; a document's key may have as many."""


class AuditLine(NamedTuple):
    """That `user` at `address` did `action` to `document`, `times` times, the last time at `time`.

    `time` is in milliseconds since the epoch; `document` is the key in the store, "" when it was
    done to none; so are `user` ("" when nobody said who it is) and `address` ("" for the command
    line). `detail` is for people. `id` counts the lines of a store; 0 before it is recorded.
    """

    time: int
    document: str
    user: str
    address: str
    action: str
    detail: str
    times: int = 1
    id: int = 0


class AuditLog(ABC):
    """What every store does for the audit log; `tests/storage/contract_audit.py` is its proof."""

    @abstractmethod
    async def record(self, lines: Sequence[AuditLine]) -> None:
        """Add the lines, in one transaction; their ids do not count. On disk when it returns.

        Raises ValueError, and adds nothing, when a text is longer than MAX_TEXT or has a control
        character (TENANT, once, is none in a document's key), or `times` is not positive.
        """

    @abstractmethod
    async def audit(
        self,
        *,
        document: str | None = None,
        user: str | None = None,
        action: str | None = None,
        since: int | None = None,
        tenant: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[AuditLine]:
        """Return at most `limit` lines, the newest first; what is given has to fit: a `document`'s
        key, its `tenant` ("" for those that have none), a time that is not before `since`.

        The next page is what is `before` the `id` of the last line.
        """
