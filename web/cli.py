"""The `quire` command. Reads options, prints sentences; what it does is done elsewhere.

Exit codes: 0 it worked, 1 it did not (or `verify` found damage), 2 the command line or a setting
is wrong. What goes wrong is one sentence on stderr, never a traceback.
"""

import asyncio
import functools
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import fields
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from collab import CollabError, Hub
from collab.repair import find_losses, mend
from collab.storage import Damaged, Document, Store, open_store
from collab.web import logs
from collab.web.server import serve as serve_until_signal
from collab.web.settings import Settings, is_loopback, load, option, variable

SETTINGS_FILE = Path("quire.toml")
_PAGE = 500  # documents that are read at a time

P = ParamSpec("P")
T = TypeVar("T")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="quire", message="quire %(version)s")
def main() -> None:
    """Quire: documents that many edit at once, and that are on disk when they say so.

    \b
    quire serve                     start, with documents in quire-data/quire.db
    quire serve --port 0            the same, at any free port
    quire list                      which documents there are
    quire show NAME                 the text of one
    quire verify                    read everything, check every checksum
    quire repair NAME               make a damaged one editable again
    """


def _setting_options(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Options for the settings of these names, or for all."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        for setting in reversed(fields(Settings)):
            if names and setting.name not in names:
                continue
            declared = [option(setting.name)]
            kind: dict[str, Any] = {"metavar": "TEXT"}
            if isinstance(setting.default, bool):
                declared, kind = [f"{declared[0]}/--no-{setting.name}"], {}
            elif isinstance(setting.default, int):
                kind = {"metavar": "NUMBER"}
            elif isinstance(setting.default, tuple):
                kind = {"metavar": "ORIGIN,..."}
            text = (
                f"{setting.metadata['help']}  [{variable(setting.name)}; {_shown(setting.default)}]"
            )
            command = click.option(*declared, default=None, help=text, **kind)(command)
        return command

    return decorate


def _sentences(command: Callable[P, T]) -> Callable[P, T]:
    """Errors that have a sentence for their reader are printed as that, with exit code 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except BrokenPipeError:
            raise  # `quire list | head`: click ends quietly
        except OSError as error:
            told = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        except (CollabError, Damaged, ValueError) as error:
            told = str(error)
        raise click.ClickException(told.rstrip(".") + ".")

    return run


class _BadSetting(click.ClickException):
    """A sentence and nothing more; click's own UsageError prints the usage before it."""

    exit_code = 2


def _load(flags: dict[str, Any]) -> tuple[Settings, dict[str, str]]:
    try:
        return load(flags, os.environ, SETTINGS_FILE)
    except ValueError as error:
        raise _BadSetting(str(error)) from None


def _shown(value: object) -> str:
    """A setting's value as one would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) or "none" if isinstance(value, tuple) else str(value)


@main.command()
@_setting_options()
@click.option("--show-config", is_flag=True, help="Print the settings and their sources, and end.")
@_sentences
def serve(show_config: bool, **flags: Any) -> None:
    """Serve the page and the editors.

    Until SIGTERM or Ctrl-C: then what waits is written, and editors try elsewhere.

    A setting is taken from its option, else from its QUIRE_ variable, else from quire.toml in the
    current folder, else it has its default.

    \b
    quire serve
    quire serve --port 0 --store notes.db
    quire serve --host 0.0.0.0 --open --origins https://docs.example.org
    QUIRE_PORT=8080 quire serve --show-config
    """
    settings, sources = _load(flags)
    if show_config:
        for name, source in sources.items():
            click.echo(f"{name:14} {_shown(getattr(settings, name)):24} {source}")
        return
    if not settings.open and not is_loopback(settings.host):
        raise _BadSetting(
            f"{settings.host} can be reached from other machines, and there are no accounts: "
            "everybody could read and change everything. Say --open if that is what you want."
        )
    logs.set_up(settings.log)

    def listening(url: str) -> None:
        click.echo(f"Quire is at {url} (documents in {settings.store})")
        click.echo("It is open to everybody who can reach this address.")
        sys.stdout.flush()

    asyncio.run(serve_until_signal(settings, listening))


def _existing(path: str) -> Store:
    """A store that is there already: a command that reads makes none."""
    if not os.path.exists(path.removeprefix("sqlite:///")):
        raise FileNotFoundError(f"There is no store at {path}. --store says where it is.")
    return open_store(path)


def _run(work: Coroutine[Any, Any, T]) -> T:
    logs.set_up("human")
    return asyncio.run(work)


@main.command()
@_setting_options("store")
@_sentences
def verify(**flags: Any) -> None:
    """Check every checksum in the store.

    Reads everything and changes nothing. Prints what is wrong, a line
    each, and ends with exit code 1 then.

    \b
    quire verify
    quire verify --store /backup/quire.db
    """
    found, documents = _run(_verify(_load(flags)[0].store))
    if found:
        raise click.ClickException(
            f"{_count(found, 'problem')} in {_count(documents, 'document')}."
        )
    click.echo(f"Everything is as it was written: {_count(documents, 'document')}.")


async def _verify(path: str) -> tuple[int, int]:
    """Print the problems; how many there are, and how many documents."""
    async with _existing(path) as store:
        documents = [document async for document in _documents(store)]
        if sys.stderr.isatty():
            edits = sum(document.head for document in documents)
            click.echo(f"Checking {_count(edits, 'edit')} ...", err=True)
        found = 0
        async for problem in store.verify():
            found += 1
            where = f"document {problem.document!r}" if problem.document is not None else path
            edit = f", edit {problem.seq}" if problem.seq is not None else ""
            click.echo(f"{where}{edit}: {problem.reason}")
    return found, len(documents)


@main.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask before anything is changed.")
@_setting_options("store")
@_sentences
def repair(name: str, yes: bool, **flags: Any) -> None:
    """Make a damaged document NAME editable again.

    Puts the edits aside that cannot be read, and those that build on them. Nothing is thrown away,
    and editors that still have what was lost bring it back when they connect.

    \b
    quire repair notes
    """
    _run(_repair(_load(flags)[0].store, name, yes))


async def _repair(path: str, name: str, yes: bool) -> None:
    async with Hub(_existing(path)) as hub:
        losses = await find_losses(hub.store, hub.engine, name)
        for loss in losses:
            click.echo(f"edit {loss.seq}: {loss.reason}")
        if not losses:
            click.echo(f"Nothing keeps document {name!r} from being edited.")
            return
        if not yes:
            click.confirm(f"Put {_count(len(losses), 'edit')} aside?", abort=True, err=True)
        await mend(hub.store, name, losses)
        click.echo(f"Document {name!r} can be edited again.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _harmless(text: str, keep: str) -> str:
    """Without the control characters by which a document could play with a terminal."""
    return "".join(c if c.isprintable() or c in keep else "\N{REPLACEMENT CHARACTER}" for c in text)


async def _documents(store: Store) -> AsyncIterator[Document]:
    """All documents, page by page: those there are, then the deleted ones."""
    for deleted in (False, True):
        after = None
        while page := await store.documents(after=after, limit=_PAGE, deleted=deleted):
            after = page[-1].name
            for document in page:
                yield document


@main.command(name="list")
@_setting_options("store")
@_sentences
def list_(**flags: Any) -> None:
    """List the documents, newest first.

    A line each: when it was edited last (or made), the number of edits, name and title.

    \b
    quire list
    quire list --store /backup/quire.db
    """
    _run(_list(_load(flags)[0].store))


async def _list(path: str) -> None:
    async with _existing(path) as store:
        async for document in _documents(store):
            moment = time.localtime((document.edited or document.created) / 1000)
            edited = time.strftime("%Y-%m-%d %H:%M", moment)
            deleted = "  (deleted)" if document.deleted is not None else ""
            title = f"  {document.title}" if document.title else ""
            line = f"{edited}  {document.head:8}  {document.name}{title}{deleted}"
            click.echo(_harmless(line, keep=""))


@main.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Everything that is in it, as JSON.")
@_setting_options("store")
@_sentences
def show(name: str, as_json: bool, **flags: Any) -> None:
    """Print the text of document NAME.

    The store must not be served at the same time; a server gives the same at
    /api/documents/NAME/content.

    \b
    quire show notes
    quire show notes --json | jq .
    """
    content = _run(_show(_load(flags)[0].store, name, as_json))
    click.echo(_harmless(content, keep="\n\t") if sys.stdout.isatty() else content)


async def _show(path: str, name: str, as_json: bool) -> str:
    async with Hub(_existing(path)) as hub:
        state = (await hub.state(name)).encode()
        content: str = await hub.engine.run("json" if as_json else "text", state)
        return content
