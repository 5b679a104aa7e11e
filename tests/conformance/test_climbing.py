"""Where WebSocket works again, whoever types over HTTP goes over to it."""

import json
import subprocess

import pytest

from tests.collab.genuine import NODE, need_node
from tests.live import PATIENCE, Server
from tests.proxy import Proxy


@pytest.mark.parametrize("way", ["forbids", "swallows", "cuts", "closes", "buffers"])
def test_typing_goes_on_when_websocket_works_again(tmp_path, seed, way):
    """Two type all the time: nothing is lost or doubled, nobody sees anybody go."""
    need_node()
    with Server(tmp_path / "quire.db") as server, Proxy(server.port, way) as proxy:
        pages = (proxy.page(""), server.page(""))
        with subprocess.Popen(
            ["node", NODE / "climbing.mjs", *pages, str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as node:
            try:
                assert node.stdout.readline() == "by HTTP\n"
                proxy.way = "passes"
                told = json.loads(node.communicate("go\n", PATIENCE * 2)[0])
            finally:
                node.kill()
        assert told["error"] is None, told
        for editor in told["editors"]:
            assert sorted(editor["tokens"]) == told["made"]
            assert editor["tokens"] == told["editors"][0]["tokens"]
            assert editor["letters"] == len(told["made"])
            assert editor["sees"] == ["Ann", "Bob", "Eve"]
            assert editor["gone"] == 0, f"{editor['name']} was told that somebody has gone"
        assert server.troubles() == []


def test_a_server_that_has_just_come_up_is_not_behind_a_proxy(tmp_path):
    """WebSocket was refused, and HTTP works a moment later: the first is tried once more."""
    need_node()
    with Server(tmp_path / "quire.db") as server:
        told = subprocess.run(
            ["node", NODE / "restarted.mjs", server.page("").rstrip("/")],
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
        )
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout) == ["websocket"]
