"""Writes prices into a shared map, 20 times a second, until it is stopped.

usage: python ticker.py http://localhost:4700 examples/ticker/lobby
"""

import asyncio
import random
import sys
from urllib.parse import quote

from pycrdt import (
    Doc,
    Map,
    YMessageType,
    create_sync_message,
    create_update_message,
    handle_sync_message,
)
from tornado.websocket import WebSocketClosedError, WebSocketClientConnection, websocket_connect

SYMBOLS = {"ACME": 120.0, "GLOBEX": 48.5, "INITECH": 9.75, "UMBRELLA": 301.2, "WONKA": 77.0}


async def follow(socket: WebSocketClientConnection, doc: Doc) -> None:
    """Takes what others write, and answers what the server asks."""
    while isinstance(message := await socket.read_message(), bytes):
        if message[0] == YMessageType.SYNC:
            answer = handle_sync_message(message[1:], doc)
            if answer is not None:
                await socket.write_message(answer, binary=True)


async def feed(url: str, name: str) -> None:
    doc: Doc = Doc()
    prices = doc.get("prices", type=Map)
    socket = await websocket_connect(f"{url.replace('http', 'ws', 1)}/sync/{quote(name)}")
    await socket.write_message(create_sync_message(doc), binary=True)
    following = asyncio.create_task(follow(socket, doc))
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    now = dict(SYMBOLS)
    while not following.done():
        symbol = random.choice(list(now))
        now[symbol] = round(max(1.0, now[symbol] * random.gauss(1, 0.002)), 2)
        updates.clear()
        prices[symbol] = now[symbol]
        for update in updates:
            await socket.write_message(create_update_message(update), binary=True)
        await asyncio.sleep(1 / 20)


if __name__ == "__main__":
    try:
        asyncio.run(feed(*sys.argv[1:3]))
    except (KeyboardInterrupt, WebSocketClosedError):
        pass
