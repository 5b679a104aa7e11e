"""y-sweet's client and SDK, unmodified."""

import json
import sys
import time
from pathlib import Path

import pytest

from collab.access import Level
from collab.tokens import Tokens
from tests.conformance.test_clients import NODE, STORY, keyed, tell
from tests.live import QUIRE, Server
from tests.proxy import Proxy

*STORIES, SLOWLY = STORY.findall((NODE / "ysweet.mjs").read_text())
OPEN = STORIES[: STORIES.index("a reader sees, and changes nothing")]  # those without keys
SLOW = (sys.executable, "-m", "tests.durability.slow_server")
EXPECTED = ("was deleted", "stands twice")  # two stories are about being refused

Told = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What became of each story where everybody may do everything."""
    with Server(tmp_path_factory.mktemp("ysweet") / "quire.db") as server:
        told = tell("ysweet.mjs", server.page("").rstrip("/"))
        assert [line for line in server.troubles() if not any(e in line for e in EXPECTED)] == []
    return told


@pytest.fixture(scope="module", params=["by WebSocket", "by HTTP"])
def told_with_keys(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Told:
    """The same with tokens; and by QuireSocket, behind a proxy that forbids WebSocket."""
    folder = tmp_path_factory.mktemp("keys")
    options, given = keyed(folder)
    key, until_then = (folder / "quire.keys").read_text().strip(), int(time.time()) + 3600
    other, _ = Tokens([key]).issue("eve", {"*": Level.ADMIN}, until_then, tenant="bolt")
    tokens = json.dumps(json.loads(given) | {"other": other})
    with Server(folder / "quire.db", QUIRE, *options) as server, Proxy(server.port, "forbids") as p:
        if request.param == "by HTTP":
            told = tell("ysweet.mjs", p.page(""), tokens, "blocked")
            assert p.requests > 0
        else:
            told = tell("ysweet.mjs", server.page("").rstrip("/"), tokens)
        assert [line for line in server.troubles() if not any(e in line for e in EXPECTED)] == []
    return told


@pytest.mark.parametrize("story", OPEN)
def test_ysweet(told: Told, story: str) -> None:
    """The story of that name in ysweet.mjs comes out as it is told there."""
    assert told[story]["ok"], told[story]["error"]


@pytest.mark.parametrize("story", STORIES)
def test_ysweet_with_tokens(told_with_keys: Told, story: str) -> None:
    """The same, and those about who may do what."""
    assert told_with_keys[story]["ok"], told_with_keys[story]["error"]


def test_ysweet_on_a_slow_disk(tmp_path: Path) -> None:
    """The client hangs up on who says nothing for 3 s: it is told what is on disk meanwhile."""
    with Server(tmp_path / "quire.db", SLOW, "--disk", "4") as server:
        (story,) = tell("ysweet.mjs", server.page(""), "{}", "slow").values()
        assert (story["story"], story["ok"]) == (SLOWLY, True), story["error"]
