"""The client in a program, against a real server process."""

import asyncio
import socket
import time
import urllib.request
from pathlib import Path

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from collab import wire
from collab.client import Client
from collab.client.presence import Others, announce
from collab.client.server import address
from collab.errors import AccessDenied, NotFound, Unauthenticated, Unavailable
from collab.wire import SyncStep2
from tests.client.stories import play, quire, text, type_
from tests.live import Server, until


def test_what_one_writes_the_other_reads(server: Server) -> None:
    """Both ways, and it is on disk when it is said to be: a kill does not take it back."""

    async def story() -> None:
        async with (
            Client(server.page("/"), "a/b c é") as ann,
            Client(server.page(""), "a/b c é") as bob,
        ):
            await ann.synced()
            await bob.synced()
            type_(ann, "one ")
            await until("the edit to arrive", lambda: text(bob) == "one ")
            type_(bob, "two ")
            await bob.saved()
            server.kill()
            server.start()
            async with Client(server.page("/"), "a/b c é") as late:
                await late.synced()
                assert "two one " == text(late)

    play(story())


def test_edits_made_while_away_come_with_the_next_connection(server: Server) -> None:
    """Before the first, and while the server is down; each edit once, and `saved` waits."""

    async def story() -> None:
        ann = Client(server.page("/"), "notes")
        type_(ann, "early ")
        async with ann, Client(server.page("/"), "notes") as bob:
            await ann.saved()
            await until("the early edit", lambda: text(bob) == "early ")
            server.kill()
            await until("both to notice", lambda: not (ann.online or bob.online))
            type_(ann, "a ")
            type_(bob, "b ")
            waiting = asyncio.create_task(ann.saved())
            await asyncio.sleep(0)
            assert not waiting.done()
            server.start()
            await waiting
            await bob.saved()
            await until("both to agree", lambda: text(ann) == text(bob))
            assert sorted(["a", "b", "early"]) == sorted(text(ann).split())

    play(story())


def test_people_see_each_other(server: Server) -> None:
    """Names come and change and go: at once with a goodbye; one sees nobody without a server."""

    async def story() -> None:
        async with Client(server.page("/"), "notes", user={"name": "Ann"}) as ann:
            seen: list[int] = []
            ann.watch(lambda: seen.append(len(ann.others)))
            async with Client(server.page("/"), "notes", user={"name": "Bob"}) as bob:
                await until(
                    "Bob to come", lambda: [{"user": {"name": "Bob"}}] == [*ann.others.values()]
                )
                await until(
                    "Ann to be there", lambda: [{"user": {"name": "Ann"}}] == [*bob.others.values()]
                )
                bob.present(cursor={"anchor": 1})
                await until("the caret", lambda: ann.others[bob.doc.client_id].get("cursor"))
                bob.present(cursor=None)
                await until("no caret", lambda: "cursor" not in ann.others[bob.doc.client_id])
            began = time.monotonic()
            await until("Bob to go", lambda: not ann.others)
            assert time.monotonic() - began < 2.5  # a goodbye, not a deadline
            assert 1 in seen
            async with Client(server.page("/"), "notes", user={"name": "Bob"}):
                await until("Bob to be back", lambda: ann.others)
                server.kill()
                await until("nobody to be seen", lambda: not ann.others)
                server.start()
                await until("Bob to be seen again", lambda: ann.others)

    play(story())


def test_rights_end_it_for_good(guarded) -> None:
    """No token, a wrong one, the wrong document, a deleted one: a clear error, and no more tries.
    Who may only read is told so by `saved`, and reads on."""
    server, keys = guarded
    token = quire("token", "new", "ann", "--write", "notes", "--read", "news", "--keys", str(keys))

    async def story() -> None:
        for wrong, name, error in (
            ("", "notes", Unauthenticated),
            ("x.y.z", "notes", Unauthenticated),
            (token, "other", AccessDenied),
        ):
            async with Client(server.page("/"), name, token=wrong) as client:
                with pytest.raises(error):
                    await client.synced()
                assert isinstance(await client.ended(), error)
                assert token not in str(client.error)
        async with Client(server.page("/"), "news", token=token) as reader:
            await reader.synced()
            type_(reader, "mine")
            with pytest.raises(AccessDenied, match="read"):
                await reader.saved()
            assert reader.online and reader.denied

    play(story())


