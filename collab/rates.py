"""How fast somebody may go on: token buckets. Knows no clock and whose they are; never sleeps."""

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collab.limits import Limits

LONGEST = 5.0  # seconds that anybody is kept waiting at a time: less than a ping's timeout
_BUCKETS = 10_000  # addresses that are remembered, so that an attack does not fill the memory


class Rate(NamedTuple):
    """So many a second, and so many at once after a rest."""

    per_second: float
    at_once: float


class Bucket:
    """What one peer has left of a rate; full at first. Times are seconds of any clock that does
    not go back."""

    # There are some for each idle connection: this is less than a count and its time would take.
    __slots__ = ("_paid", "_rate")

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._paid = float("-inf")  # until then what was taken is paid for, second by second

    def wait(self, count: float, now: float) -> float:
        """Seconds until so many may be taken; 0 or less: now."""
        per_second, at_once = self._rate
        return max(self._paid, now - at_once / per_second) + count / per_second - now

    def take(self, count: float, now: float) -> float:
        """Takes so many, there or not, and says for how long to rest then; 0 or less: not at all.
        More than what `LONGEST` pays for is forgiven."""
        per_second, at_once = self._rate
        paid = self._paid
        full = now - at_once / per_second
        if paid < full:
            paid = full
        paid += count / per_second
        if paid > now + LONGEST:
            paid = now + LONGEST
        self._paid = paid
        return paid - now

    def give_back(self, count: float) -> None:
        """So many were taken, and not used."""
        self._paid -= count / self._rate.per_second


class Pace:
    """The buckets of one connection, by the limits of `collab.limits`."""

    __slots__ = ("_hit", "bytes", "edits", "presence", "receipts")

    def __init__(self, limits: "Limits") -> None:
        self.edits = Bucket(limits.edits)
        self.receipts = Bucket(limits.edits)  # y-sweet's clients ask for one with each edit
        self.bytes = Bucket(limits.bytes)
        self.presence = Bucket(limits.presence)
        self._hit: tuple[str, ...] = ()

    def beside(self, size: int, now: float) -> tuple[float, str]:
        """Takes a message of so many bytes that is about no document; for how long to rest then, 0
        or less: not at all, and the limit that says so."""
        edits = self.edits.take(1, now), "edits_per_second"
        return max(edits, (self.bytes.take(size, now), "bytes_per_second"))

    def first(self, limit: str) -> bool:
        """Whether the connection is slowed down by this limit for the first time."""
        new = limit not in self._hit
        if new:
            self._hit += (limit,)
        return new


class Buckets:
    """A bucket for each address, or network of IPv6 addresses, as far as it is not full."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._buckets: dict[str, Bucket] = {}

    def empty(self, address: str, now: float) -> bool:
        """Whether nothing can be taken now."""
        bucket = self._buckets.get(network(address))
        return bucket is not None and bucket.wait(1, now) > 0

    def take(self, address: str, now: float) -> None:
        """Takes one."""
        if len(self._buckets) >= _BUCKETS:
            full = self._rate.at_once
            self._buckets = {a: b for a, b in self._buckets.items() if b.wait(full, now) > 0}
            if len(self._buckets) > _BUCKETS // 2:
                self._buckets.clear()
        self._buckets.setdefault(network(address), Bucket(self._rate)).take(1, now)

    def give_back(self, address: str) -> None:
        """One was taken, and not used."""
        if (bucket := self._buckets.get(network(address))) is not None:
            bucket.give_back(1)


def network(address: str) -> str:
    """What counts as one address: of IPv6 whoever has one has 2^64, a whole network."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False))
