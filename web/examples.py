"""The pages of `examples/`, and the echo that every WebSocket tutorial starts with. Knows Tornado.

Only where they are asked for (`--examples`): they edit documents that everybody may open, and an
echo serves strangers for nothing.
"""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from tornado.routing import URLSpec
from tornado.web import HTTPError, RedirectHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from collab.errors import CollabError
from collab.web.defences import admit, defend
from collab.web.origin import allowed, foreign
from collab.web.page import TYPES, FileHandler

EXAMPLES = Path(__file__).parent.parent / "examples"
FILES = {
    file.name: file
    for file in EXAMPLES.glob("*.*")
    if file.suffix in TYPES and file.name != "__init__.py"
}
FILES |= {file.stem: file for file in FILES.values() if file.suffix == ".html"}

MAX_ECHO = 64 << 10  # characters or bytes


class ExampleHandler(FileHandler):
    """A file of `examples/`; a page goes without its `.html`."""

    files = FILES


class EchoHandler(WebSocketHandler):
    """Says what it hears."""

    def initialize(self, origins: Collection[str]) -> None:
        self.origins = origins

    def set_default_headers(self) -> None:
        defend(self)

    def prepare(self) -> None:
        try:
            admit(self)
        except CollabError as error:
            raise HTTPError(error.http_status) from None
        if foreign(self.request, self.origins):
            raise HTTPError(403)

    def check_origin(self, origin: str) -> bool:
        return allowed(origin, self.origins) or super().check_origin(origin)

    async def on_message(self, message: str | bytes) -> None:
        if len(message) > MAX_ECHO:
            self.close(1009, "That is too much to say again.")
            return
        # The next one is read when this one was said, and none when nobody is there to hear it.
        with suppress(WebSocketClosedError):
            await self.write_message(message, binary=isinstance(message, bytes))


def example_routes(origins: Collection[str]) -> list[URLSpec]:
    """The rules of the examples, for an application that has those of `collab.web.routes`."""
    return [
        URLSpec(r"/examples", RedirectHandler, {"url": "/examples/", "permanent": False}),
        URLSpec(r"/examples/", ExampleHandler, {"name": "index.html"}),
        URLSpec(r"/examples/echo/socket", EchoHandler, {"origins": frozenset(origins)}),
        URLSpec(r"/examples/(.+)", ExampleHandler),
    ]
