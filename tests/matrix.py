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

from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from collab import Hub
from collab.limits import Limits
from collab.storage import Store, Token, open_store
from collab.tokens import Tokens, new_key
from collab.web import routes
from collab.wire import (
    AwarenessUpdate,
    Denied,
    Message,
    QueryAwareness,
    Receipt,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)  # fmt: skip
from tests.live import STEP1, STEP2, Peer, messages, typed
from tests.rights import (
    CANARY,
    NAME,
    OURS,
    PEOPLE,
    READ,
    ROUTES,
    TOKEN,
    WRITE,
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
        patient = Limits(failed_logins=1_000_000)  # all come from one address
        self.hub = Hub(self.watched, self.tokens, patient)  # type: ignore[arg-type]
        self.cells = 0
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
        own, asked = await self._names(place)
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

    async def sockets(
        self, people: Sequence[Person], places: Sequence[str], kinds: Sequence[type[Message]]
    ) -> None:
        """A cell for each person, place, and message."""
        for person, place, kind in product(people, places, kinds):
            own, asked = await self._names(place)
            before = await all_of(self.store, asked)
            peer = await self.peer(token_of(person, own, self.tokens, self.key), asked)
            may = person.may(place)
            if may < READ or place == "deleted":
                faults, text = await _sent_away(peer, may, person.known)
                writes = False
            else:
                faults, text = await _talks(peer, kind, may, CANARY if place == "theirs" else "?")
                writes = kind in WRITES and may >= WRITE
            if writes != (before != await all_of(self.store, asked)):
                faults.append("changed nothing" if writes else "changed something")
            peer.close()
            self.note(f"{person.name} x {place} x {kind.__name__}", faults, text)

    async def peer(self, token: str, name: str) -> Peer:
        """A socket to a document."""
        asked = f"?token={token}" if token else ""
        return await Peer.connect(f"ws://127.0.0.1:{self.port}/sync/{name}{asked}")

    async def _names(self, place: str) -> tuple[str, str]:
        """The name of one's own document, and of the one that is asked for: new ones."""
        own = asked = f"{10_000 + self.cells}-{place}"
        if place in ("other", "hidden"):
            asked += "-x"
        await furnish(self.store, place, asked)
        return own, asked

    def note(self, cell: str, faults: list[str], text: str) -> None:
        self.cells += 1
        if faults:
            self.wrong.append(f"{cell}: {'; '.join(faults)}: {text[:300]}")


async def _sent_away(peer: Peer, may: int, known: bool) -> tuple[list[str], str]:
    """What is wrong with how a peer has to go who never gets in."""
    right = 4404 if may >= READ else 4403 if known else 4401
    frame = await peer.frame()
    text = f"{peer.code} {peer.socket.close_reason}"
    faults = [] if peer.code == right else [f"{peer.code} is not {right}"]
    faults += ["was told something before"] if frame is not None else []
    return faults + [f"tells of {word}" for word in CANARIES if word in text], text


async def _talks(peer: Peer, kind: type[Message], may: int, canary: str) -> tuple[list[str], str]:
    """What is wrong with what a peer hears who says that."""
    message = MESSAGES[kind]
    await peer.send(STEP2 + STEP1)
    heard = await _hears(peer, SyncStep2)
    if isinstance(heard[-1], Denied):
        return ["was denied to read"], repr(heard)
    await peer.say(message)
    await peer.say(SyncStep1(b"\x00"))
    heard += await _hears(peer, SyncUpdate if kind in WRITES else SyncStep2)
    denied = any(isinstance(one, Denied) for one in heard)
    faults = ["was denied" if denied else "was not denied"]
    if denied == (kind in WRITES and may < WRITE):
        faults = []
    return faults + ([f"tells of {canary}"] if canary in repr(heard) else []), repr(heard)


async def _hears(peer: Peer, kind: type[Message]) -> list[Message]:
    """All messages until one of a kind, or a refusal."""
    heard: list[Message] = []
    while not any(isinstance(one, (kind, Denied)) for one in heard):
        frame = await peer.frame()
        assert frame is not None
        heard += messages(frame)
    return heard


MESSAGES: dict[type[Message], Message] = {
    SyncStep1: SyncStep1(b"\x00"),
    SyncStep2: SyncStep2(typed(9, 0, "mine")),
    SyncUpdate: SyncUpdate(typed(9, 0, "mine")),
    AwarenessUpdate: AwarenessUpdate(b"\x01\x09\x01\x02{}"),
    QueryAwareness: QueryAwareness(),
    Receipt: Receipt(3),
}
WRITES = (SyncStep2, SyncUpdate)


def shown(answer: HTTPResponse) -> object:
    """All that somebody sees of an answer."""
    headers = [item for item in answer.headers.get_all() if item[0] != "Date"]
    return answer.code, answer.body, headers


def play(story: Callable[[World], Awaitable[None]]) -> World:
    """A story in a world of its own, which it returns."""

    async def run() -> World:
        async with World() as world:
            await story(world)
            return world

    return asyncio.run(run())
