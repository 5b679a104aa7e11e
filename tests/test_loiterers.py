"""Those who come and say nothing are sent away, and nobody else notices. The full size, 1,000 of
each, is `scripts/soak loiter`."""

from pathlib import Path

from tests.live import QUIRE, Server, run
from tests.loiterers import loiter


def test_whoever_says_nothing_has_to_go(tmp_path: Path) -> None:
    """After their seconds, none earlier; the log says why; editors of a document type on."""
    limits = ("--limit", "handshake_seconds=2,first_message_seconds=3")
    with Server(tmp_path / "loiter.db", QUIRE, *limits) as server:
        figures = run(loiter(server, 20, 20))
        print(figures)
        assert min(figures.slow) > 1.9 and min(figures.mute) > 2.9
        troubles = server.troubles()
        assert troubles and {
            "warning: limit handshake_seconds was hit by 127.0.0.1",
            "warning: limit first_message_seconds was hit by 127.0.0.1",
        } == set(troubles)
