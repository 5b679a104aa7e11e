"""What an editor's own history panel has to stand: BlockNote's, on Quire's versions. Knows its
buttons and rows as a person sees them, and what the HTTP API says.
"""

import asyncio
import json
import urllib.request
from typing import Any
from urllib.parse import quote

from playwright.async_api import Locator, expect

from .people import PATIENCE, Cell, Person, equals, until
from .stories import pair, story

HISTORY = ("history: names", "history: pauses", "history: empty")
ROW = ".bn-snapshot"


@story("history: names")
async def names(cell: Cell) -> None:
    """A version is saved, shown, named otherwise and gone back to, with somebody else there."""
    ada, ben = await pair(cell, "First")
    await save(ada, "Draft")
    await equals("versions", ["Draft"], lambda: versions(cell))
    await equals("rows", ["Draft"], lambda: rows(ada))
    await ben.go("Control+End")
    await ben.type(", second")
    await cell.all_say("First, second")
    await row(ada, "Draft").click()
    await ada.says("First")
    await ben.says("First, second")
    await ada.page.get_by_text("Current version").click()
    await ada.says("First, second")
    await rename(ada, "Draft", "Chapter 1/2?")
    await equals("versions", ["Chapter 1/2?"], lambda: versions(cell))
    await choose(ada, "Chapter 1/2?", "Restore")
    await cell.all_say("First")
    await ben.type("!")
    await cell.all_say("First!")
    await choose(ada, "Chapter 1/2?", "Delete")
    await equals("versions", [], lambda: versions(cell))


@story("history: pauses")
async def pauses(cell: Cell) -> None:
    """A pause is looked at and has no name then; it gets one when somebody gives it one, once."""
    await pair(cell, "First")
    (cleo,) = await cell.meet("Cleo")
    await until("there is a pause", lambda: rows(cleo))
    (pause,) = await rows(cleo)
    await row(cleo, pause).click()
    await row(cleo, pause).get_by_role("textbox").click()
    await away(cleo)
    await rename(cleo, pause, "Draft")
    await equals("versions", ["Draft"], lambda: versions(cell))
    await rename(cleo, "Draft", "Draft 2")
    await equals("versions", ["Draft 2"], lambda: versions(cell))
    (dan,) = await cell.meet("Dan")
    await equals("rows", ["Draft 2"], lambda: rows(dan))
    await save(dan, "Same edit")  # and that is another version of it
    await equals("rows", ["Draft 2", "Same edit"], lambda: rows(dan))


@story("history: empty")
async def empty(cell: Cell) -> None:
    """Of a document that is not there yet the list is empty; a pause that is saved has its name."""
    (ada,) = await cell.meet("Ada")
    await expect(ada.page.get_by_role("heading", name="History")).to_be_visible()
    await equals("rows", [], lambda: rows(ada))
    await ada.go()
    await ada.type("First")
    await cell.all_say("First")
    (ben,) = await cell.meet("Ben")
    await until("there is a pause", lambda: rows(ben))
    await save(ben, "Draft")
    await equals("rows", ["Draft"], lambda: rows(ben))
    await row(ben, "Draft").click()
    await row(ben, "Draft").get_by_role("textbox").click()
    await away(ben)
    await equals("versions", ["Draft"], lambda: versions(cell))


def row(person: Person, name: str) -> Locator:
    """The row of the panel whose name is this."""
    return person.page.locator(ROW, has=person.page.locator(f"input[value={json.dumps(name)}]"))


async def rows(person: Person) -> list[str]:
    """The names that the panel shows, by the alphabet; of a pause, when it was."""
    names = "(inputs) => inputs.map((input) => input.value).sort()"
    found: list[str] = await person.page.locator(f"{ROW} input").evaluate_all(names)
    return found


async def save(person: Person, name: str) -> None:
    """The button of the panel, which asks for a name."""
    person.page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept(name)))
    await person.page.locator(".bn-versioning-sidebar-header button").click()


async def rename(person: Person, old: str, new: str) -> None:
    """A click shows a version, the next one is into its name."""
    await row(person, old).click()
    field = row(person, old).get_by_role("textbox")
    await field.click()
    await person.press("Control+a")
    await person.type(new)
    await away(person)


async def away(person: Person) -> None:
    """Out of a name: that is when the panel gives it."""
    await person.page.get_by_role("heading", name="History").click()


async def choose(person: Person, name: str, action: str) -> None:
    """An entry of a row's menu."""
    await row(person, name).hover()
    await row(person, name).locator(".bn-snapshot-menu-trigger").click()
    await person.page.get_by_role("menuitem", name=action).click()


async def versions(cell: Cell) -> list[str]:
    """The names that the server has, by the alphabet."""
    url = cell.server.page(f"/api/documents/{quote(cell.name, safe='')}/versions")
    told: dict[str, Any] = json.loads(await asyncio.to_thread(_read, url))
    return sorted(version["name"] for version in told["versions"])


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        data: bytes = answer.read()
        return data
