"""A real Neovim without a screen, as a test's editor: its keys are typed, its buffer is read."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live import PATIENCE

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
