"""A real Neovim without a screen, as a test's editor: its keys are typed, its buffer is read."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Text

from collab.client import Client
from collab.client.carets import Carets
from tests.client.stories import text
from tests.live import PATIENCE, until

NEOVIM = shutil.which("nvim")
needs_neovim = pytest.mark.skipif(NEOVIM is None, reason="Neovim is not installed")


class Neovim:
    """`with Neovim(folder, "notes.md") as editor:` has the file open."""

    def __init__(self, folder: Path, file: str, *options: str) -> None:
        self.socket = folder / "nvim.sock"
        command = [NEOVIM or "nvim", "--headless", "--clean", "-n", "--listen", str(self.socket)]
        self.process = subprocess.Popen(
            [*command, *options, file],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> "Neovim":
        self.until("Neovim to listen", self.socket.exists)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)

    def type(self, keys: str) -> None:
        """As at the keyboard, `<Esc>` and all."""
        self._ask("--remote-send", keys)

    def run(self, lua: str) -> str:
        """The value of a Lua expression."""
        return self._ask("--remote-expr", f"luaeval('{lua}')")

    def state(self) -> dict[str, Any]:
        """What the plugin of the tests knows."""
        state: dict[str, Any] = json.loads(self.run("Quire.state()"))
        return state

    def until(self, what: str, condition: Callable[[], object]) -> None:
        """Returns when the condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, "Neovim has ended"
            assert time.monotonic() < deadline, f"waited for {what}"
            time.sleep(0.02)

    def _ask(self, *arguments: str) -> str:
        command = [NEOVIM or "nvim", "--server", str(self.socket), *arguments]
        run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert 0 == run.returncode, run.stderr
        return run.stdout + run.stderr


class Teamtype(Neovim):
    """With the plugin of Teamtype in its runtime path, which tells nobody what it knows."""

    def state(self) -> dict[str, Any]:
        """What is to be seen of it, as of the tests' own."""
        namespace = "vim.api.nvim_get_namespaces().Teamtype"
        marks = f"vim.api.nvim_buf_get_extmarks(0, {namespace}, 0, -1, {{details = true}})"
        lines = "vim.api.nvim_buf_get_lines(0, 0, -1, true)"
        seen = f"{{lines = {lines}, marks = {marks}, error = vim.v.errmsg}}"
        state = json.loads(self.run(f"vim.fn.json_encode({seen})"))
        shown = [[mark[3]["virt_text"][0][0], mark[1], mark[2]] for mark in state["marks"]]
        errors = [state["error"]] if state["error"] else []
        return {"lines": state["lines"], "carets": shown, "errors": errors}


async def begin(ann: Client) -> None:
    """What is there before Neovim comes."""
    words = ann.doc.get("content", type=Text)
    words += "Grüße 😀\nzwei\n"
    await ann.saved()


async def write_together(ann: Client, vi: Neovim) -> None:
    """Typed here and there, at once, undone; carets both ways; letters of all sizes."""
    words = ann.doc.get("content", type=Text)

    async def sees(*lines: str) -> None:
        await until(f"Neovim to have {lines}", lambda: vi.state()["lines"] == [*lines])

    await sees("Grüße 😀", "zwei")
    vi.type("GAdrei世<Esc>")
    await until("Neovim's letters", lambda: text(ann) == "Grüße 😀\nzweidrei世\n")
    words.insert(len("Grüße 😀".encode()), "!")
    await sees("Grüße 😀!", "zweidrei世")
    vi.type("ggO")
    words.insert(len(text(ann).encode()), "unten\n")
    vi.type("oben<Esc>")
    await sees("oben", "Grüße 😀!", "zweidrei世", "unten")
    await until("both", lambda: text(ann) == "oben\nGrüße 😀!\nzweidrei世\nunten\n")
    vi.type("ggddjp")
    moved = "Grüße 😀!\nzweidrei世\noben\nunten\n"
    await until("a move", lambda: text(ann) == moved)
    vi.type("u")  # Neovim's own undo knows no authors: it takes back what came last
    await sees("Grüße 😀!", "zweidrei世", "unten")
    await until("the undo", lambda: text(ann) == moved.replace("oben\n", ""))

    vi.type("gg0fü")
    carets = Carets("content")
    carets.follow(ann.doc.get_update())

    def at() -> list[int | None]:
        cursors = [state.get("cursor", {}) for state in ann.others.values()]
        return [carets.place(text(ann), cursor.get("head")) for cursor in cursors]

    await until("Neovim's caret", lambda: at() == [2])
    position = carets.position(text(ann), 7)
    ann.present(cursor={"anchor": position, "head": position})
    behind = len("Grüße 😀".encode())
    await until("Ann's caret", lambda: vi.state()["carets"] == [["Ann", 0, behind]])
    assert [] == vi.state()["errors"]
