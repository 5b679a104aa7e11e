"""The pages of `examples/`, and the echo that every WebSocket tutorial starts with. Knows Tornado.

Only where they are asked for (`--examples`): they edit documents that everybody may open, and an
echo serves strangers for nothing.
"""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from tornado.routing import URLSpec
from tornado.web import RedirectHandler
from tornado.websocket import WebSocketClosedError

from collab import Hub
from collab.errors import CollabError
from collab.web.connections import Connections
from collab.web.counted import CountedWebSocket
from collab.web.page import TYPES, FileHandler

EXAMPLES = Path(__file__).parent.parent / "examples"
FILES = {
    file.name: file
    for file in EXAMPLES.glob("*.*")
    if file.suffix in TYPES and file.name != "__init__.py"
}
FILES |= {file.stem: file for file in FILES.values() if file.suffix == ".html"}

MAX_ECHO = 64 << 10  # bytes


class ExampleHandler(FileHandler):
    """A file of `examples/`; a page goes without its `.html`."""

    files = FILES


class EchoHandler(CountedWebSocket):
    """Says what it hears."""

    max_message_size = MAX_ECHO

    def open(self) -> None:
        try:
            self.enter()
        except CollabError as error:
            self.end(error)
        else:
            self.wait()

    async def on_message(self, message: str | bytes) -> None:
        self.spoke()
        # The next one is read when this one was said, and none when nobody is there to hear it.
        with suppress(WebSocketClosedError):
            await self.write_message(message, binary=isinstance(message, bytes))


def example_routes(hub: Hub, origins: Collection[str]) -> list[URLSpec]:
    """The rules of the examples, for an application that has those of `collab.web.routes`."""
    settings = {"hub": hub, "origins": frozenset(origins), "connections": Connections(hub)}
    return [
        URLSpec(r"/examples", RedirectHandler, {"url": "/examples/", "permanent": False}),
        URLSpec(r"/examples/", ExampleHandler, {"name": "index.html"}),
        URLSpec(r"/examples/echo/socket", EchoHandler, settings),
        URLSpec(r"/examples/(.+)", ExampleHandler),
    ]
