"""Heavy work on whole documents, for a worker process: fold, split, and judge large updates.

Pure functions of bytes that have passed the gate; `admit_in_worker` is the gate itself. No engine.

Why folding needs no CRDT: an item of several units is by definition equal to its units, each with
the unit before as its origin and all with the item's right origin. So structs that are written like
the units of one item may be joined, wherever in the document they stand, and an item may be cut
where its deletes begin and end. What is deleted keeps its place and loses its content; deleted
shared types stay types, for their children need a parent. What is alive stays as it is, byte for
byte.
"""

from collections.abc import Iterator

from collab.blocks import (
    add_block,
    cut_block,
    encode_blocks,
    encode_index,
    head_of_block,
    slice_header,
)
from collab.content import ANY, CUT, DELETED, GC, STRING, TYPE
from collab.deletes import DeleteSet, read_deletes
from collab.reach import Integration
from collab.reader import read_var_uint, var_uints
from collab.state import Head
from collab.update import (
    BLOCK_STRUCTS,
    KEY,
    MAX_CLOCK,
    REF,
    Block,
    Limits,
    Struct,
    read_state_vector,
    read_struct,
    read_update,
)

_TRUSTED = Limits(structs=MAX_CLOCK, clients=MAX_CLOCK)
_JOINABLE = (GC, DELETED, STRING, ANY)


def fold(data: bytes) -> tuple[bytes, bytes]:
    """An equal document, compact, and its index: see `State.load`.

    The same document always folds to the same bytes, and folding those changes nothing. Whoever
    edits the document meanwhile, or has edited an older fold of it, still merges with it.
    """
    clients, at = _read_clients(data)
    deletes, at, _ = read_deletes(data, at, MAX_CLOCK)
    blocks: list[Block] = []
    for client in sorted(clients, reverse=True):
        clock, structs = clients[client]
        blocks += _Folder(data, client, clock, deletes).fold(structs)
    return encode_blocks(blocks, deletes), encode_index(blocks)


_Structs = list[tuple[int, Struct]]
"""(offset, struct) in clock order."""


def _read_clients(data: bytes) -> tuple[dict[int, tuple[int, _Structs]], int]:
    clients = {}
    count, at = read_var_uint(data, 0)
    for _ in range(count):
        total, at = read_var_uint(data, at)
        client, at = read_var_uint(data, at)
        clock, at = read_var_uint(data, at)
        structs = []
        for _ in range(total):
            struct = read_struct(data, at)
            structs.append((at, struct))
            at = struct.end
        clients[client] = (clock, structs)
    return clients, at


