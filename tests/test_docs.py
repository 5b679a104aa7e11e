"""Everything that can be set, typed or called is described for people: README.md or docs/."""

import dataclasses
import re
from pathlib import Path

import click
import pytest

from collab.limits import Limits
from collab.web.cli import main
from collab.web.openapi import OPERATIONS
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


@pytest.mark.parametrize("limit", dataclasses.fields(Limits), ids=lambda limit: limit.name)
def test_every_limit_is_described(limit: "dataclasses.Field[int]") -> None:
    """A row of the table: its name, its default, the close code if it has one, and its help."""
    code = str(limit.metadata["code"] or "")
    row = f"| `{limit.name}` | {limit.default} | {code} | {limit.metadata['help']} |"
    assert " ".join(row.split()) in " ".join(DOCS.split())


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


@pytest.mark.parametrize("path", ["/sync/{name}", *OPERATIONS])
def test_every_endpoint_is_described(path: str) -> None:
    """By each of its methods, whatever the parts of its path are called."""
    words = re.escape(re.sub(r"\{\w+\}", "{}", path)) + r"(?![\w/.-])"
    lines = [re.sub(r"\{\w+\}", "{}", line) for line in DOCS.splitlines()]
    described = " ".join(line for line in lines if re.search(words, line))
    assert described, path
    for method in OPERATIONS.get(path, ()):
        assert method.upper() in described, method
