"""Heavy work on whole documents, for a worker process: fold, and judge large updates.

Pure functions of bytes that have passed the gate; `admit_in_worker` is the gate itself. No engine.

Why folding needs no CRDT: an item of several units is by definition equal to its units, each with
the unit before as its origin and all with the item's right origin. So structs that are written like
the units of one item may be joined, wherever in the document they stand, and an item may be cut
where its deletes begin and end. What is deleted keeps its place and loses its content; deleted
shared types stay types, for their children need a parent. What is alive stays as it is, byte for
byte.
"""

from collab.blocks import (
    encode_blocks,
    encode_index,
    slice_header,
)
from collab.content import ANY, CUT, DELETED, GC, MAX_DEPTH, STRING, TYPE
from collab.deletes import DeleteSet, read_deletes
from collab.limits import Limits
from collab.reader import read_var_uint, var_uints
from collab.state import Admission, Head, News
from collab.update import (
    BLOCK_STRUCTS,
    KEY,
    MAX_CLOCK,
    REF,
    TRUSTED,
    Block,
    Id,
    Struct,
    read_state_vector,
    read_struct,
    read_update,
)

MOST_BYTES = 64 << 10
"""Units of so many bytes are joined at the most: what is one struct has to go in one frame."""

_JOINABLE = (GC, DELETED, STRING, ANY)


def fold(data: bytes) -> tuple[bytes, bytes]:
    """An equal document, compact, and its index: see `State.load`.

    Folding what is folded changes nothing, and what was folded before folds as if it had not been,
    but for where runs of more than `MOST_BYTES` are cut. Whoever edits the document meanwhile, or
    has edited an older fold of it, still merges with it.
    Raises ValueError if `data` is no whole document: if it has gaps.
    """
    changes = read_update(data, TRUSTED)
    clients: dict[int, list[Block]] = {}
    for block in changes.blocks:
        clients.setdefault(block.client, []).append(block)
    folded: list[Block] = []
    for client in sorted(clients, reverse=True):
        folder = _Folder(client, changes.deletes)
        for block in clients[client]:
            folder.fold(block)
        folded += folder.finish()
    return encode_blocks(folded, changes.deletes), encode_index(folded)


class _Folder:
    """Folds the structs of one client: a run grows until a piece does not fit.

    A piece is a struct, or what of one lies between where deletes begin and end.
    """

    def __init__(self, client: int, deletes: DeleteSet) -> None:
        self.client = client
        self.bounds = [bound for pair in deletes.ranges(client) for bound in pair]
        self.bound = 0  # the next one in `bounds`; deleted is what lies before an odd one
        self.blocks: list[Block] = []
        self.structs: list[bytes] = []  # of the block that is being filled
        self.start = 0  # where that begins
        # The run. It stands for the clocks from `clock` to `end`; `parts` are its units' bytes.
        self.ref = -1
        self.right: Id | None = None
        self.header = b""
        self.parts: list[bytes] = []
        self.size = 0
        self.clock = self.end = 0

    def fold(self, block: Block) -> None:
        """Take the client's next block."""
        if block.clock != self.end:
            raise ValueError("The document has gaps.")
        data, at, clock, bounds = block.data, 0, block.clock, self.bounds
        for _ in range(block.count):
            struct = read_struct(data, at)
            end = clock + struct.units
            start = clock
            if struct.info & REF not in (GC, DELETED):  # those are deleted, whatever else is said
                while self.bound < len(bounds) and bounds[self.bound] < end:
                    if start < bounds[self.bound]:
                        self.take(data, at, struct, clock, start, bounds[self.bound])
                        start = bounds[self.bound]
                    self.bound += 1
            self.take(data, at, struct, clock, start, end)
            at, clock = struct.end, end

    def finish(self) -> list[Block]:
        """The client's blocks, folded."""
        self.finish_run()
        self.finish_block()
        return self.blocks

    def take(self, data: bytes, at: int, struct: Struct, clock: int, start: int, end: int) -> None:
        """The piece [start, end) of the struct at `clock`: add it to the run, or begin another."""
        ref = struct.info & REF
        if self.bound % 2 and ref not in (GC, TYPE):
            ref = DELETED
        units = b""
        if ref not in (GC, DELETED):
            units = _units(data, struct, ref, start - clock, end - clock)
        joins = ref == self.ref in _JOINABLE and self.continues(struct, clock, start)
        if not joins or self.size + len(units) > MOST_BYTES:
            self.finish_run()
            self.ref, self.right, self.clock = ref, struct.right, start
            if start > clock:
                self.header = slice_header(struct, ref, self.client, start)
            else:
                self.header = bytes((struct.info & ~REF | ref,)) + data[at + 1 : struct.content]
        self.parts.append(units)
        self.size += len(units)
        self.end = end

    def continues(self, struct: Struct, clock: int, start: int) -> bool:
        """Whether a piece with the run's ref reads like further units of the run."""
        if self.ref == GC:
            return True
        if struct.right != self.right or (struct.info & KEY and self.ref != DELETED):
            return False  # an entry of a map that is alive is one unit long
        return start > clock or struct.origin == (self.client, clock - 1)

    def finish_run(self) -> None:
        if self.ref < 0:
            return
        body = b"".join(self.parts)
        if self.ref == STRING:
            body = var_uints(len(body)) + body
        elif self.ref in _JOINABLE:
            body = var_uints(self.end - self.clock) + body
        self.parts.clear()
        self.size = 0
        self.structs.append(self.header + body)
        if len(self.structs) == BLOCK_STRUCTS:
            self.finish_block()

    def finish_block(self) -> None:
        data = b"".join(self.structs)
        if data:
            self.blocks.append(Block(self.client, self.start, self.end, len(self.structs), data))
            self.structs.clear()
            self.start = self.end


def _units(data: bytes, struct: Struct, ref: int, start: int, end: int) -> bytes:
    """The bytes of some units of a struct, without their count where runs count anew."""
    at = struct.content
    if end - start < struct.units:
        content = CUT[ref](data[at : struct.end], start, end)
        return content[read_var_uint(content, 0)[1] :]
    if ref in (STRING, ANY):
        at = read_var_uint(data, at)[1]
    return data[at : struct.end]


def admit_in_worker(
    data: bytes,
    vector: bytes,
    deletes: bytes,
    partial: bool,
    most: int,
    structs: int = MAX_CLOCK,
    clients: int = MAX_CLOCK,
    nesting: int = MAX_DEPTH,
) -> list[bytes]:
    """`Head.admit` where the head is an encoded state vector and delete set, of an update that may
    have so many structs and clients and values nested so deep, and delete `most` ranges at once:
    see `collab.gate`.

    Returns what `Admission.load` reads. Raises ProtocolError and TooBig as `read_update` does.
    """
    limits = Limits(update_structs=structs, update_clients=clients, update_nesting=nesting)
    head = Head(read_state_vector(vector), read_deletes(deletes, 0, MAX_CLOCK)[0])
    admission = head.admit(read_update(data, limits), partial)
    news, missing = admission
    if news is not None and len(news.deletes) > most:
        # Clock 0 is known to all: the peer is asked for all that it has as soon as this is told.
        missing = {**missing, min(news.deletes.clients): 0}
        first = news.deletes.first(most)
        news = News(news.blocks, first, encode_blocks(news.blocks, first)) if partial else None
        admission = Admission(news, missing)
    return admission.dump()
