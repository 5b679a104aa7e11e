"""What every answer tells browsers to forbid, and whom no handler has to answer. Knows Tornado.

Everything is refused that the page does not need: scripts and styles that are not files of ours,
frames around it, windows that keep a hold of it, and the use of answers by pages of other sites.
"""

from tornado.web import RequestHandler

from collab.web.connections import visit_of
from collab.web.proxies import secure

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The Content-Security-Policy of answers that are no pages."""

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            "camera", "display-capture", "geolocation", "microphone", "midi", "payment",
            "publickey-credentials-get", "screen-wake-lock", "serial", "usb",
        )
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
}  # fmt: skip

_YEAR = 365 * 24 * 3600  # seconds
RETRY = "5"  # seconds after which another try is worth it


def defend(handler: RequestHandler, policy: str = NOTHING) -> None:
    """For `set_default_headers`: what a browser may do with this answer."""
    handler.set_header("Content-Security-Policy", policy)
    for name, value in HEADERS.items():
        handler.set_header(name, value)
    if secure(handler.request):
        handler.set_header("Strict-Transport-Security", f"max-age={_YEAR}")
    handler.clear_header("Server")


def admit(handler: RequestHandler) -> None:
    """For `prepare`: TooMany or Unavailable when the request came by a connection too many."""
    visit = visit_of(handler.request)
    if visit is not None:
        visit.check()


def told_to_wait(handler: RequestHandler, status: int) -> None:
    """For `write_error`: says when to try again, where that is what to do."""
    if status in (429, 503):
        handler.set_header("Retry-After", RETRY)
    visit = visit_of(handler.request)
    if visit is not None and visit.over:
        handler.set_header("Connection", "close")
