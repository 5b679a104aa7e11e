"""The hub with a real store: rooms open and close, edits come to disk, trouble stays put."""

import asyncio
import resource
import sqlite3
from contextlib import contextmanager

import pytest
from pycrdt import Array, Doc, Map, Text

from collab import Hub
from collab.access import OURS, Grant, Level
from collab.connection import Connection
from collab.errors import AccessDenied, BadName, NotFound, Unavailable
from collab.room import FOLD_ROWS
from collab.rooms import FOLD_LAST
from collab.storage import open_store
from collab.wire import SyncStep1, SyncStep2, SyncUpdate, encode


def run(story, *arguments):
    """Runs a story that may take half a minute, not more."""
    return asyncio.run(asyncio.wait_for(story(*arguments), 30))


async def until(condition):
    """Lets the loop run until the condition holds; `run` bounds the wait."""
    while not condition():
        await asyncio.sleep(0.001)


async def write(hub, name, text, author=""):
    async with hub.open(name, author) as editor:
        content = editor.doc.get("content", type=Text)
        content += text


async def read(hub, name):
    async with hub.open(name) as editor:
        return str(editor.doc.get("content", type=Text))


def test_what_was_written_is_there_after_a_restart(tmp_path):
    """Two programs, one file, one after the other."""

    async def story():
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            await write(hub, "notes", "Hello", author="Ann")
            await write(hub, "notes", " world", author="Bob")
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            rows = await hub.store.updates("notes")
            return await read(hub, "notes"), [row.author for row in rows]

    assert run(story) == ("Hello world", ["Ann", "Bob"])


def test_two_editors_in_process_see_each_other():
    """The same path as a browser's: what one writes the other one has once it is on disk."""

    async def story():
        hub = Hub(open_store(":memory:"))
        async with hub, hub.open("notes") as ann, hub.open("notes") as bob:
            ann.doc.get("list", type=Array).append("from Ann")
            bob.doc.get("map", type=Map)["who"] = "Bob"
            await ann.saved()
            await bob.saved()
            await until(lambda: ann.doc.get("map", type=Map).to_py() == {"who": "Bob"})
            await until(lambda: bob.doc.get("list", type=Array).to_py() == ["from Ann"])

    run(story)


def test_a_room_is_freed_when_the_last_editor_leaves():
    """Nothing of a document stays in memory; what was written is on disk."""

    async def story():
        async with Hub(open_store(":memory:")) as hub:
            async with hub.open("notes") as editor:
                editor.doc.get("content", type=Text).insert(0, "x")
                assert list(hub.rooms) == ["notes"]
            await until(lambda: not hub.rooms)
            assert await read(hub, "notes") == "x"

    run(story)


def test_many_who_come_at_once_share_one_room():
    """The document is loaded once, and nobody is left with a room of their own."""

    async def story():
        async with Hub(open_store(":memory:")) as hub:
            await write(hub, "notes", "x")
            sessions = await asyncio.gather(*(hub.join("notes", lambda: None) for _ in range(50)))
            assert len({session.room for session in sessions}) == 1
            assert len(hub.rooms["notes"].sessions) == 50

    run(story)


def test_a_name_in_another_form_is_the_same_document():
    """Names are kept in Unicode's NFC."""

    async def story():
        async with Hub(open_store(":memory:")) as hub:
            await write(hub, "Cafe\u0301", "x")
            assert await read(hub, "Caf\u00e9") == "x"
            with pytest.raises(BadName):
                await hub.join("a\x00b", lambda: None)

    run(story)


def test_folding_bounds_what_opening_reads(tmp_path):
    """A long history is folded while it is written, and once more when the last one leaves."""

    async def story():
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            async with hub.open("notes") as editor:
                content = editor.doc.get("content", type=Text)
                for _ in range(FOLD_ROWS + FOLD_LAST + 50):
                    content += "x"
                await editor.saved()
            await until(lambda: not hub.rooms)
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            loaded = await hub.store.load("notes")
            assert loaded.snapshot is not None
            assert len(loaded.updates) < FOLD_LAST
            assert len(await hub.store.updates("notes", limit=10_000)) == FOLD_ROWS + FOLD_LAST + 50
            assert await read(hub, "notes") == "x" * (FOLD_ROWS + FOLD_LAST + 50)

    run(story)


def test_deleting_sends_everybody_away_and_loses_nothing():
    """A deleted document cannot be opened; undeleted it is as it was."""

    async def story():
        async with Hub(open_store(":memory:")) as hub:
            await write(hub, "notes", "x")
            session = await hub.join("notes", lambda: None)
            await hub.delete("notes")
            with pytest.raises(NotFound, match="deleted"):
                session.next_message()
            hub.leave(session, clean=True)
            with pytest.raises(NotFound, match="deleted"):
                await hub.join("notes", lambda: None)
            await hub.undelete("notes")
            assert await read(hub, "notes") == "x"
            with pytest.raises(NotFound):
                await hub.delete("nobody's")

    run(story)


