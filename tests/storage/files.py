"""One step with a store in a file: open it, do one thing, close it."""

import stat
from pathlib import Path

from collab.storage import Loaded, Problem, Update, open_store
from tests.storage.contract import entries


def mode(path: Path) -> int:
    """Return the rights of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def listed(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return sorted(file.name for file in folder.iterdir())


async def write(path: Path, *marks: str) -> None:
    """Append entries and close."""
    async with open_store(path) as store:
        await store.append(entries(*marks))


async def load(path: Path, name: str) -> Loaded:
    """Load a document and close."""
    async with open_store(path) as store:
        return await store.load(name)


async def everything(path: Path) -> list[Update]:
    """Return all rows of all documents."""
    async with open_store(path) as store:
        names = [document.name for document in await store.documents()]
        return [row for name in names for row in await store.updates(name)]


async def problems(path: Path) -> list[Problem]:
    """Return what a check of the whole file finds."""
    async with open_store(path) as store:
        return [problem async for problem in store.verify()]
