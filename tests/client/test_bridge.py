"""`quire client` as editors meet it: a process that speaks JSON-RPC, and a real Neovim."""

import asyncio
import json
import socket
from pathlib import Path

import pytest
from pycrdt import Text

from collab.client import Client
from collab.client.bridge import Bridge
from collab.client.carets import Carets
from tests.client.neovim import Neovim, begin, needs_neovim, write_together
from tests.client.plugin import BRIDGE, Plugin, is_edit, place
from tests.client.stories import play, quire, text
from tests.live import Server, until


@pytest.mark.parametrize("lines", [False, True], ids=["headers", "lines"])
def test_a_document_in_an_editor(server: Server, tmp_path: Path, lines: bool) -> None:
    """Opened, edited on both sides, carets on both sides, closed; all of it is on disk."""

    async def story() -> None:
        async with Client(server.page("/"), "notes", user={"name": "Ann"}) as ann:
            words = ann.doc.get("content", type=Text)
            words += "Grüße 😀\n"
            await ann.saved()
            carets = Carets("content")
            editor = await Plugin.start(
                tmp_path, server.page("/"), "notes", "--name", "Vi", lines=lines
            )
            uri = "file:///somewhere/notes.md"
            assert "success" == (await editor.ask("open", uri=uri, content="")).get("result")
            first = (await editor.hear(is_edit))["params"]
            assert (uri, 0) == (first["uri"], first["revision"])
            assert [{"range": place(0, 0), "replacement": "Grüße 😀\n"}] == first["delta"]

            delta = [{"range": place(0, 6, 7), "replacement": "世!"}]
            assert (await editor.ask("edit", uri=uri, revision=1, delta=delta))["result"]
            await until("the edit", lambda: text(ann) == "Grüße 世!\n")
            words.insert(0, "1")
            second = (await editor.hear(is_edit))["params"]
            assert 1 == second["revision"]
            assert [{"range": place(0, 0), "replacement": "1"}] == second["delta"]

            await editor.ask("cursor", uri=uri, ranges=[place(0, 7, 8)])
            await until("Vi's caret", lambda: [s for s in ann.others.values() if "cursor" in s])
            [state] = ann.others.values()
            assert {"name": "Vi"} == state["user"]
            carets.follow(ann.doc.get_update())
            ends = [carets.place(text(ann), state["cursor"][end]) for end in ("anchor", "head")]
            assert [7, 8] == ends
            position = carets.position(text(ann), 8)
            ann.present(cursor={"anchor": position, "head": position})
            told = await editor.hear(
                lambda m: m.get("method") == "cursor" and m["params"]["ranges"]
            )
            assert {
                "userid": str(ann.doc.client_id),
                "name": "Ann",
                "uri": uri,
                "ranges": [place(0, 8)],
            } == told["params"]
            ann.present(cursor=None)
            await editor.hear(lambda m: m.get("method") == "cursor" and not m["params"]["ranges"])

            delta = [{"range": place(0, 0, 1), "replacement": ""}]
            editor.send("edit", uri=uri, revision=2, delta=delta)
            assert (0, "") == await editor.leave()
        async with Client(server.page("/"), "notes") as late:
            await late.synced()
            assert "Grüße 世!\n" == text(late)

    play(story())


def test_a_new_document_begins_with_what_the_editor_has(server: Server, tmp_path: Path) -> None:
    """Once, also if two editors open it at the same moment, whatever their lines end with."""

    async def story() -> None:
        both = [await Plugin.start(tmp_path, server.page("/"), "new") for _ in range(2)]
        texts = ("hello\n", "hello\r\n")
        await asyncio.gather(
            *(
                one.ask("open", uri="file:///a", content=words)
                for one, words in zip(both, texts, strict=True)
            )
        )
        for one in both:
            assert (0, "") == await one.leave()
        async with Client(server.page("/"), "new") as late:
            await late.synced()
            assert "hello\n" == text(late)

    play(story())


