"""The gate as the event loop sees it: small updates at once, large ones next door.

Reading an update costs some microseconds a struct, so a large one would hold the loop too long.
"""

from collab.engine import Engine
from collab.errors import Unavailable
from collab.state import Admission, Head, News
from collab.update import DeleteSet, encode_state_vector, read_update

LARGE = 64 << 10  # bytes from which on an update is read in a worker
TRIES = 5


async def admit(engine: Engine, head: Head, update: bytes, partial: bool) -> Admission:
    """`head.admit` for an update of any size. ProtocolError when it is malformed; Unavailable
    when no worker could read it, or the document moved on under it all the time."""
    if len(update) <= LARGE:
        return head.admit(read_update(update), partial)
    for _ in range(TRIES):
        known = encode_state_vector(head.vector)
        deletes = head.deletes.encode()
        answer = await engine.run("admit", update, known, deletes, partial)
        admission = Admission.load(answer)
        # The document may have moved on meanwhile; what is new must still start where it ends.
        if admission.news is None or all(
            head.vector.get(block.client, 0) == block.clock for block in admission.news.blocks
        ):
            return admission
    raise Unavailable("The document changes too fast for an update of this size. Try again.")
