"""kill -9 while pasts are folded, packed, thinned and restored; `scripts/soak past` does more."""

import sys
from pathlib import Path

from tests.durability.pasts import kill_pasts
from tests.live import Server, run

HASTE = ("not there any more", "is not thinned: row")
"""Where rows are old after a third of a second, a fold may come too late, or a name too early."""

HASTY = (sys.executable, "-m", "tests.durability.hasty_server")


def test_every_named_moment_stays(tmp_path: Path, seed: int) -> None:
    """Moments show what they showed, and nothing is lost or doubled; four kills."""
    with Server(tmp_path / "quire.db", HASTY) as server:
        figures = run(kill_pasts(server, 4, seed))
    print(figures)
    assert figures.good
    assert figures.rounds == 4
    assert figures.thinned > 0
    assert [line for line in server.troubles() if not any(word in line for word in HASTE)] == []
