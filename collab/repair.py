"""Mends a document whose log is damaged, so that it can be edited again. Nothing is thrown away.

A row that cannot be read, and whatever builds on it, is put aside by the store, and an empty edit
takes its place in the log. Editors who still have what was lost bring it back when they connect:
the server no longer says that it has it.
"""

from typing import NamedTuple

from collab.engine import Engine
from collab.replay import enter, snapshot_state
from collab.storage import Damaged, Store, Update

EMPTY = b"\x00\x00"  # an update of no structs and no deletes
PAGE = 1000


class Loss(NamedTuple):
    """One edit that had to be put aside."""

    seq: int
    reason: str


async def find_losses(store: Store, engine: Engine, name: str) -> list[Loss]:
    """The edits that keep a document from being opened in full; nothing is changed."""
    loaded = await store.load(name)
    state, after = snapshot_state(loaded)
    losses: list[Loss] = []
    while True:
        rows, damaged = await _page(store, name, after)
        for row in rows:
            if reason := await enter(engine, state, row):
                losses.append(Loss(row.seq, reason))
        if damaged is not None:
            losses.append(Loss(damaged, "it does not match its checksum"))
        elif not rows:
            break
        after = damaged or rows[-1].seq
    if loaded.damaged is not None and loaded.damaged not in [loss.seq for loss in losses]:
        losses.append(Loss(loaded.damaged, "the document does not know of it"))
    return losses


async def mend(store: Store, name: str, losses: list[Loss]) -> None:
    """Puts these edits aside. OSError when the store cannot be written: nothing is changed then."""
    await store.reject(name, {loss.seq: loss.reason for loss in losses}, EMPTY)


async def _page(store: Store, name: str, after: int) -> tuple[list[Update], int | None]:
    """Rows that can be read, and the seq of the damaged one that follows them, if any."""
    try:
        return await store.updates(name, after, limit=PAGE), None
    except Damaged as damage:
        upto = damage.seq - 1
        rows = await store.updates(name, after, upto, PAGE) if upto > after else []
        return rows, damage.seq
