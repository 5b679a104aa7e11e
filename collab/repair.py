"""Mends a document whose log is damaged, so that it can be edited again. Nothing is thrown away.

A row that cannot be read, or is in quarantine, and whatever builds on it, is put aside by the
store, and an empty edit takes its place in the log. Editors who still have what was lost bring it
back when they connect: the server no longer says that it has it.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from collab.engine import Died, Engine
from collab.replay import DIED, NOTHING, enter, snapshot_state
from collab.state import State
from collab.storage import Damaged, Store, Update

CHECKSUM = "it does not match its checksum"
PAGE = 1000


class Loss(NamedTuple):
    """Edits from `first` to `last` that have to be put aside."""

    first: int
    last: int
    reason: str


async def find_losses(store: Store, engine: Engine, name: str) -> list[Loss]:
    """The edits that keep a document from being opened in full; nothing is changed."""
    loaded = await store.load(name)
    state, after = snapshot_state(loaded)
    losses: list[Loss] = []
    while True:
        rows, loss = await _page(store, name, after)
        for row in rows:
            if reason := await _enter(engine, state, row):
                losses.append(Loss(row.seq, row.seq, reason))
        if loss is not None:
            losses.append(loss)
        elif not rows:
            break
        after = loss.last if loss is not None else rows[-1].seq
    beyond = loaded.damaged
    if beyond is not None and not any(loss.first <= beyond <= loss.last for loss in losses):
        losses.append(Loss(beyond, beyond, "the document does not know of it"))
    return list(_joined(losses))


def _joined(losses: Iterable[Loss]) -> Iterator[Loss]:
    """Neighbours that were lost for one reason as one."""
    whole: Loss | None = None
    for loss in losses:
        if whole is not None and (whole.last + 1, whole.reason) == (loss.first, loss.reason):
            whole = whole._replace(last=loss.last)
            continue
        if whole is not None:
            yield whole
        whole = loss
    if whole is not None:
        yield whole


async def mend(store: Store, name: str, losses: list[Loss]) -> None:
    """Puts these edits aside. OSError when the store cannot be written: nothing is changed then."""
    reasons = {seq: loss.reason for loss in losses for seq in range(loss.first, loss.last + 1)}
    await store.reject(name, reasons, NOTHING)


async def _enter(engine: Engine, state: State, row: Update) -> str:
    try:
        return await enter(engine, state, row)
    except Died:
        return DIED


async def _page(store: Store, name: str, after: int) -> tuple[list[Update], Loss | None]:
    """Rows that can be read, and the stretch that follows them and cannot be, if any."""
    try:
        return await store.updates(name, after, limit=PAGE), None
    except Damaged as damage:
        upto = damage.seq - 1
        rows = await store.updates(name, after, upto, PAGE) if upto > after else []
        reason = f"it is in quarantine: {damage.reason}" if damage.reason else CHECKSUM
        return rows, Loss(damage.seq, damage.last, reason)
