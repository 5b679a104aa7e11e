"""A document as bytes: what it has, what of an update is new to it, what a peer lacks. No engine.

A Yjs document is nothing but its structs and its deletes, and structs can be put together, cut and
handed out without knowing what they mean. Two rules keep every prefix of what enters complete, so
that no peer is ever left with pending structs: a client's structs enter without a gap, and a struct
enters only when all that it refers to is there or enters with it.

`Head` is what it takes to judge an update: the state vector and the delete set. `State` is a whole
document. Both are told of news by `enter`; `admit` only judges.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from collab.blocks import (
    add_block,
    cut_block,
    encode_blocks,
    encode_index,
    head_of_block,
    read_index,
    round_block,
)
from collab.deletes import DeleteSet, read_deletes
from collab.errors import ProtocolError
from collab.reach import reach
from collab.update import (
    MAX_CLOCK,
    Block,
    Changes,
    StateVector,
    encode_state_vector,
    read_state_vector,
)


class News(NamedTuple):
    """What was new in an update: structs, deletes, and both as one encoded update (v1).

    `blocks` may hold several blocks of a client, by rising clock and without a gap.
    """

    blocks: tuple[Block, ...]
    deletes: DeleteSet
    data: bytes


class Admission(NamedTuple):
    """The answer to an update.

    `news`     what is to enter, or None if nothing is
    `missing`  what did not connect: client -> the clock up to which its structs would have to be
               known. Not empty: ask the peer for what it has (send it a SyncStep1).
    """

    news: News | None
    missing: StateVector

    def dump(self) -> list[bytes]:
        """The answer as bytes, for another process: see `load`."""
        missing = encode_state_vector(self.missing)
        if self.news is None:
            return [missing]
        blocks, deletes, data = self.news
        index = encode_index(blocks)
        try:
            read_index(data, index)
        except ValueError:  # a peer's own bytes with over-long numbers
            data = encode_blocks(blocks, deletes)
        return [missing, data, index, deletes.encode()]

    @classmethod
    def load(cls, parts: Sequence[bytes]) -> "Admission":
        """What `dump` was called on."""
        missing = read_state_vector(parts[0])
        if len(parts) == 1:
            return cls(None, missing)
        _, data, index, deletes = parts
        blocks, _ = read_index(data, index)
        return cls(News(tuple(blocks), read_deletes(deletes, 0, MAX_CLOCK)[0], data), missing)


_news = partial(tuple.__new__, News)  # half the time of calling News
_admission = partial(tuple.__new__, Admission)
_end = attrgetter("end")


class Head:
    """The state vector and the delete set of a document: enough to judge an update."""

    def __init__(self, vector: StateVector | None = None, deletes: DeleteSet | None = None) -> None:
        self.vector: StateVector = {} if vector is None else vector
        self.deletes = DeleteSet() if deletes is None else deletes

    def admit(self, changes: Changes, partial: bool) -> Admission:
        """What of the changes is new to the document; nothing changes by asking.

        An update whose structs or deletes do not connect is refused as a whole, or, if `partial`,
        as far as it does not. News have to be entered before the next update is judged.
        """
        if self._is_next(changes):
            return _admission((_news((tuple(changes.blocks), changes.deletes, changes.data)), {}))
        reached, missing = reach(changes, self.vector) if changes.blocks else ({}, {})
        deletes, waiting = self._split_deletes(changes.deletes, reached)
        for client, clock in waiting.items():
            missing[client] = max(clock, missing.get(client, 0))
        if missing and not partial:
            return Admission(None, missing)
        blocks = tuple(self._new_blocks(changes.blocks, reached))
        if not blocks and not deletes:
            return Admission(None, missing)
        whole = changes.plain and blocks == tuple(changes.blocks) and deletes == changes.deletes
        data = changes.data if whole else encode_blocks(blocks, deletes)
        return Admission(News(blocks, deletes, data), missing)

    def enter(self, news: News) -> None:
        """Move on: the news are part of the document now."""
        for block in news.blocks:
            self.vector[block.client] = block.end
        if news.deletes:
            self.deletes.update(news.deletes)

    def _is_next(self, changes: Changes) -> bool:
        """Whether the changes simply follow what is known: what somebody types, nearly always."""
        vector = self.vector
        if changes.deletes or not changes.plain or not changes.blocks:
            return False
        for client, clock, _, _, _ in changes.blocks:
            if clock != vector.get(client, 0):
                return False
        return all(vector.get(link.other, 0) >= link.needed for link in changes.links)

    def _split_deletes(
        self, deletes: DeleteSet, reached: StateVector
    ) -> tuple[DeleteSet, StateVector]:
        """The deletes that are new here, and the ids among them that nobody knows yet."""
        vector = self.vector
        limits = {client: reached.get(client, vector.get(client, 0)) for client in deletes.clients}
        waiting = {
            client: deletes.end(client)
            for client, limit in limits.items()
            if deletes.end(client) > limit
        }
        if waiting:
            deletes = deletes.below(limits)
        return deletes.subtract(self.deletes), waiting

    def _new_blocks(self, blocks: Sequence[Block], reached: StateVector) -> Iterable[Block]:
        for block in blocks:
            known, limit = self.vector.get(block.client, 0), reached[block.client]
            if block.end > limit:
                if block.clock >= limit:
                    continue
                block = head_of_block(block, limit)
            if block.end <= known:
                continue
            yield cut_block(block, known) if block.clock < known else block


class State(Head):
    """A whole document: the blocks of each client in clock order, and the head."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: dict[int, list[Block]] = {}
        self.structs = 0
        self.size = 0

    def enter(self, news: News) -> None:
        """Move on: the news are part of the document now."""
        super().enter(news)
        for block in news.blocks:
            self.structs += block.count
            self.size += len(block.data)
            add_block(self.blocks, block)

    def cut(self, vector: StateVector) -> bytes:
        """One update with all structs that `vector` lacks, and all deletes."""
        lacking = [
            block
            for client in sorted(self.blocks, reverse=True)
            for block in self._lacking(client, vector.get(client, 0), self.vector[client])
        ]
        return encode_blocks(lacking, self.deletes)

    def slice(self, vector: StateVector, limits: StateVector) -> tuple[bytes, StateVector]:
        """One update with the structs below `limits` (client -> clock) that `vector` lacks, and no
        deletes, b"" for none; and the state vector of a peer that has got it. A struct that a limit
        falls into is there as a whole."""
        lacking: list[Block] = []
        reached = dict(vector)
        for client in sorted(limits, reverse=True):
            blocks = self._lacking(client, vector.get(client, 0), limits[client])
            if blocks:
                lacking += blocks
                reached[client] = blocks[-1].end
        return encode_blocks(lacking, DeleteSet()) if lacking else b"", reached

    def _lacking(self, client: int, known: int, limit: int) -> list[Block]:
        """The client's blocks from `known` on, up to the struct that `limit` ends or falls into."""
        if known >= limit:
            return []
        blocks = self.blocks[client]
        if not known and limit >= blocks[-1].end:
            return blocks
        first = bisect_right(blocks, known, key=_end)
        last = bisect_left(blocks, limit, first, key=_end)
        lacking = blocks[first : last + 1]
        if lacking[-1].end > limit:
            lacking[-1] = round_block(lacking[-1], limit)
        if lacking[0].clock < known:
            lacking[0] = cut_block(lacking[0], known)
        return lacking

    def far_ahead(self, vector: StateVector, size: int) -> bool:
        """Whether `vector` lacks more than `size` bytes of structs."""
        lacking = 0
        for client, blocks in self.blocks.items():
            known = vector.get(client, 0)
            if known < self.vector[client]:
                for block in islice(blocks, bisect_right(blocks, known, key=_end), None):
                    lacking += len(block.data)
                    if lacking > size:
                        return True
        return False

    def encode(self) -> bytes:
        """The whole document as one update."""
        return self.cut({})

    def mentions(self, word: str) -> bool:
        """Whether a word is in its structs: the name of a root, or in what somebody wrote."""
        data = word.encode()
        return any(data in block.data for blocks in self.blocks.values() for block in blocks)

    def index(self) -> bytes:
        """Where the blocks are in `encode()`: what `load` needs to read that without parsing."""
        clients = sorted(self.blocks, reverse=True)
        return encode_index([block for client in clients for block in self.blocks[client]])

    @classmethod
    def load(cls, data: bytes, index: bytes, known: Iterable[Block] = ()) -> "State":
        """The document that `encode` and `index` (or `fold`) wrote, with the blocks of it that are
        `known`.

        The structs themselves are not read again. Raises ValueError if the two do not belong
        together.
        """
        state = cls()
        try:
            blocks, at = read_index(data, index, known)
            state.deletes, at, _ = read_deletes(data, at, MAX_CLOCK)
        except (ProtocolError, IndexError) as error:
            raise ValueError("The snapshot and its index do not belong together.") from error
        if at != len(data):
            raise ValueError("The snapshot has bytes after its end.")
        for block in blocks:
            known = state.blocks.setdefault(block.client, [])
            if block.clock != state.vector.get(block.client, 0):
                raise ValueError("The snapshot's index has a gap.")
            known.append(block)
            state.vector[block.client] = block.end
            state.structs += block.count
            state.size += len(block.data)
        state.deletes.encode()  # is remembered: this is done aside, and who asks first has it
        return state


def merge(news: Sequence[News]) -> News:
    """Consecutive news of one document as one. A single one is returned as it is."""
    if len(news) == 1:
        return news[0]
    clients: dict[int, list[Block]] = {}
    deletes = DeleteSet()
    for one in news:
        for block in one.blocks:
            add_block(clients, block)
        if one.deletes:
            deletes.update(one.deletes)
    blocks = tuple(block for client in sorted(clients, reverse=True) for block in clients[client])
    return News(blocks, deletes, encode_blocks(blocks, deletes))
