"""What workers do for a room while it is open: fold its state, plan its parts.

The room does not wait for it, and does no harm if it goes on to grow, or is freed meanwhile.
"""

import asyncio
import logging

from collab.engine import Engine
from collab.errors import CollabError
from collab.parts import Plan
from collab.room import Room
from collab.state import State
from collab.storage import Snapshot, Store

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
