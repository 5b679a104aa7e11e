"""Quire where everything that is done for a past is done all the time: folded every few rows,
packed by the dozen, saved at once, thinned to a moment in each tenth of a second. For
tests/durability/test_pasts.py only: so that a kill at any moment hits some of it.
"""

import asyncio

import click
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from collab import Hub, archive, hub, retention, room, rooms, upkeep
from collab.limits import Limits
from collab.storage import open_store, segments
from collab.web import logs, routes
from tests.live import RATES

HASTE = (
    (room, "FOLD_ROWS", 20),
    (rooms, "FOLD_LAST", 5),
    (hub, "TICK", 0.05),
    (rooms, "REST", 1),
    (upkeep, "UNPACKED", 10),
    (upkeep, "PAUSE", 0.0),
    (archive, "SAVE", 300),
    (archive, "PART", 4_000),
    (retention, "ROUND", 0.2),
    (segments, "ROWS", 30),
    (segments, "FEWEST", 10),
)
POLICY = retention.Policy(period=100, age=300)  # milliseconds


async def serve(port: int, path: str) -> None:
    served = Hub(open_store(path), limits=Limits(**RATES))
    await served.start()
    sockets = bind_sockets(port, "127.0.0.1")
    HTTPServer(Application(routes(served), log_function=logs.log_request)).add_sockets(sockets)
    print(f"Quire is at http://127.0.0.1:{sockets[0].getsockname()[1]}/", flush=True)
    await retention.keep_thinning(served, POLICY)


@click.command()
@click.option("--port", type=int)
@click.option("--store")
def main(port: int, store: str) -> None:
    logs.set_up("json")
    for module, name, value in HASTE:
        assert hasattr(module, name)
        setattr(module, name, value)
    asyncio.run(serve(port, store))


if __name__ == "__main__":
    main()
