"""The kill battery: typists, SIGKILL at a random moment, and a look at what is on disk.

A round: eight typists type, in one document that goes through ten rounds and in two new ones; the
server is killed, its file is read, the typists type a little more on their own, the server starts
again, everybody reconnects. What was acknowledged or shown to anybody else must be in the file,
nothing twice, and in the end all agree.
"""

import asyncio
from collections import Counter
from random import Random

from pycrdt import Array, Doc, Text

from collab.state import State
from collab.storage import open_store
from collab.update import read_update
from tests.durability.typists import NodeTypists, Report, Typist
from tests.live import PATIENCE, Server, until
from tests.proxy import Proxy

SEATS = ("one", "one", "two", "two", "three")  # where the pycrdt typists sit,
NODE_SEATS = ("one", "three", "one")  # those in Node,
CLIENTS = ("yws3", "yws3", "ysweet")  # and what they connect with
MOMENT = (10, 500)  # acknowledged edits until the kill,
NODE = 5  # and of each typist in Node, at least
LONG = 10  # rounds that the one document goes through: all look at all of it, again and again
OFFLINE = 3  # edits of each while the server is down


class Figures:
    """What the rounds have shown."""

    def __init__(self) -> None:
        self.rounds = 0
        self.edits = 0
        self.promised = 0
        self.lost = 0
        self.doubled = 0
        self.kept: dict[str, set[str]] = {}  # document -> the tokens of earlier rounds

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds of kill -9, {self.edits} edits, {self.promised} acknowledged or "
            f"seen, {self.lost} lost, {self.doubled} doubled"
        )


class Round:
    """One round on a running server, in documents of its own."""

    def __init__(
        self, server: Server, node: NodeTypists, number: int, seed: int, node_port: int
    ) -> None:
        self.server = server
        self.node = node
        self.node_url = f"ws://127.0.0.1:{node_port}"
        self.number = number
        self.dice = Random(f"{seed} {number}")
        names = [f"{number}/{n}" for n in range(len(SEATS + NODE_SEATS))]  # tokens begin with them
        self.seats = dict(zip(names, SEATS + NODE_SEATS, strict=True))
        self.typists = [
            Typist(name, server.url(self.document(seat)), Random(f"{seed} {name}"))
            for name, seat in zip(names, SEATS, strict=False)
        ]
        self.node_seats = [
            (name, self.document(self.seats[name]), client)
            for name, client in zip(names[len(SEATS) :], CLIENTS, strict=True)
        ]

    def document(self, seat: str) -> str:
        since = self.number - self.number % LONG if seat == SEATS[0] else self.number
        return f"{seat}-since-round-{since}"  # y-sweet's ids have no spaces

    async def play(self, figures: Figures) -> None:
        """Adds what is lost and doubled to the figures; fails when the rest goes wrong."""
        await self.type_until_killed()
        reports = await self.reports()
        on_disk = {seat: await shown(self.server, self.document(seat)) for seat in set(SEATS)}
        figures.rounds += 1
        figures.edits += sum(len(report.made) for report in reports.values())
        for seat, document in on_disk.items():
            promised = {token for r in self.of(reports, seat) for token in r.promised}
            promised |= figures.kept.get(self.document(seat), set())
            figures.promised += len(promised - figures.kept.get(self.document(seat), set()))
            figures.lost += len(promised - set(document.tokens))
        figures.doubled += sum(doubles(document) for document in on_disk.values())
        await self.go_on(figures.kept)
        for name, report in (await self.reports()).items():
            figures.doubled += doubles(report)
            if self.seats[name] == SEATS[0]:
                figures.kept[self.document(SEATS[0])] = set(report.tokens)
        for typist in self.typists:
            await typist.close()
        await self.node.close()

    async def type_until_killed(self) -> None:
        await self.node.open(self.node_url, self.node_seats)
        await self.node.type(True)
        for typist in self.typists:
            await typist.connect()
            typist.type(True)  # at once: what comes before the handshake's end counts as well
        enough = self.dice.randint(*MOMENT)
        await until("receipts", lambda: sum(typist.acked for typist in self.typists) >= enough)
        async with asyncio.timeout(PATIENCE):
            while min(r.acked for r in (await self.node.reports()).values()) < NODE:
                await asyncio.sleep(0.01)
        self.server.kill()
        await self.node.type(False)
        for typist in self.typists:
            typist.type(False)
            await typist.gone()

    async def go_on(self, kept: dict[str, set[str]]) -> None:
        """Edits while the server is down, and after it has come back everybody agrees."""
        for typist in self.typists:
            for _ in range(OFFLINE):
                typist.edit()
        self.server.start()
        for typist in self.typists:
            await typist.connect()
        for _ in range(2_000):
            reports = await self.reports()
            if self.agreed(reports, kept):
                break
            await asyncio.sleep(0.02)
        else:
            raise AssertionError(f"they do not agree: {brief(reports, self.seats)}")
        for seat in set(SEATS):
            late = Typist("late", self.server.url(self.document(seat)), Random(0))
            await late.connect()
            await until("the late joiner", lambda late=late: late.synced)
            assert late.report().tokens == self.of(reports, seat)[0].tokens
            await late.close()

    def agreed(self, reports: dict[str, Report], kept: dict[str, set[str]]) -> bool:
        for seat in set(SEATS):
            here = self.of(reports, seat)
            made = {token for report in here for token in report.made}
            made |= kept.get(self.document(seat), set())
            for report in here:
                if not report.synced or report.acked < len(report.made):
                    return False
                if set(report.tokens) != made or report.tokens != here[0].tokens:
                    return False
                if report.letters != here[0].letters:
                    return False
        return True

    def of(self, reports: dict[str, Report], seat: str) -> list[Report]:
        """The reports from one document."""
        return [report for name, report in reports.items() if self.seats[name] == seat]

    async def reports(self) -> dict[str, Report]:
        return {t.name: t.report() for t in self.typists} | await self.node.reports()


