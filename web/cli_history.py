"""The commands of `quire` that look into the past of a document. Prints; what it tells is
`collab.history`'s. The store must not be served at the same time: a server tells the same at
/api/documents/NAME/history."""

import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import click

from collab import Hub
from collab.history import History
from collab.storage import Stretch, Version
from collab.web.terminal import (
    count,
    existing,
    harmless,
    load_settings,
    run,
    sentences,
    setting_options,
)

T = TypeVar("T")

MARKS = {"inserted": ("{+", "+}", "green"), "deleted": ("[-", "-]", "red")}
"""As `git diff --word-diff` writes them, and their colours on a terminal."""


def _ask(flags: dict[str, Any], name: str, question: Callable[[History], Awaitable[T]]) -> T:
    async def ask() -> T:
        async with Hub(existing(load_settings(flags)[0].store)) as hub:
            return await question(hub.history(name))

    return run(ask())


@click.command()
@click.argument("name")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="So many entries, the newest ones.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, times in ms since the epoch.")
@setting_options("store")
@sentences
def log(name: str, limit: int, as_json: bool, **flags: Any) -> None:
    """Print who edited document NAME, and when.

    Newest first: a line for each stretch of edits of one author without a long pause, and one for
    each named version.

    \b
    quire log notes
    quire log notes --json | jq .
    """

    async def question(history: History) -> tuple[list[Stretch], list[Version]]:
        return await history.stretches(limit=limit), await history.versions()

    stretches, versions = _ask(flags, name, question)
    if as_json:
        shown = {
            "stretches": [stretch._asdict() for stretch in stretches],
            "versions": [version._asdict() for version in versions],
        }
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    for line in _lines(stretches, versions):
        click.echo(harmless(line))


def _lines(stretches: list[Stretch], versions: list[Version]) -> Iterator[str]:
    waiting = sorted(versions, key=lambda version: version.seq)
    for stretch in stretches:
        while waiting and waiting[-1].seq >= stretch.first:
            version = waiting.pop()
            yield f"{_moment(version.time)}  @{version.name}  (edit {version.seq})"
        edits = count(stretch.last - stretch.first + 1, "edit")
        who = stretch.author or "somebody"
        yield f"{_moment(stretch.began)}  {stretch.first}..{stretch.last}  {who}  {edits}"


def _moment(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(milliseconds / 1000))


@click.command()
@click.argument("name")
@click.argument("earlier")
@click.argument("later", required=False)
@click.option("--json", "as_json", is_flag=True, help="Every run, by whom and when, as JSON.")
@setting_options("store")
@sentences
def diff(name: str, earlier: str, later: str | None, as_json: bool, **flags: Any) -> None:
    """Print what changed in document NAME.

    From one moment to a LATER one, or to now. A moment is the number of an edit, @ and the name of
    a version, or a time.

    \b
    quire diff notes 200 225
    quire diff notes @Draft
    quire diff notes 2026-11-23T18:10
    """

    async def question(history: History) -> bytes:
        after = await history.find(later) if later is not None else await history.head()
        return await history.difference(await history.find(earlier), after)

    data = _ask(flags, name, question)
    if as_json:
        click.echo(data.decode())
        return
    roots = json.loads(data)["roots"]
    for root, part in roots.items():
        if len(roots) > 1:
            click.echo(harmless(f"{root}:"))
        click.echo("".join(_marked(part)).rstrip("\n"))


def _marked(part: dict[str, Any], state: str = "kept") -> Iterator[str]:
    """What is in a shared type, with marks around what came and went."""
    for run_ in part["runs"]:
        fate = run_["state"] if state == "kept" else "kept"  # marked once, at the outermost
        text = "".join(_words(run_, run_["state"] if state == "kept" else state))
        yield _mark(text, fate)
    for key, runs in part["entries"].items():
        if any(run_["state"] != "kept" for run_ in runs) or part["kind"] == "map":
            values = [_mark("".join(_words(run_, "kept")), run_["state"]) for run_ in runs]
            yield f"\n{harmless(key)}: {' '.join(values)}"
    if part["kind"] in ("element", "map"):
        yield "\n"


def _words(run_: dict[str, Any], state: str) -> Iterator[str]:
    if isinstance(run_["value"], str):
        yield harmless(run_["value"], keep="\n\t")
        return
    for value in run_["value"]:
        if isinstance(value, dict) and value.keys() == {"part"}:
            yield from _marked(value["part"], state)
        else:
            yield harmless(json.dumps(value, ensure_ascii=False)) + " "


def _mark(text: str, state: str) -> str:
    if state == "kept" or not text.strip("\n"):
        return text
    before, after, colour = MARKS[state]
    body = text.rstrip("\n")
    return click.style(f"{before}{body}{after}", fg=colour) + text[len(body) :]


@click.command()
@click.argument("name")
@click.argument("moment")
@click.option("--author", default="", help="Who is written down as the author of the edit.")
@click.option("--json", "as_json", is_flag=True, help="What came of it, as JSON.")
@setting_options("store")
@sentences
def restore(name: str, moment: str, author: str, as_json: bool, **flags: Any) -> None:
    """Bring document NAME back to how it was.

    That is one more edit: nothing is lost, and it can be taken back by restoring the edit before.

    \b
    quire restore notes 200
    quire restore notes @Draft
    """

    async def carry_out() -> tuple[int, int, bool]:
        async with Hub(existing(load_settings(flags)[0].store)) as hub:
            history = hub.history(name)
            before, seq = await history.head(), await history.find(moment)
            done = await history.restore(seq, author)
            detail = f"to edit {seq}"
            hub.audit.note("restore", document=history.name, detail=detail, now=time.time())
            return before, *done

    before, head, changed = run(carry_out())
    if as_json:
        click.echo(json.dumps({"before": before, "seq": head, "changed": changed}))
        return
    if not changed:
        click.echo(f"Document {name!r} is as it was then: nothing had to be changed.")
        return
    click.echo(f"Edit {head} brings it back. To undo that: quire restore {name} {before}")


@click.command(name="name")
@click.argument("name")
@click.argument("version")
@click.option("--at", "moment", help="The moment, unless it is the present one.")
@click.option("--author", default="", help="Who is written down as having named it.")
@click.option("--json", "as_json", is_flag=True, help="The version, as JSON.")
@setting_options("store")
@sentences
def name_(
    name: str, version: str, moment: str | None, author: str, as_json: bool, **flags: Any
) -> None:
    """Give a moment of document NAME a name.

    From then on @VERSION means that moment.

    \b
    quire name notes Draft
    quire name notes "Before the meeting" --at 2026-11-23T18:10
    """

    async def question(history: History) -> Version:
        seq = await history.find(moment) if moment is not None else await history.head()
        return await history.name_version(version, seq, author)

    named = _ask(flags, name, question)
    if as_json:
        click.echo(json.dumps(named._asdict(), ensure_ascii=False))
        return
    click.echo(f"@{named.name} is edit {named.seq} of document {name!r}.")


COMMANDS = (log, diff, restore, name_)
