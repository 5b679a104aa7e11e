"""What workers do for a room while it is open: fold its state, plan its parts.

The room does not wait for it, and does no harm if it goes on to grow, or is freed meanwhile.
"""

import asyncio
import logging
from datetime import UTC, datetime

from collab.archive import Archive
from collab.engine import Engine
from collab.errors import CollabError
from collab.parts import Plan
from collab.room import Room
from collab.state import State
from collab.storage import Snapshot, Store, Version

PAUSE = 0.05  # seconds between two runs of rows that are packed: appends have their turn
UNPACKED = 2_000  # rows that stay as they are: those of today are asked for most

logger = logging.getLogger(__name__)


async def fold_room(store: Store, engine: Engine, room: Room) -> None:
    """Makes the room's state compact, and saves it as a snapshot: the next one who opens the
    document need not read what came before. When that fails all stays as it is."""
    seq, data = room.seq, room.begin_fold()
    folded = None
    try:
        data, index = await engine.run("fold", data)
        folded = await asyncio.to_thread(State.load, data, index)
        await store.save_snapshot(room.name, Snapshot(seq, data, index))
    except (CollabError, OSError, ValueError) as error:
        logger.warning("document %r could not be folded: %s", room.name, error)
    finally:
        room.end_fold(folded)


async def pack_rows(store: Store, archive: Archive, name: str, seq: int) -> None:
    """Packs rows of a document that is at row `seq`, and has its past built: for when nobody edits
    it. When that fails all stays as it is."""
    try:
        while await store.pack(name, seq - UNPACKED):
            await asyncio.sleep(PAUSE)
        await archive.keep_up(name, seq)
    except (CollabError, OSError, ValueError) as error:
        logger.warning("document %r: its past could not be put in order: %s", name, error)


async def plan_parts(engine: Engine, room: Room) -> None:
    """Plans how the document is handed out in parts, for all sessions that wait for it. Call it
    with `room.planning` set, which it resets."""
    try:
        room.plan = Plan.load(await engine.run("plan", room.state.encode(), room.part))
    except CollabError as error:
        for session in list(room.sessions):
            session.fail(error)
    finally:
        room.planning = room.wants_plan = False
    for session in list(room.sessions):
        session.wake()


async def name_alarms(store: Store, room: Room) -> None:
    """Gives a name to each moment before an edit that deleted most of the document."""
    rows, room.alarms = room.alarms, []
    for row in rows:
        try:
            (edit,) = await store.moments(room.name, row, row)
            at = datetime.fromtimestamp(edit.time / 1000, UTC)
            name = f"Before a mass deletion, {at:%Y-%m-%d %H:%M:%S} UTC"
            version = Version(name, row - 1, edit.author, edit.time)
            await store.name_version(room.name, version)
        except FileExistsError:
            pass  # two in one second: the first one is where to go back to
        except (OSError, ValueError) as error:
            logger.warning("document %r: a moment could not be named: %s", room.name, error)
