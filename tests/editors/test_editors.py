"""Other people's editors in real browsers: each story with one of the small editors and one client
at least. All of them with all clients: `scripts/soak editors`."""

import asyncio

import pytest

from tests.browser.harness import CHROMIUM

from .stories import STORIES
from .table import EDITORS, HERE, Result, stories_of, tell_all

CORE = [
    ("codemirror", "yws3"),
    ("prosemirror", "hoc4"),
    ("quill", "yws1"),
    ("codemirror", "ysweet"),
    ("quill", "hoc4-http"),
]


@pytest.fixture(scope="module")
def told() -> dict[tuple[str, str, str], Result]:
    """What became of each story."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    results: list[Result] = []
    asyncio.run(tell_all(CORE, STORIES, results.append))
    return {(result.editor, result.client, result.story): result for result in results}


@pytest.mark.parametrize(
    ("editor", "client", "story"),
    [(*place, story) for place in CORE for story in stories_of(place[0])],
)
def test_an_editor(
    told: dict[tuple[str, str, str], Result], editor: str, client: str, story: str
) -> None:
    """The story of that name in stories.py comes out as it is told there."""
    assert told[editor, client, story].error == ""


@pytest.mark.parametrize("editor", EDITORS)
def test_the_documentation_is_what_is_tried(editor: str) -> None:
    """Every page's code stands in docs/editors.md as it is."""
    code = (HERE / "pages" / f"{editor}.js").read_text()
    assert f"```js\n{code}```" in (HERE.parents[1] / "docs" / "editors.md").read_text()
