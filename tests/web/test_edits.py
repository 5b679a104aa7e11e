"""Programs that edit over HTTP: with an author, in the history, undone as a whole."""

import pytest
from tornado.httpclient import HTTPRequest

from tests.collab.test_hub import read, write
from tests.live import typed
from tests.web.test_api import app, ask, hub  # noqa: F401

NOTES = "/api/documents/notes"


@pytest.mark.gen_test
async def test_a_run_of_an_agent_is_undone_as_a_whole(ask, hub):  # noqa: F811
    """What people wrote meanwhile stays."""
    await write(hub, "notes", "Hello", "Ann")
    for number in range(3):
        edits = [{"insert": f"{number} ", "at": 0}]
        body = {"edits": edits, "author": "Bot", "run": "7"}
        status, answer = await ask("POST", NOTES + "/edits", body)
        assert (status, answer["changed"]) == (200, True)
        await write(hub, "notes", "!", "Ann")
    assert await read(hub, "notes") == "2 1 0 Hello!!!"
    _, told = await ask("GET", f"{NOTES}/history/rows?first=1&last={answer['seq']}")
    assert {row["author"] for row in told["rows"]} == {"Ann", "Bot (7)"}
    body = {"first": 1, "last": answer["seq"], "by": "Bot (7)"}
    assert (await ask("POST", NOTES + "/undo", body))[1]["changed"]
    assert await read(hub, "notes") == "Hello!!!"


@pytest.mark.gen_test
async def test_a_yjs_update(ask, http_client, base_url, hub):  # noqa: F811
    """As bytes, and as nothing else."""
    await write(hub, "notes", "Hello", "Ann")
    for kind, body, right in (
        ("application/octet-stream", typed(7, 0, "x"), 200),
        ("application/octet-stream", typed(7, 9, "x"), 409),
        ("application/octet-stream", b"\x01", 400),
        ("application/json", typed(7, 1, "x"), 415),
        ("text/plain", typed(7, 1, "x"), 415),
    ):
        url = f"{base_url}{NOTES}/updates?author=Bot"
        request = HTTPRequest(url, "POST", {"Content-Type": kind}, body)
        answer = await http_client.fetch(request, raise_error=False)
        assert answer.code == right, (kind, answer.body)
    rows = await hub.store.updates("notes")
    assert [row.author for row in rows] == ["Ann", "Bot"]


WRONG = [
    ({}, 400), ({"edits": []}, 400), ({"edits": {}}, 400), ({"edits": [{}] * 1001}, 400),
    ({"edits": [{"frob": 1}]}, 400), ({"edits": [{"text": "x"}], "seed": 1}, 400),
    ({"edits": [{"text": "x"}], "author": "a\x00"}, 400),
    ({"edits": [{"text": "x"}], "run": "\u202e"}, 400),
    ({"edits": [{"set": 1, "path": ["content", "a"]}]}, 400),
]  # fmt: skip


@pytest.mark.gen_test
async def test_what_cannot_be(ask, hub):  # noqa: F811
    """Is refused with a sentence, and changes nothing."""
    await write(hub, "notes", "Hello", "Ann")
    for body, right in WRONG:
        status, answer = await ask("POST", NOTES + "/edits", body)
        assert status == right and answer["error"]["message"], body
    status, _ = await ask("POST", "/api/documents/nobody/edits", {"edits": [{"text": "x"}]})
    assert status == 404
    assert await read(hub, "notes") == "Hello"
