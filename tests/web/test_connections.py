"""Who is let in, how many, for how long, and what the others notice: a real server, its sockets."""

import asyncio
import contextlib
import logging
import signal
import socket

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import websocket_connect

from collab import Hub
from collab.access import Grant, Level
from collab.hocuspocus import prefix
from collab.limits import Limits
from collab.storage import open_store
from collab.web import logs, routes
from collab.web.connections import SILENT, Connections, Entrance
from collab.web.examples import example_routes
from collab.web.proxies import Proxies
from collab.wire import SyncStep1, SyncStep2, decode, encode
from tests.httppeer import HttpPeer
from tests.live import Server, until

HEAD = b"GET /api/status HTTP/1.1\r\nHost: here\r\n"
UPGRADE = (
    b"GET /sync/notes HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


class House:
    """A server with limits, and the doors of it."""

    def __init__(self, *proxies, authorize=None, **limits):
        self.hub = Hub(open_store(":memory:"), authorize, limits=Limits(**limits))
        self.connections = Connections(self.hub)
        rules = routes(self.hub) + example_routes(self.hub, [])
        self.server = Entrance(
            Application(rules, log_function=logs.log_request),
            connections=self.connections,
            proxies=Proxies(proxies),
        )
        [listener] = bind_sockets(0, "127.0.0.1")
        self.server.add_socket(listener)
        self.port = listener.getsockname()[1]
        self.writers = []
        self.editors = []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        for gone in (*self.writers, *self.editors):
            gone.close()
        await self.hub.close()
        self.server.stop()
        await self.server.close_all_connections()

    async def knock(self, said=b""):
        """A TCP connection that says so much."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(said)
        self.writers.append(writer)
        return reader

    async def ask(self, **headers):
        """The answer of /api/status, on a connection of its own."""
        more = "".join(f"{name.replace('_', '-')}: {text}\r\n" for name, text in headers.items())
        reader = await self.knock(HEAD + more.encode() + b"\r\n")
        return (await reader.readuntil(b"\r\n\r\n")).decode()

    async def editor(self, address=""):
        """Somebody who says at once what editors say; the code that they are closed with."""
        headers = {"X-Forwarded-For": address} if address else {}
        request = HTTPRequest(f"ws://127.0.0.1:{self.port}/sync/notes", headers=headers)
        editor = await websocket_connect(request)
        self.editors.append(editor)
        await editor.write_message(encode(SyncStep1(b"\x00")), binary=True)
        return editor


async def welcome(editor):
    """Whether an editor gets the document; else the code and the words by which it had to go."""
    while (frame := await editor.read_message()) is not None:
        if any(isinstance(message, SyncStep2) for message in decode(frame)):
            return True
    return editor.close_code, editor.close_reason


@pytest.mark.gen_test
@pytest.mark.expects_log("limit address_connections was hit by 127.0.0.1: a proxy of yours?")
async def test_an_address_has_so_many_connections():
    """The next one is told, whatever it speaks; those who are in stay, and one who leaves makes
    room."""
    async with House(address_connections=3) as house:
        editors = [await house.editor() for _ in range(3)]
        assert [True] * 3 == [await welcome(editor) for editor in editors]

        answer = await house.ask()
        assert answer.startswith("HTTP/1.1 429 ") and "\r\nRetry-After: 5\r\n" in answer
        assert "\r\nConnection: close\r\n" in answer
        sent_away = await welcome(await house.editor())
        assert (
            1013,
            "Too many connections from your address. Close some, or try again later.",
        ) == (sent_away)
        assert {"address_connections": 2} == house.hub.limits_hit

        assert len(house.hub.rooms["notes"].sessions) == 3
        editors.pop().close()
        await until("a place", lambda: house.connections.total < 3)
        assert True is await welcome(await house.editor())


@pytest.mark.gen_test
@pytest.mark.expects_log("limit connections was hit")
async def test_a_process_has_so_many_connections():
    """503 for HTTP; and when many are busy with being told, the next are only cut off."""
    async with House(connections=2) as house:
        first = [await house.editor() for _ in range(2)]
        assert [True] * 2 == [await welcome(editor) for editor in first]
        assert (await house.ask()).startswith("HTTP/1.1 503 ")
        assert (1013, "Too many connections. Try again later.") == await welcome(
            await house.editor()
        )
        await until("the room to tell", lambda: house.connections.total <= 2)
        held = [await house.knock() for _ in range(5)]
        await until("them to be in", lambda: house.connections.total == 7)
        assert b"" == await (await house.knock(HEAD + b"\r\n")).read()
        assert not any(reader.at_eof() for reader in held)
        assert house.hub.limits_hit["connections"] >= 8


@pytest.mark.gen_test
@pytest.mark.expects_log(r"limit (address_connections|connections) was hit by")
async def test_behind_a_proxy_the_address_is_the_forwarded_one():
    """A crowd comes by one proxy and each counts for itself; one of them cannot be another."""
    async with House("127.0.0.1", address_connections=2) as house:
        people = [await house.editor(f"203.0.113.{number}, 127.0.0.1") for number in range(9)]
        assert [True] * 9 == [await welcome(person) for person in people]
        one = [await house.editor(f"{number}.1.1.1, 198.51.100.7") for number in range(3)]
        codes = [await welcome(editor) for editor in one]
        assert [True, True, 1013] == [*codes[:2], codes[2][0]]
        six = [await house.editor(f"2001:db8:0:1::{number}") for number in range(3)]
        assert [await welcome(editor) for editor in six][2] != True  # noqa: E712  # (code, words)


@pytest.mark.gen_test
async def test_whoever_is_no_proxy_is_not_believed():
    """Such headers are only what a client claims: neither address nor TLS come from them."""
    for proxies, safe in (((), False), (("127.0.0.0/8",), True)):
        async with House(*proxies) as house:
            answer = await house.ask(X_Forwarded_Proto="https", X_Forwarded_For="203.0.113.9")
            assert safe == ("Strict-Transport-Security: max-age=31536000" in answer)


@pytest.mark.gen_test
async def test_what_one_request_of_a_proxy_says_is_not_true_of_the_next():
    """Both come by the same connection."""
    async with House("127.0.0.1") as house:
        reader = await house.knock(HEAD + b"X-Forwarded-Proto: https\r\n\r\n" + HEAD + b"\r\n")
        said = b""
        while said.count(b"HTTP/1.1 200 ") < 2 or not said.endswith(b"}"):
            said += await reader.read(4096)
        assert 1 == said.count(b"Strict-Transport-Security")
        assert b"Strict-Transport-Security" in said.partition(b"}")[0]


@pytest.mark.gen_test
@pytest.mark.expects_log("limit (handshake|body|first_message)_seconds was hit by 127.0.0.1")
async def test_who_is_slow_has_to_go_and_nobody_waits_for_them():
    """Nothing, half a head, half a body, a socket without a word, one that only pings."""
    limits = dict.fromkeys(("handshake_seconds", "body_seconds", "first_message_seconds"), 1)
    async with House(**limits) as house:
        silent = await house.knock()
        half = await house.knock(HEAD)
        body = await house.knock(
            b"POST /api/documents HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
            b"Content-Length: 10\r\n\r\n{"
        )
        mute = await house.knock(UPGRADE + b"\r\n")
        pinging = await house.knock(UPGRADE + b"\r\n" + b"\x89\x80\0\0\0\0")
        editor = await house.editor()
        assert True is await welcome(editor)
        for reader in (silent, half, body):
            assert b"" == await reader.read()
        for reader in (mute, pinging):
            said = await reader.read()
            assert b"\x03\xf0Say something within the first seconds." in said  # 1008
        assert {"handshake_seconds": 2, "body_seconds": 1, "first_message_seconds": 2} == (
            house.hub.limits_hit
        )
        await editor.write_message(encode(SyncStep1(b"\x00")), binary=True)
        assert True is await welcome(editor)


@pytest.mark.gen_test
async def test_who_has_to_wait_for_us_is_no_mute():
    """Whoever spoke at once is heard when rights were looked up at last, however long that took."""

    async def slow(shown, name):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 1.5)
        return Grant(Level.WRITE)

    async with House(authorize=slow, first_message_seconds=1) as house:
        assert True is await welcome(await house.editor())
        assert {} == house.hub.limits_hit


@pytest.mark.gen_test
async def test_a_connection_that_asks_nothing_more_is_closed(caplog):
    """After its own time, without a line in the log: browsers keep connections all day long."""
    async with House(idle_seconds=1) as house:
        reader = await house.knock(HEAD + b"\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 ")
        await until("it to be gone", lambda: house.connections.total == 0)
        assert {"idle_seconds": 1} == house.hub.limits_hit
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.expects_log("limit body_bytes was hit by 127.0.0.1")
@pytest.mark.gen_test
async def test_a_body_has_so_many_bytes():
    """As its head says: none of it is read. One in chunks ends with the first too many."""
    post = HEAD.replace(b"GET /api/status", b"POST /api/documents")
    async with House(body_bytes=100) as house:
        for length in (b"101", b"9" * 30, b"9" * 5_000):
            reader = await house.knock(post + b"Content-Length: " + length + b"\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        assert {"body_bytes": 3} == house.hub.limits_hit
        head = post + b"Transfer-Encoding: chunked\r\n\r\n"
        chunk = b"40\r\n" + 64 * b"x" + b"\r\n"
        for chunks in (2 * chunk, b"f" * 15 + b"\r\n" + 101 * b"x"):
            reader = await house.knock(head + chunks)
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        assert {"body_bytes": 5} == house.hub.limits_hit


@pytest.mark.gen_test
async def test_a_socket_without_a_document_is_closed():
    """After the time of a connection that asks nothing, and without a word in the log; whoever has
    opened another one meanwhile stays."""
    notes, other = prefix("notes"), prefix("other")
    opens, closes = b"\x02\x00" + prefix("") + prefix("4.8.0"), b"\x07"
    async with House(idle_seconds=1) as house:
        url = f"://127.0.0.1:{house.port}/sync"
        ann, bob = await websocket_connect("ws" + url), await websocket_connect("ws" + url)
        cem = await HttpPeer.connect("http" + url)
        for peer in (ann, bob):
            house.editors.append(peer)
            for frame in (notes + opens, notes + closes):
                await peer.write_message(frame, binary=True)
        await bob.write_message(other + opens, binary=True)
        await cem.send(notes + opens)
        await until("them to be there", lambda: "notes" in house.hub.rooms)
        await cem.send(notes + closes)
        while (frame := await ann.read_message()) is not None:
            pass
        assert (1008, SILENT["idle_seconds"]) == (ann.close_code, ann.close_reason)
        assert await cem.end() == 1008
        assert bob.close_code is None and 1 == len(house.hub.rooms["other"].sessions)
        assert house.hub.limits_hit["idle_seconds"] >= 2
        await bob.write_message(other + closes, binary=True)
        while (frame := await bob.read_message()) is not None:
            pass
        assert 1008 == bob.close_code


@pytest.mark.gen_test
@pytest.mark.expects_log("(1002|Text frames)")
async def test_everybody_who_has_gone_is_counted_out():
    """However they go: answered, cut off, closed, refused as a socket."""
    async with House() as house:
        client = AsyncHTTPClient(force_instance=True)
        url = f"http://127.0.0.1:{house.port}"
        assert 200 == (await client.fetch(url + "/api/status")).code
        foreign = HTTPRequest(url.replace("http", "ws") + "/sync/a", headers={"Origin": "null"})
        with pytest.raises(Exception, match="403"):
            await websocket_connect(foreign)
        gone = [await house.editor() for _ in range(4)]
        assert [True] * 4 == [await welcome(editor) for editor in gone]
        gone[0].close()
        gone[1].protocol.stream.close()
        await gone[2].write_message("text is not understood")
        gone[3].protocol.stream.write(b"\x00" * 20)  # neither masked nor known
        client.close()
        await until("the house to be empty", lambda: house.connections.total == 0)
        assert not house.connections.of


def test_all_who_come_at_once_are_let_in(tmp_path):
    """After a restart all editors come back in the same second. Those for whom the kernel has no
    room would try again after a second, and those who say nothing would be hard to get rid of."""
    with Server(tmp_path / "quire.db") as server, contextlib.ExitStack() as stack:
        server.process.send_signal(signal.SIGSTOP)
        try:
            for number in range(500):
                place = f"127.0.{number // 100}.1", 0
                stack.enter_context(
                    socket.create_connection(("127.0.0.1", server.port), 0.9, place)
                )
        finally:
            server.process.send_signal(signal.SIGCONT)
