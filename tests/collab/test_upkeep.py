"""What is done for documents while nobody edits them: old rows are packed, the past is built."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from pycrdt import Text

from collab import Hub
from collab.storage import open_store
from tests.collab.test_hub import run, until

ROWS = 2_300  # at most 2,000 of which are packed as one


async def type_letters(hub: Hub) -> None:
    """So many rows in document "notes"; the editor stays until the last is on disk."""
    async with hub.open("notes", "Ann") as editor:
        content = editor.doc.get("content", type=Text)
        for _ in range(ROWS):
            content += "x"
        await editor.saved()


def packed(path: Path) -> bool:
    """Whether some rows are in segments now."""
    with sqlite3.connect(path) as reader:
        (count,) = reader.execute("select count(*) from segments").fetchone()
    reader.close()
    return count > 0


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the store is; little is left unpacked, and pasts are saved soon."""
    monkeypatch.setattr("collab.upkeep.UNPACKED", 100)
    monkeypatch.setattr("collab.archive.SAVE", 100)
    return tmp_path / "quire.db"


def test_when_the_last_editor_has_left(path: Path) -> None:
    """The rows are packed, the past is there, and both are what was written."""

    async def story() -> None:
        async with Hub(open_store(path)) as hub:
            await type_letters(hub)
            while await hub.store.load_past("notes") is None:
                await asyncio.sleep(0.01)
            assert packed(path)
            rows = await hub.store.updates("notes", limit=10_000)
            assert [row.seq for row in rows] == list(range(1, ROWS + 1))
            assert await hub.history("notes").text(700) == "x" * 700
        async with Hub(open_store(path)) as hub, hub.open("notes") as editor:
            assert str(editor.doc.get("content", type=Text)) == "x" * ROWS

    run(story)


def test_when_nobody_has_typed_for_a_while(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may have the document open all day."""
    monkeypatch.setattr("collab.hub.TICK", 0.01)

    async def story() -> None:
        async with Hub(open_store(path)) as hub:
            session = await hub.join("notes", lambda: None)
            await type_letters(hub)
            await until(lambda: packed(path))
            assert "notes" in hub.rooms
            hub.leave(session, clean=True)

    run(story)
