"""Editing in-process a document in which somebody wrote what pycrdt cannot open."""

import pytest
from pycrdt import Text

from collab import Hub
from collab.connection import Connection
from collab.errors import Unavailable
from collab.storage import open_store
from collab.wire import SyncStep1, SyncStep2, SyncUpdate, encode
from tests.collab.test_hub import run, until
from tests.live import typed

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
