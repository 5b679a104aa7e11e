"""The gate as the event loop sees it: small updates at once, large ones next door.

Reading an update costs some microseconds a struct, so a large one would hold the loop too long.
"""

import asyncio

from collab.blocks import encode_blocks
from collab.engine import Engine
from collab.errors import TooBig, Unavailable
from collab.state import Admission, Head, News
from collab.update import encode_state_vector, read_update

LARGE = 16 << 10  # bytes from which on an update is read in a worker
MOST_DELETES = 512 << 10  # bytes of deletes that one update may add: to enter them takes time, too
TRIES = 5


async def admit(engine: Engine, head: Head, update: bytes, partial: bool) -> Admission:
    """`head.admit` for an update of any size. ProtocolError or TooBig when it is the peer's fault;
    Unavailable when no worker could read it, or the document moved on under it all the time."""
    if len(update) <= LARGE:
        return head.admit(read_update(update), partial)
    for _ in range(TRIES):
        vector, deletes = encode_state_vector(head.vector), head.deletes.encode()
        parts = await engine.run("admit", update, vector, deletes, partial)
        if len(parts) > 1 and len(parts[-1]) > MOST_DELETES:
            raise TooBig("The update deletes too many places at once.")
        admission = await asyncio.to_thread(Admission.load, parts)
        news, missing = admission
        # The document may have moved on meanwhile: what is new must still start where it ends.
        if news is None or _follows(head, news):
            return Admission(news and _without_known_deletes(head, news), missing)
    raise Unavailable("The document changes too fast for an update of this size. Try again.")


def _follows(head: Head, news: News) -> bool:
    starts: dict[int, int] = {}
    for block in news.blocks:
        starts.setdefault(block.client, block.clock)
    return all(head.vector.get(client, 0) == clock for client, clock in starts.items())


def _without_known_deletes(head: Head, news: News) -> News | None:
    deletes = news.deletes.subtract(head.deletes)
    if deletes == news.deletes:
        return news
    if not news.blocks and not deletes:
        return None
    return News(news.blocks, deletes, encode_blocks(news.blocks, deletes))
