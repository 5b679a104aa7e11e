"""The past from the command line: real processes on a file that nobody serves."""

import asyncio
import json
from pathlib import Path

import pytest
from pycrdt import Text

from collab import Hub
from collab.storage import open_store
from tests.web.test_cli import quire


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store in which Ann and Bob wrote notes, where `quire` finds it."""
    (tmp_path / "quire.toml").write_text('store = "documents.db"\n')

    async def write() -> None:
        async with Hub(open_store(tmp_path / "documents.db")) as hub:
            for author, text in (("Ann", "Hello"), ("Bob", " world"), ("Bob", "!")):
                async with hub.open("notes", author) as editor:
                    content = editor.doc.get("content", type=Text)
                    content += text

    asyncio.run(write())
    return tmp_path


def test_who_and_when(folder: Path) -> None:
    """A line for each stretch and each name, newest first; or JSON."""
    assert quire(folder, "name", "notes", "Draft", "--at", "1").returncode == 0
    lines = [line.split(None, 2)[2] for line in quire(folder, "log", "notes").stdout.splitlines()]
    assert lines == ["2..3  Bob  2 edits", "@Draft  (edit 1)", "1..1  Ann  1 edit"]
    told = json.loads(quire(folder, "log", "notes", "--json").stdout)
    assert [one["author"] for one in told["stretches"]] == ["Bob", "Ann"]
    assert [one["name"] for one in told["versions"]] == ["Draft"]


def test_what_changed(folder: Path) -> None:
    """With marks as git's word diff has them; or JSON, with who did it."""
    assert quire(folder, "diff", "notes", "1").stdout == "Hello{+ world!+}\n"
    assert quire(folder, "diff", "notes", "1", "2").stdout == "Hello{+ world+}\n"
    told = json.loads(quire(folder, "diff", "notes", "0", "1", "--json").stdout)
    assert told["stretches"][0]["author"] == "Ann"


def test_back_and_forth(folder: Path) -> None:
    """A restore tells how to undo it, and there is nothing to do when it is done."""
    ended = quire(folder, "restore", "notes", "1", "--author", "Cleo")
    assert ended.stdout.startswith("Edit 4 brings it back.")
    assert quire(folder, "show", "notes").stdout == "Hello\n"
    assert "nothing had to be changed" in quire(folder, "restore", "notes", "1").stdout
    undo = ended.stdout.split("quire ")[1].split()
    assert quire(folder, *undo).returncode == 0
    assert quire(folder, "show", "notes").stdout == "Hello world!\n"
    assert quire(folder, "show", "notes", "--at", "2").stdout == "Hello world\n"
    told = json.loads(quire(folder, "restore", "notes", "1", "--json").stdout)
    assert told == {"before": 5, "seq": 6, "changed": True}
    told = json.loads(quire(folder, "name", "notes", "Back", "--author", "Cleo", "--json").stdout)
    assert (told["name"], told["seq"], told["author"]) == ("Back", 6, "Cleo")
    shown = quire(folder, "show", "notes", "--at", "1", "--json").stdout
    assert json.loads(shown) == {"content": "Hello"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("log", "other"),
        ("diff", "notes", "2", "1"),
        ("diff", "notes", "nonsense"),
        ("restore", "notes", "9"),
        ("show", "notes", "--at", "@Draft"),
        ("name", "notes", " "),
    ],
)
def test_bad_questions(folder: Path, arguments: tuple[str, ...]) -> None:
    """One sentence, exit code 1."""
    ended = quire(folder, *arguments)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: ") and ended.stderr.count("\n") == 1