@pytest.mark.parametrize("lines", [False, True], ids=["Emacs", "Kakoune"])
def test_an_editor_does_not_wait_for_its_document(
    server: Server, tmp_path: Path, lines: bool
) -> None:
    """What comes right behind "open" was edited in the text of "open", and goes where it belongs;
    before that the editor is told nothing."""

    async def story() -> None:
        async with Client(server.page("/"), "notes") as ann:
            words = ann.doc.get("content", type=Text)
            words += "one\ntwo\nlast\n"
            await ann.saved()
            editor = await Plugin.start(tmp_path, server.page("/"), "notes", lines=lines)
            uri = "file:///notes.md"
            asked = [editor.send("open", uri=uri, content="one\nlast\n")]
            for character, letter in enumerate("!?"):
                delta = [{"range": place(1, 4 + character), "replacement": letter}]
                asked.append(editor.send("edit", uri=uri, revision=0, delta=delta))
            asked.append(editor.send("cursor", uri=uri, ranges=[place(1, 6)]))
            answers = {message["id"]: message for message in [await editor.read() for _ in asked]}
            assert [(one, "success") for one in asked] == [
                (one, answers[one].get("result")) for one in asked
            ]
            await until("the edits", lambda: text(ann) == "one\ntwo\nlast!?\n")
            first = (await editor.hear(is_edit))["params"]
            assert 2 == first["revision"]
            assert [{"range": place(1, 0), "replacement": "two\n"}] == first["delta"]
            carets = Carets("content")
            carets.follow(ann.doc.get_update())
            await until("a caret", lambda: [s for s in ann.others.values() if "cursor" in s])
            [state] = ann.others.values()
            assert len("one\ntwo\nlast!?") == carets.place(text(ann), state["cursor"]["head"])
            nowhere = await editor.ask("cursor", uri=uri, ranges=[place(9, 9)])
            assert "success" == nowhere["result"]
            assert (0, "") == await editor.leave()

    play(story())


def test_an_editor_that_goes_at_once(server: Server, tmp_path: Path) -> None:
    """What it has said by then is kept."""

    async def story() -> None:
        editor = await Plugin.start(tmp_path, server.page("/"), "notes")
        editor.send("open", uri="file:///a", content="hello\n")
        delta = [{"range": place(0, 5), "replacement": "!"}]
        editor.send("edit", uri="file:///a", revision=0, delta=delta)
        assert (0, "") == await editor.leave()
        async with Client(server.page("/"), "notes") as late:
            await late.synced()
            assert "hello!\n" == text(late)

    play(story())


def test_an_editor_begins_without_the_server(server: Server, tmp_path: Path) -> None:
    """It is answered soon, and what is typed meanwhile is merged once: in a document that is there,
    and in one that nobody has ever written in."""

    async def story() -> None:
        async with Client(server.page("/"), "team/old") as ann:
            words = ann.doc.get("content", type=Text)
            words += "one\ntwo\n"
            await ann.saved()
            server.stop()
            editor = await Plugin.start(tmp_path, server.page("/"), "team/")
            old, new = ((tmp_path / name).as_uri() for name in ("old", "new"))
            for uri in (old, new):
                assert (await editor.ask("open", uri=uri, content="one\n"))["result"]
                for letter in "?!":
                    delta = [{"range": place(0, 3), "replacement": letter}]
                    assert (await editor.ask("edit", uri=uri, revision=0, delta=delta))["result"]
            server.start()
            first = (await editor.hear(is_edit))["params"]
            assert (old, 2) == (first["uri"], first["revision"])
            assert [{"range": place(1, 0), "replacement": "two\n"}] == first["delta"]
            await until("both", lambda: text(ann) == "one!?\ntwo\n")
            assert (0, "") == await editor.leave()
        async with Client(server.page("/"), "team/new") as late:
            await late.synced()
            assert "one!?\n" == text(late)

    play(story())


