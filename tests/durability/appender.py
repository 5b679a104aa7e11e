"""A process to be killed: appends to a store for as long as it lives and tells what is on disk.

Run as a program it forks a child each time it reads a line, so that a hundred rounds do not
import everything a hundred times. The child's lines: `pid N`, then `ack` with a batch after each
append that returned. With the argument `pack` it packs all the while, and says `packed` when a call
returned. Knows the store's contract only.
"""

import asyncio
import json
import os
import random
import sys
from typing import NoReturn

from collab.storage import Entry, Store, open_store

DOCUMENTS = 3


def batch_of(life: int, turn: int, chance: random.Random) -> list[Entry]:
    """Return entries that say which batch they belong to and how many that one has."""
    size = chance.choice([1, 1, 2, 10, 40])
    padding = b"." * chance.choice([0, 0, 20, 300, 5000])
    return [
        Entry(
            f"doc{chance.randrange(DOCUMENTS)}",
            turn,
            f"author {life % 5}",
            f"{life}/{turn}/{row}/{size}/".encode() + padding,
        )
        for row in range(size)
    ]


def say(line: str) -> None:
    """Write a line at once and whole, if it is not longer than a pipe takes in one piece."""
    os.write(1, f"{line}\n".encode())


async def pack(store: Store) -> None:
    """Pack all that there is."""
    for number in range(DOCUMENTS):
        while await store.pack(f"doc{number}", 1 << 40):
            say("packed")


async def live(path: str, life: int, packs: bool) -> NoReturn:
    """Append for ever."""
    chance = random.Random(life)
    say(f"pid {os.getpid()}")
    async with open_store(path) as store:
        packing = asyncio.create_task(pack(store)) if packs else None
        turn = 0
        while True:
            turn += 1
            batch = batch_of(life, turn, chance)
            seqs = await store.append(batch)
            say("ack " + json.dumps([life, turn, seqs]))
            if turn % 20 == 0:
                await store.load("doc0")
            if packing and packing.done():
                packing = asyncio.create_task(pack(store))


if __name__ == "__main__":
    for life, line in enumerate(sys.stdin):
        child = os.fork()
        if child == 0:
            asyncio.run(live(line.strip(), life, "pack" in sys.argv))
        os.waitpid(child, 0)
        say("dead")
