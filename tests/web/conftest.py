"""What stories over HTTP share: a hub in this process, which ends with them."""

import pytest

from collab import Hub
from collab.storage import open_store


@pytest.fixture
def hub(io_loop):
    hub = Hub(open_store(":memory:"))
    yield hub
    io_loop.run_sync(hub.close)