def doubles(report: Report) -> int:
    """How many edits are there twice, or in half."""
    tokens = Counter(report.tokens)
    return sum(count - 1 for count in tokens.values()) + abs(report.letters - len(tokens))


def brief(reports: dict[str, Report], seats: dict[str, str]) -> list[tuple[object, ...]]:
    return [
        (n, seats[n], len(r.made), r.acked, len(r.tokens), len(set(r.tokens)), r.letters, r.synced)
        for n, r in reports.items()
    ]


async def shown(server: Server, name: str) -> Report:
    """A document as it is in the file of a dead server; each row connects and is news."""
    state = State()
    async with open_store(server.store) as store:
        loaded = await store.load(name)
        if loaded.snapshot is not None:
            state = State.load(loaded.snapshot.data, loaded.snapshot.index)
        assert loaded.damaged is None
        for row in loaded.updates:
            news, missing = state.admit(read_update(row.data), partial=False)
            assert news is not None, f"row {row.seq} says nothing new"
            assert not missing, f"row {row.seq} does not connect"
            state.enter(news)
    doc = Doc()
    doc.apply_update(state.encode())
    tokens, letters = doc.get("tokens", type=Array), doc.get("text", type=Text)
    return Report([], 0, set(), tokens.to_py(), len(letters), True)


async def kill_again_and_again(
    server: Server, rounds: int, seed: int, proxy: Proxy | None = None
) -> Figures:
    """So many rounds; ends early when something was lost. The typists in Node come through the
    proxy, by HTTP where it blocks WebSocket."""
    figures = Figures()
    port = server.port if proxy is None else proxy.port
    async with NodeTypists(blocked=proxy is not None) as node:
        for number in range(rounds):
            await Round(server, node, number, seed, port).play(figures)
            if figures.lost:
                break
    server.stop()
    async with open_store(server.store) as store:
        assert [problem async for problem in store.verify()] == []
    return figures
