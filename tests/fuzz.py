"""The fuzz battery: mutants against everything that reads a stranger's bytes, in this process.

Whatever comes, the gate says ProtocolError or lets it in; and whatever it lets in keeps the
promises of the core: it connects, it can be read again, cut, merged, folded and handed out in
parts, and a document made of it is the same document in each of these forms.
"""

import time
from collections.abc import Iterator
from random import Random

from collab.errors import ProtocolError, TooBig
from collab.fold import fold
from collab.reader import var_uints
from collab.state import News, State, merge
from collab.update import StateVector, encode_state_vector, read_state_vector, read_update
from tests import hostile
from tests.collab.genuine import Document, parts
from tests.live import var_bytes
from tests.mutants import Mutator

PACE = 5  # every so many mutants one is genuine, and the document goes on
FRESH = 100  # mutants until the next one starts from the genuine document again


class Figures:
    """What a run has shown."""

    def __init__(self) -> None:
        self.mutants = 0
        self.admitted = 0
        self.worst = 0.0  # CPU seconds for one mutant
        self.worst_mutant = b""

    def add(self, other: "Figures") -> None:
        """What another run has shown belongs to this one."""
        self.mutants += other.mutants
        self.admitted += other.admitted
        if other.worst > self.worst:
            self.worst, self.worst_mutant = other.worst, other.worst_mutant

    def __str__(self) -> str:
        worst = f"{self.worst * 1e3:.1f} ms ({len(self.worst_mutant)} bytes)"
        return f"{self.mutants} mutants, {self.admitted} admitted, the worst {worst}"


class Attack:
    """A genuine document under attack. `admitted` are the news of those mutants that got in."""

    def __init__(self, document: Document, dice: Random, figures: Figures) -> None:
        self.dice = dice
        self.figures = figures
        self.mutator = Mutator(dice, document.updates)
        self.state = State()
        self.enter(document.updates[0], partial=False)
        for _ in range(dice.randrange(len(document.updates))):
            self.enter(self.mutator.advance(), partial=False)
        self.genuine = self.state.encode()
        self.admitted: list[News] = []

    def run(self, mutants: int) -> None:
        """So many mutants; AssertionError names the one that broke something."""
        for number in range(mutants):
            genuine = number % PACE == 0
            mutant = self.mutator.advance() if genuine else self.mutator.mutant()
            began = time.thread_time()
            try:
                self.attack(mutant)
            except Exception as error:
                raise AssertionError(f"{error!r} by {mutant.hex()}") from error
            taken = time.thread_time() - began
            if taken > self.figures.worst:
                self.figures.worst, self.figures.worst_mutant = taken, mutant
            self.figures.mutants += 1
        self.check()

    def attack(self, mutant: bytes) -> None:
        try:
            news = self.enter(mutant, partial=self.dice.random() < 0.5)
        except (ProtocolError, TooBig):
            return
        finally:
            self.read_as_vector(mutant)
        if news is not None:
            self.figures.admitted += 1
            self.admitted.append(news)

    def enter(self, update: bytes, partial: bool) -> News | None:
        before = State.load(self.state.encode(), self.state.index()) if partial else None
        news, missing = self.state.admit(read_update(update), partial)
        assert partial or not (news and missing)
        if news is not None:
            self.state.enter(news)
            if before is not None:  # what was admitted in part is whole by itself
                again, lacking = before.admit(read_update(news.data), partial=False)
                assert again is not None and not lacking
                before.enter(again)
                assert before.encode() == self.state.encode()
        return news

    def read_as_vector(self, mutant: bytes) -> None:
        try:
            vector = read_state_vector(mutant)
        except (ProtocolError, TooBig):
            return
        assert read_state_vector(encode_state_vector(vector)) == vector
        read_update(self.state.cut(vector))

    def check(self) -> None:
        """The document in all its forms is one."""
        state, data = self.state, self.state.encode()
        self.same(State.load(data, state.index()))
        self.same(_read([data]))
        folded, index = fold(data)
        self.same(State.load(folded, index))
        self.same(_read([folded]))
        assert fold(folded) == (folded, index)
        self.same(_read(parts(state, self.dice.choice((50, 500, 5_000)))))
        vector = {c: self.dice.randint(0, end) for c, end in state.vector.items()}
        peer = _read([self.genuine])
        peer_vector: StateVector = peer.vector if self.dice.random() < 0.5 else {}
        self.same(_enter(peer, state.cut(peer_vector)))
        read_update(state.cut(vector))
        if self.admitted:
            self.same(_enter(_read([self.genuine]), merge(self.admitted).data))

    def same(self, other: State) -> None:
        assert other.vector == self.state.vector
        assert other.deletes == self.state.deletes


