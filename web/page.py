"""Quire's own page: the files of `static/`, and what a browser may do with them.

They are text, and large: each is gzipped when somebody first asks for it, and both forms stay in
memory until the file changes. Browsers ask every time whether it has (`no-cache`), and are told
304, so that nobody ever runs half of an old page and half of a new one.
"""

import asyncio
import gzip
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from tornado.routing import URLSpec
from tornado.web import HTTPError, RequestHandler

from collab.web.api import CODES

STATIC = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
# Nothing else can be asked for, whatever a path says.
FILES = {
    file.relative_to(STATIC).as_posix(): file for file in STATIC.rglob("*") if file.suffix in TYPES
}

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # editors place their carets by style attributes
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self' ws: wss:",
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


class PageHandler(RequestHandler):
    """What all answers of the page share: what a browser may do with them, and how errors look."""

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-cache")
        self.clear_header("Server")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page for people, or JSON as in the API for programs."""
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

    def initialize(self, name: str = "") -> None:
        self.name = name
        self.etag: str | None = None

    async def get(self, path: str = "") -> None:
        file = FILES.get(self.name or path)
        if file is None:
            raise HTTPError(404)
        asset = await asyncio.to_thread(load, file)
        self.set_header("Content-Type", f"{TYPES[file.suffix]}; charset=UTF-8")
        self.set_header("Vary", "Accept-Encoding")
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
        raise HTTPError(404)


def page_routes() -> list[URLSpec]:
    """The page's rules for `collab.web.routes`."""
    return [
        URLSpec(r"/", FileHandler, {"name": "index.html"}, name="documents"),
        # Its script looks at the address.
        URLSpec(r"/d/.+", FileHandler, {"name": "document.html"}, name="document"),
        # A service worker may only look after paths below its own.
        URLSpec(r"/sw\.js", FileHandler, {"name": "sw.js"}),
        # Browsers ask for it by themselves where no page names an icon.
        URLSpec(r"/favicon\.ico", FileHandler, {"name": "favicon.svg"}),
        URLSpec(r"/static/(.*)", FileHandler, name="static"),
    ]