class _Folder:
    """Folds the structs of one client: collects one run of units until something does not fit."""

    def __init__(self, data: bytes, client: int, clock: int, deletes: DeleteSet) -> None:
        self.data = data
        self.client = client
        self.bounds = [bound for pair in deletes.ranges(client) for bound in pair]
        self.bound = 0  # the next one in `bounds`
        self.blocks: list[Block] = []
        self.block: list[bytes] = []  # the structs of the block that is being filled
        self.start = self.clock = clock  # where that begins, where the run begins
        self.ref = -1  # of the run, -1: there is none
        self.right: tuple[int, int] | None = None
        self.header = b""
        self.parts: list[bytes] = []
        self.end = clock

    def fold(self, structs: _Structs) -> list[Block]:
        clock = self.clock
        for at, struct in structs:
            end = clock + struct.units
            for start, stop, dead in self.pieces(struct, clock, end):
                self.take(at, struct, clock, start, stop, dead)
            clock = end
        self.finish_run()
        self.finish_block()
        return self.blocks

    def pieces(self, struct: Struct, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
        """The struct's clocks cut where deletes begin and end: (start, end, whether deleted)."""
        bounds = self.bounds
        while self.bound < len(bounds) and bounds[self.bound] <= start:
            self.bound += 1
        if struct.info & REF in (GC, DELETED):
            yield start, end, True
            return
        while self.bound < len(bounds) and bounds[self.bound] < end:
            yield start, bounds[self.bound], self.bound % 2 == 1
            start = bounds[self.bound]
            self.bound += 1
        yield start, end, self.bound % 2 == 1

    def take(self, at: int, struct: Struct, clock: int, start: int, end: int, dead: bool) -> None:
        """One piece of a struct: part of the run, or the beginning of the next one."""
        ref = struct.info & REF
        if dead and ref not in (GC, TYPE):
            ref = DELETED
        if not self.continues(ref, struct, clock, start):
            self.finish_run()
            self.ref, self.right = ref, struct.right
            self.clock = start
            self.header = self.header_of(at, struct, ref, clock, start)
        self.parts.append(self.content_of(ref, struct, start - clock, end - clock))
        self.end = end

    def continues(self, ref: int, struct: Struct, clock: int, start: int) -> bool:
        """Whether a piece reads like further units of the run."""
        if ref != self.ref or ref not in _JOINABLE:
            return False
        if ref == GC:
            return True
        if struct.right != self.right:
            return False
        if ref != DELETED and struct.info & KEY:
            return False  # an entry of a map that is alive is one unit long
        return start > clock or struct.origin == (self.client, clock - 1)

    def header_of(self, at: int, struct: Struct, ref: int, clock: int, start: int) -> bytes:
        if start > clock:
            return slice_header(struct, ref, self.client, start)
        return bytes((struct.info & ~REF | ref,)) + self.data[at + 1 : struct.content]

    def content_of(self, ref: int, struct: Struct, start: int, end: int) -> bytes:
        """The bytes of some units of a struct; without their count, where runs count anew."""
        if ref in (GC, DELETED):
            return b""
        content = self.data[struct.content : struct.end]
        if end - start < struct.units:
            content = CUT[ref](content, start, end)
        if ref in (STRING, ANY):
            return content[read_var_uint(content, 0)[1] :]
        return content

    def finish_run(self) -> None:
        if self.ref < 0:
            return
        body = b"".join(self.parts)
        if self.ref == STRING:
            body = var_uints(len(body)) + body
        elif self.ref in (GC, DELETED, ANY):
            body = var_uints(self.end - self.clock) + body
        self.parts.clear()
        self.block.append(self.header + body)
        if len(self.block) == BLOCK_STRUCTS:
            self.finish_block()

    def finish_block(self) -> None:
        if self.block:
            data = b"".join(self.block)
            self.blocks.append(Block(self.client, self.start, self.end, len(self.block), data))
            self.block.clear()
            self.start = self.end


def split(data: bytes, size: int) -> list[bytes]:
    """The document as updates of about `size` bytes each.

    Whoever applies them in this order never waits for anything in between. The deletes come with
    the last one. A struct that is larger than `size` by itself is not cut.
    """
    changes = read_update(data, _TRUSTED)
    run = Integration(changes, {})
    source = _Source(changes.blocks, size)
    chunks: list[bytes] = []
    chunk: dict[int, list[Block]] = {}
    filled = 0
    for client, _, limit in run.steps():
        for block in source.take(client, limit):
            if filled and filled + len(block.data) > size:
                chunks.append(_encode_chunk(chunk, DeleteSet()))
                chunk, filled = {}, 0
            add_block(chunk, block)
            filled += len(block.data)
    chunks.append(_encode_chunk(chunk, changes.deletes))
    return chunks


def _encode_chunk(chunk: dict[int, list[Block]], deletes: DeleteSet) -> bytes:
    clients = sorted(chunk, reverse=True)
    return encode_blocks((block for client in clients for block in chunk[client]), deletes)


class _Source:
    """Hands out each client's blocks up to a clock, in pieces of about `size` bytes at most."""

    def __init__(self, blocks: list[Block], size: int) -> None:
        self.size = size
        self.blocks: dict[int, list[Block]] = {}  # the next one last
        for block in reversed(blocks):
            self.blocks.setdefault(block.client, []).append(block)

    def take(self, client: int, limit: int) -> Iterator[Block]:
        blocks = self.blocks[client]
        while blocks and blocks[-1].clock < limit:
            block = blocks.pop()
            if block.end > limit:
                blocks.append(cut_block(block, limit))
                block = head_of_block(block, limit)
            yield from self.pieces(block)

    def pieces(self, block: Block) -> Iterator[Block]:
        if block.count == 1 or len(block.data) <= self.size:
            yield block
            return
        clock, start, at, count = block.clock, 0, 0, 0
        begin = clock
        for _ in range(block.count):
            struct = read_struct(block.data, at)
            if count and struct.end - start > self.size:
                yield Block(block.client, begin, clock, count, block.data[start:at])
                begin, start, count = clock, at, 0
            clock += struct.units
            at = struct.end
            count += 1
        yield Block(block.client, begin, clock, count, block.data[start:at])


def admit_in_worker(data: bytes, vector: bytes, deletes: bytes, partial: bool) -> list[bytes]:
    """`Head.admit` where the head is an encoded state vector and delete set.

    Returns what `Admission.load` reads. Raises ProtocolError as `read_update` does.
    """
    head = Head(read_state_vector(vector), read_deletes(deletes, 0, MAX_CLOCK)[0])
    return head.admit(read_update(data), partial).dump()