@contextmanager
def full_disk(size):
    """No file may grow beyond `size` bytes: what the kernel then says is what a full disk says."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.expects_log("saving has stopped|could not be written|reopen")
def test_a_full_disk_loses_nothing(tmp_path):
    """While nothing can be written nothing is acknowledged; once it can, what waited is saved."""

    async def story():
        async with Hub(open_store(tmp_path / "quire.db")) as hub, hub.open("notes") as editor:
            editor.doc.get("content", type=Text).insert(0, "before ")
            await editor.saved()
            with full_disk(1):
                editor.doc.get("content", type=Text).insert(0, "during ")
                saved = asyncio.create_task(editor.saved())
                await until(lambda: not hub.writer.saving)
                assert not saved.done()
            await saved
            assert hub.writer.saving
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            assert await read(hub, "notes") == "during before "

    run(story)


@pytest.mark.expects_log("damaged")
def test_a_damaged_document_opens_read_only_as_it_was_before(tmp_path):
    """The rows before the damage are shown, nothing is replaced, other documents are untouched."""

    async def story():
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            for text in ("one ", "two ", "three "):
                await write(hub, "notes", text)
            await write(hub, "other", "fine")
        with sqlite3.connect(tmp_path / "quire.db") as database:
            database.execute("UPDATE updates SET data = x'00' WHERE seq = 3")
        database.close()
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            async with hub.open("notes") as editor:
                content = editor.doc.get("content", type=Text)
                assert str(content) == "one two "
            with pytest.raises(AccessDenied, match="edit 3"):
                await write(hub, "notes", "not kept")
            assert len(await hub.store.updates("notes", upto=2)) == 2
            await write(hub, "other", "!")
            assert await read(hub, "other") == "fine!"

    run(story)


def test_a_closed_hub_says_so():
    """Nobody gets in any more, and those who are in are sent away."""

    async def story():
        async with Hub(open_store(":memory:")) as hub:
            session = await hub.join("notes", lambda: None)
        with pytest.raises(Unavailable):
            session.next_message()
        with pytest.raises(Unavailable):
            await hub.join("notes", lambda: None)

    run(story)


def test_large_edits_go_through_a_worker():
    """Megabytes are judged next door and folded into what others did meanwhile."""

    async def story():
        async with Hub(open_store(":memory:")) as hub, hub.open("notes") as editor:
            paste = Doc()
            paste.get("content", type=Text).insert(0, "x" * 300_000)
            connection = Connection(hub, await hub.join("notes", lambda: None))
            connection.receive(encode(SyncStep1(b"\x00")))
            connection.receive(encode(SyncStep2(b"\x00\x00")))
            busy = connection.receive(encode(SyncUpdate(paste.get_update())))
            editor.doc.get("content", type=Text).insert(0, "y")
            await busy
            content = editor.doc.get("content", type=Text)
            await until(lambda: len(str(content)) == 300_001)
            connection.leave(clean=True)

    run(story)


def test_peers_are_kept_waiting_for_a_slow_disk(tmp_path, monkeypatch):
    """When too much waits for the disk, what a peer sent is answered only once there is room."""

    async def story():
        monkeypatch.setattr("collab.writer.BACKLOG", 1000)
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            paste = Doc()
            paste.get("content", type=Text).insert(0, "x" * 2000)
            connection = Connection(hub, await hub.join("notes", lambda: None))
            connection.receive(encode(SyncStep1(b"\x00")))
            busy = connection.receive(encode(SyncStep2(paste.get_update())))
            assert busy is not None
            assert hub.rooms["notes"].durable == 0
            await busy
            assert hub.rooms["notes"].durable == 1
            assert connection.receive(encode(SyncStep1(b"\x00"))) is None

    run(story)


@pytest.mark.expects_log("could not be saved together|cannot be saved")
def test_a_document_that_cannot_be_saved_fails_alone():
    """A fault of ours in one document's edits closes that document; the others are saved."""

    async def story():
        async with Hub(open_store(":memory:")) as hub, hub.open("fine") as fine:
            session = await hub.join("broken", lambda: None)
            session.grant = Grant(
                Level.ADMIN, name="\x00"
            )  # no store takes that, and no check of ours has refused it
            session.receive(SyncStep2(Doc().get_update()), 0)
            edit = Doc()
            edit.get("content", type=Text).insert(0, "x")
            session.receive(SyncUpdate(edit.get_update()), 0)
            fine.doc.get("content", type=Text).insert(0, "x")
            hub.touched(session.room)
            edit.get("content", type=Text).insert(1, "y")
            await until(lambda: session.room.writing)
            session.grant = OURS  # what comes next could be saved, and builds on what cannot
            session.receive(SyncUpdate(edit.get_update()), 0)
            hub.touched(session.room)
            await fine.saved()
            with pytest.raises(Unavailable):
                await until(lambda: session.next_message() and False)
            hub.leave(session, clean=False)
            assert await read(hub, "broken") == ""
            assert await read(hub, "fine") == "x"

    run(story)


def test_closing_waits_for_documents_that_are_being_opened():
    """Whoever comes at the last moment gets in or is turned away; the store is closed after."""

    async def story():
        hub = Hub(open_store(":memory:"))
        await hub.start()
        joining = [asyncio.create_task(hub.join(f"n{i}", lambda: None)) for i in range(20)]
        await asyncio.sleep(0)
        await hub.close()
        for joined in await asyncio.gather(*joining, return_exceptions=True):
            if not isinstance(joined, Unavailable):
                with pytest.raises(Unavailable):
                    joined.next_message()

    run(story)
