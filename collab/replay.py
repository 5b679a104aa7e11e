"""From the log to a document: the newest snapshot, and the rows after it.

Each row passes the gate again, for what is read from a disk is no more to be trusted than what
comes from a peer. A row that does not enter ends the document there: it is shown as it was before,
and nobody may write, lest what is in the rest of the log be overwritten. Nor is one read for ever
of which workers die: it goes into quarantine, which is as good as damaged.
"""

import asyncio
import logging
import time

from collab.engine import Died, Engine
from collab.errors import NotFound, ProtocolError
from collab.gate import admit
from collab.limits import DEFAULT, Limits
from collab.room import Room
from collab.state import State
from collab.storage import AuditLine, Loaded, Store, Update

DIED = "two workers that read it died"
NOTHING = b"\x00\x00"  # an update of no structs and no deletes
SLICE = 200  # rows that are read before others get their turn

logger = logging.getLogger(__name__)


async def open_room(store: Store, engine: Engine, name: str, limits: Limits = DEFAULT) -> Room:
    """The document as a room without sessions; an unknown one is empty. OSError when the store
    does not answer."""
    loaded = await store.load(name)
    reason = loaded.reason
    state, seq = await asyncio.to_thread(snapshot_state, loaded)
    damaged = loaded.damaged
    rows = 0
    for row in loaded.updates:
        try:
            wrong = await enter(engine, state, row)
        except Died:
            wrong = reason = await _enter_again(store, engine, state, row)
        if wrong:
            damaged = row.seq
            break
        seq, rows = row.seq, rows + 1
        if rows % SLICE == 0:
            await asyncio.sleep(0)
    frozen = ""
    if damaged is not None:
        logger.warning("document %r is damaged at edit %d: read-only", name, damaged)
        frozen = f"This document is damaged at edit {damaged} and can only be read."
    if reason:
        frozen = (
            f"Edit {damaged} is in quarantine: {reason}. The document can only be read, as it was."
        )
    room = Room(name, state, seq, frozen, loaded.claims.items(), limits)
    room.rows = rows
    return room


async def _enter_again(store: Store, engine: Engine, state: State, row: Update) -> str:
    """Enters a row of which a worker has died; when the next one does, the row goes into
    quarantine. As `enter`."""
    try:
        return await enter(engine, state, row)
    except Died:
        return await blame(store, engine, row, DIED)


async def blame(store: Store, engine: Engine, row: Update, reason: str) -> str:
    """Puts a row, of which workers died, into quarantine for a reason, and returns that; audited.
    Unavailable when workers die of anything: then it is not the row's fault. OSError like the
    store."""
    await engine.run("text", NOTHING)
    logger.error("document %r: edit %d goes into quarantine: %s", row.document, row.seq, reason)
    await store.quarantine(row.document, row.seq, reason)
    now, detail = int(time.time() * 1000), f"edit {row.seq}"
    await store.record([AuditLine(now, row.document, "", "", "quarantine", detail)])
    return reason


async def read_state(store: Store, engine: Engine, name: str) -> State:
    """The document as it is on disk, as far as it can be read. NotFound when there is none."""
    document = await store.find(name)
    if document is None or document.erased:
        raise NotFound(f"There is no document {name!r}.")
    return (await open_room(store, engine, name)).state


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
