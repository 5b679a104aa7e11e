"""The kill battery for the past: SIGKILL while documents are folded, packed, thinned and restored.

A round: typists type, others name moments, remember what these showed, and restore some of them;
the server is killed, and its file is read. Every moment that was named shows what it showed, from
the first round on; what was acknowledged is in the document that nobody restores, once.
"""

import asyncio
import json
from random import Random
from typing import Any

from pycrdt import Array, Doc, Text
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.simple_httpclient import HTTPStreamClosedError

from collab import Hub
from collab.storage import open_store
from tests.durability.kill import doubles
from tests.durability.typists import Report, Typist
from tests.live import Server, until

TYPED, RESTORED = "typed", "restored"
PACE = 0.05  # seconds between edits at most: the past is read anew all the time
MOMENTS = (3, 25)  # named until the kill
PATIENCE = 120.0  # seconds: all that is done to the past takes its time on a busy machine
LONG = 10  # rounds that the documents go through


class Figures:
    """What the rounds have shown."""

    def __init__(self) -> None:
        self.rounds = self.edits = self.promised = self.lost = self.doubled = 0
        self.moments = self.changed = self.restores = self.thinned = 0

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds of kill -9, {self.edits} edits, {self.restores} restores, "
            f"{self.thinned} edits thinned out; {self.promised} edits acknowledged or seen, "
            f"{self.lost} lost, {self.doubled} doubled; {self.moments} looks at named moments, "
            f"{self.changed} other than they were"
        )

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.changed)


class Keeper:
    """Names moments of a document, remembers what they show, and may restore some."""

    def __init__(self, server: Server, name: str, dice: Random, restores: bool) -> None:
        self.page = server.page(f"/api/documents/{name}")
        self.dice = dice
        self.restores = restores
        self.restored = 0
        self.asking = self.refused = ""
        self.shown: dict[str, Any] = {}  # version -> what it showed
        self.known: dict[str, Any] = {}  # those of earlier rounds, too

    async def keep(self, begin: int) -> None:
        """Goes on until the server is gone."""
        number = begin
        while True:
            number += 1
            name = f"v{number}"
            try:
                await self.ask("POST", "/versions", name=name)
                self.shown[name] = (await self.ask("GET", f"/history/@{name}"))["content"]
                self.known[name] = self.shown[name]
                if self.restores and self.dice.random() < 0.5:
                    back = self.dice.choice(list(self.known))
                    await self.ask("POST", "/restore", to=f"@{back}")
                    self.restored += 1
            except (OSError, HTTPStreamClosedError):
                return
            except HTTPClientError as error:
                if error.code not in (400, 404, 503):  # before the first edit; not now
                    raise
                self.refused = f"{error}: {error.response and error.response.body!r}"
            await asyncio.sleep(self.dice.random() * 0.05)

    async def ask(self, method: str, path: str, **body: str) -> Any:
        self.asking = f"{method} {path} {body}"
        answer = await AsyncHTTPClient().fetch(
            self.page + path,
            method=method,
            headers={"Content-Type": "application/json"},
            body=json.dumps(body) if body else None,
            request_timeout=PATIENCE,
        )
        return json.loads(answer.body)


class Round:
    """One round on a running server."""

    def __init__(self, server: Server, number: int, seed: int) -> None:
        self.server = server
        self.dice = Random(f"{seed} {number}")
        self.since = number - number % LONG
        self.number = number
        seats = (TYPED, TYPED, RESTORED)
        self.typists = [
            Typist(
                f"{number}/{n}",
                server.url(self.document(seat)),
                Random(f"{seed} {number} {n}"),
                pace=PACE,
            )
            for n, seat in enumerate(seats)
        ]

    def document(self, seat: str) -> str:
        return f"{seat}-{self.since}"

    async def play(
        self, figures: Figures, known: dict[str, dict[str, Any]], kept: set[str]
    ) -> None:
        """Adds to the figures; `known` are the named moments by document, `kept` the tokens that
        were promised in earlier rounds."""
        keepers = {
            seat: Keeper(self.server, self.document(seat), self.dice, seat == RESTORED)
            for seat in (TYPED, RESTORED)
        }
        for seat, keeper in keepers.items():
            keeper.known.update(known.setdefault(self.document(seat), {}))
        await self.until_killed(keepers)
        for seat, keeper in keepers.items():
            known[self.document(seat)].update(keeper.shown)
            figures.restores += keeper.restored
        reports = [typist.report() for typist in self.typists]
        figures.rounds += 1
        figures.edits += sum(len(report.made) for report in reports)
        promised = {token for report in reports[:2] for token in report.promised}
        figures.promised += len(promised - kept)
        kept |= promised
        await self.look(figures, known, kept)
        for typist in self.typists:
            await typist.close()

    async def until_killed(self, keepers: dict[str, Keeper]) -> None:
        for typist in self.typists:
            await typist.connect()
            typist.type(True)
        enough = self.dice.randint(*MOMENTS)

        def named() -> int:
            return sum(len(keeper.shown) for keeper in keepers.values())

        tasks = [
            asyncio.create_task(keeper.keep(self.number * 1_000)) for keeper in keepers.values()
        ]
        try:
            ended = lambda: any(task.done() for task in tasks)  # noqa: E731
            await until("named moments", lambda: ended() or named() >= enough, PATIENCE)
        except AssertionError as error:
            told = [(len(k.shown), k.asking, k.refused) for k in keepers.values()]
            raise AssertionError(f"{error}; moments, last question and refusal: {told}") from None
        await asyncio.sleep(self.dice.random() * 0.2)
        self.server.kill()
        for typist in self.typists:
            typist.type(False)
            typist.online = False
            await typist.gone()
        await asyncio.gather(*tasks)

    async def look(
        self, figures: Figures, known: dict[str, dict[str, Any]], kept: set[str]
    ) -> None:
        """Into the file of the dead server."""
        async with open_store(self.server.store) as store:
            assert [problem async for problem in store.verify()] == []
        async with Hub(open_store(self.server.store)) as hub:
            for seat in (TYPED, RESTORED):
                history = hub.history(self.document(seat))
                for name, content in known[history.name].items():
                    seq = await history.find(f"@{name}")
                    figures.moments += 1
                    if json.loads(await history.content(seq)) != content:
                        figures.changed += 1
                head = await history.head()
                rows = await hub.store.moments(history.name, 1, head)
                figures.thinned = max(figures.thinned, head - len(rows))
            doc: Doc[Any] = Doc()
            doc.apply_update((await hub.state(self.document(TYPED))).encode())
        tokens = doc.get("tokens", type=Array).to_py()
        letters = len(doc.get("text", type=Text))
        figures.lost += len(kept - set(tokens))
        figures.doubled += doubles(Report([], 0, set(), tokens, letters, True))


async def kill_pasts(server: Server, rounds: int, seed: int) -> Figures:
    """So many rounds; ends early when something was lost."""
    figures = Figures()
    known: dict[str, dict[str, Any]] = {}
    kept: set[str] = set()
    thinned = 0
    for number in range(rounds):
        if number % LONG == 0:
            known, kept = {}, set()
            thinned, figures.thinned = thinned + figures.thinned, 0
        await Round(server, number, seed).play(figures, known, kept)
        if not figures.good:
            break
        server.start()
    figures.thinned += thinned
    server.stop()
    return figures
