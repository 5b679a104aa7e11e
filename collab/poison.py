"""The row of which pycrdt dies: found, and put into quarantine, so that nobody opens it again.

Browsers and the server itself do without pycrdt and come to no harm; but a program that edits the
document would die with it, so a worker does everything first that such a program is about to do
(`collab.editor`). When the worker dies, the first row is looked for with which the document kills.
"""

from typing import TYPE_CHECKING

from collab.engine import Died, Engine
from collab.errors import CollabError
from collab.replay import blame, enter, snapshot_state
from collab.state import State
from collab.storage import Store, Update
from collab.update import TRUSTED, read_update

if TYPE_CHECKING:
    from collab.hub import Hub

PYCRDT = "pycrdt, with which programs open the document, dies of it"
PAGE = 500  # rows that are read at once


async def quarantine(hub: "Hub", name: str) -> Update | None:
    """Puts the row into quarantine of which pycrdt dies, and ends the room: from now on the
    document can only be read, as it was before. None when pycrdt does not die of the whole of it,
    but only of what the editor had, and in the order in which that came."""
    row = await find_poison(hub.store, hub.mirrors, name)
    if row is not None:
        await blame(hub.store, hub.mirrors, row, PYCRDT)
        if room := hub.rooms.get(name):
            hub.writer.give_up(room)
    return row


async def find_poison(store: Store, engine: Engine, name: str) -> Update | None:
    """The first row with which the document kills pycrdt, or hangs it. It has done so twice then,
    and the document before it has not. Takes a worker's death, or its time limit, for each halving
    of the log behind the newest snapshot, or before it."""
    loaded = await store.load(name)
    state, low = snapshot_state(loaded)
    high = loaded.updates[-1].seq if loaded.updates else low
    before = state.encode()
    if not await _opens(engine, before):
        high, low, before = low, 0, State().encode()
    if await _opens(engine, await _replayed(store, engine, name, before, low, high)):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        update = await _replayed(store, engine, name, before, low, middle)
        if await _opens(engine, update):
            low, before = middle, update
        else:
            high = middle
    for row in await store.updates(name, low, high):
        return row
    return None


async def _opens(engine: Engine, update: bytes) -> bool:
    try:
        await engine.run("check", update)
    except Died:
        return False
    except CollabError:
        pass  # what it refuses it survives
    return True


async def _replayed(
    store: Store, engine: Engine, name: str, before: bytes, after: int, upto: int
) -> bytes:
    """The document as it is with the rows behind `after`, where it was `before`."""
    state = State()
    news, _ = state.admit(read_update(before, TRUSTED), partial=False)
    if news is not None:
        state.enter(news)
    while rows := await store.updates(name, after, upto, PAGE):
        for row in rows:
            await enter(engine, state, row)
        after = rows[-1].seq
    return state.encode()
