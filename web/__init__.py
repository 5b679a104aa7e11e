"""Quire inside a Tornado application, anybody's.

    hub = Hub(open_store("notes.db"))
    application = tornado.web.Application(routes(hub) + your_own_routes)

That is all: `/sync/{document}` is where editors connect, `/y-sweet/` where y-sweet's do, `/api/` is
for programs, and `/` is the page. The hub starts with the first peer; call `await hub.close()` when
you stop.
"""

import re
from collections.abc import Collection

from tornado.routing import URLSpec

from collab import Hub
from collab.web import api, audit, documents, edits, history, metrics, people, ysweet
from collab.web.api import ApiHandler, api_rules
from collab.web.connections import Connections
from collab.web.fallback import plain_rules
from collab.web.page import page_routes
from collab.web.sockets import SharedSyncHandler, SyncHandler
from collab.web.virtual import Lines
from collab.web.ysweet import YSweetSyncHandler

__all__ = ["routes"]

YSWEET = r"/y-sweet/d/([^/]+)/ws/([^/]+)"


def routes(
    hub: Hub, *, prefix: str = "", origins: Collection[str] = (), page: bool = True
) -> list[URLSpec]:
    """The rules that put `hub` into a `tornado.web.Application`.

    `prefix` stands before every path, such as "/docs"; `origins` are those of the pages on other
    hosts that may connect, such as "https://app.example.com" ("*" lets every page in); `page` says
    whether to serve Quire's own page at `/`, which works without a prefix only.

    The application's settings count too. Set `websocket_max_message_size` (bytes; Tornado's own
    default is 10 MiB) and `websocket_ping_interval` (seconds; 0 finds no dead peers)."""
    prefix = re.escape(prefix)
    settings = {"hub": hub, "origins": frozenset(origins)}
    for_sockets = {**settings, "connections": Connections(hub)}
    rules = [
        URLSpec(prefix + r"/sync", SharedSyncHandler, for_sockets, name="sync of several"),
        URLSpec(prefix + r"/sync/(.*)", SyncHandler, for_sockets, name="sync"),
        URLSpec(prefix + YSWEET, YSweetSyncHandler, for_sockets, name="sync of y-sweet"),
    ]
    # What is no upgrade, for whom WebSocket is blocked, is answered at the same addresses.
    rules[:0] = plain_rules(prefix, rules, Lines(hub))
    handlers: dict[str, type[ApiHandler]] = {}
    for module in (metrics, audit, people, edits, history, documents, ysweet, api):
        handlers |= module.HANDLERS
    # The longest first: nearly any path could be a document, and a version may be called "undo".
    rules += api_rules(prefix, settings, dict(sorted(handlers.items(), key=_length)))
    if page:
        rules += page_routes(origins)
    return rules


def _length(rule: tuple[str, type[ApiHandler]]) -> int:
    """Less for a path of more parts."""
    return -rule[0].replace("[^/]", "").count("/")
