"""A process to be killed: appends to a store for as long as it lives and tells what is on disk.

Run as a program it forks a child each time it reads a line, so that a hundred rounds do not
import everything a hundred times. The child's lines: `pid N`, then `ack` with a batch after each
append that returned. With the argument `pack` it packs all the while, with `thin` it thins as well,
and says `packed` or `thinned` when a call returned. Knows the store's contract only.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import NoReturn
from zlib import crc32

from collab.storage import Entry, Store, Update, open_store

DOCUMENTS = 3
BLOCK = 20  # Rows that one stands for, when they are thinned.
FOLDED = b"folded "


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


def folded(rows: Sequence[Update]) -> list[Update]:
    """Return a row for each block: the last, with the checksums of all."""
    blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
    checks = [[crc32(row.data).to_bytes(4, "big") for row in block] for block in blocks]
    return [
        block[-1]._replace(data=FOLDED + b"".join(check))
        for block, check in zip(blocks, checks, strict=True)
    ]


async def thin(store: Store) -> None:
    """Thin all whole blocks that there are, some hundred rows at a time; pack the rest."""
    for number in range(DOCUMENTS):
        name = f"doc{number}"
        rows = (await store.load(name)).updates
        rows = [row for row in rows if not row.data.startswith(FOLDED)]
        for start in range(0, len(rows) - BLOCK, 15 * BLOCK):
            part = rows[start : start + 15 * BLOCK]
            part = part[: len(part) // BLOCK * BLOCK]
            await store.thin(name, part[0].seq, part[-1].seq, folded(part))
            say("thinned")
    await pack(store)


async def live(
    path: str, life: int, upkeep: Callable[[Store], Coroutine[None, None, None]] | None
) -> NoReturn:
    """Append for ever."""
    chance = random.Random(life)
    say(f"pid {os.getpid()}")
    async with open_store(path) as store:
        task = asyncio.create_task(upkeep(store)) if upkeep else None
        turn = 0
        while True:
            turn += 1
            batch = batch_of(life, turn, chance)
            seqs = await store.append(batch)
            say("ack " + json.dumps([life, turn, seqs]))
            if turn % 20 == 0:
                await store.load("doc0")
            if upkeep and task and task.done():
                task.result()
                task = asyncio.create_task(upkeep(store))


if __name__ == "__main__":
    upkeep = {"pack": pack, "thin": thin}.get(sys.argv[-1])
    for life, line in enumerate(sys.stdin):
        child = os.fork()
        if child == 0:
            asyncio.run(live(line.strip(), life, upkeep))
        os.waitpid(child, 0)
        say("dead")
