"""The `quire` command. Reads options, prints sentences; what it does is done elsewhere.

Exit codes: 0 it worked, 1 it did not (or `verify` found damage), 2 the command line or a setting
is wrong. What goes wrong is one sentence on stderr, never a traceback.
"""

import asyncio
import sys
import time
from operator import attrgetter
from typing import Any

import click

from collab import Hub
from collab.names import checked_key
from collab.repair import find_losses, mend
from collab.web import cli_audit, cli_client, cli_history, cli_retention, cli_tokens, logs
from collab.web.server import serve as serve_until_signal
from collab.web.settings import is_loopback
from collab.web.terminal import (
    BadSetting,
    count,
    documents,
    existing,
    harmless,
    load_settings,
    run,
    sentences,
    setting_options,
    shown,
)


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
    quire log NAME                  who edited it, and when
    quire diff NAME EARLIER LATER   what changed between two moments
    quire restore NAME MOMENT       bring it back to how it was
    quire name NAME VERSION         give a moment a name
    quire thin NAME --keep day      drop most moments of its past
    quire erase NAME                drop all of it, for good
    quire audit                     who did what to which document
    quire client URL DOCUMENT       edit it in Neovim, VS Code, Emacs, ...
    quire mirror URL DOCUMENT FILE  keep a file and it equal, for any other editor
    """


for _command in (
    *cli_audit.COMMANDS,
    *cli_client.COMMANDS,
    *cli_history.COMMANDS,
    *cli_retention.COMMANDS,
    *cli_tokens.COMMANDS,
):
    main.add_command(_command)


@main.command()
@setting_options()
@click.option("--show-config", is_flag=True, help="Print the settings and their sources, and end.")
@sentences
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
    settings, sources = load_settings(flags)
    if show_config:
        for name, source in sources.items():
            click.echo(f"{name:30} {shown(attrgetter(name)(settings)):24} {source}")
        return
    if not settings.keys and not settings.open and not is_loopback(settings.host):
        raise BadSetting(
            f"{settings.host} can be reached from other machines, and there are no users: "
            "everybody could read and change everything. `quire token key --keys FILE` makes a key "
            "for --keys FILE; or say --open if that is what you want."
        )
    logs.set_up(settings.log)

    def listening(url: str) -> None:
        click.echo(f"Quire is at {url} (documents in {settings.store})")
        if settings.keys:
            click.echo(f"Who has a token gets in: `quire token new --keys {settings.keys}`.")
        else:
            click.echo("It is open to everybody who can reach this address.")
        sys.stdout.flush()

    asyncio.run(serve_until_signal(settings, listening))


@main.command()
@setting_options("store")
@sentences
def verify(**flags: Any) -> None:
    """Check every checksum in the store.

    Reads everything and changes nothing. Prints what is wrong, a line
    each, and ends with exit code 1 then.

    \b
    quire verify
    quire verify --store /backup/quire.db
    """
    found, read = run(_verify(load_settings(flags)[0].store))
    if found:
        raise click.ClickException(f"{count(found, 'problem')} in {count(read, 'document')}.")
    click.echo(f"Everything is as it was written: {count(read, 'document')}.")


async def _verify(path: str) -> tuple[int, int]:
    """Print the problems; how many there are, and how many documents."""
    async with existing(path) as store:
        listed = [document async for document in documents(store)]
        if sys.stderr.isatty():
            edits = sum(document.head for document in listed)
            click.echo(f"Checking {count(edits, 'edit')} ...", err=True)
        found = 0
        async for problem in store.verify():
            found += 1
            where = f"document {problem.document!r}" if problem.document is not None else path
            edit = f", edit {problem.seq}" if problem.seq is not None else ""
            click.echo(f"{where}{edit}: {problem.reason}")
    return found, len(listed)


@main.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask before anything is changed.")
@setting_options("store")
@sentences
def repair(name: str, yes: bool, **flags: Any) -> None:
    """Make a damaged document NAME editable again.

    Puts the edits aside that cannot be read, and those that build on them. Nothing is thrown away,
    and editors that still have what was lost bring it back when they connect.

    \b
    quire repair notes
    """
    run(_repair(load_settings(flags)[0].store, name, yes))


async def _repair(path: str, name: str, yes: bool) -> None:
    name = checked_key(name)
    async with Hub(existing(path)) as hub:
        losses = await find_losses(hub.store, hub.engine, name)
        for first, last, reason in losses:
            click.echo(f"edit{f' {first}' if first == last else f's {first} to {last}'}: {reason}")
        if not losses:
            click.echo(f"Nothing keeps document {name!r} from being edited.")
            return
        edits = count(sum(loss.last - loss.first + 1 for loss in losses), "edit")
        if not yes:
            click.confirm(f"Put {edits} aside?", abort=True, err=True)
        await mend(hub.store, name, losses)
        detail = f"{edits} put aside"
        hub.audit.note("repair", document=name, detail=detail, now=time.time())
        click.echo(f"Document {name!r} can be edited again.")


@main.command(name="list")
@setting_options("store")
@sentences
def list_(**flags: Any) -> None:
    """List the documents, newest first.

    A line each: when it was edited last (or made), the number of edits, name and title.

    \b
    quire list
    quire list --store /backup/quire.db
    """
    run(_list(load_settings(flags)[0].store))


async def _list(path: str) -> None:
    async with existing(path) as store:
        async for document in documents(store):
            moment = time.localtime((document.edited or document.created) / 1000)
            edited = time.strftime("%Y-%m-%d %H:%M", moment)
            deleted = "  (deleted)" if document.deleted is not None else ""
            title = f"  {document.title}" if document.title else ""
            line = f"{edited}  {document.head:8}  {document.name}{title}{deleted}"
            click.echo(harmless(line, keep=""))


@main.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Everything that is in it, as JSON.")
@click.option("--at", "moment", help="As it was: an edit's number, @version, or a time.")
@setting_options("store")
@sentences
def show(name: str, as_json: bool, moment: str | None, **flags: Any) -> None:
    """Print the text of document NAME.

    The store must not be served at the same time; a server gives the same at
    /api/documents/NAME/content.

    \b
    quire show notes
    quire show notes --json | jq .
    quire show notes --at 2026-11-23T18:10
    """
    content = run(_show(load_settings(flags)[0].store, name, as_json, moment))
    click.echo(harmless(content, keep="\n\t") if sys.stdout.isatty() else content)


async def _show(path: str, name: str, as_json: bool, moment: str | None) -> str:
    async with Hub(existing(path)) as hub:
        if moment is not None:
            history = hub.history(name)
            seq = await history.find(moment)
            return (await history.content(seq)).decode() if as_json else await history.text(seq)
        state = (await hub.state(name)).encode()
        if as_json:
            return bytes(await hub.engine.run("json", state)).decode()
        return str(await hub.engine.run("text", state))