def test_a_server_that_says_nothing_keeps_nobody(tmp_path: Path) -> None:
    """Who blocks until "open" is answered goes on, and can leave as soon as nothing was typed."""

    async def story() -> None:
        port = deaf.getsockname()[1]
        editor = await Plugin.start(tmp_path, f"http://127.0.0.1:{port}", "notes")
        assert "success" == (await editor.ask("open", uri="file:///a", content=""))["result"]
        assert (0, "") == await editor.leave()

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        play(story())


def test_why_a_file_cannot_be_edited_after_all(guarded, tmp_path: Path) -> None:
    """The editor was told that it can, as the server was not there: its edits are told why not."""
    server = guarded[0]
    server.stop()

    async def story() -> None:
        editor = await Plugin.start(tmp_path, server.page("/"), "notes")
        delta = [{"range": place(0, 0), "replacement": "x"}]
        answer = await editor.ask("open", uri="file:///a", content="")
        server.start()
        while "error" not in answer:
            answer = await editor.ask("edit", uri="file:///a", revision=0, delta=delta)
        assert -4401 == answer["error"]["code"]
        code, told = await editor.leave()
        assert 1 == code and "not saved" in told

    play(story())


class Broken(Client):
    """One with an error of ours."""

    async def synced(self) -> None:
        raise ZeroDivisionError


@pytest.mark.expects_log("an error of ours")
def test_an_error_of_ours_is_an_answer() -> None:
    """Whoever asked to open a file does not wait for ever."""

    async def story() -> None:
        said: asyncio.Queue[dict] = asyncio.Queue()

        def connect(name: str) -> Client:
            return Broken("http://127.0.0.1:1", name)

        bridge = Bridge("notes", "content", Path("/"), connect, said.put_nowait, lambda _: None)
        params = {"uri": "file:///a", "content": ""}
        bridge.receive({"jsonrpc": "2.0", "id": 1, "method": "open", "params": params})
        assert "error" in await said.get()
        await bridge.close()

    play(story())


def test_a_folder_of_documents(server: Server, tmp_path: Path) -> None:
    """Each file is one; what is elsewhere is none."""

    async def story() -> None:
        editor = await Plugin.start(tmp_path, server.page("/"), "team/")
        uri = (tmp_path / "a b" / "é.md").as_uri()
        await editor.ask("open", uri=uri, content="one\n")
        await editor.ask("open", uri=(tmp_path / "two").as_uri(), content="two\n")
        for elsewhere in ("file:///elsewhere", "file://[x/two"):
            refused = await editor.ask("open", uri=elsewhere, content="")
            assert "not in" in refused["error"]["message"]
        await editor.ask("close", uri=uri)
        assert (await editor.ask("edit", uri=uri, revision=0, delta=[]))["error"]
        await editor.leave()
        for name, words in (("team/a b/é.md", "one\n"), ("team/two", "two\n")):
            async with Client(server.page("/"), name) as late:
                await late.synced()
                assert words == text(late)

    play(story())


def test_names_begin_at_the_marked_folder(server: Server, tmp_path: Path) -> None:
    """Wherever an editor starts the client, and by whichever path it knows the file: Emacs starts
    one in each file's own folder, JetBrains follows links, Kakoune spells no character of a path
    in another way."""
    project, link = tmp_path / "project", tmp_path / "link"
    (project / ".teamtype").mkdir(parents=True)
    (project / "c#" / "sub").mkdir(parents=True)
    link.symlink_to(project)
    emacs = (link / "c#" / "sub" / "plan?.md").as_uri()
    ways = ((link / "c#" / "sub", emacs), (project, f"file://{project}/c#/sub/plan?.md"))

    async def story() -> None:
        async with Client(server.page("/"), "team/c#/sub/plan?.md") as ann:
            words = ann.doc.get("content", type=Text)
            words += "the plan\n"
            await ann.saved()
            for folder, uri in ways:
                editor = await Plugin.start(folder, server.page("/"), "team/")
                assert (await editor.ask("open", uri=uri, content=""))["result"]
                [step] = (await editor.hear(is_edit))["params"]["delta"]
                assert "the plan\n" == step["replacement"]
                await editor.leave()

    play(story())


