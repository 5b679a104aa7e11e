"""What the command line drops for good, and that it asks before."""

import asyncio
from pathlib import Path

import pytest

from collab.storage import Entry, open_store
from tests.web.test_cli import quire

HOUR = 3_600_000


def letter(clock: int) -> bytes:
    """Client 1 adds an "a" to the text "t"."""
    if clock == 0:
        return bytes((1, 1, 1, 0, 4, 1, 1, ord("t"), 1, ord("a"), 0))
    return bytes((1, 1, 1, clock, 0x84, 1, clock - 1, 1, ord("a"), 0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with documents of 1970, three letters in each of two hours."""
    (tmp_path / "quire.toml").write_text('store = "documents.db"\n')

    async def write() -> None:
        async with open_store(tmp_path / "documents.db") as store:
            for name in ("notes", "plans"):
                await store.append(
                    [Entry(name, clock // 3 * HOUR, "Ann", letter(clock)) for clock in range(6)]
                )

    asyncio.run(write())
    return tmp_path


def test_thinned(folder: Path) -> None:
    """One moment an hour is left, of those that were asked for, or of all."""
    ended = quire(folder, "thin", "notes", "--keep", "hour", "--yes")
    assert (ended.returncode, ended.stdout) == (0, "notes: 4 edits fewer\n"), ended.stderr
    assert quire(folder, "show", "notes", "--at", "3").stdout == "aaa\n"
    assert quire(folder, "show", "notes", "--at", "2").stdout == "\n"
    assert quire(folder, "show", "notes").stdout == "aaaaaa\n"
    ended = quire(folder, "thin", "--all", "--keep", "day", "--yes")
    assert sorted(ended.stdout.splitlines()) == ["notes: 1 edit fewer", "plans: 5 edits fewer"]
    assert quire(folder, "verify").returncode == 0


def test_asked_before(folder: Path) -> None:
    """Nobody at the terminal means no, and a day that is not over yet is left alone."""
    ended = quire(folder, "thin", "notes", "--keep", "day")
    assert ended.returncode == 1 and "for good?" in ended.stderr
    ended = quire(folder, "erase", "notes")
    assert ended.returncode == 1 and "6 edits" in ended.stderr
    ended = quire(folder, "thin", "notes", "--keep", "day", "--older-than", "36500", "--yes")
    assert ended.stdout == "notes: 0 edits fewer\n"
    assert quire(folder, "log", "notes").stdout.count("3 edits") == 2


def test_wrong_words(folder: Path) -> None:
    """One sentence each."""
    for words in (
        ("thin", "--keep", "day"),
        ("thin", "notes", "--all", "--keep", "day"),
        ("thin", "notes"),
        ("thin", "notes", "--keep", "week"),
    ):
        assert quire(folder, *words).returncode == 2, words
    for words in (("thin", "nowhere", "--keep", "day", "--yes"), ("erase", "nowhere", "--yes")):
        ended = quire(folder, *words)
        assert ended.returncode == 1
        assert "no document 'nowhere'" in ended.stderr


def test_erased(folder: Path) -> None:
    """Gone, with its past; the other document is not."""
    ended = quire(folder, "erase", "notes", "--yes")
    assert ended.stdout == "Document 'notes' is gone for good.\n", ended.stderr
    for words in (
        ("show", "notes"),
        ("show", "notes", "--at", "1"),
        ("log", "notes"),
        ("diff", "notes", "1"),
        ("name", "notes", "Draft"),
        ("restore", "notes", "1"),
        ("thin", "notes", "--keep", "day", "--yes"),
        ("erase", "notes", "--yes"),
    ):
        ended = quire(folder, *words)
        assert (ended.returncode, ended.stdout) == (1, ""), words
        assert "no document 'notes'" in ended.stderr
    assert quire(folder, "show", "plans").stdout == "aaaaaa\n"
    assert quire(folder, "verify").returncode == 0
    assert "notes" not in quire(folder, "list").stdout
