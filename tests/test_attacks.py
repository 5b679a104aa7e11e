"""The attacks of `scripts/attack`, a small size of each: each is carried out to the end, and stays
within its bar. Those that only wait, or that other tests do at this size, are left out.
"""

import asyncio

import pytest

from tests.attacks import ATTACKS, Stage, Verdict, attack, carry_out
from tests.attacks.table import TABLE
from tests.live import run

ELSEWHERE = {"4", "5", "5b", "6", "7", "8", "13", "17"}
"""test_hostile and test_kill do these; 8 is a figure, and 17 waits."""


@pytest.mark.parametrize("number", [number for number in TABLE if number not in ELSEWHERE])
def test_an_attack(number, tmp_path, seed):
    """Its verdict is as the table says."""
    verdict = run(carry_out(number, Stage(tmp_path, 0.01, seed)))
    print(verdict.measured)
    assert verdict.ok, verdict.measured


def test_a_verdict_can_be_no(tmp_path):
    """What takes too long, and what finds something broken, is not within its bar."""

    @attack("broken", "", "", 5)
    async def broken(stage: Stage) -> Verdict:
        raise AssertionError("it is broken")

    @attack("slow", "", "", 0.01)
    async def slow(stage: Stage) -> Verdict:
        await asyncio.Event().wait()

    try:
        assert run(carry_out("broken", Stage(tmp_path, 1, 0))) == (
            "AssertionError: it is broken",
            False,
        )
        assert run(carry_out("slow", Stage(tmp_path, 1, 0))) == ("not over after 0 s", False)
    finally:
        del ATTACKS["broken"], ATTACKS["slow"]
