"""The commands of `quire` that edit documents of a server from here: `client` and `mirror`.

pycrdt is loaded by the commands themselves, when they are called: the process of `quire serve`
imports this file, too.
"""

import asyncio
import contextlib
import getpass
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from collab.web.terminal import run, sentences

if TYPE_CHECKING:
    from collab.client import Client

TOKEN = "QUIRE_TOKEN"


def client_options(command: Callable[..., None]) -> Callable[..., None]:
    """How every such command reaches a document, and what it is called there."""
    for declared, metavar, default, text in (
        ("--name", "NAME", None, "What others see; yours on this machine, if the token has none."),
        ("--token-file", "FILE", None, f"File with a token, read anew when needed; or {TOKEN}."),
        ("--root", "ROOT", "content", "The text in the document."),
    ):
        options: dict[str, Any] = {"metavar": metavar, "default": default, "help": text}
        command = click.option(declared, show_default=default is not None, **options)(command)
    return command


def connector(url: str, token_file: str | None, name: str | None) -> "Callable[[str], Client]":
    """What makes a client for a document. ValueError when the URL is none, OSError when the file
    cannot be read."""
    from collab.client import Client
    from collab.client.server import address

    address(url, "")

    def token() -> str:
        if token_file is None:
            return os.environ.get(TOKEN, "")
        return Path(token_file).read_text().strip()

    token()
    user = {"name": name or _whoever()}
    return lambda document: Client(url, document, token=token, user=user)


def _whoever() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


@click.command()
@click.argument("url")
@click.argument("document")
@click.option("--listen", metavar="PATH", help="A socket for editors that start nothing.")
@client_options
@sentences
def client(url: str, document: str, **options: Any) -> None:
    """Co-edit DOCUMENT of the server at URL in Neovim, VS Code, Emacs, ...

    For editors with a plugin of Teamtype: they start this instead of `teamtype client` and talk to
    it over its standard input and output. If DOCUMENT ends in a slash, each file of the current
    folder, or of the nearest around it with a folder .quire or .teamtype, is a document: team/
    makes notes.md team/notes.md.

    With --listen, any number of editors connect to a Unix socket instead, until Ctrl-C.

    \b
    quire client http://localhost:4700 notes
    quire client https://quire.example.com team/ --token-file ~/.quire-token
    """
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        run(_bridge(url, document, **options))


async def _bridge(
    url: str, document: str, root: str, listen: str | None, **reach: str | None
) -> None:
    from collab.client import jsonrpc
    from collab.client.bridge import Bridge, marked

    connect = connector(url, **reach)
    folder = marked(Path.cwd())
    lost = False

    async def serve(editor: jsonrpc.Channel) -> None:
        nonlocal lost
        bridge = Bridge(document, root, folder, connect, editor.say, _warn)
        try:
            while (message := await editor.read()) is not None:
                bridge.receive(message)
        finally:
            await asyncio.shield(bridge.close())
            lost = lost or bridge.lost

    _end_well()
    try:
        if listen is None:
            await serve(await jsonrpc.stdio())
        else:
            await jsonrpc.listen(Path(listen), serve)
    finally:
        if lost:
            raise SystemExit(1)


def _warn(sentence: str) -> None:
    click.echo(sentence, err=True)


def _end_well() -> None:
    """SIGTERM, and the end of the terminal, are as good a goodbye as Ctrl-C."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    goodbyes = (signal.SIGTERM, signal.SIGHUP)

    def end() -> None:
        task.cancel()
        # Once is enough: another one while the loop closes would leave a complaint of Python's.
        for goodbye in goodbyes:
            loop.remove_signal_handler(goodbye)
            signal.signal(goodbye, signal.SIG_IGN)

    for goodbye in goodbyes:
        if signal.getsignal(goodbye) == signal.SIG_DFL:  # not under nohup
            loop.add_signal_handler(goodbye, end)


@click.command()
@click.argument("url")
@click.argument("document")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@client_options
@sentences
def mirror(url: str, document: str, file: Path, **options: Any) -> None:
    """Keep FILE and DOCUMENT of the server at URL equal, both ways.

    For any editor: save, and the others have it; what they write is in the file, merged. Until
    Ctrl-C. What is written meanwhile, here or there, is merged the next time: .FILE.quire beside
    FILE remembers what both last had in common. Texts are UTF-8.

    If only one of them has a text, the other gets it.

    \b
    quire mirror http://localhost:4700 notes notes.md
    quire mirror https://quire.example.com team/plan plan.md --token-file ~/.quire-token
    """
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        run(_mirror(url, document, file, **options))


async def _mirror(
    url: str, document: str, file: Path, root: str, token_file: str | None, name: str | None
) -> None:
    from collab.client.mirror import Mirror
    from collab.client.server import address

    connect = connector(url, token_file, name)
    mirrored = f"{root} of {address(url, document)}"
    _end_well()
    _warn(f"{file} mirrors {document}. Ctrl-C ends it.")
    await Mirror(connect(document), file, root, mirrored, _warn).run()


COMMANDS = (client, mirror)
