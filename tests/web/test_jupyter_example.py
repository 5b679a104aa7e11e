"""examples/jupyter.py: Quire in a Jupyter server, whose own identities decide. A real one runs."""

import asyncio
import json
import os
import re
import subprocess
import sys
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest
from pycrdt import Text
from tornado.httpclient import AsyncHTTPClient

from collab.client import Client
from collab.errors import Unauthenticated
from tests.live import Peer, polls, run

NODE = Path(__file__).parents[1] / "node"
BASE = "/user/ann.b"  # what JupyterHub gives each server: not all of it is to be read as a pattern
COMMON = f"""
c.ServerApp.base_url = "{BASE}/"
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.ServerApp.jpserver_extensions = {{"collab.examples.jupyter": True}}
"""
TOKEN = """
c.IdentityProvider.token = "secret"
c.ServerApp.allow_unauthenticated_access = False
"""
PEOPLE = """
from jupyter_server.auth import Authorizer, IdentityProvider, User

class People(IdentityProvider):
    def get_user(self, handler):
        name = (self.get_token(handler) or "").removeprefix("token of ")
        return User(name, name.title()) if name in ("ann", "rae") else None

class Rights(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return action == "read" or user.username == "ann"

c.ServerApp.identity_provider_class = People
c.ServerApp.authorizer_class = Rights
"""


class Jupyter:
    """A Jupyter server with that in its configuration."""

    def __init__(self, folder, port, config):
        self.url = f"http://127.0.0.1:{port}{BASE}/quire"
        self.log = folder / "log"
        (folder / "config.py").write_text(f"{COMMON}{config}c.ServerApp.port = {port}\n")
        own = {name: str(folder) for name in ("HOME", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
        command = [sys.executable, "-m", "jupyter_server", f"--config={folder / 'config.py'}"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, env=os.environ | own,
                                            stdout=log, stderr=log)  # fmt: skip
        for _ in polls("Jupyter"):
            assert self.process.poll() is None, self.log.read_text()
            if "is running at" in self.log.read_text():
                break

    def end(self):
        """As an administrator ends it; nothing unexpected is in its log."""
        self.process.terminate()
        code, told = self.process.wait(30), self.log.read_text()
        refusals = re.compile(r"\[W[^\]]*\] 40\d ")
        wrong = [line for line in told.splitlines() if re.match(r"\[[WE] |Traceback", line)]
        assert (code, [line for line in wrong if not refusals.match(line)]) == (0, []), told


@pytest.fixture
def jupyter(tmp_path, free_tcp_port, request):
    server = Jupyter(tmp_path, free_tcp_port, request.param)
    yield server.url
    server.end()


async def ask(url, method="GET", body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return await AsyncHTTPClient().fetch(
        url, method=method, headers=headers, raise_error=False, follow_redirects=False,
        body=body if body is None or isinstance(body, str) else json.dumps(body),
    )  # fmt: skip


@pytest.mark.parametrize("jupyter", [TOKEN], indirect=True, ids=[""])
def test_who_has_the_token_of_the_server(jupyter):
    """Edits by any client; a stranger is refused, at each door; nobody's cookie is lent."""
    url = jupyter

    async def story():
        async with Client(url, "notes", token="secret") as client:
            await client.synced()
            text = client.doc.get("content", type=Text)
            text += "Python "
            await client.saved()
            both = await asyncio.create_subprocess_exec(
                "node", "both.mjs", url, "secret", "notes", cwd=NODE, stdout=-1
            )
            out, _ = await both.communicate()
            words = {"Python", "y-websocket", "Hocuspocus"}
            assert set(out.decode().split()) == words
            while set(str(text).split()) != words:
                await asyncio.sleep(0.01)
        for token in ("", "?token=wrong"):
            peer = await Peer.connect(url.replace("http", "ws") + f"/sync/notes{token}")
            assert await peer.end() == 4401
        stranger = Client(url, "notes", token="wrong")
        async with stranger:
            with pytest.raises(Unauthenticated):
                await stranger.synced()
        await by_http(url)

    run(story())


async def by_http(url):
    """Programs show the token; pages have a cookie, and then they say what only they can know."""
    content = f"{url}/api/documents/notes/content"
    assert (await ask(content)).code == 401
    assert (await ask(content, Authorization="Bearer secret")).code == 200
    form = await ask(f"{url[: -len('quire')]}login")
    cookies = SimpleCookie(form.headers["Set-Cookie"])
    xsrf = cookies["_xsrf"].value
    login = await ask(
        f"{url[: -len('quire')]}login", "POST", urlencode({"password": "secret", "_xsrf": xsrf}),
        Cookie=f"_xsrf={xsrf}",
    )  # fmt: skip
    cookie = f"_xsrf={xsrf}"
    for line in login.headers.get_list("Set-Cookie"):
        cookie += "; " + line.split(";")[0]
    assert (await ask(content, Cookie=cookie)).code == 200
    new, json_type = {"name": "page"}, {"Content_Type": "application/json"}
    documents = f"{url}/api/documents"
    assert (await ask(documents, "POST", new, Cookie=cookie, **json_type)).code == 403
    for header in ("Bearer wrong", "token wrong", "Basic YTpi", "x"):  # is no way around that
        tricked = {"Authorization": header, "Cookie": cookie, **json_type}
        assert (await ask(documents, "POST", new, **tricked)).code in (401, 403), header
    said = {"Cookie": cookie, "X_XSRFToken": xsrf, **json_type}
    assert (await ask(documents, "POST", new, **said)).code == 201
    program = {"Authorization": "Bearer secret", **json_type}
    assert (await ask(documents, "POST", {"name": "program"}, **program)).code == 201
    elsewhere = url.replace("ann.b", "ann_b")
    assert (await ask(f"{elsewhere}/api/status")).code == 302  # to Jupyter's own login


@pytest.mark.parametrize("jupyter", [PEOPLE], indirect=True, ids=[""])
def test_who_jupyter_says_one_is(jupyter):
    """Its name is in the history; who may only read the contents of files there reads here, too."""
    url = jupyter

    async def story():
        async with Client(url, "notes", token="token of ann") as ann:
            await ann.synced()
            ann.doc.get("content", type=Text).insert(0, "Hello")
            await ann.saved()
            async with Client(url, "notes", token="token of rae") as rae:
                await rae.synced()
                assert str(rae.doc.get("content", type=Text)) == "Hello"
        rows = f"{url}/api/documents/notes/history/rows"
        (row,) = json.loads((await ask(rows, Authorization="Bearer token of rae")).body)["rows"]
        assert row["author"] == "Ann"
        edit = {"edits": [{"text": "Mine"}]}
        where = f"{url}/api/documents/notes/edits"
        json_type = {"Content_Type": "application/json"}
        for name, code in (("rae", 403), ("eve", 401), ("ann", 200)):
            shown = {"Authorization": f"Bearer token of {name}", **json_type}
            assert (await ask(where, "POST", edit, **shown)).code == code

    run(story())
