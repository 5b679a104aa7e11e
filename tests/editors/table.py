"""The table of editors and clients: which there are, and every story told in every cell. Each
worker has servers of its own; the browser is one for all.
"""

import asyncio
import contextlib
import functools
import http.server
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from collab.access import Level
from collab.tokens import Tokens, new_key
from tests.browser.harness import CHROMIUM, FLAGS
from tests.live import QUIRE, Server

from .history import HISTORY
from .people import Cell
from .stories import FORMATS, KEYED, STORIES

HERE = Path(__file__).parent
CLIENT = HERE.parents[1] / "web" / "client"
EDITORS = {
    "codemirror": ("CodeMirror 6", "y-codemirror.next"),
    "prosemirror": ("ProseMirror", "y-prosemirror"),
    "quill": ("Quill 2", "y-quill"),
    "textarea": ("textarea", "y-textarea"),
    "tiptap": ("Tiptap 3", "@tiptap/extension-collaboration"),
    "monaco": ("Monaco", "y-monaco"),
    "slate": ("Slate", "@slate-yjs/core"),
    "lexical": ("Lexical", "@lexical/react"),
    "blocknote": ("BlockNote", "@blocknote/core"),
    "blocknote-history": ("BlockNote's history panel", "@blocknote/react"),
}
"""By the names of their pages: what they are called, and the package of the binding."""

PLAIN = ("codemirror", "monaco", "textarea")  # know no formats

CLIENTS = {
    "yws1": "y-websocket",
    "yws2": "y-websocket",
    "yws3": "y-websocket",
    "hoc2": "Hocuspocus",
    "hoc3": "Hocuspocus",
    "hoc4": "Hocuspocus",
    "hoc4session": "Hocuspocus, sessionAwareness",
    "ysweet": "y-sweet",
    "yws3-http": "y-websocket, by HTTP",
    "hoc4-http": "Hocuspocus, by HTTP",
    "ysweet-http": "y-sweet, by HTTP",
}
"""By their names in pages/clients.js."""

Place = tuple[str, str]  # an editor and a client


@dataclass(frozen=True)
class Result:
    """What became of a story: `error` is empty if all went well."""

    editor: str
    client: str
    story: str
    error: str
    seconds: float


def stories_of(editor: str) -> list[str]:
    """Those that make sense in an editor; of one with a history, those of the history."""
    if editor == "blocknote-history":
        return list(HISTORY)
    others = [story for story in STORIES if story not in HISTORY]
    return [story for story in others if story != FORMATS or editor not in PLAIN]


async def tell_all(
    places: Iterable[Place],
    stories: Iterable[str],
    told: Callable[[Result], object],
    workers: int = 2,
) -> None:
    """Every story that makes sense there in every place; `told` hears of each."""
    queue, chosen = list(places)[::-1], set(stories)
    with tempfile.TemporaryDirectory() as name, site({editor for editor, _ in queue}) as address:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            clipboard = asyncio.Lock()
            crew = [
                Worker(browser, address, Path(name) / str(number), clipboard)
                for number in range(workers)
            ]
            await asyncio.gather(*(worker.work(queue, chosen, told) for worker in crew))
            await browser.close()


@dataclass
class Worker:
    """Takes places from a list, one after the other, until there are none left."""

    browser: Browser
    site: str
    folder: Path
    clipboard: asyncio.Lock

    async def work(
        self, queue: list[Place], stories: set[str], told: Callable[[Result], object]
    ) -> None:
        """On a server for everybody, and on one with users."""
        self.folder.mkdir()
        keys, key = self.folder / "quire.keys", new_key()
        keys.write_text(key + "\n")
        keys.chmod(0o600)
        idle: list[Page] = []
        opened = ("--origins", self.site)
        with (
            Server(self.folder / "open.db", QUIRE, *opened) as free,
            Server(self.folder / "keyed.db", QUIRE, *opened, "--keys", str(keys)) as keyed,
        ):
            while queue:
                editor, client = queue.pop()
                here = (self.browser, idle, self.clipboard, self.site, editor, client)
                open_cell, keyed_cell = Cell(*here, free), Cell(*here, keyed, tokens(key))
                for story in stories_of(editor):
                    if story in stories:
                        told(await tell(keyed_cell if story in KEYED else open_cell, story))


def tokens(key: str) -> Callable[[str, str], str]:
    """What makes tokens for a server with this key."""

    def token(name: str, level: str) -> str:
        expires = int(time.time()) + 3600
        return Tokens([key]).issue(name, {"*": Level[level.upper()]}, expires, name=name)[0]

    return token


async def tell(cell: Cell, story: str) -> Result:
    """One story in one place; what the server complains about meanwhile fails it, too."""
    began = time.monotonic()
    before = len(cell.server.troubles())
    cell.begin(story)
    errors = []
    try:
        await STORIES[story](cell)
    except Exception as caught:  # whatever it is, the next story has to be told
        errors.append(str(caught) or repr(caught))
    if not cell.server.alive:
        await asyncio.to_thread(cell.server.start)
    errors += await cell.end()
    errors += cell.server.troubles()[before:]
    seconds = time.monotonic() - began
    return Result(cell.editor, cell.client, story, "; ".join(errors), seconds)


def install() -> None:
    """The packages of all editors, which .npmrc leaves out otherwise, and what builds pages."""
    for folder, needed in ((HERE, "@blocknote/react"), (CLIENT, "esbuild")):
        if not (folder / "node_modules" / needed).exists():
            quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
            subprocess.run(["npm", "ci", *quiet, "--include=dev"], cwd=folder, check=True)


@contextlib.contextmanager
def site(editors: Iterable[str]) -> Iterator[str]:
    """The pages of these editors, built and served; their address."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["node", "build.mjs", folder, *editors], cwd=HERE, check=True)
        handler = functools.partial(Quiet, directory=folder)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
            thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing about it."""

    def log_message(self, format: str, *arguments: object) -> None:
        pass
