"""A document as pycrdt can open it: what Yjs drops of it is dropped. Knows structs, no engine.

Whoever writes an item whose parent is no shared type, by mistake or by malice, does no harm in a
browser: Yjs keeps its place and drops its content, and with it all that was written next to it or
into it (`getMissing` and `integrate` in `structs/Item.js`, Yjs 13). pycrdt refuses the document.
"""

from bisect import bisect_right

from collab.blocks import encode_blocks
from collab.content import DELETED, GC, TYPE
from collab.reader import var_uints
from collab.update import REF, Block, Changes, Id, Struct, read_struct


class Structs:
    """The structs of a whole document that has passed the gate, by the id of their first unit:
    each with the bytes that it is in, and where."""

    def __init__(self, changes: Changes) -> None:
        self.found: dict[Id, tuple[Struct, bytes, int]] = {}
        self._starts: dict[int, list[int]] = {}
        for block in changes.blocks:
            starts = self._starts.setdefault(block.client, [])
            clock, at = block.clock, 0
            for _ in range(block.count):
                struct = read_struct(block.data, at)
                self.found[block.client, clock] = struct, block.data, at
                starts.append(clock)
                clock, at = clock + struct.units, struct.end

    def first(self, identity: Id) -> Id:
        """The id of the struct that an id is in."""
        client, clock = identity
        starts = self._starts[client]
        return client, starts[bisect_right(starts, clock) - 1]

    def neighbours(self, identity: Id) -> list[Id]:
        """What a struct needs to be there: what it was written next to, or into."""
        struct, _, _ = self.found[identity]
        needs = (struct.origin, struct.right, struct.parent)
        return [self.first(need) for need in needs if need is not None]

    def ref(self, identity: Id) -> int:
        """The kind of a struct's content."""
        return self.found[identity][0].info & REF


def sound(changes: Changes) -> bytes:
    """The same document, with every item that Yjs drops as a GC; its own bytes if there is none."""
    structs = Structs(changes)
    odd = {identity for identity in structs.found if _is_odd(structs, identity)}
    if not odd:
        return changes.data
    dropped = _with_all_that_hangs_on(odd, structs)
    blocks = [_without(block, dropped) for block in changes.blocks]
    return encode_blocks(blocks, changes.deletes)


def _is_odd(structs: Structs, identity: Id) -> bool:
    parent = structs.found[identity][0].parent
    # pycrdt does take children of what is gone already.
    return parent is not None and structs.ref(structs.first(parent)) not in (TYPE, GC, DELETED)


def _with_all_that_hangs_on(odd: set[Id], structs: Structs) -> set[Id]:
    hanging: dict[Id, list[Id]] = {}
    for identity in structs.found:
        for need in structs.neighbours(identity):
            hanging.setdefault(need, []).append(identity)
    dropped = set(odd)
    spreading = list(odd)
    while spreading:
        more = [
            identity for identity in hanging.get(spreading.pop(), ()) if identity not in dropped
        ]
        dropped.update(more)
        spreading += more
    return dropped


def _without(block: Block, dropped: set[Id]) -> Block:
    parts: list[bytes] = []
    clock, at = block.clock, 0
    for _ in range(block.count):
        struct = read_struct(block.data, at)
        gone = (block.client, clock) in dropped
        parts.append(
            bytes((GC,)) + var_uints(struct.units) if gone else block.data[at : struct.end]
        )
        clock, at = clock + struct.units, struct.end
    return block._replace(data=b"".join(parts))
