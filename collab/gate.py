"""The gate as the event loop sees it: small updates at once, large ones next door.

Reading an update costs some microseconds a struct, so a large one would hold the loop too long. So
would entering very many deletes: what deletes in more than `MOST_DELETES` places is let in by that
many of them at a time, and each time the peer is asked again for all that it has.
"""

import asyncio

from collab.blocks import encode_blocks
from collab.engine import Engine
from collab.errors import Unavailable
from collab.limits import Limits
from collab.state import Admission, Head, News
from collab.update import MAX_CLOCK, TRUSTED, encode_state_vector, read_update

LARGE = 16 << 10  # bytes from which on an update is read in a worker
MOST_DELETES = 5_000  # ranges; some ms to enter, twice
TRIES = 5


async def admit(
    engine: Engine,
    head: Head,
    update: bytes,
    partial: bool,
    most: int = MAX_CLOCK,
    limits: Limits = TRUSTED,
) -> Admission:
    """`head.admit` for an update of any size, from which `most` ranges of deletes are taken at
    once; `limits` are for those that did not pass the gate before. ProtocolError or TooBig when it
    is the peer's fault; Unavailable when no worker could read it, or the document moved on under it
    all the time."""
    if len(update) <= LARGE:
        return head.admit(read_update(update, limits), partial)
    for _ in range(TRIES):
        vector, deletes = encode_state_vector(head.vector), head.deletes.encode()
        sizes = limits.update_structs, limits.update_clients, limits.update_nesting
        parts = await engine.run("admit", update, vector, deletes, partial, most, *sizes)
        news, missing = await asyncio.to_thread(Admission.load, parts)
        # The document may have moved on meanwhile: what is new must still start where it ends.
        if news is None or _follows(head, news):
            if news is not None and head.deletes.encode() is not deletes:
                news = _without_known_deletes(head, news)
            return Admission(news, missing)
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
