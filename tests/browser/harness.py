"""A real Quire in a process of its own, and people with browsers. Knows the page only as a person
does: what it shows, and what the HTTP API says. Used by the stories here and by scripts/screenshot.
"""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from collab.access import Level
from collab.web.keys import load_tokens

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# On a busy machine Playwright's own 5 s are short.
PATIENCE = int(os.environ.get("QUIRE_PATIENCE", "30000"))  # ms
expect.set_options(timeout=PATIENCE)


class Server:
    """`quire serve` on a file. The port stays the same over restarts. With `keys`, a file of them,
    there are users, and the API is asked as somebody who may do all."""

    def __init__(self, store: Path, keys: Path | None = None, *options: str) -> None:
        self.store = store
        self.keys = keys
        self.options = options
        self.port = 0
        self.errors: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._ears: threading.Thread

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> "Server":
        """Returns once the server answers."""
        command = [sys.executable, "-m", "collab.web", "serve", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [
                *command,
                "--store",
                str(self.store),
                *(["--keys", str(self.keys)] if self.keys else []),
                *self.options,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout and self._process.stderr
        self._ears = threading.Thread(target=self._listen, args=[self._process.stderr])
        self._ears.start()
        for line in self._process.stdout:
            if "http://" in line:
                self.port = int(line.split("http://")[1].split("/")[0].rsplit(":", 1)[1])
                return self
        raise AssertionError(f"the server did not start: {self.errors}")

    def _listen(self, stream: Iterable[str]) -> None:
        self.errors.extend(stream)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nobody is told."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(20)
        self._ears.join()
        assert self._process.stdout and self._process.stderr
        self._process.stdout.close()
        self._process.stderr.close()
        self._process = None

    def freeze(self) -> None:
        """The process holds its sockets and does nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def fill_disk(self) -> None:
        """From now on no file of the server may grow: every write of the store fails."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def free_disk(self) -> None:
        resource.prlimit(
            self.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the HTTP API; the JSON that it answers."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        if self.keys is not None:
            headers["Authorization"] = f"Bearer {self.token('operator', {'*': Level.ADMIN})}"
        request = urllib.request.Request(
            f"{self.url}/api{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers=headers,
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def token(self, user: str, rights: dict[str, Level], seconds: int = 3600, **claims: str) -> str:
        """A token of the server's key."""
        assert self.keys is not None
        tokens = load_tokens(str(self.keys))
        return tokens.issue(user, rights, int(time.time()) + seconds, **claims)[0]

    def document(self, title: str, kind: str) -> str:
        """Make a document; its name."""
        name: str = self.api("POST", "/documents", {"title": title, "kind": kind})["name"]
        return name


class Person:
    """Somebody with a browser of their own, and what that browser complained about."""

    def __init__(self, browser: Browser, server: Server, name: str, color: str, **look: Any):
        self.server = server
        self.complaints: list[str] = []
        look = {"viewport": {"width": 1280, "height": 800}, **look}
        self.context: BrowserContext = browser.new_context(**look)
        self.context.set_default_timeout(PATIENCE)
        me = json.dumps({"id": name, "name": name, "color": color})
        # Only where nobody has chosen yet: a story may change the name.
        self.context.add_init_script(
            f"try {{ localStorage['quire:me'] ??= {json.dumps(me)} }} catch {{}}"
        )
        self.context.on("console", self._heard)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def forgive(self, *patterns: str) -> None:
        """Forget complaints that the story itself caused, such as a server that is not there."""
        self.complaints = [
            line for line in self.complaints if not any(pattern in line for pattern in patterns)
        ]

    def home(self) -> Page:
        page = self.context.new_page()
        page.goto(self.server.url)
        return page

    def open(self, name: str, at: str = "") -> Page:
        """A new tab with the document, ready to type in; `at` the address of a proxy."""
        page = self.context.new_page()
        page.goto(f"{at or self.server.url}/d/{name}")
        expect(page.locator("#page")).to_have_attribute("aria-busy", "false")
        return page


def text_of(page: Page) -> Locator:
    """The element that one types into."""
    return page.locator(".ProseMirror, .cm-content")


def go_to_end(page: Page) -> None:
    """Put the caret behind the last letter, and let the editor hear of it: browsers tell of a moved
    selection only with the next frame, which keys from a machine can overtake."""
    text_of(page).click()
    page.keyboard.press("Control+End")
    next_frame(page)


def next_frame(page: Page) -> None:
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def content(page: Page) -> str:
    """What the text says, without other people's carets, once there is one."""
    text_of(page).wait_for(state="attached")
    words: str = page.evaluate(
        """() => {
            const text = document.querySelector('.ProseMirror, .cm-content').cloneNode(true)
            for (const caret of text.querySelectorAll('.caret, .cm-widgetBuffer')) caret.remove()
            const lines = [...text.querySelectorAll('p, h1, h2, h3, pre, .cm-line')]
            return lines.map((line) => line.textContent).join('\\n')
        }"""
    )
    return words


def says(page: Page, words: str) -> None:
    """Wait until the state pill says these words."""
    expect(page.locator(".pill")).to_have_attribute("aria-label", words)


def agree(*pages: Page) -> str:
    """Wait until all pages are saved and show the same text; that text. A server that was killed
    again and again looks like a proxy that cuts WebSocket: then it is by HTTP, for a while."""
    for page in pages:
        saved = re.compile(r"Saved(, by HTTP)?")
        expect(page.locator(".pill")).to_have_attribute("aria-label", saved)
    first, *others = pages
    for other in others:
        wait_for(partial(_same, first, other))
    return content(first)


def _same(one: Page, other: Page) -> bool:
    return content(one) == content(other)


def wait_for(truth: Callable[[], bool]) -> None:
    """Wait until truth() holds. It asks a page or the server each time, which is pace enough."""
    end = time.monotonic() + PATIENCE / 1000
    while not truth():
        assert time.monotonic() < end, "waited in vain"


def open_history(page: Page) -> Locator:
    """Press the History button; the drawing of the past, once it is there."""
    page.get_by_role("button", name="History", exact=True).click()
    return past_of(page)


def past_of(page: Page) -> Locator:
    """The drawing of the past, once it is there."""
    drawing = page.locator(".past-view")
    expect(drawing.locator(".sheet.past")).to_be_visible()
    expect(drawing).to_have_attribute("aria-busy", "false")
    return drawing
