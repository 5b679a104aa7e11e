"""Blocks: structs as bytes, cut where a clock falls, joined, and encoded as an update.

Knows where structs begin and end, not what they mean. The blocks here have passed the gate.
"""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from collab.content import CUT, GC
from collab.deletes import DeleteSet
from collab.reader import MAX_SAFE_INTEGER, read_var_uint, var_uints, write_var_uint
from collab.update import BLOCK_STRUCTS, KEY, ORIGIN, REF, RIGHT_ORIGIN, Block, Struct, read_struct

_JOIN_BYTES = 4096
"""Blocks larger than that are not joined: to join copies them."""

_by_client = attrgetter("client")


def add_block(clients: dict[int, list[Block]], block: Block) -> None:
    """Append a block to its client's list, as part of the last one while that is small."""
    blocks = clients.get(block.client)
    if blocks is None:
        clients[block.client] = [block]
        return
    client, clock, _, count, data = blocks[-1]
    count += block.count
    if count <= BLOCK_STRUCTS and len(data) < _JOIN_BYTES:
        blocks[-1] = Block(client, clock, block.end, count, data + block.data)
    else:
        blocks.append(block)


def encode_blocks(blocks: Iterable[Block], deletes: DeleteSet) -> bytes:
    """An update of blocks (each client's together, by rising clock, without a gap) and deletes."""
    parts: list[bytes] = [b""]
    clients = 0
    for client, group in groupby(blocks, _by_client):
        own = list(group)
        clients += 1
        parts.append(var_uints(sum(block.count for block in own), client, own[0].clock))
        parts += [block.data for block in own]
    parts[0] = var_uints(clients)
    parts.append(deletes.encode())
    return b"".join(parts)


def find_struct(block: Block, clock: int) -> tuple[int, int, int, Struct]:
    """The struct of the block that holds `clock`: (its place, its clock, its offset, itself)."""
    at, start = 0, block.clock
    for place in range(block.count):
        struct = read_struct(block.data, at)
        if clock < start + struct.units:
            return place, start, at, struct
        start += struct.units
        at = struct.end
    raise ValueError("The clock is not in the block.")


def cut_block(block: Block, clock: int) -> Block:
    """What the block holds from `clock` on; a struct that `clock` falls into is cut."""
    place, start, at, struct = find_struct(block, clock)
    data = block.data[at:]
    if start < clock:
        rest = slice_struct(block.data, struct, block.client, start, clock - start)
        data = rest + block.data[struct.end :]
    return Block(block.client, clock, block.end, block.count - place, data)


def head_of_block(block: Block, clock: int) -> Block:
    """The structs of the block that begin below `clock`, where one begins."""
    place, start, at, _ = find_struct(block, clock)
    return Block(block.client, block.clock, start, place, block.data[:at])


def round_block(block: Block, clock: int) -> Block:
    """The structs of the block up to the one that ends at `clock`, or that `clock` falls into."""
    place, start, _, struct = find_struct(block, clock - 1)
    end = start + struct.units
    return Block(block.client, block.clock, end, place + 1, block.data[: struct.end])


def slice_struct(data: bytes, struct: Struct, client: int, clock: int, skipped: int) -> bytes:
    """The struct of `data` without its first units: what Yjs writes of a half-known struct."""
    ref = struct.info & REF
    content = CUT[ref](data[struct.content : struct.end], skipped, struct.units)
    return slice_header(struct, ref, client, clock + skipped) + content


def slice_header(struct: Struct, ref: int, client: int, clock: int) -> bytes:
    """What stands before the content of the struct's units from `clock` on, which is not its first.

    Their origin is the unit before, their right origin that of the struct; no parent is written.
    """
    if ref == GC:
        return bytes((GC,))
    info = ref | ORIGIN | struct.info & (RIGHT_ORIGIN | KEY)
    right = struct.right or ()
    return bytes((info,)) + var_uints(client, clock - 1, *right)


# The index of an encoded update: where its blocks are, so that nobody has to parse it again.
#
#     index  = count • clients
#     client = client id • first clock • count • blocks
#     block  = clock ticks • count of structs • bytes


def encode_index(blocks: Iterable[Block]) -> bytes:
    """The index of `encode_blocks(blocks, ...)`."""
    buffer = bytearray()
    groups = [(client, list(group)) for client, group in groupby(blocks, _by_client)]
    write_var_uint(buffer, len(groups))
    for client, own in groups:
        buffer += var_uints(client, own[0].clock, len(own))
        for block in own:
            buffer += var_uints(block.end - block.clock, block.count, len(block.data))
    return bytes(buffer)


def read_index(data: bytes, index: bytes, known: Iterable[Block] = ()) -> tuple[list[Block], int]:
    """The blocks of an update that `encode_blocks` made, and where its deletes begin. One that is
    equal to one that is `known` is that one: it takes no memory again.

    ValueError if the index is not that of the update, as far as its headers tell; IndexError and
    ProtocolError where it is no index at all.
    """
    blocks: list[Block] = []
    at_hand = {(block.client, block.clock): block for block in known}
    clients, at = read_var_uint(index, 0)
    offset = _expect(data, 0, var_uints(clients))
    for _ in range(clients):
        client, at = read_var_uint(index, at)
        clock, at = read_var_uint(index, at)
        count, at = read_var_uint(index, at)
        sizes, at = _read_sizes(index, at, count)
        total = sum(structs for _, structs, _ in sizes)
        if min(client, clock, total) < 0 or max(client, clock) > MAX_SAFE_INTEGER:
            raise ValueError("The index is damaged.")
        offset = _expect(data, offset, var_uints(total, client, clock))
        for units, structs, size in sizes:
            end = offset + size
            if not units or not structs or end > len(data):
                raise ValueError("The index does not fit the update.")
            block = Block(client, clock, clock + units, structs, data[offset:end])
            same = at_hand.get((client, clock), block)
            blocks.append(same if same == block else block)
            clock += units
            offset = end
    if at != len(index):
        raise ValueError("The index has bytes after its end.")
    return blocks, offset


def _read_sizes(index: bytes, at: int, count: int) -> tuple[list[tuple[int, int, int]], int]:
    """(clock ticks, structs, bytes) of so many blocks, and where the index goes on."""
    sizes = []
    for _ in range(count):
        units, at = read_var_uint(index, at)
        structs, at = read_var_uint(index, at)
        size, at = read_var_uint(index, at)
        sizes.append((units, structs, size))
    return sizes, at


def _expect(data: bytes, at: int, header: bytes) -> int:
    if not data.startswith(header, at):
        raise ValueError("The index is of another update.")
    return at + len(header)
