"""One process that serves: from settings to a listening server, and down again without loss.

The only place that puts hub, routes and Tornado's HTTP server together as `quire serve` does. Who
embeds Quire in an application of their own does these few lines themselves.
"""

import asyncio
import contextlib
import errno
import resource
import signal
import socket
from collections.abc import Callable, Iterator

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from collab import Hub
from collab.retention import Policy, keep_thinning
from collab.storage import open_store
from collab.web import logs, routes
from collab.web.page import NothingHandler
from collab.web.settings import Settings

# Limits of HTTP itself. Half a request, or none, holds a connection for this long:
_REQUEST_SECONDS = 10
_MAX_HEADER = 32 << 10  # bytes: room for a token of 8 KiB in the URL and in a header
_MAX_BODY = 1 << 20  # bytes
_CONNECTIONS = 20_000  # file descriptors to ask for: each editor takes one


async def serve(settings: Settings, listening: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `listening` is called with the page's URL at the start.

    Raises OSError or ValueError, with a sentence, when it cannot start. On the signal it stops to
    listen, has the editors told, lets what waits be written, and closes the store; a second
    signal ends the process as it would any other.
    """
    _raise_descriptor_limit()
    with _listen(settings.host, settings.port) as sockets:
        hub = Hub(open_store(settings.store))
        try:
            await hub.start()
            server = _server(settings, hub)
            server.add_sockets(sockets)
            stopping = _on_signals()
            listening(_url(settings.host, sockets[0].getsockname()[1]))
            with _thinning(settings, hub):
                await stopping.wait()
            server.stop()
        finally:
            await hub.close()
        await server.close_all_connections()


def _server(settings: Settings, hub: Hub) -> HTTPServer:
    application = Application(
        routes(hub, origins=settings.origins),
        default_handler_class=NothingHandler,
        log_function=logs.log_request,
        websocket_ping_interval=settings.ping_interval,
        websocket_max_message_size=settings.max_message,
    )
    return HTTPServer(
        application,
        idle_connection_timeout=_REQUEST_SECONDS,
        body_timeout=_REQUEST_SECONDS,
        max_header_size=_MAX_HEADER,
        max_body_size=_MAX_BODY,
        # Tornado reads a body through this buffer, WebSockets read chunk by chunk.
        max_buffer_size=2 * _MAX_BODY,
    )


@contextlib.contextmanager
def _thinning(settings: Settings, hub: Hub) -> Iterator[None]:
    """Thin the past meanwhile, if that is wanted."""
    if settings.thin == "never":
        yield
        return
    task = asyncio.create_task(keep_thinning(hub, Policy.of(settings.thin, settings.thin_after)))
    try:
        yield
    finally:
        task.cancel()


@contextlib.contextmanager
def _listen(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Sockets that listen at all addresses of `host`. OSError with a sentence when that fails."""
    reasons = {
        errno.EADDRINUSE: "is taken: is Quire running already? --port 0 takes any free one",
        errno.EACCES: "is not for everybody: ports below 1024 are the administrator's",
        errno.EADDRNOTAVAIL: "is no address of this machine",
    }
    try:
        sockets = bind_sockets(port, host)
    except OSError as error:
        unknown = isinstance(error, socket.gaierror)
        reason = "is not known" if unknown else reasons.get(error.errno or 0, f"fails: {error}")
        raise OSError(f"{host} port {port} {reason}.") from error
    try:
        yield sockets
    finally:
        for listener in sockets:
            listener.close()


def _on_signals() -> asyncio.Event:
    """An event that the first SIGTERM or SIGINT sets; the second one is Python's again."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    def stop() -> None:
        stopping.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopping


def _url(host: str, port: int) -> str:
    """What to type into a browser on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _CONNECTIONS if hard == resource.RLIM_INFINITY else min(_CONNECTIONS, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
