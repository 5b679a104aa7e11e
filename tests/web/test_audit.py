"""The audit log as administrators read it, and what the API and the commands write into it."""

import asyncio
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from pycrdt import Text

from collab.storage import AuditLine, Entry, open_store
from tests.web.test_api import app, ask, hub  # noqa: F401  # fixtures
from tests.web.test_cli import HELLO, quire

LINES = [
    AuditLine(1_700_000_000_000 + n, f"doc{n % 3}", f"user{n % 2}", "10.0.0.1", "connect", "", 1)
    for n in range(7)
]


async def lines(hub):  # noqa: F811
    """What has come since the last time, in short, the oldest first."""
    await hub.store.record(hub.audit.take(0, closing=True))
    await hub.store.record([AuditLine(0, "", "", "127.0.0.1", "limit", "seen")])
    found = (await hub.store.audit())[1:]
    new = found[: [*(line.detail for line in found), "seen"].index("seen")]
    return [f"{line.action} {line.document}: {line.detail}" for line in reversed(new)]


@pytest.mark.gen_test
async def test_page_by_page(ask, hub):  # noqa: F811
    """Newest first, and what is asked for has to fit."""
    await hub.start()
    await hub.store.record(LINES)
    status, told = await ask("GET", "/api/audit?limit=4")
    assert status == 200
    assert told["lines"][0] == {**LINES[6]._asdict(), "id": 7}
    status, rest = await ask("GET", f"/api/audit?limit=4&before={told['next']}")
    assert [line["id"] for line in told["lines"] + rest["lines"]] == [7, 6, 5, 4, 3, 2, 1]
    assert rest["next"] is None

    async def found(query):
        return [line["id"] for line in (await ask("GET", "/api/audit?" + query))[1]["lines"]]

    assert await found("document=doc0") == [7, 4, 1]
    assert await found("document=doc0&user=user1") == [4]
    assert await found("action=erase") == []
    assert await found("since=1700000000005") == [7, 6]
    assert await found("since=2023-11-14T22:13:20.005Z") == [7, 6]
    assert await found("since=20231115") == []


@pytest.mark.gen_test
async def test_bad_questions(ask):  # noqa: F811
    """One sentence each; and nobody writes into it."""
    for query in ("action=peek", "since=soon", "since=-1", "before=x", "limit=0", "limit=501"):
        status, told = await ask("GET", "/api/audit?" + query)
        assert (status, told["error"]["code"]) == (400, "bad-request"), query
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await ask(method, "/api/audit", {} if method != "DELETE" else None))[0] == 405


@pytest.mark.gen_test
async def test_what_the_api_does_is_noted(ask, hub):  # noqa: F811
    """What changes or hands out a document, when it was done; nothing else."""
    for text in ("Hello", " world"):
        async with hub.open("notes/today", "Ann") as editor:
            content = editor.doc.get("content", type=Text)
            content += text
    path = "/api/documents/notes/today"
    for seen in ("", "/history", "/versions"):
        assert (await ask("GET", path + seen))[0] == 200
    assert (await ask("POST", path + "/versions", {"name": "Secret plan"}))[0] == 201
    assert (await ask("GET", path + "/history/9"))[0] == 404
    assert (await ask("POST", path + "/restore", {"to": "soon"}))[0] == 400
    assert (await ask("DELETE", "/api/documents/nowhere"))[0] == 404
    assert await lines(hub) == []

    for accept in ("application/json", "text/plain", "application/octet-stream"):
        assert (await ask("GET", path + "/content", Accept=accept))[0] == 200
    assert await lines(hub) == ["export notes/today: "] * 2  # the first one, and two more
    await ask("GET", path + "/history/1")
    assert await lines(hub) == ["export notes/today: edit 1"]
    await ask("GET", path + "/history/0..2")
    assert await lines(hub) == ["export notes/today: edits 0 to 2"]
    await ask("POST", path + "/restore", {"to": "@Secret plan", "author": "Bob"})
    await ask("POST", path + "/undo", {"first": 2, "by": "Ann"})
    await ask("DELETE", path)
    await ask("POST", path + "/undelete", {})
    assert await lines(hub) == [
        "restore notes/today: to edit 2",
        "undo notes/today: edits 2 to 2 of one author",
        "delete notes/today: ",
        "undelete notes/today: ",
    ]
    assert {line.address for line in await hub.store.audit()} == {"127.0.0.1"}


