"""The commands of `quire` that drop something for good: they say so, and ask. Prints; what they do
is `collab.retention`'s. The store must not be served at the same time."""

import sys
from collections.abc import Iterable
from typing import Any

import click

from collab import Hub
from collab.errors import CollabError, NotFound
from collab.names import checked_key
from collab.retention import PERIODS, Policy
from collab.retention import erase as erase_document
from collab.retention import thin as thin_document
from collab.storage import Document
from collab.web.terminal import (
    count,
    documents,
    existing,
    harmless,
    load_settings,
    run,
    sentences,
    setting_options,
)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="All documents, deleted ones too.")
@click.option(
    "--keep", type=click.Choice(list(PERIODS)), required=True, help="Keep one moment in each."
)
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="Days in which everything is kept.",
)
@click.option("--yes", is_flag=True, help="Do not ask before anything is dropped.")
@setting_options("store")
@sentences
def thin(
    names: tuple[str, ...], every: bool, keep: str, days: int, yes: bool, **flags: Any
) -> None:
    """Drop most moments of the past of documents.

    Of what is old, one moment an hour or a day is kept, and every moment that has a name. What was
    written and deleted again between two of them is gone for good; who wrote what of all the rest
    stays known. `quire serve --thin day` does that by itself.

    \b
    quire thin notes --keep day
    quire thin --all --keep hour --older-than 7
    """
    if bool(names) == every:
        raise click.UsageError("Say which documents to thin, or --all.")
    run(_thin(load_settings(flags)[0].store, None if every else names, Policy.of(keep, days), yes))


async def _thin(path: str, names: Iterable[str] | None, policy: Policy, yes: bool) -> None:
    async with Hub(existing(path)) as hub:
        if names is None:
            names = [document.name async for document in documents(hub.store)]
        names = [(await _existing(hub, name)).name for name in names]
        if not yes:
            question = f"Drop moments of {count(len(names), 'document')} for good?"
            click.confirm(question, abort=True, err=True)
        with click.progressbar(names, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
            failed = 0
            for name in bar:
                try:
                    _, gone = await thin_document(hub, name, policy)
                    click.echo(f"{harmless(name)}: {count(gone, 'edit')} fewer")
                except CollabError as error:
                    failed += 1
                    click.echo(f"{harmless(name)}: {error}", err=True)
        await hub.store.compact()
        if failed:
            raise click.ClickException(f"{count(failed, 'document')} could not be thinned.")


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask before it is dropped.")
@setting_options("store")
@sentences
def erase(name: str, yes: bool, **flags: Any) -> None:
    """Drop document NAME for good.

    Its text, its past, its title and its named moments go, and nothing brings them back. The name
    stays taken: an editor somewhere that still has a copy would bring all of it back otherwise.

    \b
    quire erase notes
    """
    run(_erase(load_settings(flags)[0].store, name, yes))


async def _erase(path: str, name: str, yes: bool) -> None:
    async with Hub(existing(path)) as hub:
        document = await _existing(hub, name)
        if not yes:
            click.confirm(f"Drop {_described(document)} for good?", abort=True, err=True)
        await erase_document(hub, name)
        await hub.store.compact()  # so that nothing of it is left in unused parts of the file
        click.echo(f"Document {name!r} is gone for good.")


async def _existing(hub: Hub, name: str) -> Document:
    document = await hub.store.find(checked_key(name))
    if document is None or document.erased:
        raise NotFound(f"There is no document {name!r}.")
    return document


def _described(document: Document) -> str:
    title = f" “{harmless(document.title)}”" if document.title else ""
    return f"document {document.name!r}{title} with {count(document.head, 'edit')}"


COMMANDS = (thin, erase)
