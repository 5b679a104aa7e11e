"""Providers as they are, with QuireSocket as their WebSocket, behind proxies that block the real
one."""

import json
import subprocess

import pytest

from tests.collab.genuine import NODE, need_node
from tests.conformance.test_clients import EXPECTED, SHARED, STORIES, keyed, tell
from tests.live import PATIENCE, QUIRE, Server
from tests.proxy import WAYS, Proxy


@pytest.fixture(scope="module", params=[*(f"yws3 {way}" for way in WAYS), "yws4 forbids"])
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, object]]:
    """What became of each story behind one kind of proxy, of a server whose log is clean."""
    store = tmp_path_factory.mktemp("blocked") / "quire.db"
    version, way = request.param.split()
    with Server(store) as server, Proxy(server.port, way) as proxy:
        stories = tell("clients.mjs", version, proxy.page(""), "blocked")
        assert proxy.requests > 0
        assert [line for line in server.troubles() if not any(e in line for e in EXPECTED)] == []
    return stories


@pytest.mark.parametrize("story", STORIES)
def test_y_websocket_behind_a_proxy(told: dict[str, dict[str, object]], story: str) -> None:
    """The story of that name in clients.mjs comes out as it is told there."""
    assert told[story]["ok"], told[story]["error"]


@pytest.fixture(
    scope="module", params=["hoc2 forbids", "hoc3 forbids", "hoc4 forbids", "hoc4 buffers"]
)
def told_by_providers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, object]]:
    """The same of Hocuspocus' providers, which show tokens."""
    provider, way = request.param.split()
    folder = tmp_path_factory.mktemp("blocked")
    options, tokens = keyed(folder)
    with (
        Server(folder / "quire.db", QUIRE, *options) as server,
        Proxy(server.port, way) as proxy,
    ):
        stories = tell("hocuspocus.mjs", provider, proxy.page(""), tokens, "blocked")
        assert proxy.requests > 0
        assert [line for line in server.troubles() if "was deleted" not in line] == []
    return stories


@pytest.mark.parametrize("story", SHARED)
def test_hocuspocus_behind_a_proxy(
    told_by_providers: dict[str, dict[str, object]], story: str
) -> None:
    """The story of that name in hocuspocus.mjs comes out as it is told there."""
    assert told_by_providers[story]["ok"], told_by_providers[story]["error"]


@pytest.mark.parametrize("way", ["passes", "buffers"])
def test_it_asks_at_most_25_times_a_second(tmp_path, way):
    """Whoever types while another one does, whether answers stream or each costs a poll."""
    need_node()
    with Server(tmp_path / "quire.db") as server, Proxy(server.port, way) as proxy:
        program = ["node", NODE / "keystrokes.mjs", proxy.page(""), "80", "25", server.page("")]
        told = subprocess.run(
            [*program, "both"], capture_output=True, text=True, timeout=PATIENCE * 2
        )
        assert told.returncode == 0, told.stderr
        assert 10 < json.loads(told.stdout)["most"] <= 26  # the first and the last of a second
        assert server.troubles() == []


@pytest.mark.parametrize("way", [(), ("refuses",)], ids=["rests", "refused"])
def test_who_is_told_to_wait_waits(tmp_path, way):
    """For a server that takes longer than a request may, and for what lets few requests pass: the
    connection holds, and all arrives."""
    need_node()
    slowly = ("--limit", "edits_per_second=100,edits_at_once=1")
    with Server(tmp_path / "quire.db", QUIRE, *slowly) as server:
        program = ["node", NODE / "slow.mjs", server.page("").rstrip("/"), *way]
        told = subprocess.run(program, capture_output=True, text=True, timeout=PATIENCE * 4)
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout) == {"letters": 0, "codes": []}
        assert all("edits_per_second" in line for line in server.troubles())


def test_eight_documents_share_six_connections(tmp_path):
    """As many as a browser has to a host: four of them keep one for what comes, and the others ask
    for it again and again, so that all go on."""
    need_node()
    with Server(tmp_path / "quire.db") as server:
        program = ["node", NODE / "six.mjs", server.page("").rstrip("/")]
        told = subprocess.run(program, capture_output=True, text=True, timeout=PATIENCE * 4)
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout) == {"codes": [1000], "streams": 5, "glances": True}
        assert server.troubles() == []
