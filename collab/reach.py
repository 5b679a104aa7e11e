"""How far the structs of an update can be integrated: a fixed point over who waits for whom.

Knows the links of an update and a state vector. A client's structs are integrated in order; one
that needs an id of another client waits until that client has got so far. Structs that wait for
each other never get anywhere, and neither does Yjs with them.
"""

from collections.abc import Iterator
from heapq import heappop, heappush

from collab.update import Changes, Link, StateVector


def reach(changes: Changes, vector: StateVector) -> tuple[StateVector, StateVector]:
    """For each client of the update, how far its structs are known once the update is integrated;
    and what was missing: client -> the clock that it would have had to reach.

    A struct that is known already but whose needs are not is in the way of those after it: honest
    peers send none, and nothing may be passed on that others could not integrate.
    """
    run = Integration(changes, vector)
    for _ in run.steps():
        pass
    return run.reached, run.missing()


class Integration:
    """One run of an update onto a state vector; `reached` is how far each of its clients got."""

    def __init__(self, changes: Changes, vector: StateVector) -> None:
        self.vector = vector
        self.reached: StateVector = {}
        self._ends: StateVector = {}
        self._links: dict[int, list[Link]] = {}  # still to come, the next one last
        self._waiting: dict[int, list[tuple[int, int]]] = {}  # client -> heap of (clock, who waits)
        for block in changes.blocks:
            client = block.client
            if client not in self._ends:
                known = self.reached[client] = vector.get(client, 0)
                gap = [Link(client, known, client, block.clock)] if block.clock > known else []
                self._links[client] = gap
            self._ends[client] = block.end
        for link in changes.links:
            self._links[link.client].append(link)
        for links in self._links.values():
            links.reverse()

    def steps(self) -> Iterator[tuple[int, int, int]]:
        """Integrate; yields (client, from clock, to clock) in an order that a peer could follow."""
        ready = list(reversed(self._ends))
        while ready:
            client = ready.pop()
            limit = self._limit(client)
            known = self.reached[client]
            if limit <= known:
                continue
            self.reached[client] = limit
            yield client, known, limit
            heap = self._waiting.get(client, ())
            while heap and heap[0][0] <= limit:
                ready.append(heappop(heap)[1])

    def _limit(self, client: int) -> int:
        """How far the client can go now; where it has to stop, it waits."""
        links = self._links[client]
        while links:
            _, clock, other, needed = links[-1]
            if self.reached.get(other, self.vector.get(other, 0)) < needed:
                heappush(self._waiting.setdefault(other, []), (needed, client))
                return clock
            links.pop()
        return self._ends[client]

    def missing(self) -> StateVector:
        """What is still waited for: client -> clock."""
        return {
            other: max(needed for needed, _ in heap)
            for other, heap in self._waiting.items()
            if heap
        }
