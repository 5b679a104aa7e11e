"""The limits of what one process takes on, and how often they were hit. Knows no clock or socket.

A limit is a field of `Limits` and nothing else: its name for `--limit`, its line in --show-config,
its place in the counts and its test in tests/test_docs.py follow from that.
"""

import logging
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from collab.rates import Rate

if TYPE_CHECKING:
    from collab.audit import Audit

logger = logging.getLogger(__name__)

QUIET = 1.0  # seconds in which the log tells once of one limit and one address
_REMEMBERED = 1_000  # of those: more are forgotten, so that an attack does not fill the memory


def _limit(default: int, code: int, text: str, most: int = 1 << 40) -> int:
    """A field: its default, the close code of whom it stops (0: nobody is there to be told), what
    it bounds, and the largest number that makes sense."""
    value: int = field(default=default, metadata={"code": code, "help": text, "most": most})
    return value


@dataclass(frozen=True)
class Limits:
    """Everything that is bounded: whole numbers from 1, in the unit that the name ends with."""

    connections: int = _limit(10_000, 1013, "connections to the process, of any kind", 1_000_000)
    address_connections: int = _limit(
        200, 1013, "connections from one address, or one /64 network of IPv6", 1_000_000
    )
    handshake_seconds: int = _limit(
        10, 0, "until a new connection has sent the head of its first request", 3600
    )
    body_seconds: int = _limit(10, 0, "until the body of a request has come", 3600)
    idle_seconds: int = _limit(
        30,
        0,
        "until a connection that asks nothing, takes no answer or has no document is closed",
        3600,
    )
    first_message_seconds: int = _limit(
        10, 1008, "until a WebSocket that has said nothing is closed", 3600
    )
    body_bytes: int = _limit(1 << 20, 0, "of the body of a request", 1 << 30)
    answer_bytes: int = _limit(
        256 << 20, 0, "of all answers by HTTP that are on their way; one more gets 503"
    )
    failed_logins: int = _limit(
        10, 1013, "different tokens that do not count, from one address in a minute", 1_000_000
    )
    user_connections: int = _limit(50, 1013, "WebSockets of one user", 1_000_000)
    document_connections: int = _limit(500, 1013, "WebSockets of one document", 1_000_000)
    loaded_bytes: int = _limit(512 << 20, 1013, "of all documents that are open")
    socket_documents: int = _limit(
        32, 0, "documents on one socket of Hocuspocus; more are refused", 10_000
    )
    unauthenticated_bytes: int = _limit(
        64 << 10, 1009, "of a message of who has not been let in to any document", 1 << 30
    )
    reader_bytes: int = _limit(
        256 << 10, 1009, "of a message of who may only read; a writer's: `--max-message`", 1 << 30
    )
    fragments: int = _limit(1024, 1008, "frames in which one message comes", 1_000_000)
    edits_per_second: int = _limit(
        100,
        0,
        "messages of one connection that are no presence, and as many receipts; more have to wait",
    )
    edits_at_once: int = _limit(400, 0, "of those, after a rest")
    bytes_per_second: int = _limit(1 << 20, 0, "from one connection; more have to wait")
    bytes_at_once: int = _limit(16 << 20, 0, "of those, after a rest")
    presence_per_second: int = _limit(
        50, 0, "presence messages of one connection; more have to wait"
    )
    presence_at_once: int = _limit(200, 0, "of those, after a rest")
    presence_bytes: int = _limit(4 << 10, 1009, "of the presence of one client id", 1 << 20)
    presence_clients: int = _limit(
        4,
        1009,
        "client ids that one connection brings; more are not shown, an army ends it",
        10_000,
    )
    update_structs: int = _limit(1_000_000, 1009, "structs in one update", 1 << 31)
    update_clients: int = _limit(10_000, 1009, "client ids in one update", 1_000_000)
    update_nesting: int = _limit(64, 1007, "values in each other, in an update", 64)
    document_clients: int = _limit(
        50_000, 0, "client ids that have written in one document; it is full then", 1_000_000
    )
    document_bytes: int = _limit(
        64 << 20, 0, "of one document; it is full then: can be read, and deleted from"
    )

    @property
    def vector_clients(self) -> int:
        """Client ids in the state vector of a peer: also of some that could not write here."""
        return 2 * self.document_clients

    @cached_property
    def edits(self) -> Rate:
        return Rate(self.edits_per_second, self.edits_at_once)

    @cached_property
    def bytes(self) -> Rate:
        return Rate(self.bytes_per_second, self.bytes_at_once)

    @cached_property
    def presence(self) -> Rate:
        return Rate(self.presence_per_second, self.presence_at_once)


DEFAULT = Limits()


class Hits(Counter[str]):
    """How often each limit was hit, by its name."""

    def __init__(self, audit: "Audit | None" = None) -> None:
        super().__init__()
        self._audit = audit
        self._told: dict[tuple[str, str], float] = {}

    def note(
        self,
        limit: str,
        address: str,
        now: float,
        advice: str = "",
        *,
        user: str = "",
        document: str = "",
    ) -> None:
        """Counts one, by a user at a document if they are known; `now` in seconds since the epoch.
        Tells the audit log, and the other one unless that was told of the same within a second; and
        nobody of who was idle."""
        self[limit] += 1
        if limit == "idle_seconds":  # what browsers do all the time
            return
        if self._audit is not None:
            self._audit.note(
                "limit", user=user, address=address, document=document, detail=limit, now=now
            )
        if 0 <= now - self._told.get((limit, address), now - QUIET) < QUIET:
            return
        if len(self._told) >= _REMEMBERED:
            self._told.clear()
        self._told[limit, address] = now
        logger.warning("limit %s was hit by %s%s", limit, address or "this program", advice)
