"""Quire's own page: the files of `static/`, and what a browser may do with them."""

import mimetypes
from pathlib import Path

from tornado.routing import URLSpec
from tornado.web import RequestHandler, StaticFileHandler

STATIC = Path(__file__).parent / "static"

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


def _protect(handler: RequestHandler) -> None:
    handler.set_header("Content-Security-Policy", POLICY)
    handler.set_header("X-Content-Type-Options", "nosniff")
    handler.set_header("Referrer-Policy", "same-origin")
    handler.set_header("Cache-Control", "no-cache")
    handler.clear_header("Server")


class PageHandler(RequestHandler):
    """One file of `static/`, whatever the rest of the path: its script looks at the address."""

    def initialize(self, path: Path) -> None:
        self.file = path

    def set_default_headers(self) -> None:
        _protect(self)

    def get(self) -> None:
        kind = mimetypes.guess_type(self.file.name)[0] or "application/octet-stream"
        self.set_header("Content-Type", f"{kind}; charset=UTF-8")
        self.finish(self.file.read_bytes())

    head = get


class AssetHandler(StaticFileHandler):
    """`/static/`: scripts, styles and icons."""

    def set_default_headers(self) -> None:
        _protect(self)


def page_routes() -> list[URLSpec]:
    """The page's rules for `collab.web.routes`."""
    return [
        URLSpec(r"/", PageHandler, {"path": STATIC / "index.html"}, name="documents"),
        URLSpec(r"/d/.+", PageHandler, {"path": STATIC / "document.html"}, name="document"),
        # A service worker may only look after paths below its own.
        URLSpec(r"/sw\.js", PageHandler, {"path": STATIC / "sw.js"}),
        URLSpec(r"/static/(.*)", AssetHandler, {"path": str(STATIC)}, name="static"),
    ]
