"""Threads that are there before they are needed."""

import threading

import pytest

from collab.storage.threads import start_threads


def test_none_has_to_be_started_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them work at once, when no thread can be started any more."""
    together = threading.Barrier(4)
    with start_threads(4, "test") as threads:
        monkeypatch.setattr(threading.Thread, "start", breaks)
        assert sorted(threads.map(lambda _: together.wait(), range(4))) == [0, 1, 2, 3]


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError("no room")])
def test_one_cannot_be_started(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and nobody waits for it."""
    start, started = threading.Thread.start, []

    def once(thread: threading.Thread) -> None:
        if started:
            raise error
        start(thread)
        started.append(thread)

    monkeypatch.setattr(threading.Thread, "start", once)
    with pytest.raises((OSError, MemoryError), match=r"test: can.t start new thread|no room"):
        start_threads(4, "test")
    started[0].join()


def breaks(_: threading.Thread) -> None:
    """As Python does when there is no memory for a stack."""
    raise RuntimeError("can't start new thread")
