"""What stories about programs and documents have in common."""

import asyncio
import subprocess
from collections.abc import Coroutine
from typing import Any

from pycrdt import Text

from collab.client import Client
from tests.live import PATIENCE, QUIRE


def quire(*arguments: str) -> str:
    """The last line that a command prints."""
    run = subprocess.run([*QUIRE[:-1], *arguments], capture_output=True, text=True, timeout=60)
    assert 0 == run.returncode, run.stderr
    return run.stdout.strip().splitlines()[-1]


def play(story: Coroutine[Any, Any, None], seconds: float = 2 * PATIENCE) -> None:
    """Runs a story, within a time."""

    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await story

    asyncio.run(bounded())


def text(client: Client) -> str:
    """What is in the document."""
    return str(client.doc.get("content", type=Text))


def type_(client: Client, more: str) -> None:
    """Writes at the beginning."""
    client.doc.get("content", type=Text).insert(0, more)
