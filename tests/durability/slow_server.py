"""Quire on a disk that takes its time, and its evil twin: mostly for tests/durability/test_kill.py.

It takes --disk SECONDS. With --flaky every fifth append fails, now and then for a reason that is no
OSError. With --early it is the control: it tells everybody, and acknowledges, before the append.
The kill test has to find that out, or it proves nothing.
"""

import asyncio
import errno
import random
from collections.abc import Sequence
from typing import Any

import click
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from collab import Hub
from collab.limits import Limits
from collab.storage import Entry
from collab.storage.sqlite import SQLiteStore
from collab.web import logs, routes
from collab.writer import Batch, Writer
from tests.live import RATES

DISK = 0.03  # seconds that an append takes at least, if nothing else is said


class SlowStore(SQLiteStore):
    """A store on a disk that is busy."""

    flaky = False
    disk = DISK

    async def append(self, entries: Sequence[Entry]) -> list[int]:
        await asyncio.sleep(self.disk)
        if self.flaky and random.random() < 0.2:
            raise OSError(errno.ENOSPC, "the disk is full")
        if self.flaky and random.random() < 0.1:
            raise RuntimeError("a fault of ours")
        return await super().append(entries)


class EarlyWriter(Writer):
    """First the word, then the log."""

    async def _append(self, batch: Batch) -> Sequence[int] | None:
        for room, edits in batch.items():
            room.commit(room.seq + len(edits))
            self._rooms.written(room)
        return await super()._append(batch)

    def _commit(self, batch: Batch, seqs: Sequence[int] | None) -> None:
        for room, edits in batch.items():
            self._forget(edits)
            if room.pending:
                self.add(room)
            self._rooms.written(room)


async def serve(port: int, path: str, early: bool, flaky: bool, disk: float) -> None:
    store = SlowStore(path)
    store.flaky, store.disk = flaky, disk
    hub = Hub(store, limits=Limits(**RATES))
    if early:
        hub.writer = EarlyWriter(store, hub.rooms)
    await hub.start()
    sockets = bind_sockets(port, "127.0.0.1")
    HTTPServer(Application(routes(hub), log_function=logs.log_request)).add_sockets(sockets)
    print(f"Quire is at http://127.0.0.1:{sockets[0].getsockname()[1]}/", flush=True)
    await asyncio.Event().wait()


@click.command()
@click.option("--port", type=int)
@click.option("--store")
@click.option("--early", is_flag=True)
@click.option("--flaky", is_flag=True)
@click.option("--disk", type=float, default=DISK)
def main(port: int, store: str, **options: Any) -> None:
    logs.set_up("json")
    asyncio.run(serve(port, store, **options))


if __name__ == "__main__":
    main()
