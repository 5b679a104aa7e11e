"""Editors who type at a given rate, and when the others see it.

Every editor types behind its own last character, as Yjs would write it, so an edit costs the load
generator a few bytes and no document. The delay of an edit is counted from the moment at which it
was due, to each of the listeners: so a server (or a load generator) that cannot keep up shows.
"""

import random
from array import array
from collections.abc import Callable
from time import perf_counter

from peers import Loop, Peer, bytes_of, edit_of, number, presence_of

from collab.update import read_update

CLIENT = 1_000_000_000  # of the first editor; as many bytes as those that editors draw
LISTENERS = 20  # editors of a document whose delays are counted; the others only receive
TICK = 0.001  # seconds: epoll counts no less, so where one edit is due at a time we do not sleep
DRAIN = 10.0  # seconds that the last edits may take to arrive
ROOT = b"\x04\x01\x07content"  # a string in the root "content", without neighbours


class Typist:
    """One editor of one document."""

    def __init__(self, loop: Loop, port: int, document: str, client: int) -> None:
        self.client = client
        self.id = number(client)
        self.dues = array("d")  # when each of its edits was due, by clock
        self.peer = Peer(loop, port, document)

    def type(self, due: float) -> None:
        """One character more."""
        clock = len(self.dues)
        self.dues.append(due)
        place = b"\x84" + self.id + number(clock - 1) if clock else ROOT
        head = b"\x01\x01" + self.id + number(clock)
        self.peer.send(edit_of(head + place + b"\x01a\x00"))

    def appear(self, clock: int) -> None:
        """Says who it is; `clock` counts how often."""
        self.peer.send(presence_of(self.client, clock, f"Editor {self.client - CLIENT}"))


class Scene:
    """`documents` with so many `editors` each, all connected and in sync. `delays`, in seconds,
    of every edit to every listener but its author, in the order in which they came."""

    def __init__(self, loop: Loop, port: int, documents: int, editors: int) -> None:
        self.loop = loop
        self.typists: list[Typist] = []
        self.delays = array("d")
        self.missing = 0  # arrivals that are still to come
        self._known: dict[bytes, list[tuple[int, int, int]]] = {}
        self._count, self._rate, self._began, self._total = 0, 1.0, 0.0, 0
        for document in range(documents):
            for editor in range(editors):
                client = CLIENT + len(self.typists)
                typist = Typist(loop, port, f"document-{document}", client)
                # The server tells its editors in no particular order, so any will do.
                if editor < LISTENERS:
                    typist.peer.heard = self._listen(client)
                self.typists.append(typist)
                loop.turn(0)
        self._others = min(editors, LISTENERS + 1) - 1
        self._listeners = min(editors, LISTENERS)
        self._editors = editors
        loop.until(lambda: all(t.peer.synced for t in self.typists), 120, "the handshakes")
        self._order = random.Random(1).sample(self.typists, len(self.typists))

    def start(self, rate: float, seconds: float) -> None:
        """From now on `rate` edits a second are due, one editor after the other."""
        self._count, self._rate, self._total = 0, rate, round(rate * seconds)
        self._began = perf_counter()
        self.missing = 0
        self.delays = array("d")

    def step(self) -> None:
        """Sends what is due, and waits for what comes until the next one is, or a while."""
        wait = self._send()
        spins = wait < TICK and self._rate < 1 / TICK
        self.loop.turn(0 if spins else min(max(wait, TICK), 0.1))

    def _send(self) -> float:
        """Sends what is due; in how many seconds the next one is."""
        now = perf_counter()
        while self._count < self._total:
            due = self._began + self._count / self._rate
            if due > now:
                return due - now
            typist = self._order[self._count % len(self._order)]
            self._count += 1
            listens = (typist.client - CLIENT) % self._editors < LISTENERS
            self.missing += self._listeners - listens
            typist.type(due)
        return DRAIN

    def run(self, rate: float, seconds: float) -> None:
        """Types, and waits for the last edits: those that do not come count as very late."""
        self.start(rate, seconds)
        end = self._began + seconds + DRAIN
        while (self._count < self._total or self.missing) and perf_counter() < end:
            self.step()
        self.delays.extend([DRAIN] * self.missing)

    def _listen(self, own: int) -> Callable[[Peer, bytes, float], None]:
        def heard(peer: Peer, update: bytes, now: float) -> None:
            for client, clock, end in self._read(update):
                if client != own:
                    dues = self.typists[client - CLIENT].dues
                    self.delays.extend([now - due for due in dues[clock:end]])
                    self.missing -= end - clock

        return heard

    def _read(self, update: bytes) -> list[tuple[int, int, int]]:
        """(client, clock, end) of the edits in an update, which all listeners get alike."""
        edits = self._known.get(update)
        if edits is None:
            if len(self._known) > 1000:
                self._known.clear()
            edits = [(block.client, block.clock, block.end) for block in read_update(update).blocks]
            self._known[update] = edits
        return edits


def replacing(client: int, size: int, count: int) -> list[bytes]:
    """`count` edits that each put `size` characters in the place of those before: much traffic,
    a small document."""
    own, text = number(client), b"x" * size
    edits = []
    for clock in range(0, count * size, size):
        place = b"\x84" + own + number(clock - 1) if clock else ROOT
        deleted = b"\x01" + own + b"\x01" + number(clock - size) + number(size) if clock else b"\0"
        head = b"\x01\x01" + own + number(clock)
        edits.append(edit_of(head + place + bytes_of(text) + deleted))
    return edits
