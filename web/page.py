"""Quire's own page: one HTML file for every path, and what a browser may do with it."""

from pathlib import Path

from tornado.web import RequestHandler, StaticFileHandler

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
    """`/` and `/d/{document}`: the same file, whose script looks at the address."""

    def initialize(self, path: str) -> None:
        self.page = Path(path) / "index.html"

    def set_default_headers(self) -> None:
        _protect(self)

    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish(self.page.read_bytes())

    head = get


class AssetHandler(StaticFileHandler):
    """`/static/`: scripts, styles and icons."""

    def set_default_headers(self) -> None:
        _protect(self)