@pytest.mark.gen_test
async def test_a_name_is_noted_as_it_is_kept(ask, hub):  # noqa: F811
    """In one spelling, so that one finds it."""
    await ask("POST", "/api/documents", {"name": "Zoe\u0308"})
    assert (await ask("DELETE", "/api/documents/" + quote("Zoe\u0308")))[0] == 200
    assert await lines(hub) == ["delete Zo\u00eb: "]


def test_commands_that_let_nobody_in_and_mend_are_noted(tmp_path: Path) -> None:
    """As what a server does: who looks for why somebody was sent away finds it."""

    async def write() -> None:
        async with open_store(tmp_path / "quire.db") as store:
            await store.append([Entry("notes", 1000, "Ann", HELLO)])
            await store.quarantine("notes", 1, "two workers that read it died")

    asyncio.run(write())
    (tmp_path / "quire.toml").write_text('store = "quire.db"\n')
    for words in (("notes",), ("notes", "--yes"), ("notes", "--yes")):
        quire(tmp_path, "repair", *words)  # the first is not sure, the last has nothing to do
    for words in (("t1",), ("t2", "--tenant", "cafe\u0301")):
        assert quire(tmp_path, "token", "revoke", *words).returncode == 0

    async def read() -> list[tuple[str, str, str]]:
        async with open_store(tmp_path / "quire.db") as store:
            assert {"t1", "caf\u00e9\x1ft2"} == {token.id for token in await store.tokens(0)}
            return [(line.action, line.document, line.detail) for line in await store.audit()]

    assert sorted(asyncio.run(read())) == [
        ("repair", "notes", "1 edit put aside"),
        ("revoke", "", "token t1"),
        ("revoke", "caf\u00e9\x1f", "token t2"),
    ]


def test_the_command(tmp_path: Path) -> None:
    """What other commands did, in words and as JSON."""

    async def write() -> None:
        async with open_store(tmp_path / "documents.db") as store:
            await store.append([Entry("notes", 1000, "Ann", HELLO)])
            await store.record([LINES[0]._replace(times=12)])

    (tmp_path / "quire.toml").write_text('store = "documents.db"\n')
    asyncio.run(write())
    assert quire(tmp_path, "restore", "notes", "0").returncode == 0
    assert quire(tmp_path, "thin", "notes", "--keep", "day", "--older-than", "0", "--yes")
    assert quire(tmp_path, "erase", "notes", "--yes").returncode == 0

    ended = quire(tmp_path, "audit")
    assert ended.returncode == 0, ended.stderr
    told = [" ".join(line.split()[2:]) for line in ended.stdout.splitlines()]
    assert told[0] == "erase notes somebody"
    assert told[-2] == "restore notes somebody to edit 0"
    assert told[-1] == "connect doc0 user0 10.0.0.1 12 times"
    ended = quire(tmp_path, "audit", "--json", "--document", "notes", "--action", "erase")
    (line,) = ended.stdout.splitlines()
    assert json.loads(line)["action"] == "erase"
    assert quire(tmp_path, "audit", "--since", "2100-01-01").stdout == ""
    assert len(quire(tmp_path, "audit", "--limit", "1").stdout.splitlines()) == 1
    assert quire(tmp_path, "audit", "--since", "soon").returncode == 1
    assert quire(tmp_path, "audit", "--action", "peek").returncode == 2
    assert "no store" in quire(tmp_path, "audit", "--store", "nowhere.db").stderr
