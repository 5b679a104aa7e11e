"""Servers for the client and what stands on it: real processes, whose logs have to stay quiet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.stories import quire
from tests.live import QUIRE, Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One that is open to everybody."""
    with Server(tmp_path / "quire.db") as server:
        yield server
        assert [] == server.troubles()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """A server with users, and the file with the keys of their tokens."""
    keys = tmp_path / "quire.keys"
    quire("token", "key", "--keys", str(keys))
    with Server(tmp_path / "guarded.db", QUIRE, "--keys", str(keys)) as server:
        yield server, keys
        assert [] == server.troubles()
