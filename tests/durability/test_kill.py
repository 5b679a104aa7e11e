"""kill -9 at random moments: what was acknowledged, or seen by anybody else, is there afterwards.

`scripts/soak kill` does 100 rounds. The control says the word before the log, and is found out.
"""

import sys

from tests.durability.kill import kill_again_and_again
from tests.live import FAST, QUIRE, Server, run
from tests.proxy import Proxy

SLOW = (sys.executable, "-m", "tests.durability.slow_server")


def test_nothing_acknowledged_or_seen_is_lost(tmp_path, seed):
    """Eight editors, pycrdt and Yjs by two clients, in one document and several; six kills."""
    with Server(tmp_path / "quire.db", QUIRE, *FAST) as server:
        figures = run(kill_again_and_again(server, 6, seed))
    print(figures)
    assert (figures.lost, figures.doubled) == (0, 0)
    assert figures.rounds == 6
    assert server.troubles() == []


def test_nothing_is_lost_where_websocket_is_blocked(tmp_path, seed):
    """The same with those in Yjs on HTTP, which the others do not notice."""
    with (
        Server(tmp_path / "quire.db", QUIRE, *FAST) as server,
        Proxy(server.port, "forbids") as way,
    ):
        figures = run(kill_again_and_again(server, 4, seed, way))
        assert way.requests > 0
    print(figures)
    assert (figures.lost, figures.doubled) == (0, 0)
    assert server.troubles() == []


def test_nothing_is_lost_on_a_slow_disk(tmp_path, seed):
    """The same where every kill hits an append that is under way."""
    with Server(tmp_path / "quire.db", SLOW) as server:
        figures = run(kill_again_and_again(server, 2, seed))
    print(figures)
    assert (figures.lost, figures.doubled) == (0, 0)


def test_nothing_is_lost_where_appends_fail(tmp_path, seed):
    """Nor doubled: what failed is tried again, and a document that fails for good fails alone."""
    with Server(tmp_path / "quire.db", SLOW, "--flaky") as server:
        figures = run(kill_again_and_again(server, 4, seed))
    print(figures)
    assert (figures.lost, figures.doubled) == (0, 0)


def test_a_server_that_speaks_before_the_disk_is_found_out(tmp_path, seed):
    """The control: broadcast and receipt before the append lose edits on the same disk."""
    with Server(tmp_path / "quire.db", SLOW, "--early") as server:
        figures = run(kill_again_and_again(server, 6, seed))
    print(figures)
    assert figures.lost > 0
