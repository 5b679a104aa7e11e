"""A delete set is a set of ids, however it came about, and is written as Yjs writes one."""

from itertools import pairwise
from random import Random

import pytest

from collab import ranges
from collab.deletes import DeleteSet, read_deletes
from collab.update import MAX_CLOCK


@pytest.fixture(params=[4, ranges.PIECE])
def piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges are kept in tiny pieces, and in pieces as they are."""
    monkeypatch.setattr(ranges, "PIECE", request.param)
    monkeypatch.setattr(ranges, "_FEW", request.param)


@pytest.mark.usefixtures("piece")
def test_against_a_set_of_ids(seed: int) -> None:
    """A delete set is what a plain set of (client, clock) would be, whatever is done to it."""
    random = Random(seed)
    for _ in range(300):
        one, ids = random_deletes(random)
        two, others = random_deletes(random)

        assert ids - others == ids_of(one.subtract(two))
        one.encode()  # what is remembered of it must not outlive a change
        united = one.copy()
        united.update(two)
        assert ids | others == ids_of(united)
        data = united.encode()
        assert (united, len(data), True) == read_deletes(data, 0, MAX_CLOCK)
        assert ids == ids_of(one), "a copy is not the set itself"
        limits = {client: random.randrange(60) for client in range(3)}
        below = one.below(limits)
        assert ids_of(below) == {(client, clock) for client, clock in ids if clock < limits[client]}
        for client in below.clients:
            assert below.end(client) == below.ranges(client)[-1][1]
        for client in range(3):
            start, end = sorted(random.sample(range(60), 2))
            covered = ids >= {(client, clock) for clock in range(start, end)}
            assert covered == one.covers(client, start, end)


@pytest.mark.usefixtures("piece")
def test_ranges_never_touch(seed: int) -> None:
    """However it came about, a set has one form, and is read as it was written."""
    random = Random(seed)
    for _ in range(300):
        deletes, ids = random_deletes(random)
        assert bool(deletes) == bool(ids)
        for client in deletes.clients:
            found = deletes.ranges(client)
            assert found
            assert all(a < b < c < d for (a, b), (c, d) in pairwise(found))
        data = deletes.encode()
        assert (deletes, len(data), True) == read_deletes(data, 0, MAX_CLOCK)
        deletes.add(0, 70, 71)
        data = deletes.encode()
        assert (deletes, len(data), True) == read_deletes(data, 0, MAX_CLOCK)


def test_as_yjs_writes_it() -> None:
    """Count of clients • higher ids first: id • count • (clock • length)..."""
    deletes = DeleteSet()
    deletes.add(5, 1, 3)
    deletes.add(300, 0, 1)
    assert bytes.fromhex("02  ac02 01 00 01  05 01 01 02") == deletes.encode()

    deletes.add(5, 7, 8)
    assert bytes.fromhex("02  ac02 01 00 01  05 02 01 02 07 01") == deletes.encode()


def random_deletes(random: Random) -> tuple[DeleteSet, set[tuple[int, int]]]:
    """A delete set, and the ids in it."""
    deletes, ids = DeleteSet(), set()
    for _ in range(random.randrange(40)):
        client, start = random.randrange(3), random.randrange(50)
        end = start + random.randrange(1, 8)
        deletes.add(client, start, end)
        ids |= {(client, clock) for clock in range(start, end)}
    return deletes, ids


def ids_of(deletes: DeleteSet) -> set[tuple[int, int]]:
    """Every id in the set."""
    return {
        (client, clock)
        for client in deletes.clients
        for start, end in deletes.ranges(client)
        for clock in range(start, end)
    }
