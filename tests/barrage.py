"""The live barrage: mutants over every way into a real server (`tests.ways`), while others type on.

Attackers connect, say some of a way's mutants, and read until the server has had enough; a pair of
editors types in a document that is attacked, and one in another. The same seed says the same
mutants, though not in the same order.
"""

import asyncio
import contextlib
import json
import re
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import TextIO

from tests.live import PATIENCE, Server
from tests.turns import Turns
from tests.ways import SAME, WAYS
from tests.witness import Witnesses

ATTACKERS = 6
BURST = 20  # mutants on one connection, at most
TURNOVER = 300  # connections until the attack goes on in another document
HOLD = 0.05  # CPU seconds for which one message may hold the server's loop
GROWTH = 16 << 20  # bytes by which one message may raise its memory
LOOK = 0.1  # seconds between two looks at the server's memory
OTHER = "elsewhere"  # where nobody attacks

CLOSED = re.compile(r"closed: document .*, (\d+) frames and \d+ bytes in, ")
FAULT = re.compile(r"127\.0\.0\.1: closed with \d+: ")
THEIRS = re.compile(r"127\.0\.0\.1|4\d\d .* \(127\.0\.0\.1\): |limit \w+ was hit by 127\.0\.0\.1")
OPENED = re.compile(rb'"connection": ?"([\w-]+)"')
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)")
ANSWER = re.compile(rb"HTTP/1\.1 \d\d\d ")


class Figures:
    """What a barrage has shown. `worst` is the longest turn of the server's loop in CPU seconds,
    `growth` the most bytes by which its memory rose from one look to the next, `errors` the lines
    of its log that are not about a peer of the attackers'."""

    def __init__(self) -> None:
        self.mutants = 0  # that the server has looked at
        self.connections = 0
        self.seconds = 0.0
        self.worst = 0.0
        self.growth = 0
        self.kept = 0  # bytes by which memory was higher in the end
        self.slowest = 0.0  # seconds of a witness's round trip
        self.errors: list[str] = []

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return not self.errors and self.worst <= HOLD and self.growth <= GROWTH

    def add(self, other: "Figures") -> None:
        """What another barrage has shown belongs to this one. Not its seconds: they may overlap."""
        for name in ("mutants", "connections"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("worst", "growth", "kept", "slowest"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        self.errors += other.errors

    def __str__(self) -> str:
        return (
            f"{self.mutants} mutants in {self.connections} connections "
            f"({self.mutants / self.seconds:.0f} a second), {len(self.errors)} errors of ours, "
            f"the loop held for {self.worst * 1e3:.1f} ms at most, "
            f"memory +{self.growth / 2**20:.1f} MiB at once and +{self.kept / 2**20:.1f} MiB "
            f"in the end, slowest round trip of a witness {self.slowest * 1e3:.0f} ms"
        )


class Barrage:
    """`server` is of the program WATCHED, fresh; `run` once."""

    def __init__(self, server: Server, count: int, seed: object) -> None:
        self.server = server
        self.count = count
        self.dice = Random(f"{seed}")
        self.figures = Figures()
        self.answers = 0
        self.over = False
        self.log = 0  # how much of it has been read
        self.mutants = {way.name: way.mutants(Random(f"{seed} {way.name}")) for way in WAYS}

    async def run(self) -> Figures:
        """Attacks until the server has looked at so many mutants. AssertionError when it hangs, or
        an edit of a witness does not arrive."""
        began, turns = time.monotonic(), Turns(self.server.store)
        async with Witnesses(self.server, SAME, OTHER) as witnesses:
            before = self.server.memory
            turns.reset()
            async with asyncio.TaskGroup() as group:
                for task in (self._watch(), *(self._attack() for _ in range(ATTACKERS))):
                    group.create_task(task)
        self.figures.seconds = time.monotonic() - began
        self.figures.worst = turns.longest
        self.figures.kept = self.server.memory - before
        self.figures.slowest = witnesses.worst
        assert self.server.alive
        return self.figures

    async def _attack(self) -> None:
        while not self.over:
            (way,) = self.dice.choices(WAYS, [way.share for way in WAYS])
            name = SAME if self.dice.random() < 0.1 else ""
            name = name or f"attacked {self.figures.connections // TURNOVER}".replace(" ", "%20")
            self.figures.connections += 1
            mutants = list(islice(self.mutants[way.name], self.dice.randint(1, BURST)))
            reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
            with contextlib.suppress(ConnectionError):
                writer.write(way.opening(self.dice, name))
                if way.requests is None:
                    writer.write(b"".join(mutants))
                elif opened := OPENED.search(await _answer(reader)):
                    asked = way.requests(self.dice, name, opened[1].decode(), mutants)
                    await self._ask(asked, reader, writer)
                if self.dice.random() < 0.9:
                    writer.write_eof()
                    async with asyncio.timeout(PATIENCE):
                        answers = await _read(reader)
                    self.answers += answers if way.answered else 0
            writer.transport.abort()

    async def _ask(
        self, requests: Iterator[bytes], reader: StreamReader, writer: StreamWriter
    ) -> None:
        """One by one, until the connection is over; now and then all at once. What was refused
        before a frame was looked at counts here, the frames in the log."""
        patient = self.dice.random() < 0.95
        for request in requests:
            writer.write(request)
            if patient:
                answer = await _answer(reader)
                if b"\r\nQuire-Close:" in answer:
                    break
                self.answers += answer.startswith(b"HTTP/1.1 4")

    async def _watch(self) -> None:
        """Counts what the server has read, and looks at its memory."""
        self.server.peak()
        before, looked, last = self.server.memory, 0, time.monotonic()
        rest: list[str] = []
        with self.server.log.open(errors="replace") as log:
            while not self.over:
                await asyncio.sleep(LOOK)
                self.figures.growth = max(self.figures.growth, self.server.peak() - before)
                before = self.server.memory
                for line in whole_lines(log, rest):
                    self._count(json.loads(line) if line.startswith("{") else line)
                if looked != (looked := self.figures.mutants + self.answers):
                    last = time.monotonic()
                assert time.monotonic() - last < PATIENCE, f"nothing after {looked} mutants"
                self.over = looked >= self.count
        self.figures.mutants += self.answers

    def _count(self, line: dict[str, str] | str) -> None:
        if isinstance(line, str):
            if not line.startswith(("Quire is at", "It is open to")):
                self.figures.errors.append(line)
            return
        if closed := CLOSED.match(line["message"]):
            self.figures.mutants += max(0, int(closed[1]) - 1)  # the first one is the greeting
        self.figures.mutants += FAULT.match(line["message"]) is not None
        theirs = THEIRS.match(line["message"])
        if line["level"] != "info" and not (line["level"] == "warning" and theirs):
            self.figures.errors.append(f"{line['message']} {line.get('error', '')}")


async def _answer(reader: StreamReader) -> bytes:
    """The next one; ConnectionError when none comes any more."""
    async with asyncio.timeout(PATIENCE):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            size = LENGTH.search(head)
            return head + await reader.readexactly(int(size[1]) if size else 0)
        except asyncio.IncompleteReadError as error:
            raise ConnectionError from error


def whole_lines(log: TextIO, rest: list[str]) -> Iterator[str]:
    """What has been written since the last time. Of a line that is being written the beginning
    waits in `rest`: the kernel shows it to us page by page."""
    for part in log:
        rest.append(part)
        if part.endswith("\n"):
            yield "".join(rest)
            rest.clear()


async def _read(reader: StreamReader) -> int:
    """How many answers came until the end."""
    answers = 0
    while data := await reader.read(1 << 16):
        answers += len(ANSWER.findall(data))
    return answers
