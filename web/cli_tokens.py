"""The commands of `quire` that make keys and tokens. Knows the file that the keys are in."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import normalize

import click

from collab import Hub
from collab.access import Level
from collab.names import in_tenant
from collab.storage import Token
from collab.web.keys import add_key, load_tokens
from collab.web.terminal import (
    BadSetting,
    count,
    existing,
    load_settings,
    run,
    sentences,
    setting_options,
)

DAY = 24 * 3600


@click.group()
def token() -> None:
    """Make and revoke tokens, which let people and programs in.

    \b
    quire token key --keys quire.keys             make a key: now there are users
    quire token new ann --name Ann --write '*'    let Ann edit everything
    quire token revoke ID                         nobody gets in by that token any more
    """


@token.command()
@setting_options("keys")
@sentences
def key(**flags: Any) -> None:
    """Make a key and put it before those that there are.

    It signs from now on; the older ones go on to verify until their lines are taken out of the
    file. A server reads the file again on SIGHUP.

    \b
    quire token key --keys quire.keys
    """
    path = Path(_path(flags))
    keys = add_key(path)
    click.echo(f"{path} has {count(keys, 'key')}; the first one signs.")


@token.command()
@click.argument("user")
@click.option("--name", default="", help="What others see; without it the user chooses.")
@click.option("--color", default="", help="Theirs in the page, such as #c2410c.")
@click.option("--tenant", default="", help="Whose documents these are.")
@click.option("--read", multiple=True, metavar="PATTERN", help="Documents to read; * is any text.")
@click.option("--comment", multiple=True, metavar="PATTERN", help="And to name moments of.")
@click.option("--write", multiple=True, metavar="PATTERN", help="And to edit.")
@click.option("--admin", multiple=True, metavar="PATTERN", help="And to delete and share.")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3650))
@setting_options("keys")
@sentences
def new(user: str, days: int, keys: str | None, **options: Any) -> None:
    """Print a token for USER, an id of yours that stays the same.

    A program sends it as a bearer token or as ?token=; a person opens the page once at
    /#token=TOKEN. Whoever has it gets in: send it by a safe way.

    \b
    quire token new ann --name Ann --write 'team/*' --read '*'
    quire token new backup-robot --read '*' --days 365
    """
    texts = {name: options.pop(name) for name in ("name", "color")}
    texts["tenant"] = normalize("NFC", options.pop("tenant"))  # however the terminal spells it
    rights = dict(_rights(options))
    if not rights:
        raise BadSetting("Say what the token allows: --read, --comment, --write or --admin.")
    made, identity = load_tokens(_path({"keys": keys})).issue(
        user, rights, int(time.time()) + days * DAY, **texts
    )
    click.echo(made)
    click.echo(f"id {identity}, for {count(days, 'day')}", err=True)


@token.command()
@click.argument("identity", metavar="ID")
@click.option("--tenant", default="", help="The token's tenant.")
@setting_options("store")
@sentences
def revoke(identity: str, tenant: str, **flags: Any) -> None:
    """Let nobody in by the token with this ID any more.

    The store must not be served at the same time; a server takes DELETE /api/tokens/ID.

    \b
    quire token revoke 3q2-7wX0aB
    """
    run(_revoke(load_settings(flags)[0].store, normalize("NFC", tenant), identity))
    click.echo("Revoked.")


async def _revoke(path: str, tenant: str, identity: str) -> None:
    now = int(time.time() * 1000)
    known, until = in_tenant(tenant, identity), now + 3650 * DAY * 1000
    async with Hub(existing(path)) as hub:
        await hub.door.limit(Token(known, "", 0, "", "", now, until), hub.rooms.values())
        where, detail = in_tenant(tenant, ""), f"token {identity}"
        hub.audit.note("revoke", document=where, detail=detail, now=time.time())


def _path(flags: dict[str, Any]) -> str:
    path = load_settings(flags)[0].keys
    if not path:
        raise BadSetting("Say with --keys or QUIRE_KEYS which file has the keys.")
    return path


def _rights(options: dict[str, Any]) -> Iterator[tuple[str, Level]]:
    for level in (Level.READ, Level.COMMENT, Level.WRITE, Level.ADMIN):
        for pattern in options[level.name.lower()]:
            yield pattern, level


COMMANDS = (token,)
