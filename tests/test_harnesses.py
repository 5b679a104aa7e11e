"""Any bytes at all against each reader of ours; `scripts/soak guided` looks for worse ones."""

from random import Random

import pytest

from collab.past import shelf
from tests.collab.genuine import corpus
from tests.harnesses import HARNESSES, ask_yrs, items_of, seeds
from tests.mutants import Mutator

FOUND = {
    # A shelf that ends in the middle of a column of another length, and one without an end.
    "shelved": [shelf.dump(items_of(corpus()[0].updates[:12]))[:size] for size in (8, 60, 200)],
}
"""What once broke a harness."""


@pytest.mark.parametrize("name", HARNESSES)
def test_any_bytes(name: str, seed: int) -> None:
    """Genuine ones, what once broke it, and genuine ones with some bytes changed."""
    dice = Random(seed)
    harness, genuine = HARNESSES[name], seeds(name)
    mutator = Mutator(dice, corpus()[0].updates)
    for data in [*genuine[:100], *FOUND.get(name, [])]:
        harness(data)
    for _ in range(300):
        data = bytearray(dice.choice(genuine))
        for _ in range(dice.choice((1, 1, 3))):
            data = bytearray(mutator.bytewise(data or bytearray(1)))
        try:
            harness(bytes(data))
        except Exception as error:
            raise AssertionError(f"{name} breaks on {data.hex()}") from error
    ask_yrs()
