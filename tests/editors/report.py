"""The table as Markdown."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator

from .stories import FORMATS, STORIES
from .table import CLIENTS, EDITORS, HERE, Result


def markdown(results: Iterable[Result]) -> str:
    """One row an editor, one column a client: how many of their stories went well. What did not
    is said below."""
    told = defaultdict[tuple[str, str], list[Result]](list)
    for result in results:
        told[result.editor, result.client].append(result)
    editors = [editor for editor in EDITORS if any(editor == at for at, _ in told)]
    clients = [client for client in CLIENTS if any(client == at for _, at in told)]
    lines = [row("", map(client_title, clients)), "| --- |" + " --- |" * len(clients)]
    for editor in editors:
        cells = (score(told[editor, client]) for client in clients)
        lines.append(row(editor_title(editor), cells))
    failed = [result for cell in told.values() for result in cell if result.error]
    return "\n".join([*lines, "", *stories(), "", *map(complaint, failed)]).rstrip()


def row(first: str, cells: Iterable[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join([first, *cells])} |"


def score(results: list[Result]) -> str:
    """How many went well, of how many if not all did."""
    good = sum(not result.error for result in results)
    return f"{good}" if good == len(results) else f"**{good} of {len(results)}**"


def stories() -> Iterator[str]:
    """What they are: a second table."""
    yield row("story", ["what happens"])
    yield "| --- | --- |"
    for name, tell in STORIES.items():
        where = " (where an editor has any)" if name == FORMATS else ""
        yield row(name + where, [" ".join(str(tell.__doc__).split())])


def complaint(result: Result) -> str:
    """What went wrong."""
    where = f"{editor_title(result.editor)}, {client_title(result.client)}"
    return f"- {where}, {result.story}: {result.error}"


def editor_title(editor: str) -> str:
    """What it is called, with its binding."""
    title, package = EDITORS[editor]
    return f"{title} ({package} {version(package)})"


def client_title(client: str) -> str:
    """What it is called, with its version."""
    title, _, option = CLIENTS[client].partition(", ")
    package = client.removesuffix("-http").removesuffix("session")
    told = f"{title} {version('@y-sweet/client' if package == 'ysweet' else package)}"
    return told + (f", {option}" if option else "")


def version(package: str) -> str:
    """The one that is tried: of an alias, the one behind it."""
    told = json.loads((HERE / "package.json").read_text())
    return str({**told["dependencies"], **told["devDependencies"]}[package]).rpartition("@")[2]
