"""What a process has counted since it began, for whoever watches over it. Plain numbers, no clock.

Counting costs an addition where something happens anyway, and on the way of an edit none at all:
what can be read off the rooms and sessions is read when somebody asks (`collab.web.metrics`).
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collab.session import Session

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds


class Times:
    """How long something took: `counts[i]` times at most `BOUNDS[i]` seconds and more than the
    bound before, the last one without a bound; `total` is the sum of all."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """It took so long once more."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass
class Counts:
    """What no other object knows any more. Transports count refusals and answers themselves."""

    bytes_in: int = 0  # of sessions that have gone,
    bytes_out: int = 0
    refused: Counter[int] = field(default_factory=Counter)  # close code -> connections ended by it
    answers: Counter[int] = field(default_factory=Counter)  # HTTP status -> requests
    delays: Times = field(default_factory=Times)  # of the event loop, looked at by each tick

    def left(self, session: "Session") -> None:
        """A session has gone: what it counted is kept."""
        self.bytes_in += session.bytes_in
        self.bytes_out += session.bytes_out
