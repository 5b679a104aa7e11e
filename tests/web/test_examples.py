"""The examples' files, and the echo: what it says, and whom it does not serve."""

import asyncio

import pytest
from tornado.httpclient import HTTPRequest
from tornado.web import Application
from tornado.websocket import websocket_connect

from collab import Hub
from collab.storage import open_store
from collab.web import routes
from collab.web.examples import EXAMPLES, example_routes
from tests import hostile
from tests.live import until
from tests.ways import UPGRADE
from tests.web.test_connections import House


@pytest.fixture
def app():
    hub = Hub(open_store(":memory:"))
    rules = routes(hub) + example_routes(hub, ["https://app.example.com"])
    return Application(rules, websocket_max_message_size=1 << 20)


class Loud(House):
    """A server with limits, and its echo."""

    async def shout(self, said=b""):
        """Somebody at the echo, who says so much at once."""
        upgrade = UPGRADE.format(name="").replace("/sync", "/examples/echo/socket")
        reader = await self.knock(upgrade.encode() + said)
        await reader.readuntil(b"\r\n\r\n")
        return reader


@pytest.fixture
def connect(http_server, base_url):
    async def connect(**headers):
        url = f"{base_url}/examples/echo/socket".replace("http", "ws", 1)
        return await websocket_connect(HTTPRequest(url, headers=headers))

    return connect


@pytest.mark.expects_log("closed with 1009: a message may have at most 65536 bytes")
@pytest.mark.gen_test
async def test_the_echo(connect):
    """Texts and bytes come back as they were, to the pages of allowed origins, too."""
    socket = await connect(Origin="https://app.example.com")
    for said in ("Hello", "", b"\x00\xff", "x" * (64 << 10)):
        await socket.write_message(said, binary=isinstance(said, bytes))
        assert await socket.read_message() == said
    await socket.write_message("x" * ((64 << 10) + 1))
    assert await socket.read_message() is None
    assert socket.close_code == 1009
    socket.close()


@pytest.mark.gen_test
async def test_who_goes_is_not_answered(connect, http_port):
    """Somebody who goes in the middle of a word is no error, and no harm to others."""
    reader, writer = await asyncio.open_connection("127.0.0.1", http_port)
    upgrade = UPGRADE.format(name="").replace("/sync", "/examples/echo/socket")
    writer.write(upgrade.encode() + 200 * hostile.frame(bytes(64 << 10)))
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(64 << 10)
    writer.transport.abort()
    socket = await connect()
    for _ in range(3):
        await socket.write_message("Hello")
        assert await socket.read_message() == "Hello"
    socket.close()


@pytest.mark.expects_log("limit (first_message_seconds|address_connections|fragments) was hit")
@pytest.mark.expects_log("closed with 1008: a message may have at most 2 fragments")
@pytest.mark.gen_test
async def test_the_echo_is_for_few_and_not_for_ever():
    """It counts as any connection does, from its upgrade to its end; who says nothing has to go,
    and who says it in too many pieces."""
    limits = {"address_connections": 3, "first_message_seconds": 1, "fragments": 2}
    async with Loud(**limits) as house:
        mute, loud = await house.shout(), await house.shout(hostile.frame(b"Hello"))
        assert await loud.readexactly(7) == b"\x82\x05Hello"
        pieces = hostile.frame(b"x", final=False) + 2 * hostile.frame(b"x", 0, final=False)
        shred = await house.shout(pieces)
        assert house.connections.total == 3
        refused = await house.shout()
        assert b"\x03\xf5Too many connections" in await refused.read()
        assert b"\x03\xf0a message may have" in await shred.read()
        assert b"\x03\xf0Say something" in await mute.read()
        for writer in house.writers:
            writer.close()
        await until("all to go", lambda: house.connections.total == 0)
        assert house.hub.limits_hit == dict.fromkeys(limits, 1)


@pytest.mark.gen_test
async def test_the_echo_waits_for_who_hears_slowly(connect, http_port):
    """What is not heard is not read either; and nothing is lost of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", http_port, limit=1 << 10)
    upgrade = UPGRADE.format(name="").replace("/sync", "/examples/echo/socket")
    said = hostile.frame(bytes(64 << 10))
    writer.write(upgrade.encode() + 200 * said)
    await reader.readuntil(b"\r\n\r\n")
    listener = await connect()
    await listener.write_message("Hello")
    assert await listener.read_message() == "Hello"
    assert writer.transport.get_write_buffer_size() > 0
    for _ in range(200):
        await reader.readexactly(10 + (64 << 10))
    writer.close()
    listener.close()


@pytest.mark.gen_test
async def test_foreign_pages_hear_nothing(http_client, http_server, base_url):
    """As everywhere."""
    headers = {"Origin": "https://evil.example", "Upgrade": "websocket", "Connection": "Upgrade"}
    answer = await http_client.fetch(
        f"{base_url}/examples/echo/socket", headers=headers, raise_error=False
    )
    assert answer.code == 403


@pytest.mark.gen_test
async def test_the_files(http_client, http_server, base_url):
    """Under the page's own policy; programs as text; nothing that is no example."""
    for name, kind in (("", "html"), ("chat", "html"), ("chat.js", "javascript")):
        answer = await http_client.fetch(f"{base_url}/examples/{name}")
        assert kind in answer.headers["Content-Type"]
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    answer = await http_client.fetch(f"{base_url}/examples/ticker.py")
    assert answer.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert answer.body == (EXAMPLES / "ticker.py").read_bytes()
    for name in ("__init__.py", "../setup.cfg", "%2e%2e/web/page.py", "nothing"):
        answer = await http_client.fetch(f"{base_url}/examples/{name}", raise_error=False)
        assert answer.code == 404
