"""People with editors in real browsers: what they do with keys and see on the page, and what the
server says. Knows no binding and no protocol: that is in the pages.
"""

import asyncio
import json
import re
import time
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, urlencode

from playwright.async_api import Browser, ConsoleMessage, Error, Page

from tests.live import Server

from .link import Link

PATIENCE = 20.0  # seconds that anything may take before a story fails
FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
HAND = "(ms) => new Promise((done) => setTimeout(done, ms))"

Truth = Callable[[], Awaitable[Any]]


class Person:
    """Somebody with a browser of their own, and a link to the server that may break."""

    def __init__(self, name: str, page: Page, link: Link) -> None:
        self.name = name
        self.page = page
        self.link = link
        self.warnings: list[str] = []  # of providers: all that some of them say to anybody
        self.errors: list[str] = []  # that nobody caught
        page.on("console", self._heard)
        page.on("pageerror", self._failed)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "warning":
            self.warnings.append(message.text)

    def _failed(self, error: Error) -> None:
        self.errors.append(str(error))

    async def arrive(self, site: str, **query: str) -> None:
        """Opens the page; returns when there is an editor, or will be one."""
        sync = f"ws://127.0.0.1:{self.link.port}/sync"
        await self.page.goto(f"{site}/?{urlencode({**query, 'sync': sync})}")
        await self.page.wait_for_function("() => window.seen", timeout=PATIENCE * 1000)

    async def leave(self) -> Page:
        """Closes the page, as people do: it hears so, which it does not when its browser is taken
        away. That is for somebody else."""
        async with self.page.expect_event("close"):
            await self.page.close(run_before_unload=True)
        return await self.page.context.new_page()

    async def part(self) -> Page:
        """Leaves the browser to somebody else: to start one takes a second."""
        self.page.remove_listener("console", self._heard)
        self.page.remove_listener("pageerror", self._failed)
        await self.page.goto("about:blank")
        return self.page

    async def see(self, what: str) -> Any:
        """A property of `seen`, see pages/main.js."""
        return await self.page.evaluate(f"() => seen.{what}")

    async def synced(self) -> None:
        """Returns when all that is there has come."""
        await until(f"{self.name} is synced", lambda: self.see("synced && seen.shown"))

    async def says(self, text: str) -> None:
        """Returns when the editor shows exactly this."""
        await equals(f"what {self.name} sees", text, lambda: self.see("text"))

    async def click(self) -> None:
        """Into the editor. No hand is at the keys sooner than that after a click: ProseMirror takes
        a caret at the start for a fault of Chrome's within 200 ms after it got the focus."""
        await self.page.locator(await self.see("look.content")).click()
        await self.page.evaluate(HAND, 250)

    async def press(self, *keys: str) -> None:
        """One after the other, no faster than a hand. The editor hears of a moved caret only with
        the next frame, which keys from a machine can overtake; Slate, up to 100 ms later."""
        for key in keys:
            await self.page.keyboard.press(key)
            await self.page.evaluate(FRAME)
        await self.page.evaluate(HAND, 150)

    async def go(self, *keys: str) -> None:
        """Click, and move the caret."""
        await self.click()
        await self.press(*keys)

    async def type(self, text: str) -> None:
        """Key by key."""
        await self.page.keyboard.type(text)

    async def paste(self, text: str) -> None:
        """From the clipboard, which is one for all browsers: hold `clipboard` meanwhile."""
        origin = self.page.url.split("/?")[0]
        permissions = ["clipboard-read", "clipboard-write"]
        await self.page.context.grant_permissions(permissions, origin=origin)
        await self.page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
        await self.press("Control+v")


class Cell:
    """One editor with one client at one server: the place of a story. `site` serves the pages;
    `token(name, level)` is what somebody shows there, or nothing. `idle` are browsers that nobody
    uses now."""

    def __init__(
        self,
        browser: Browser,
        idle: list[Page],
        clipboard: asyncio.Lock,
        site: str,
        editor: str,
        client: str,
        server: Server,
        token: Callable[[str, str], str] = lambda name, level: "",
    ) -> None:
        self.browser = browser
        self.idle = idle
        self.clipboard = clipboard
        self.site = site
        self.editor = editor
        self.client = client
        self.server = server
        self.token = token
        self.name = ""
        self.people: list[Person] = []
        self._links: list[Link] = []
        self._count = 0

    def begin(self, story: str) -> None:
        """A new document."""
        self._count += 1
        self.name = f"{self.editor}/{self.client}/{story}/{self._count}"
        if self.client.startswith("ysweet"):  # whose names have no other characters
            self.name = re.sub(r"[^\w-]", "-", self.name)

    async def end(self) -> list[str]:
        """Everybody leaves; the errors on their pages."""
        for person in self.people:
            self.idle.append(await person.part())
        for link in self._links:
            await link.__aexit__(None, None, None)
        errors = [f"{person.name}: {line}" for person in self.people for line in person.errors]
        self.people, self._links = [], []
        return errors

    async def meet(self, *names: str, document: str = "", level: str = "write") -> list[Person]:
        """So many people more, each synced, in the story's document or in another."""
        return list(await asyncio.gather(*(self._meet(name, document, level) for name in names)))

    async def _meet(self, name: str, document: str, level: str) -> Person:
        person = await self.arrive(name, document, self.token(name, level))
        await person.synced()
        return person

    async def arrive(self, name: str, document: str = "", token: str = "") -> Person:
        """Somebody who may have no way in."""
        link = await Link(self.server.port).__aenter__()
        self._links.append(link)
        query = {"editor": self.editor, "client": self.client, "user": name, "token": token}
        query["document"] = document or self.name
        person = Person(name, await self._page(), link)
        self.people.append(person)
        await person.arrive(self.site, **query)
        return person

    async def _page(self) -> Page:
        if self.idle:
            return self.idle.pop()
        context = await self.browser.new_context(viewport={"width": 800, "height": 500})
        return await context.new_page()

    async def content(self, document: str = "") -> str:
        """The document as text, as the HTTP API gives it."""
        path = f"/api/documents/{quote(document or self.name, safe='')}/content"
        headers = {"Accept": "text/plain"}
        if operator := self.token("operator", "admin"):
            headers["Authorization"] = f"Bearer {operator}"
        request = urllib.request.Request(self.server.page(path), headers=headers)
        return await asyncio.to_thread(_read, request)

    async def all_say(self, text: str) -> None:
        """Returns when everybody sees exactly this, and the server has it."""
        await asyncio.gather(*(person.says(text) for person in self.people))
        await equals("what the server has", text, self.content)


def _read(request: urllib.request.Request) -> str:
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        text: str = answer.read().decode()
        return text.rstrip("\n").replace("\N{NO-BREAK SPACE}", " ")


async def until(what: str, truth: Truth, seconds: float = PATIENCE) -> Any:
    """Returns what truth() says once it says anything; fails after a deadline."""
    deadline = time.monotonic() + seconds
    while not (value := await truth()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(0.05)
    return value


async def equals(what: str, wanted: Any, ask: Truth, seconds: float = PATIENCE) -> None:
    """Returns when ask() says just this; fails after a deadline."""
    deadline = time.monotonic() + seconds
    while (found := await ask()) != wanted:
        assert time.monotonic() < deadline, f"{what} is {_short(found)}, not {_short(wanted)}"
        await asyncio.sleep(0.05)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 200 else f"{text[:150]} ... ({len(text)} characters)"
