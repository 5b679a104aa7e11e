"""Quire's own page: the files of `static/`, and what a browser may do with them.

They are text, and large: each is gzipped when somebody first asks for it, and both forms stay in
memory until the file changes. Browsers ask every time whether it has (`no-cache`), and are told
304, so that nobody ever runs half of an old page and half of a new one.
"""

import asyncio
import contextlib
import gzip
import hashlib
import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from tornado.routing import URLSpec
from tornado.web import HTTPError

from collab import Hub
from collab.errors import CollabError
from collab.web.answers import AnsweringHandler
from collab.web.api import CODES
from collab.web.connections import visit_of
from collab.web.defences import admit, defend, told_to_wait
from collab.web.origin import share
from collab.web.proxies import client_address

STATIC = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".py": "text/plain",  # of the examples
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
# Nothing else can be asked for, whatever a path says.
FILES = {
    file.relative_to(STATIC).as_posix(): file for file in STATIC.rglob("*") if file.suffix in TYPES
}

ELEMENT = "client/quire-editor.js"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")


class Asset(NamedTuple):
    """A file as it is sent: `gzipped` is None where that would not make it smaller."""

    content: bytes
    gzipped: bytes | None
    digest: str


def load(file: Path) -> Asset:
    """A file of `static/`, read and compressed once for each change. That takes up to 0.1 s: call
    it in a thread."""
    return _load(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=256)  # more than there are files
def _load(file: Path, _changed: int) -> Asset:
    content = file.read_bytes()
    gzipped = gzip.compress(content, mtime=0)
    digest = hashlib.sha256(content).hexdigest()[:20]
    return Asset(content, gzipped if len(gzipped) < len(content) else None, digest)


class PageHandler(AnsweringHandler):
    """What all answers of the page share: what a browser may do with them, and how errors look."""

    @property
    def hub(self) -> Hub | None:  # type: ignore[override]
        """Whose server it is; None where it is somebody else's."""
        visit = visit_of(self.request)
        return visit.connections.hub if visit is not None else None

    def set_default_headers(self) -> None:
        defend(self, POLICY)
        self.set_header("Cache-Control", "no-cache")

    def prepare(self) -> None:
        with self.told():
            admit(self)

    def finish(self, chunk: str | bytes | dict[Any, Any] | None = None) -> "asyncio.Future[None]":
        with self.told():
            return super().finish(chunk)

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """What cannot be done now, as Tornado says it."""
        try:
            yield
        except CollabError as error:
            if error.limit and self.hub is not None:
                self.hub.hit_from(client_address(self.request), error.limit)
            raise HTTPError(error.http_status, reason=str(error).rstrip(".")) from None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page for people, or JSON as in the API for programs."""
        told_to_wait(self, status_code)
        accept = self.request.headers.get("Accept", "")
        program = "json" in accept and "text/html" not in accept
        if program or re.match(r"/api(/|$)", self.request.path):
            code, message = CODES.get(status_code, "error"), f"{self._reason}."
            self.finish({"error": {"status": status_code, "code": code, "message": message}})
        elif status_code == 404:
            self.set_header("Content-Type", "text/html; charset=UTF-8")
            self.finish(FILES["nothing.html"].read_bytes())
        else:
            super().write_error(status_code, **kwargs)


class FileHandler(PageHandler):
    """A file of `static/`: the one that the rule names, or else the one that the path names."""

    files: ClassVar = FILES

    def initialize(self, name: str = "", origins: Collection[str] = ()) -> None:
        self.name = name
        self.origins = origins
        self.etag: str | None = None

    async def get(self, path: str = "") -> None:
        file = self.files.get(self.name or path)
        if file is None:
            raise HTTPError(404)
        asset = await asyncio.to_thread(load, file)
        self.set_header("Content-Type", f"{TYPES[file.suffix]}; charset=UTF-8")
        share(self, self.origins)  # the element in other pages is made of these files
        self.add_header("Vary", "Accept-Encoding")
        if asset.gzipped and _GZIP.search(self.request.headers.get("Accept-Encoding", "")):
            self.set_header("Content-Encoding", "gzip")
            self.etag = f'"{asset.digest}-gzip"'
            self.finish(asset.gzipped)
        else:
            self.etag = f'"{asset.digest}"'
            self.finish(asset.content)

    head = get

    def compute_etag(self) -> str | None:
        """Tornado asks when it finishes, and makes a 304 of it where it can."""
        return self.etag


class NothingHandler(PageHandler):
    """Whatever nobody else answers: for the `default_handler_class` of an application that is
    Quire's alone."""

    def prepare(self) -> None:
        super().prepare()
        raise HTTPError(404)


class OtherHostHandler(PageHandler):
    """Whoever asks for a host that this is not, whatever it is that they ask."""

    def prepare(self) -> None:
        super().prepare()
        raise HTTPError(421, reason="To be asked for by this name the server needs --origins")


def page_routes(origins: Collection[str] = ()) -> list[URLSpec]:
    """The page's rules for `collab.web.routes`, and those of <quire-editor>, which pages of these
    origins may have."""
    shared = {"origins": frozenset(origins)}
    return [
        URLSpec(r"/", FileHandler, {"name": "index.html"}, name="documents"),
        # Its script looks at the address.
        URLSpec(r"/d/.+", FileHandler, {"name": "document.html"}, name="document"),
        # A service worker may only look after paths below its own.
        URLSpec(r"/sw\.js", FileHandler, {"name": "sw.js"}),
        # Browsers ask for it by themselves where no page names an icon.
        URLSpec(r"/favicon\.ico", FileHandler, {"name": "favicon.svg"}),
        URLSpec(r"/client/quire-editor\.js", FileHandler, {"name": ELEMENT, **shared}),
        *(
            URLSpec(rf"/{module}\.js", FileHandler, {"name": f"{module}.js", **shared})
            for module in ("client/quire-socket", "client/quire-versions")
        ),
        URLSpec(r"/static/(.*)", FileHandler, shared, name="static"),
    ]
