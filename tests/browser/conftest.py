"""Browsers for the stories: one Chromium and one server for the package, fresh people for each.

Everybody's console is read: an error, a warning or a violation of the Content-Security-Policy
fails the story. The fixtures belong to the package, not the session, because a running synchronous
Playwright leaves an event loop that gen_test cannot share.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from .harness import CHROMIUM, FLAGS, Person, Server

PEOPLE = {
    "Ada Lovelace": "#0b7a6f",
    "Ben Okri": "#6741d9",
    "Cleo Ma": "#b3450b",
}

Meet = Callable[..., Person]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("quire") / "quire.db").start()
    yield server
    server.stop()
    assert not any("Traceback" in line for line in server.errors), "".join(server.errors)


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """The package's server, or one that the story may mistreat: @pytest.mark.own_server."""
    if request.node.get_closest_marker("own_server") is None:
        yield request.getfixturevalue("shared_server")
        return
    server = Server(tmp_path / "quire.db").start()
    yield server
    server.stop()


@pytest.fixture
def meet(chromium: Browser, server: Server) -> Iterator[Meet]:
    """meet("Ada Lovelace") is a person with a browser of their own; nobody may have complaints."""
    met: list[Person] = []

    def make(name: str, **look: Any) -> Person:
        person = Person(chromium, server, name, PEOPLE[name], **look)
        met.append(person)
        return person

    yield make
    complaints = [line for person in met for line in person.complaints]
    for person in met:
        person.context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def ada(meet: Meet) -> Person:
    return meet("Ada Lovelace")


@pytest.fixture
def ben(meet: Meet) -> Person:
    return meet("Ben Okri")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "own_server: this story kills, freezes or starves its server"
    )