def _read(updates: list[bytes]) -> State:
    state = State()
    for update in updates:
        _enter(state, update)
    return state


def _enter(state: State, update: bytes) -> State:
    news, missing = state.admit(read_update(update), partial=False)
    assert not missing
    if news is not None:
        state.enter(news)
    return state


def frames(documents: list[Document], dice: Random) -> Iterator[bytes]:
    """Frames without end: genuine messages of every kind, and what came out of them when one thing
    or several were changed."""
    mutators = [Mutator(dice, document.updates) for document in documents]
    while True:
        mutator = dice.choice(mutators)
        frame = dice.choice(_KINDS)(mutator)
        yield mutator.bytewise(bytearray(frame)) if dice.random() < 0.2 else frame


def updates(documents: list[Document], dice: Random) -> Iterator[bytes]:
    """Updates without end, as nobody frames them: some are genuine."""
    mutators = [Mutator(dice, document.updates) for document in documents]
    while True:
        yield _update(dice.choice(mutators))


def _update(mutator: Mutator) -> bytes:
    return mutator.advance() if mutator.dice.random() < 0.1 else mutator.mutant()


def _edit(mutator: Mutator) -> bytes:
    body = _update(mutator)
    return mutator.dice.choice((b"\x00\x01", b"\x00\x02")) + var_bytes(body)


def _lost(mutator: Mutator) -> bytes:
    """An update in a message of another kind."""
    kind = mutator.dice.choice((b"\x00\x00", b"\x01", b"\x66"))
    return kind + var_bytes(mutator.mutant())


def _question(mutator: Mutator) -> bytes:
    """SyncStep1."""
    ids = [mutator.identity() for _ in range(mutator.dice.randrange(4))]
    numbers = [number for identity in dict(ids).items() for number in identity]
    return b"\x00\x00" + var_bytes(var_uints(len(numbers) // 2, *numbers))


def _presence(mutator: Mutator) -> bytes:
    dice = mutator.dice
    states = [
        (mutator.identity()[0], mutator.number(), dice.choice(_STATES))
        for _ in range(dice.choice((1, 1, 1, 2, 70)))
    ]
    return hostile.awareness(*states)


def _receipt(mutator: Mutator) -> bytes:
    return b"\x66" + var_bytes(var_uints(mutator.number()))


_KINDS = [*[_edit] * 10, *[_presence] * 3, _question, _receipt, _lost]
_STATES = (
    b"null",
    b"{}",
    b'{"user":{"name":"Ann","color":"#aabbcc"},"cursor":{"anchor":null,"head":null}}',
    b'{"user":{"name":7}}',
    b'{"user":"Ann","x":%s}' % (b"[" * 500 + b"]" * 500),
    b'{"x":1e999}',
    b'{"user":{"name":"\\ud800"}}',
    b"[]",
)


def attack_all(documents: list[Document], mutants: int, seed: object) -> Figures:
    """So many mutants of these documents' updates; the same seed, the same mutants."""
    figures = Figures()
    run = 0
    while figures.mutants < mutants:
        dice = Random(f"{seed} {run}")
        attack = Attack(documents[run % len(documents)], dice, figures)
        try:
            attack.run(min(FRESH, mutants - figures.mutants))
        except AssertionError as error:
            raise AssertionError(f"run {run}, QUIRE_SEED={seed}: {error}") from error
        run += 1
    return figures