def test_a_newer_token_is_asked_for(guarded) -> None:
    """When the old one does not count, once; and who makes none that counts is told so."""
    server, keys = guarded
    good = quire("token", "new", "ann", "--write", "*", "--keys", str(keys))
    asked = []

    async def newer() -> str:
        asked.append(1)
        return good if len(asked) > 1 else "x.y.z"

    async def story() -> None:
        async with Client(server.page("/"), "notes", token=newer) as client:
            await client.synced()
            assert 2 == len(asked)
        async with Client(server.page("/"), "notes", token=lambda: "x.y.z") as client:
            with pytest.raises(Unauthenticated):
                await client.synced()

    play(story())


def test_a_document_that_is_deleted_ends_it(tmp_path: Path) -> None:
    """The document stays readable here; what was typed is not thrown away."""

    async def story() -> None:
        async with Client(server.page("/"), "notes") as client:
            type_(client, "kept")
            await client.saved()
            request = urllib.request.Request(server.page("/api/documents/notes"), method="DELETE")
            await asyncio.to_thread(urllib.request.urlopen, request)
            assert isinstance(await client.ended(), NotFound)
            with pytest.raises(NotFound):
                type_(client, "more ")
                await client.saved()
            assert "more kept" == text(client)

    with Server(tmp_path / "quire.db") as server:
        play(story())
        [told] = server.troubles()
        assert "was deleted" in told


class Liar(WebSocketHandler):
    """A server that answers each connection once, the first with what no server sends."""

    def initialize(self, frames: list[bytes]) -> None:
        self.frames = frames
        self.answered = False

    async def on_message(self, message: str | bytes) -> None:
        if not self.answered:
            self.answered = True
            await self.write_message(self.frames.pop(0), binary=True)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x09",
        b"\x00\x02\x05abc",
        wire.encode(SyncStep2(b"\x01\x01\x01\x05\x84\x01\x03\x01x\x00")),  # what came before lacks
        wire.encode(SyncStep2(b"\x01\x01\x01\x00\x08\x01\x01t\x01\x7d\xff")),
        b"\x01\x03\x01\x05\x00",
    ],
)
@pytest.mark.expects_log("the server is not understood")
def test_a_server_that_lies_is_left(frame: bytes) -> None:
    """pycrdt sees none of it, the document stays as it is, and another try is made."""

    async def story() -> None:
        [listening] = bind_sockets(0, "127.0.0.1", family=socket.AF_INET)
        frames = [frame, wire.encode(SyncStep2(b"\x00\x00"))]
        site = HTTPServer(Application([(r"/sync/.*", Liar, {"frames": frames})]))
        site.add_socket(listening)
        async with Client(f"127.0.0.1:{listening.getsockname()[1]}", "notes") as client:
            await client.synced()
            assert [] == frames
            assert "" == text(client)
        site.stop()
        await site.close_all_connections()

    play(story())


def test_nobody_there_is_no_end() -> None:
    """It works on, says what is wrong to nobody, and goes when it is told to."""

    async def story() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and never listens
            async with Client(f"http://127.0.0.1:{taken.getsockname()[1]}", "notes") as client:
                type_(client, "offline")
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(client.saved(), 0.5)
                assert client.error is None

    play(story())


def test_addresses() -> None:
    """As one opens them in a browser, as editors write them, below a prefix."""
    assert "ws://h:1/sync/a%2Fb" == address("http://h:1", "a/b")
    assert "wss://h/docs/sync/n" == address("https://h/docs/", "n")
    assert "wss://h/sync/n" == address("wss://h/sync/", "n")
    assert "ws://h:4700/sync/n" == address("h:4700", "n")
    for wrong in ("", "ftp://h", "http://", "http://h/?token=x", "http://me:secret@h"):
        with pytest.raises(ValueError):
            address(wrong, "n")


def test_presence_follows_its_clock() -> None:
    """Late news are none, one's own are not listened to, and what is no state is nobody's."""
    others = Others(1)
    assert not others.receive(announce(1, 5, {"user": {}}))
    assert others.receive(announce(2, 5, {"a": 1}))
    assert not others.receive(announce(2, 5, {"a": 2})) and {2: {"a": 1}} == others.states
    assert others.receive(announce(2, 5, None)) and {} == others.states
    assert not others.receive(b"\x01\x03\x01\x03[1]") and {} == others.states


def test_pycrdt_dies_alone(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pycrdt panics at ends the client with a sentence; the program lives."""

    class Panic(BaseException):
        pass

    async def story() -> None:
        async with (
            Client(server.page("/"), "notes") as ann,
            Client(server.page("/"), "notes") as bob,
        ):
            await ann.synced()
            await bob.synced()

            def die(update: bytes) -> None:
                raise Panic

            monkeypatch.setattr(ann.doc, "apply_update", die)
            type_(bob, "x")
            assert isinstance(await ann.ended(), Unavailable)
            monkeypatch.undo()

    play(story())
