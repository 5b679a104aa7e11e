"""Quire in somebody else's Tornado application: the README's own examples, run as they stand."""

import asyncio
import re
import socket
import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen
from types import SimpleNamespace

import pytest
from pycrdt import Doc, Text
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.web import Application, RequestHandler
from tornado.websocket import websocket_connect

from collab import Hub
from collab.access import Credentials, Level
from collab.errors import Unauthenticated
from collab.storage import open_store
from collab.web import routes
from collab.wire import SyncStep1, SyncStep2, decode, encode

GET = RequestStartLine("GET", "/", "HTTP/1.1")
README = Path(__file__).parents[2] / "README.md"


def examples():
    """The Python blocks of the README: the application, and the program that edits."""
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


async def first_state(url):
    """What a late joiner is given: the document, after SyncStep1."""
    peer = await websocket_connect(url)
    await peer.write_message(encode(SyncStep1(b"\x00")), binary=True)
    while True:
        frame = await peer.read_message()
        assert frame is not None, f"hung up: {peer.close_code} {peer.close_reason}"
        for message in decode(frame):
            if isinstance(message, SyncStep2):
                peer.close()
                doc = Doc()
                doc.apply_update(message.update)
                return str(doc.get("content", type=Text))


def test_the_application_of_the_readme(tmp_path, free_port):
    """It serves the sync endpoint; nothing else has to be written."""
    program = examples()[0].replace("4700", str(free_port))
    assert len(program.splitlines()) - program.count("\n\n") < 20
    process = Popen([sys.executable, "-c", program], cwd=tmp_path, stderr=PIPE)
    try:

        async def story():
            while True:
                try:
                    return await first_state(f"ws://127.0.0.1:{free_port}/sync/notes")
                except ConnectionRefusedError:
                    assert process.poll() is None

        assert asyncio.run(asyncio.wait_for(story(), 20)) == ""
    finally:
        process.terminate()
        process.communicate()


class Mine(RequestHandler):
    """A page of the embedding application."""

    def get(self):
        self.write("mine")


@pytest.fixture
def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def hub():
    return Hub(open_store(":memory:"))


@pytest.fixture
def app(hub):
    return Application([(r"/mine", Mine), *routes(hub, prefix="/docs", page=False)])


def test_the_hook_of_the_readme(tmp_path, monkeypatch):
    """Who has a session of the application's gets in, others do not."""
    monkeypatch.chdir(tmp_path)

    async def your_session(request):
        known = request.headers.get("Cookie") == "id=7"
        return SimpleNamespace(id="7", name="Ann") if known else None

    async def story():
        scope = {"time": time, "Hub": Hub, "open_store": open_store, "your_session": your_session}
        exec(examples()[1], scope)
        async with scope["hub"] as hub:
            asked = HTTPServerRequest(
                start_line=GET, headers=HTTPHeaders({"Host": "a", "Cookie": "id=7"})
            )
            _, grant = await hub.door.admit(Credentials(request=asked), "notes", Level.WRITE)
            assert ("7", "Ann") == (grant.user, grant.name)
            with pytest.raises(Unauthenticated):
                asked = HTTPServerRequest(start_line=GET, headers=HTTPHeaders({"Host": "a"}))
                await hub.door.admit(Credentials(request=asked), "notes", Level.READ)

    asyncio.run(story())


@pytest.mark.gen_test
async def test_the_program_of_the_readme(http_client, http_server, base_url, hub):
    """It writes by the same path as a browser; the document is under the prefix beside pages of
    the application's own."""
    body = "".join(f"    {line}\n" for line in examples()[2].splitlines())
    scope: dict = {}
    exec(f"async def main(hub):\n{body}", scope)

    await scope["main"](hub)

    url = base_url.replace("http", "ws") + "/docs/sync/notes"
    assert await first_state(url) == "Written by a program.\n"
    assert [row.author for row in await hub.store.updates("notes")] == ["robot"]
    assert (await http_client.fetch(base_url + "/mine")).body == b"mine"
    await hub.close()
