"""Random schedules of several editors end well, whatever network, disk and server do.

What may happen, and what has to hold, is told in `tests.schedule`. Here some hundreds are played;
`scripts/soak schedule` and `scripts/soak lossy` play tens of thousands. A failure names the seed of
the schedule that broke: QUIRE_SEED=... plays that one first.
"""

import pytest

from tests.engines import Diverged, Engine, Yjs, Yrs, play
from tests.schedule import Schedule

TOGETHER = 50  # schedules in one lockstep
LOSS = 0.5  # of all updates on their way to the server


def play_all(engine: Engine, first: int, count: int, loss: float = 0.0) -> int:
    """Plays the schedules of seeds `first`, `first` + 1, ...; how many there were."""
    ended = 0
    for begin in range(first, first + count, TOGETHER):
        seeds = range(begin, min(begin + TOGETHER, first + count))
        ended += len(play(engine, [Schedule(seed, loss=loss) for seed in seeds]))
    return ended


def test_pycrdt_clients_end_with_the_same_document(seed):
    """Edits of every type, stalls, drops, reconnects, crashes, folds: nobody diverges."""
    assert play_all(Yrs(), seed, 150) == 150


def test_yjs_clients_end_with_the_same_document(seed):
    """The same against real Yjs, whose tabs also whisper updates that do not connect."""
    with Yjs() as engine:
        assert play_all(engine, seed, 150) == 150


def test_half_of_all_updates_lost_with_pycrdt_clients(seed):
    """Updates that build on lost ones are never kept; the next SyncStep2 brings the whole."""
    assert play_all(Yrs(), seed, 100, LOSS) == 100


def test_half_of_all_updates_lost_with_yjs_clients(seed):
    """And so it is with Yjs, whose SyncStep2 may itself wait for what others have."""
    with Yjs() as engine:
        assert play_all(engine, seed, 100, LOSS) == 100


def test_a_room_that_tells_before_the_disk_is_found_out():
    """The control: in a room that commits before the append, the checks do find the lie."""

    class Early(Schedule):
        def write(self):
            if self.room.pending:
                self.room.take()
                self.room.commit(self.room.seq + len(self.room.writing))

    with pytest.raises(Diverged, match="before the disk"):
        for seed in range(100):
            play(Yrs(), [Early(seed)])
