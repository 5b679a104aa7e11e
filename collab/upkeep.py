"""What is done beside the rooms: fold a state, plan its parts, pack rows, write the audit log.

No room waits for it, and it does no harm if one goes on to grow, or is freed meanwhile.
"""

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime

from collab.archive import Archive
from collab.audit import Audit
from collab.engine import Engine
from collab.errors import NO_MEMORY, CollabError, Unavailable
from collab.lists import Lists
from collab.parts import Plan
from collab.room import Room
from collab.state import State
from collab.storage import Snapshot, Store, Version

PAUSE = 0.05  # seconds between two runs of rows that are packed: appends have their turn
UNPACKED = 2_000  # rows that stay as they are: those of today are asked for most
AUDIT_PAUSE = 1.0  # seconds between two looks at what was noted,
AUDIT_LINES = 1_000  # and lines that are written at once: appends have their turn

logger = logging.getLogger(__name__)


async def fold_room(store: Store, engine: Engine, room: Room) -> None:
    """Makes the room's state compact, and saves it as a snapshot: the next one who opens the
    document need not read what came before. When that fails all stays as it is. Call it with
    `room.copying` set, which it resets."""
    seq = room.seq
    try:
        if (made := await _fold(engine, room)) is not None:
            await store.save_snapshot(room.name, Snapshot(seq, *made))
    except (OSError, ValueError, LookupError, MemoryError) as error:
        logger.warning("document %r: its snapshot was not saved: %s", room.name, error)
    finally:
        room.copying = False


async def _fold(engine: Engine, room: Room) -> tuple[bytes, bytes] | None:
    """The data and the index of the room's state, which is compact then; None when that failed."""
    if room.lost:
        return None  # there is nothing to see any more: the next one opens the log
    folded = None
    try:
        data, index = await engine.run("fold", room.begin_fold())
        # Most of it is as it was: not once more beside what goes only when this has come.
        known = [block for blocks in room.state.blocks.values() for block in blocks]
        folded = await asyncio.to_thread(State.load, data, index, known)
        return data, index
    except (CollabError, OSError, ValueError, MemoryError) as error:
        logger.warning("document %r could not be folded: %s", room.name, error)
        return None
    finally:
        room.end_fold(folded)  # lets go of what it was before the store copies what it is now


async def pack_rows(store: Store, archive: Archive, name: str, seq: int) -> None:
    """Packs rows of a document that is at row `seq`, and has its past built: for when nobody edits
    it. When that fails all stays as it is."""
    try:
        while await store.pack(name, seq - UNPACKED):
            await asyncio.sleep(PAUSE)
        await archive.keep_up(name, seq)
    except (CollabError, OSError, ValueError, MemoryError) as error:
        logger.warning("document %r: its past could not be put in order: %s", name, error)


async def plan_parts(engine: Engine, room: Room) -> None:
    """Plans how the document is handed out in parts, for all sessions that wait for it. Call it
    with `room.copying` set, which it resets."""
    try:
        room.plan = Plan.load(await engine.run("plan", room.state.encode(), room.part))
    except (CollabError, MemoryError) as cause:
        error = cause if isinstance(cause, CollabError) else Unavailable(NO_MEMORY)
        for session in list(room.sessions):
            session.fail(error)
    finally:
        room.copying = room.wants_plan = False
    for session in list(room.sessions):
        session.wake()


async def name_alarms(store: Store, room: Room, lists: Lists) -> None:
    """Gives a name to each moment before an edit that deleted most of the document."""
    rows, room.alarms = room.alarms, []
    for row in rows:
        try:
            (edit,) = await store.moments(room.name, row, row)
            at = datetime.fromtimestamp(edit.time / 1000, UTC)
            name = f"Before a mass deletion, {at:%Y-%m-%d %H:%M:%S} UTC"
            version = Version(name, row - 1, edit.author, edit.time)
            await store.name_version(room.name, version)
            await lists.follow(room.name, edit.author)
        except FileExistsError:
            pass  # two in one second: the first one is where to go back to
        except (OSError, ValueError, MemoryError) as error:
            logger.warning("document %r: a moment could not be named: %s", room.name, error)


async def write_audit(store: Store, audit: Audit, closing: asyncio.Event) -> None:
    """Writes what is noted until `closing` is set, and then what is left. What cannot be written is
    tried again, without harm to anybody: see `Audit`."""
    told = False
    while not closing.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), AUDIT_PAUSE)
        lines = audit.take(time.time(), closing.is_set())
        try:
            while lines:
                await store.record(lines[:AUDIT_LINES])
                del lines[:AUDIT_LINES]
        except Exception as error:  # of the disk, or one of ours: nobody else is to notice
            if not told:
                logger.warning("the audit log cannot be written, its lines wait: %s", error)
            told = True
            audit.give_back(lines)
        else:
            told = False
        if lost := audit.lost():
            logger.error("%d lines of the audit log are lost: too many waited", lost)
    if told:
        logger.error("closing with lines of the audit log that could not be written")
