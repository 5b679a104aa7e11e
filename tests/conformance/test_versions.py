"""Editors' own histories, unmodified: TiptapCollabProvider asks beside the document, BlockNote over
HTTP by /client/quire-versions.js, and the versions of both are Quire's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.test_clients import NODE, STORY, keyed, tell
from tests.live import QUIRE, Server
from tests.proxy import Proxy

STORIES = {
    name: STORY.findall((NODE / name).read_text()) for name in ("tiptap.mjs", "versions.mjs")
}
RUNS = ["tiptap.mjs", "tiptap.mjs keys", "tiptap.mjs keys blocked", "versions.mjs",
        "versions.mjs keys"]  # fmt: skip
"""Where everybody may do everything, with tokens, and where a proxy blocks WebSocket and holds back
answers; the last of a program's stories is about who may do what."""

Told = dict[str, dict[str, object]]


def cases() -> Iterator[tuple[str, str]]:
    """Each story of each run."""
    for run in RUNS:
        stories = STORIES[run.split()[0]]
        yield from ((run, story) for story in (stories if "keys" in run else stories[:-1]))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """What became of each story, by servers of their own whose logs are clean in the end."""
    return {run: play(tmp_path_factory.mktemp("versions"), *run.split()) for run in RUNS}


def play(folder: Path, program: str, *how: str) -> Told:
    """The stories of one program."""
    options, tokens = keyed(folder) if "keys" in how else ((), "{}")
    with Server(folder / "quire.db", QUIRE, *options) as server:
        if "blocked" in how:
            with Proxy(server.port, "buffers") as proxy:
                told = tell(program, proxy.page("").rstrip("/"), tokens, "blocked")
                assert proxy.requests > 0
        else:
            told = tell(program, server.page("").rstrip("/"), tokens)
        assert server.troubles() == []
    return told


@pytest.mark.parametrize(("run", "story"), list(cases()))
def test_versions(told: dict[str, Told], run: str, story: str) -> None:
    """The story of that name comes out as it is told there."""
    assert told[run][story]["ok"], told[run][story]["error"]
