"""What is done to a server that stands on the open Internet: one function for each attack, with the
bar that it is measured against. `scripts/attack` does all of them and prints the table;
`tests/test_attacks.py` does a small size of each.

An attack gets a Stage and gives a Verdict. It knows the wire and the command line, nothing of what
is inside the server, but for how long its loop was held (`tests.turns`).
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.live import Server
from tests.turns import WATCHED, Turns
from tests.witness import Witnesses

HOLD = 0.05  # CPU seconds for which an attack may hold the loop: nobody waits longer for his turn
MIB = 1 << 20


class Verdict(NamedTuple):
    """What was measured, in words, and whether that is within the bar."""

    measured: str
    ok: bool


class Stage:
    """Where an attack takes place: `folder` is new and its own, `share` says how much of it."""

    def __init__(self, folder: Path, share: float, seed: int) -> None:
        self.folder = folder
        self.share = share
        self.seed = seed

    def some(self, number: int) -> int:
        """So many, or a few of them."""
        return max(2, round(number * self.share))

    def server(self, *options: str) -> Server:
        """`quire serve` with its defaults, whose turns can be seen; with FAST where the limits of
        how fast one may send would hide what the rest of it stands."""
        return Server(self.folder / "quire.db", WATCHED, *options)

    def quire(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Another command, on the same store and with the same keys."""
        files = {"QUIRE_STORE": "quire.db"}
        if arguments[0] == "token":
            files["QUIRE_KEYS"] = "quire.keys"
        return subprocess.run(
            [sys.executable, "-m", "collab.web", *arguments],
            env={**os.environ, **{name: str(self.folder / file) for name, file in files.items()}},
            capture_output=True,
            text=True,
            timeout=60,
        )


class Watch:
    """What an attack does to a server, and to editors of some documents who type all the while.

    async with Watch(server, "attacked", "elsewhere") as watch: attack()
    assert watch.unaffected
    """

    def __init__(self, server: Server, *names: str) -> None:
        self.server = server
        self.witnesses = Witnesses(server, *names)
        self.turns = Turns(server.store)

    async def __aenter__(self) -> "Watch":
        await self.witnesses.__aenter__()
        self.begin()
        return self

    async def __aexit__(self, *error: object) -> None:
        self.hold = self.turns.longest
        self.growth = self.server.peak() - self._before
        self.kept = self.server.memory - self._before
        self.cpu = self._used() - self._cpu
        self.seconds = time.monotonic() - self._began
        await self.witnesses.__aexit__(*error)

    def begin(self) -> None:
        """What is measured begins here."""
        self.turns.reset()
        self.server.peak()
        self._before, self._cpu, self._began = self.server.memory, self._used(), time.monotonic()

    def _used(self) -> float:
        assert self.server.process is not None
        times = psutil.Process(self.server.process.pid).cpu_times()
        return times.user + times.system

    @property
    def unaffected(self) -> bool:
        """Whether the others went on as if nothing had been, and nothing failed in the server."""
        return self.hold <= HOLD and self.server.alive and not errors(self.server)

    def __str__(self) -> str:
        faults = "".join(f"; {line[:300]}" for line in errors(self.server)[:1])
        return (
            f"loop held {self.hold * 1e3:.0f} ms at most, others' round trips "
            f"p99 {self.witnesses.share(0.99) * 1e3:.0f} ms, worst "
            f"{self.witnesses.worst * 1e3:.0f} ms, memory "
            f"{self.growth / MIB:+.1f} MiB at most{faults}"
        )


def errors(server: Server) -> list[str]:
    """The lines of a server's log that are faults of its own."""
    return [line for line in server.troubles() if not line.startswith("warning: ")]


Run = Callable[[Stage], Coroutine[Any, Any, Verdict]]


class Attack(NamedTuple):
    """One row of the table."""

    what: str
    bar: str
    seconds: float  # after which it is given up
    run: Run


ATTACKS: dict[str, Attack] = {}


def attack(number: str, what: str, bar: str, seconds: float = 120) -> Callable[[Run], Run]:
    """Makes a function a row of the table."""

    def enter(run: Run) -> Run:
        ATTACKS[number] = Attack(what, bar, seconds, run)
        return run

    return enter


async def carry_out(number: str, stage: Stage) -> Verdict:
    """One attack, bounded in time. What it could not finish, or what it found broken, is a NO."""
    one = ATTACKS[number]
    try:
        async with asyncio.timeout(one.seconds):
            return await one.run(stage)
    except TimeoutError:
        return Verdict(f"not over after {one.seconds:.0f} s", False)
    except (AssertionError, OSError) as error:
        return Verdict(f"{type(error).__name__}: {error}"[:300], False)
