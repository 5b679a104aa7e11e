"""Which browsers may connect and change things: pages of this host, and of the allowed origins.

Programs that are not browsers send neither `Sec-Fetch-Site` nor `Origin`; they are not what this
protects against, which is a foreign page that uses its reader's access.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest


def allowed(origin: str, origins: Collection[str]) -> bool:
    """Whether pages of another origin, such as "https://app.example.com", may connect."""
    return origin in origins or "*" in origins


def foreign(request: HTTPServerRequest, origins: Collection[str]) -> bool:
    """Whether a request comes from a page that has no business here. A page of this host is told
    by `Sec-Fetch-Site`, or by `Origin` where an old browser does not send that."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site in ("same-origin", "none") or (site is None and origin is None):
        return False
    if origin is None:
        return True
    same_host = urlsplit(origin).netloc.lower() == request.host.lower()
    return not (site is None and same_host) and not allowed(origin, origins)
