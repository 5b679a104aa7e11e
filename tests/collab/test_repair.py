"""Repair: a damaged row is put aside, and editors who still have it bring it back."""

import asyncio
import sqlite3

import pytest
from pycrdt import Text

from collab import Hub
from collab.connection import Connection
from collab.repair import Loss, find_losses, mend
from collab.storage import Entry, open_store
from collab.wire import SyncStep1, SyncStep2, SyncUpdate, decode, encode

CHECKSUM = "it does not match its checksum"
BUILDS = "it builds on an edit that is lost"


def run(story):
    return asyncio.run(asyncio.wait_for(story, 30))


async def write(path, *texts):
    """Types the texts one after the other; the whole document as an editor has it."""
    async with Hub(open_store(path)) as hub:
        async with hub.open("notes") as editor:
            for text in texts:
                content = editor.doc.get("content", type=Text)
                content += text
        while hub.rooms:  # it may be folded still
            await asyncio.sleep(0.001)
        return editor.doc.get_update()


async def read(path):
    async with Hub(open_store(path)) as hub, hub.open("notes") as editor:
        return str(editor.doc.get("content", type=Text))


def damage(path, seq):
    """The row is not what was written any more."""
    with sqlite3.connect(path) as database:
        database.execute("UPDATE updates SET data = x'01' WHERE seq = ?", [seq])
    database.close()


async def repair(path):
    async with Hub(open_store(path)) as hub:
        losses = await find_losses(hub.store, hub.engine, "notes")
        await mend(hub.store, "notes", losses)
        return losses


@pytest.mark.expects_log("damaged")
def test_what_is_lost_and_what_builds_on_it_is_put_aside(tmp_path):
    """The rest stays, and the document can be edited again."""
    path = tmp_path / "quire.db"

    async def story():
        await write(path, "one ", "two ", "three ")
        damage(path, 2)
        assert await repair(path) == [Loss(2, 2, CHECKSUM), Loss(3, 3, BUILDS)]
        assert await repair(path) == []
        await write(path, "four")
        return await read(path)

    assert run(story()) == "one four"
    with sqlite3.connect(path) as database:
        rejected = database.execute("SELECT seq, reason FROM rejected").fetchall()
    database.close()
    assert rejected == [(2, CHECKSUM), (3, BUILDS)]


@pytest.mark.expects_log("damaged")
def test_an_editor_that_still_has_it_brings_it_back(tmp_path):
    """After repair the server asks for what it lacks, as it asks everybody."""
    path = tmp_path / "quire.db"

    async def story():
        whole = await write(path, "one ", "two ", "three ")
        damage(path, 2)
        await repair(path)
        async with Hub(open_store(path)) as hub:
            connection = Connection(hub, await hub.join("notes", lambda: None))
            connection.receive(encode(SyncStep1(b"\x00")))
            assert any(isinstance(m, SyncStep1) for m in decode(connection.next_frame()))
            connection.receive(encode(SyncStep2(whole)))
            connection.receive(encode(SyncUpdate(b"\x00\x00")))
            connection.leave(clean=True)
        return await read(path)

    assert run(story()) == "one two three "


def test_nothing_has_to_be_mended_where_a_snapshot_has_it(tmp_path):
    """Damage before the newest snapshot is a hole in the history; the document itself is whole."""
    path = tmp_path / "quire.db"

    async def story():
        await write(path, *["x"] * 300)
        damage(path, 7)
        async with Hub(open_store(path)) as hub:
            assert await find_losses(hub.store, hub.engine, "notes") == []
            assert [p.seq async for p in hub.store.verify()] == [7]
        return await read(path)

    assert run(story()) == "x" * 300


def test_a_sound_document_has_no_losses(tmp_path):
    """Nothing is found, nothing is changed."""
    path = tmp_path / "quire.db"

    async def story():
        await write(path, "one ", "two ")
        assert await repair(path) == []
        return await read(path)

    assert run(story()) == "one two "


@pytest.mark.expects_log("damaged")
def test_rows_behind_the_head_are_put_aside(tmp_path):
    """A head that was set back: the document opens again without what it does not know of."""
    path = tmp_path / "quire.db"

    async def story():
        await write(path, "one ", "two ")
        with sqlite3.connect(path) as database:
            database.execute("UPDATE documents SET head = 1")
        database.close()
        assert await repair(path) == [Loss(2, 2, "the document does not know of it")]
        await write(path, "three")
        return await read(path)

    assert run(story()) == "one three"


@pytest.mark.expects_log("damaged")
def test_a_thinned_past_is_lost_as_one(tmp_path):
    """Its few rows had thousands of seqs: these are one loss, and become one row."""
    path = tmp_path / "quire.db"

    async def story():
        await write(path, "one ", "two ")
        async with open_store(path) as store:
            nothing = [Entry("notes", 0, "Ann", b"\x00\x00")] * 5_000
            await store.append(nothing)
            rows = await store.updates("notes", limit=2)
            await store.thin("notes", 1, 5_002, [*rows, rows[1]._replace(seq=5_002)])
        with sqlite3.connect(path) as database:
            database.execute("UPDATE segments SET contents = x'01'")
            database.execute("DELETE FROM snapshots")
        database.close()
        assert await repair(path) == [Loss(1, 5_002, CHECKSUM)]
        assert await repair(path) == []
        async with open_store(path) as store:
            assert [row.seq for row in await store.updates("notes")] == [5_002]
        await write(path, "three")
        return await read(path)

    assert run(story()) == "three"
