"""examples/embed.py: Quire in somebody else's application, which says who may do what."""

import json

import pytest

from collab import Hub
from collab.examples import embed
from collab.storage import open_store
from tests.httppeer import HttpPeer, Refused
from tests.live import STEP1, STEP2, var_bytes


@pytest.fixture
def hub(io_loop):
    hub = Hub(open_store(":memory:"), embed.authorize)
    yield hub
    io_loop.run_sync(hub.close)


@pytest.fixture
def app(hub):
    return embed.application(hub)


@pytest.fixture
def cookie(http_client, http_server, base_url):
    """That of somebody who has logged in there."""

    async def cookie(user):
        login = await http_client.fetch(
            f"{base_url}/login/{user}", follow_redirects=False, raise_error=False
        )
        return login.headers["Set-Cookie"].split(";")[0]

    return cookie


@pytest.fixture
def ask(http_client, base_url, cookie):
    """The status and the answer for somebody who has logged in there, or not."""

    async def ask(user, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        if user:
            headers["Cookie"] = await cookie(user)
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


@pytest.mark.gen_test
@pytest.mark.parametrize("address", ["/sync/notes", "/sync"])
async def test_a_connection_by_http_is_for_who_opened_it(cookie, base_url, address):
    """Whatever other cookies come and go; with another one's login it is of no use."""
    about = b"" if address.endswith("notes") else var_bytes(b"notes")
    ann, bob = await cookie("ann"), await cookie("bob")
    peer = HttpPeer(base_url + address)
    peer.headers = {"Cookie": ann}
    await peer.open()
    for visit in range(2):  # nothing may be open yet, and then something is
        for other in (bob, f"visit={visit}; {bob}", f"visit={visit}"):
            peer.headers = {"Cookie": other}
            with pytest.raises(Refused) as info:
                await peer.poll()
            assert (info.value.status, info.value.code) == (403, None)
        peer.headers = {"Cookie": f"visit={visit}; {ann}"}
        await peer.send(about + STEP1)
        while about + STEP2[:2] not in await peer.frame():
            pass
    await peer.close()
