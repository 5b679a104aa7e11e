"""Quire inside a Tornado application, anybody's.

    hub = Hub(open_store("notes.db"))
    application = tornado.web.Application(routes(hub) + your_own_routes)

That is all: `/sync/{document}` is where editors connect, `/api/` is for programs, and `/` is the
page. The hub starts with the first peer; call `await hub.close()` when you stop.
"""

from collections.abc import Collection

from tornado.routing import URLSpec

from collab import Hub
from collab.web import history
from collab.web.api import api_routes
from collab.web.page import page_routes
from collab.web.sockets import SyncHandler

__all__ = ["routes"]


def routes(
    hub: Hub, *, prefix: str = "", origins: Collection[str] = (), page: bool = True
) -> list[URLSpec]:
    """The rules that put `hub` into a `tornado.web.Application`.

    `prefix` stands before every path, such as "/docs"; `origins` are those of the pages on other
    hosts that may connect, such as "https://app.example.com" ("*" lets every page in); `page` says
    whether to serve Quire's own page at `/`, which works without a prefix only.

    The application's settings count too. Set `websocket_max_message_size` (bytes; Tornado's own
    default is 10 MiB) and `websocket_ping_interval` (seconds; 0 finds no dead peers)."""
    settings = {"hub": hub, "origins": frozenset(origins)}
    rules = [URLSpec(prefix + r"/sync/(.*)", SyncHandler, settings, name="sync")]
    rules += api_routes(prefix, settings, history.HANDLERS)
    if page:
        rules += page_routes()
    return rules
