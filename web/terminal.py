"""What the commands of `quire` share: options for settings, sentences for errors, safe output."""

import asyncio
import functools
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import fields
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from collab import CollabError
from collab.limits import Limits
from collab.storage import Damaged, Document, Store, open_store
from collab.web import logs
from collab.web.settings import Settings, load, option, variable

SETTINGS_FILE = Path("quire.toml")
PAGE = 500  # documents that are read at a time

P = ParamSpec("P")
T = TypeVar("T")


def setting_options(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Options for the settings of these names, or for all."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        for setting in reversed(fields(Settings)):
            if names and setting.name not in names:
                continue
            declared = [option(setting.name), setting.name]
            kind: dict[str, Any] = {"metavar": "TEXT"}
            if isinstance(setting.default, bool):
                declared, kind = [f"{declared[0]}/--no-{setting.name}", setting.name], {}
            elif isinstance(setting.default, int):
                kind = {"metavar": "NUMBER"}
            elif isinstance(setting.default, tuple):
                kind = {"metavar": f"{setting.name[:-1].upper()},..."}
            elif isinstance(setting.default, Limits):
                kind = {"metavar": "LIMIT=NUMBER,...", "multiple": True}
            text = (
                f"{setting.metadata['help']}  [{variable(setting.name)}; {shown(setting.default)}]"
            )
            command = click.option(*declared, default=None, help=text, **kind)(command)
        return command

    return decorate


def sentences(command: Callable[P, T]) -> Callable[P, T]:
    """Errors that have a sentence for their reader are printed as that, with exit code 1."""

    @functools.wraps(command)
    def safely(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except BrokenPipeError:
            raise  # `quire list | head`: click ends quietly
        except OSError as error:
            told = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        except (CollabError, Damaged, ValueError) as error:
            told = str(error)
        raise click.ClickException(told.rstrip(".") + ".")

    return safely


class BadSetting(click.ClickException):
    """A sentence and nothing more; click's own UsageError prints the usage before it."""

    exit_code = 2


def load_settings(flags: dict[str, Any]) -> tuple[Settings, dict[str, str]]:
    """The settings, and where each comes from; `flags` are the options that were given."""
    try:
        return load(flags, os.environ, SETTINGS_FILE)
    except ValueError as error:
        raise BadSetting(str(error)) from None


def shown(value: object) -> str:
    """A setting's value as one would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Limits):
        return "one by one"
    return (",".join(value) if isinstance(value, tuple) else str(value)) or "none"


def existing(path: str) -> Store:
    """A store that is there already: a command that reads makes none."""
    if not os.path.exists(path.removeprefix("sqlite:///")):
        raise FileNotFoundError(f"There is no store at {path}. --store says where it is.")
    return open_store(path)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Does what a command has to do, with a log for people."""
    logs.set_up("human")
    return asyncio.run(work)


def count(number: int, noun: str) -> str:
    """So many of them, in words."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def harmless(text: str, keep: str = "") -> str:
    """Without the control characters by which a document could play with a terminal."""
    return "".join(c if c.isprintable() or c in keep else "\N{REPLACEMENT CHARACTER}" for c in text)


async def documents(store: Store) -> AsyncIterator[Document]:
    """All documents, page by page: those there are, then the deleted ones."""
    for deleted in (False, True):
        after = None
        while page := await store.documents(after=after, limit=PAGE, deleted=deleted):
            after = page[-1].name
            for document in page:
                yield document
