"""Who does nothing for more than a minute is not hung up on, and hangs up on nobody.

Clients take a server for dead that is silent for 30 s. All clocks here run four times as fast.
"""

import json
import subprocess
import sys

from tests.collab.genuine import NODE, need_node
from tests.live import Server

FOURFOLD = (sys.executable, "-m", "tests.conformance.fourfold", "serve")


def test_idle_clients_stay_connected_and_visible(tmp_path):
    """y-websocket 1 to 3 and y-sweet, mute or not; and a silent server is left, as a control."""
    need_node()
    with Server(tmp_path / "quire.db", FOURFOLD) as server:
        told = subprocess.run(
            ["node", NODE / "idle.mjs", f"ws://127.0.0.1:{server.port}/sync"],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert told.returncode == 0, told.stderr
        stories = [json.loads(line) for line in told.stdout.splitlines()]
        assert len(stories) == 11
        assert [story for story in stories if not story["ok"]] == []
        assert server.troubles() == []
