"""Everything that can be set, typed or called is described for people: README.md or docs/."""

import dataclasses
import re
from pathlib import Path

import click
import pytest
from tornado.routing import URLSpec

from collab import Hub
from collab.storage import open_store
from collab.web import routes
from collab.web.cli import main
from collab.web.settings import Settings, option, variable

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
DOCS = "\n".join(page.read_text() for page in PAGES)


def described(words: str) -> bool:
    """Whether the words stand somewhere, and not as a part of longer ones."""
    before = "" if words.startswith("/") else r"(?<![\w-])"
    return re.search(rf"{before}{re.escape(words)}(?![\w/-])", DOCS) is not None


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Settings)])
def test_every_setting_is_described(name: str) -> None:
    """By its option and by its variable."""
    assert described(option(name)), option(name)
    assert described(variable(name)), variable(name)


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_is_described(name: str) -> None:
    """As it is typed, and it has a help text of its own."""
    assert described(f"quire {name}")
    command = main.commands[name]
    assert isinstance(command, click.Command) and command.help


def test_every_option_has_a_help_text() -> None:
    """Also those that are no settings."""
    for command in main.commands.values():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{command.name} {parameter.opts}"


def endpoints() -> list[str]:
    """The paths of the API and of the sockets, as people write them: /api/documents/{name}."""
    rules: list[URLSpec] = routes(Hub(open_store(":memory:")), page=False)
    paths = [rule.regex.pattern.removesuffix("$") for rule in rules]
    return [re.sub(r"\(\.[*+]\)", "{name}", path) for path in paths if not path.endswith(".*")]


@pytest.mark.parametrize("path", endpoints())
def test_every_endpoint_is_described(path: str) -> None:
    """Whatever the parts of its path are called."""
    anything = re.sub(r"\{\w+\}", "{}", DOCS)
    path = path.replace("{name}", "{}").replace("([^/]+)", "{}")
    assert re.search(re.escape(path) + r"(?![\w/-])", anything), path
