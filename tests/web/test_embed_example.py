"""examples/embed.py: Quire in somebody else's application, which says who may do what."""

import json

import pytest

from collab import Hub
from collab.examples import embed
from collab.storage import open_store


@pytest.fixture
def hub(io_loop):
    hub = Hub(open_store(":memory:"), embed.authorize)
    yield hub
    io_loop.run_sync(hub.close)


@pytest.fixture
def app(hub):
    return embed.application(hub)


@pytest.fixture
def ask(http_client, http_server, base_url):
    """The status and the answer for somebody who has logged in there, or not."""

    async def ask(user, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        if user:
            login = await http_client.fetch(
                f"{base_url}/login/{user}", follow_redirects=False, raise_error=False
            )
            headers["Cookie"] = login.headers["Set-Cookie"].split(";")[0]
        answer = await http_client.fetch(
            f"{base_url}/api{path}", method=method, headers=headers, raise_error=False,
            body=None if body is None else json.dumps(body),
        )  # fmt: skip
        return answer.code, json.loads(answer.body)

    return ask


@pytest.mark.gen_test
async def test_its_own_people(ask, hub):
    """Ann writes, Bob reads, a stranger is refused; the history names who it was."""
    assert (await ask("", "GET", "/documents"))[0] == 401
    assert (await ask("eve", "GET", "/documents"))[0] == 401
    assert (await ask("ann", "POST", "/documents", {"name": "notes"}))[0] == 201
    edit = {"edits": [{"text": "Hello"}]}
    assert (await ask("bob", "POST", "/documents/notes/edits", edit))[0] == 403
    assert (await ask("ann", "POST", "/documents/notes/edits", edit))[0] == 200
    assert await ask("bob", "GET", "/documents/notes/content") == (200, {"content": "Hello"})
    assert (await hub.history("notes").row(1)).author == "Ann"
