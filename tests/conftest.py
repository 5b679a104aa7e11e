"""What every test of Quire has: one event loop, a seed to replay, and a log that has to stay quiet.

A record of WARNING or above on a logger of ours, of Tornado or of asyncio fails the test that
caused it, unless the test says `@pytest.mark.expects_log(r"pattern")`, which in turn fails when no
record matches. So does a worker that is left behind. Random tests take the `seed` fixture: a
failure shows the line that replays it.
"""

import asyncio
import logging
import os
import re
import secrets
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tornado.ioloop import IOLoop

QUIET = ("collab", "storage", "web", "tornado", "asyncio")


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers: --strict-markers is on. And hear signals, which a script in the background
    and nohup have ignored: the programs that tests start would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    config.addinivalue_line("markers", "expects_log(pattern): a record that this test causes")


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """The loop of gen_test, in place of pytest-tornado's with its deprecated make_current."""
    loop = IOLoop(make_current=False)
    asyncio.set_event_loop(loop.asyncio_loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close(all_fds=True)


@pytest.fixture
def seed() -> int:
    """Where the randomness of a test starts: QUIRE_SEED, or a new one each time."""
    chosen = int(os.environ.get("QUIRE_SEED") or secrets.randbits(32))
    print(f"replay with QUIRE_SEED={chosen}")  # pytest shows it when the test fails
    return chosen


class _Records(logging.Handler):
    """Remembers what was logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "tornado.access" and record.levelno < logging.ERROR:
            return  # a 4xx is an answer like any other
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def quiet_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test on warnings that it does not expect, and on expected ones that do not come."""
    records = _Records()
    for name in QUIET:
        logging.getLogger(name).addHandler(records)
    yield
    for name in QUIET:
        logging.getLogger(name).removeHandler(records)
    patterns = [marker.args[0] for marker in request.node.iter_markers("expects_log")]
    unexpected = [line for line in records.lines if not any(re.search(p, line) for p in patterns)]
    missing = [p for p in patterns if not any(re.search(p, line) for line in records.lines)]
    assert not unexpected, "unexpected in the log:\n" + "\n".join(unexpected)
    assert not missing, f"not in the log: {missing}; it has: {records.lines}"


@pytest.fixture(autouse=True)
def no_worker_is_left() -> Iterator[None]:
    """Fail the test whose event loop ended before the workers that it started."""
    yield
    assert not _workers(), "left behind by this test or by one before it"


def _workers() -> list[int]:
    """The processes of `collab.engine` that this one has started, on a system that tells."""
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    found = []
    for pid in children.read_text().split() if children.exists() else ():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue  # it has just ended
        if b"collab.jobs" in command:
            found.append(int(pid))
    return found
