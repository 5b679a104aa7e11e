"""From the log to a document: the newest snapshot, and the rows after it.

Each row passes the gate again, for what is read from a disk is no more to be trusted than what
comes from a peer. A row that does not enter ends the document there: it is shown as it was before,
and nobody may write, lest what is in the rest of the log be overwritten.
"""

import asyncio
import logging

from collab.engine import Engine
from collab.errors import ProtocolError
from collab.gate import admit
from collab.room import Room
from collab.state import State
from collab.storage import Loaded, Store, Update

SLICE = 200  # rows that are read before others get their turn

logger = logging.getLogger(__name__)


async def open_room(store: Store, engine: Engine, name: str) -> Room:
    """The document as a room without sessions; an unknown one is empty. OSError when the store
    does not answer."""
    loaded = await store.load(name)
    state, seq = await asyncio.to_thread(snapshot_state, loaded)
    damaged = loaded.damaged
    rows = 0
    for row in loaded.updates:
        if await enter(engine, state, row):
            damaged = row.seq
            break
        seq, rows = row.seq, rows + 1
        if rows % SLICE == 0:
            await asyncio.sleep(0)
    frozen = ""
    if damaged is not None:
        logger.warning("document %r is damaged at edit %d: read-only", name, damaged)
        frozen = f"This document is damaged at edit {damaged} and can only be read."
    room = Room(name, state, seq, frozen)
    room.rows = rows
    return room


def snapshot_state(loaded: Loaded) -> tuple[State, int]:
    """The state to begin with, and the seq of the last row that it contains."""
    if loaded.snapshot is None:
        return State(), 0
    return State.load(loaded.snapshot.data, loaded.snapshot.index), loaded.snapshot.seq


async def enter(engine: Engine, state: State, row: Update) -> str:
    """Enters a row into the document; "", or a sentence's end that says why it cannot."""
    try:
        news, missing = await admit(engine, state, row.data, partial=False)
    except ProtocolError as error:
        return f"it is malformed: {error}"
    if missing:
        return "it builds on an edit that is lost"
    if news is not None:
        state.enter(news)
    return ""
