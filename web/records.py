"""What goes over HTTP in the place of frames: batches of pieces up, records down. Their grammar is
told in `collab.web.fallback`."""

from collections.abc import Iterator

from collab.errors import CollabError
from collab.reader import Reader, var_uints

NOTHING, FRAME, CLOSED = b"\x00", 1, 2


def pieces(batch: bytes) -> Iterator[tuple[bool, bytes]]:
    """The pieces of a batch, and whether more of the same frame follows each. ProtocolError."""
    reader = Reader(batch)
    while not reader.at_end:
        yield reader.var_uint(1) == 1, reader.var_bytes()


def frame_record(number: int, frame: bytes) -> bytes:
    """A frame on its way down."""
    return var_uints(FRAME, number, len(frame)) + frame


def closed_record(error: CollabError) -> bytes:
    """The end."""
    reason = str(error).encode()
    return var_uints(CLOSED, error.close_code, len(reason)) + reason
