"""One process that serves: from settings to a listening server, and down again without loss.

The only place that puts hub, routes and Tornado's HTTP server together as `quire serve` does. Who
embeds Quire in an application of their own does these few lines themselves.
"""

import asyncio
import contextlib
import ctypes
import errno
import gc
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from functools import partial

from tornado.netutil import bind_sockets
from tornado.routing import Rule
from tornado.web import Application, RequestHandler

from collab import Hub
from collab.reserve import reserve
from collab.retention import Policy, keep_thinning
from collab.storage import open_store
from collab.storage.threads import start_threads
from collab.tokens import Tokens
from collab.web import logs, routes, tls
from collab.web.connections import Connections, Entrance
from collab.web.examples import example_routes
from collab.web.keys import keys_in, load_tokens
from collab.web.origin import OtherHosts
from collab.web.page import NothingHandler, OtherHostHandler
from collab.web.proxies import Proxies
from collab.web.reload import Reload
from collab.web.settings import Settings, is_loopback

_MAX_HEADER = 32 << 10  # bytes: room for a token of 8 KiB in the URL and in a header
_CONNECTIONS = 20_000  # file descriptors to ask for: each editor takes one
_THREADS = 4  # for what would hold the loop too long, and needs no process of its own
_BACKLOG = 4096  # connections that wait to be taken in: after a restart all editors come at once
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's malloc.h


async def serve(settings: Settings, listening: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `listening` is called with the page's URL at the start.

    Raises OSError or ValueError, with a sentence, when it cannot start. On the signal it stops to
    listen, has the editors told, lets what waits be written, and closes the store; a second
    signal ends the process as it would any other. On SIGHUP files that may change are read again.
    """
    _raise_descriptor_limit()
    reload = Reload()
    _limit_memory(settings.max_memory)
    _return_memory()
    with _listen(settings.host, settings.port) as sockets:
        tokens = load_tokens(settings.keys, settings.readers) if settings.keys else None
        hub = Hub(open_store(settings.store), tokens, settings.limits)
        try:
            asyncio.get_running_loop().set_default_executor(start_threads(_THREADS, "aside"))
            await hub.start()
            server = _server(settings, hub)
            if settings.certificate:
                _speak_tls(server, settings, reload)
            if tokens is not None:
                reload.register("the keys", partial(_take_keys, hub, tokens, settings.keys))
            server.add_sockets(sockets)
            stopping = _on_signals()
            gc.freeze()  # what is there stays: to look through it all again held the loop for 10 ms
            listening(_url(settings, sockets[0].getsockname()[1]))
            with _thinning(settings, hub), _reserve():
                await stopping.wait()
            server.stop()
        finally:
            await hub.close()
        await server.close_all_connections()


def application(settings: Settings, hub: Hub) -> Application:
    """All that is served, and the rules by which."""

    def log(handler: RequestHandler) -> None:
        hub.counts.answers[handler.get_status()] += 1
        logs.log_request(handler)

    rules: list[Rule] = [*routes(hub, origins=settings.origins)]
    if settings.examples:
        rules += example_routes(hub, settings.origins)
    if not settings.keys and is_loopback(settings.host):
        rules.insert(0, Rule(OtherHosts(settings.origins), OtherHostHandler))
    return Application(
        rules,
        default_handler_class=NothingHandler,
        log_function=log,
        websocket_ping_interval=settings.ping_interval,
        websocket_max_message_size=settings.max_message,
    )


def _server(settings: Settings, hub: Hub) -> Entrance:
    return Entrance(
        application(settings, hub),
        connections=Connections(hub),
        proxies=Proxies(settings.proxies),
        max_header_size=_MAX_HEADER,
        # Tornado reads a body through this buffer, WebSockets read chunk by chunk.
        max_buffer_size=2 * max(settings.limits.body_bytes, _MAX_HEADER),
    )


def _take_keys(hub: Hub, tokens: Tokens, path: str) -> None:
    """Who is in by a token of a key that is gone has to go."""
    tokens.replace_keys(keys_in(path))
    hub.door.review(hub.rooms.values())


def _speak_tls(server: Entrance, settings: Settings, reload: Reload) -> None:
    """Connections that are open keep the certificate that they began with."""

    def read() -> None:
        server.ssl_options = tls.context(settings.certificate, settings.key)

    read()
    reload.register("the certificate", read)


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
def _reserve() -> Iterator[None]:
    """Keep memory back meanwhile."""

    async def hold() -> None:
        while True:
            reserve.hold()
            await asyncio.sleep(1)

    task = asyncio.create_task(hold())
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
        sockets = bind_sockets(port, host, backlog=_BACKLOG)
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


def _url(settings: Settings, port: int) -> str:
    """What to type into a browser on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    scheme = "https" if settings.certificate else "http"
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _CONNECTIONS if hard == resource.RLIM_INFINITY else min(_CONNECTIONS, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _limit_memory(most: int) -> None:
    """Have an allocation too many fail, by itself, rather than the machine. It is address space
    that is counted, with what is only reserved; workers set themselves a limit of their own."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _return_memory() -> None:
    """Have what is freed go back to the machine, where malloc is glibc's. That keeps large pieces
    once it has seen some, and each thread's apart: a document of 66 MB that was folded a few times
    left 60 MB behind, and 5,000 small ones, one after the other, 10 %."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 128 << 10)
        mallopt(_M_ARENA_MAX, 1)
