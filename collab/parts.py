"""A large document in parts: how far to hand out each client's structs, step by step, so that
nobody who gets them in this order ever waits for one. Knows bytes and clocks, no session.

A plan holds clocks, not bytes. Who is given a document in parts is a cursor into it: its state
vector moves up, and each part is cut from the state when it can be sent. So slow joiners cost
nothing, however many they are and however large the document. What comes later spoils no plan, and
neither does folding: it joins structs that need the same ids.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from collab.blocks import cut_block, head_of_block
from collab.reach import Integration
from collab.update import TRUSTED, Block, StateVector, read_struct, read_update

PART = 1 << 20
"""Bytes of structs that go in one message, give or take one struct: a larger first load would keep
a slow peer waiting for longer than its timeout."""


class Plan(NamedTuple):
    """Each of `steps` says how far some clients go: client -> clock. `vector` is where all end."""

    steps: tuple[StateVector, ...]
    vector: StateVector

    @classmethod
    def load(cls, answer: Sequence[Sequence[int]]) -> "Plan":
        """What `plan` returned."""
        steps = tuple(dict(zip(step[::2], step[1::2], strict=True)) for step in answer)
        vector: StateVector = {}
        for step in steps:
            vector.update(step)
        return cls(steps, vector)


def plan(data: bytes, size: int) -> list[list[int]]:
    """The plan of a whole document, encoded as one update, for parts of `size` bytes: of each step
    client, clock, client, clock ... For a worker, as it reads all structs."""
    changes = read_update(data, TRUSTED)
    source = _Source(changes.blocks, size)
    steps: list[StateVector] = []
    step: StateVector = {}
    filled = 0
    for client, _, limit in Integration(changes, {}).steps():
        for block in source.take(client, limit):
            if filled and filled + len(block.data) > size:
                steps.append(step)
                step, filled = {}, 0
            step[client] = block.end
            filled += len(block.data)
    return [[number for pair in step.items() for number in pair] for step in [*steps, step]]


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
