"""Editing in-process a document in which somebody wrote what pycrdt cannot open."""

import pytest
from pycrdt import Text

from collab import Hub
from collab import engine as engine_module
from collab.connection import Connection
from collab.engine import Died, Engine
from collab.errors import Unavailable
from collab.storage import open_store
from collab.wire import SyncStep1, SyncStep2, SyncUpdate, encode
from tests.collab.test_hub import run, until
from tests.deadly import MARK, hanging
from tests.live import typed

HANGS = [
    bytes.fromhex(update)
    for update in (
        "010201002701016d016c0028000100016b037d027d1c7d250101010301",
        "0101020024010174016c01610101010001",
        "0101010408000100037d1b7d357d0a0101010601",
        "01020400c40101010402c3a9880103027d017d0c0101010101",
        "010304030100010501810106028101010200",
    )
]
"""Each of them passes the gate; whoever applies them one by one to a pycrdt document (0.14.13)
never comes back, and holds the GIL. Found by random structs whose origins are in other lists."""
INTO_A_LETTER = bytes.fromhex("01 01 07 00  04 00 05 00 01 78  00")
"""Client 7 writes into the first letter of client 5, as if that were a shared type."""


async def write_oddly(hub: Hub) -> Connection:
    """A peer types "xxx", and then into the first of these."""
    connection = Connection(hub, await hub.join("notes", lambda: None))
    for message in (SyncStep1(b"\x00"), SyncStep2(b"\x00\x00"), SyncUpdate(typed(5, 0, "xxx"))):
        connection.receive(encode(message))
    await until(lambda: hub.rooms["notes"].durable == 1)
    return connection


async def read(hub: Hub) -> str:
    """What an editor that comes anew sees."""
    async with hub.open("notes") as editor:
        return str(editor.doc.get("t", type=Text))


def test_an_odd_document_opens() -> None:
    """As browsers show it: what is in a letter is dropped, the rest is there, and can be edited."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            connection = await write_oddly(hub)
            connection.receive(encode(SyncUpdate(INTO_A_LETTER)))
            await until(lambda: hub.rooms["notes"].durable == 2)
            async with hub.open("notes") as editor:
                content = editor.doc.get("t", type=Text)
                assert str(content) == "xxx"
                content += "y"
            assert await read(hub) == "xxxy"
            connection.leave(clean=True)

    run(story)


@pytest.mark.expects_log("cannot be followed")
def test_who_cannot_follow_is_told() -> None:
    """An editor that is there while it happens is ended, loses nothing that it wrote before, and
    can open the document anew."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            connection = await write_oddly(hub)
            with pytest.raises(Unavailable):
                async with hub.open("notes") as editor:
                    content = editor.doc.get("t", type=Text)
                    content += "y"
                    await editor.saved()
                    connection.receive(encode(SyncUpdate(INTO_A_LETTER)))
                    await until(lambda: hub.rooms["notes"].durable == 3)
                    await until(lambda: len(hub.rooms["notes"].sessions) == 1)
                    content += "lost"
            assert await read(hub) == "xxxy"
            connection.leave(clean=True)

    run(story)


@pytest.mark.expects_log("a worker died or took too long on mirror.apply")
def test_what_hangs_pycrdt_is_tried_in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """It hangs, or dies, there. Nothing here may apply these: even the first four, of which no
    harm is seen at once, leave the memory of their process corrupt."""
    monkeypatch.setattr(engine_module, "SECONDS", 5.0)

    async def story() -> None:
        engine = Engine(workers=1)
        await engine.run("mirror.open", 1, b"\x00\x00")
        with pytest.raises(Died):
            for update in HANGS:
                await engine.run("mirror.apply", 1, update)
        await engine.run("mirror.open", 1, b"\x00\x00")  # the next one is in order
        await engine.close()

    run(story)


@pytest.mark.expects_log("a worker died or took too long on mirror.apply")
def test_who_edits_while_a_worker_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process goes on, and so do those who type; the editor can come again."""
    monkeypatch.setattr(engine_module, "PROGRAM", hanging("mirror.apply"))

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            peer = Connection(hub, await hub.join("notes", lambda: None))
            for message in (SyncStep1(b"\x00"), SyncStep2(b"\x00\x00")):
                peer.receive(encode(message))
            with pytest.raises(Unavailable):
                async with hub.open("notes") as editor:
                    monkeypatch.setattr(engine_module, "SECONDS", 2.0)
                    peer.receive(encode(SyncUpdate(typed(5, 0, MARK.decode()))))
                    await until(lambda: hub.rooms["notes"].durable == 1)
                    peer.receive(encode(SyncUpdate(typed(9, 0, "on"))))
                    await until(lambda: hub.rooms["notes"].durable == 2)
                    await until(lambda: editor._session is None)
                    editor.doc.get("t", type=Text).insert(0, "lost")
            monkeypatch.setattr(engine_module, "SECONDS", 30.0)
            content = await read(hub)
            assert "on" in content and "lost" not in content
            peer.leave(clean=True)

    run(story)


def test_a_hub_that_closes_waits_for_its_editors():
    """They still tell a worker that they have gone: none is started for an event loop that ends."""

    async def story():
        async with Hub(open_store(":memory:")) as hub:
            async with hub.open("notes") as editor:
                editor.doc.get("content", type=Text).insert(0, "Hello")
            await hub.mirrors._idle.pop().end()  # so that telling takes a new one
        assert editor._following.done()

    run(story)