def test_what_is_wrong_is_said(guarded, server: Server, tmp_path: Path) -> None:
    """Malformed messages, unknown methods, a second file, no rights, a rich text: an answer each,
    and everything goes on."""
    keys = ("--keys", str(guarded[1]))
    reader = quire("token", "new", "ann", "--read", "*", *keys)
    token = tmp_path / "token"
    token.write_text(reader + "\n")

    async def story() -> None:
        editor = await Plugin.start(tmp_path, server.page("/"), "notes")
        editor.write(b"{")
        assert -32700 == (await editor.read())["error"]["code"]
        editor.write(b"[]")
        assert -32600 == (await editor.read())["error"]["code"]
        assert -32601 == (await editor.ask("save"))["error"]["code"]
        assert -32600 == (await editor.ask("edit"))["error"]["code"]
        assert "not open" in (await editor.ask("edit", uri="file:///a"))["error"]["message"]
        assert (await editor.ask("open", uri="file:///a"))["error"]
        assert (await editor.ask("open", uri="file:///a", content="x"))["result"]
        assert (
            "one document"
            in (await editor.ask("open", uri="file:///b", content="x"))["error"]["message"]
        )
        delta = [{"range": place(9, 9), "replacement": "y"}]
        assert (await editor.ask("edit", uri="file:///a", revision=0, delta=delta))["error"]
        assert (await editor.ask("open", uri="file:///a", content="x"))["result"]
        delta = [{"range": place(0, 1), "replacement": "y"}]
        assert (await editor.ask("edit", uri="file:///a", revision=0, delta=delta))["result"]
        await editor.leave()

        secret = guarded[0].page("/")
        stranger = await Plugin.start(tmp_path, secret, "notes")
        answer = await stranger.ask("open", uri="file:///a", content="")
        while "error" not in answer:  # a slow server is not waited for
            answer = await stranger.ask("edit", uri="file:///a", revision=0, delta=[])
        assert -4401 == answer["error"]["code"]
        await stranger.leave()
        only = await Plugin.start(tmp_path, secret, "notes", "--token-file", str(token))
        assert (await only.ask("open", uri="file:///a", content=""))["result"]
        delta = [{"range": place(0, 0), "replacement": "y"}]
        await only.ask("edit", uri="file:///a", revision=0, delta=delta)
        answer = {}
        while "error" not in answer:
            answer = await only.ask("cursor", uri="file:///a", ranges=[])
            delta = [{"range": place(0, 1), "replacement": "y"}]
            answer = await only.ask("edit", uri="file:///a", revision=0, delta=delta)
        assert -4403 == answer["error"]["code"]
        code, told = await only.leave()
        assert 1 == code and "not saved" in told and reader not in told

    play(story())


@needs_neovim
def test_neovim(server: Server, tmp_path: Path) -> None:
    """With a small client of ours; `test_plugins` does the same with Teamtype's."""
    (tmp_path / "notes.md").write_text("from the disk\n")
    command = [*BRIDGE, server.page("/"), "notes", "--name", "Vi"]
    lua = "{" + ", ".join(json.dumps(one) for one in command) + "}"

    async def story() -> None:
        async with Client(server.page("/"), "notes", user={"name": "Ann"}) as ann:
            await begin(ann)
            plugin = Path(__file__).with_name("editor.lua")
            with Neovim(tmp_path, "notes.md", "-c", f"luafile {plugin}") as vi:
                await asyncio.to_thread(vi.run, f"Quire.start({lua})")
                await write_together(ann, vi)
            await until("Vi to go", lambda: not ann.others)

    play(story())
