"""The architecture, as far as a machine can check it: imports point down, and things stay small.

`collab.web -> collab -> collab.storage`, and `collab.web -> collab.client -> collab`. Each rule
says which modules may do a thing; whoever needs one more changes the list, and argues for it in the
module's first paragraph.
"""

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("collab", "collab/client", "collab/past", "storage", "web")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.py"))
CLIENT = [path for path in SOURCES if path.parent.name == "client"]
CORE = [path for path in SOURCES if path.parent.name in ("collab", "past")]

# The rest of collab is told the time, and never waits.
ASYNCHRONOUS = {"absent", "hub", "connection", "writer", "gate", "engine", "editor", "replay"}
ASYNCHRONOUS |= {"archive", "history", "retention", "upkeep", "door", "rooms", "poison", "edits"}
ASYNCHRONOUS |= {"shared"}
# Tokens end by themselves, whoever asks about them.
TIMED = {"tokens"}
# Runs in workers that may die, or in a process whose documents are its own.
PYCRDT = {"jobs", "editor", "editing", "remote", "sharing", "carets", "copy", "mirror"}

FILE_LINES = 300
FUNCTION_LINES = 30


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere, `from x import y` as x.y."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers(package: str, among: list[Path]) -> set[str]:
    """The names of the files that import a package or anything in it."""
    return {
        path.stem
        for path in among
        if any(name == package or name.startswith(package + ".") for name in imports(path))
    }


def test_there_is_something_to_check() -> None:
    """A moved folder must not make every rule hold."""
    assert set(FOLDERS) == {path.parent.relative_to(ROOT).as_posix() for path in SOURCES}


def test_storage_stands_alone() -> None:
    """It knows names, numbers and bytes: nothing of ours above it, no CRDT, no HTTP."""
    for path in SOURCES:
        if path.parent.name == "storage":
            of_ours = {name for name in imports(path) if name.split(".")[0] == "collab"}
            above = {name for name in of_ours if not name.startswith("collab.storage")}
            assert not above, f"{path.name} imports {above}"
            assert not importers("pycrdt", [path]), path.name


def test_collab_knows_no_web() -> None:
    """Documents do not know how they are asked for."""
    assert set() == importers("collab.web", CORE) | importers("collab.client", CORE)


def test_the_client_knows_no_server() -> None:
    """It is somebody else's machine that it talks to: no hub, no store, no handlers."""
    allowed = ("changes", "client", "errors", "presence", "reader", "state", "update", "wire")
    allowed += ("blocks", "content", "past")  # what a document is
    for path in CLIENT:
        of_ours = {name for name in imports(path) if name.split(".")[0] == "collab"}
        assert {name.split(".")[1] for name in of_ours} <= set(allowed), path.name


def test_only_web_knows_tornado() -> None:
    """It could be another server; the client could have another WebSocket."""
    assert set() == importers(
        "tornado", [path for path in SOURCES if path.parent.name == "storage"]
    )
    assert set() == importers("tornado", CORE)
    assert {"remote"} == importers("tornado", CLIENT)


def test_the_core_is_synchronous_and_clockless() -> None:
    """Time, randomness and sockets are arguments, so that every story can be told again."""
    assert importers("asyncio", CORE) <= ASYNCHRONOUS
    core = [path for path in CORE if path.stem not in ASYNCHRONOUS]
    for module in ("datetime", "random", "socket", "threading", "subprocess"):
        assert set() == importers(module, core), module
    assert TIMED == importers("time", core)


def test_pycrdt_stays_where_it_can_do_no_harm() -> None:
    """Whole programs check it too: serving loads no pycrdt into the process with the sockets."""
    assert importers("pycrdt", SOURCES) <= PYCRDT
    loaded = "import collab.web.server, sys; print('pycrdt' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert "False\n" == run.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_files_and_functions_stay_small(path: Path) -> None:
    """A file fits on a few screens, a function on one (docstring, comments and blanks aside)."""
    text = path.read_text()
    assert text.count("\n") <= FILE_LINES
    code = lines_of_code(text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = code & set(range(node.lineno, (node.end_lineno or 0) + 1))
            assert len(lines) <= FUNCTION_LINES, f"{node.name} has {len(lines)} lines"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_files_say_what_lives_there(path: Path) -> None:
    """The first line of a file is a sentence."""
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring and docstring.split("\n\n")[0].rstrip(":").endswith((".", "`")), docstring


def lines_of_code(text: str) -> set[int]:
    """The numbers of the lines with anything but comments, docstrings and blanks."""
    empty = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in empty:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                lines -= set(range(node.lineno, (node.end_lineno or 0) + 1))
    return lines
