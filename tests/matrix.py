"""The matrix of rights: a server in this process, and a look at each of its cells.

What is right is told by tests/rights.py. A cell is wrong when the answer is another one, when it
tells of what is not the peer's, when the store was asked before somebody was refused, or changed,
and when an answer differs from the one that comes where there is nothing.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from collab import Hub, absent
from collab.limits import Limits
from collab.storage import Store, Token, open_store
from collab.tokens import Tokens, new_key
from collab.web import routes
from tests.rights import (
    CANARY,
    NAME,
    OURS,
    PEOPLE,
    ROUTES,
    TOKEN,
    Person,
    all_of,
    expected,
    furnish,
    token_of,
)  # fmt: skip

BACKGROUND = {"record"}  # what a hub asks of a store when nobody asks it
REFUSALS = (401, 403, 405)
CANARIES = [CANARY, "Una", "u1", "bolt"]


class Watched:
    """A store, and what it was asked."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name not in BACKGROUND:
            self.asked.append(name)
        return getattr(self.store, name)


class World:
    """A server with users, in this process; `wrong` says which cells of the matrix are."""

    def __init__(self) -> None:
        self.key = new_key()
        self.tokens = Tokens([self.key])
        self.store = open_store(":memory:")
        self.watched = Watched(self.store)
        # All come from one address, and who is not let in stays to hear more of that.
        patient = Limits(failed_logins=1_000_000, first_message_seconds=3600)
        self.hub = Hub(self.watched, self.tokens, patient)  # type: ignore[arg-type]
        self.cells = 0
        self._named = 0
        self.wrong: list[str] = []

    async def __aenter__(self) -> "World":
        await self.hub.start()
        await self.hub.door.limit(Token(f"{OURS}\x1frevoked", "", 0, "", "", 1, 1 << 45), [])
        self.server = HTTPServer(Application(routes(self.hub), log_function=lambda handler: None))
        socket, self.port = bind_unused_port()
        self.server.add_socket(socket)
        self.client = AsyncHTTPClient(force_instance=True)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.client.close()
        self.server.stop()
        await self.hub.close()
        await self.server.close_all_connections()

    async def ask(
        self, person: Person, method: str, path: str, own: str, asked: str
    ) -> HTTPResponse:
        """`own` is the document that the person has rights to, `asked` the one that it asks for."""
        token = token_of(person, own, self.tokens, self.key)
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        url = f"http://127.0.0.1:{self.port}{path.replace('{}', quote(asked, safe=''))}"
        body = ROUTES[path].get(method, (0, {} if method in ("POST", "PUT", "PATCH") else None))[1]
        data = None
        if isinstance(body, bytes):
            data, headers["Content-Type"] = body, "application/octet-stream"
        elif body is not None:
            counts = token_of(PEOPLE[-1], own, self.tokens, self.key)
            data = json.dumps(body).replace(NAME, asked).replace(TOKEN, counts)
        return await self.client.fetch(
            HTTPRequest(url, method, headers, data, allow_nonstandard_methods=True),
            raise_error=False,
        )

    async def routes(
        self, people: Sequence[Person], places: Sequence[str], which: Sequence[tuple[str, str]]
    ) -> None:
        """A cell for each person, place, and path and method. First come those who are refused:
        nothing of a hub is busy then, that could ask the store behind their backs."""
        cells = [
            (expected(person, place, *cell), person, place, *cell)
            for person, place, cell in product(people, places, which)
        ]
        for cell in sorted(cells, key=lambda cell: min(cell[0]) not in REFUSALS):
            await self._route(*cell)

    async def _route(
        self, right: set[int], person: Person, place: str, path: str, method: str
    ) -> None:
        own, asked = await self.names(place)
        before = await all_of(self.store, asked)
        self.watched.asked.clear()
        answer = await self.ask(person, method, path, own, asked)
        text = answer.body.decode(errors="replace") + str(dict(answer.headers))
        faults = [] if answer.code in right else [f"{answer.code} is not in {right}"]
        if answer.code in (404, *REFUSALS):
            # Who may use a name may have it said back.
            told = CANARIES if answer.code == 404 else [*CANARIES, asked]
            faults += [f"tells of {word}" for word in told if word in text]
        if answer.code in REFUSALS:
            faults += [f"asked the store to {name}" for name in self.watched.asked]
            faults += ["changed something"] if before != await all_of(self.store, asked) else []
            none = await self.ask(person, method, path, own, asked[:-1] + "_")
            if shown(answer) != shown(none):
                faults.append(f"is not what comes where there is nothing: {none.body!r}")
        self.note(f"{person.name} x {place} x {method} {path}", faults, text)

    async def names(self, place: str) -> tuple[str, str]:
        """The name of one's own document, and of the one that is asked for: new ones."""
        self._named += 1
        own = asked = f"{10_000 + self._named}-{place}"
        if place in ("other", "hidden"):
            asked += "-x"
        await furnish(self.store, place, asked)
        return own, asked

    def note(self, cell: str, faults: list[str], text: str) -> None:
        self.cells += 1
        if faults:
            self.wrong.append(f"{cell}: {'; '.join(faults)}: {text[:300]}")


def shown(answer: HTTPResponse) -> object:
    """All that somebody sees of an answer."""
    headers = [item for item in answer.headers.get_all() if item[0] != "Date"]
    return answer.code, answer.body, headers


def play(story: Callable[[World], Awaitable[None]]) -> World:
    """A story in a world of its own, which it returns. Nobody is waited for there who edits before
    the token comes."""

    async def run() -> World:
        async with World() as world:
            await story(world)
            return world

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(absent, "FIRST", 0.001)
        return asyncio.run(run())
