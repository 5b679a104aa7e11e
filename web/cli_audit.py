"""The command of `quire` that tells who did what. Prints; what it tells is in the store, which must
not be served at the same time: a server tells the same at /api/audit."""

import json
import time
from typing import Any

import click

from collab.audit import ACTIONS
from collab.storage import AuditLine
from collab.web.audit import moment
from collab.web.terminal import existing, harmless, load_settings, run, sentences, setting_options


@click.command()
@click.option("--document", help="Only what was done to this document.")
@click.option("--user", help="Only what this user did.")
@click.option("--action", type=click.Choice(ACTIONS), help="Only this.")
@click.option("--since", help="Only from a time on, as in 2026-11-23T18:10; UTC if not said.")
@click.option("--limit", default=100, show_default=True, help="So many lines, the newest ones.")
@click.option("--json", "as_json", is_flag=True, help="JSON, a line each, times in ms since 1970.")
@setting_options("store")
@sentences
def audit(since: str | None, as_json: bool, **options: Any) -> None:
    """Print who did what to which document.

    Newest first: time, action, document, user, address, and how often where it was more than once
    within a minute. Nothing takes a line away, not even erasing the document.

    \b
    quire audit --document notes
    quire audit --action refuse --since 2026-11-23
    quire audit --user ann --json | jq .
    """
    path = load_settings({"store": options.pop("store")})[0].store
    wanted = {**options, "since": moment(since) if since is not None else None}
    for line in run(_lines(path, wanted)):
        click.echo(json.dumps(line._asdict(), ensure_ascii=False) if as_json else _shown(line))


async def _lines(path: str, wanted: dict[str, Any]) -> list[AuditLine]:
    async with existing(path) as store:
        return await store.audit(**wanted)


def _shown(line: AuditLine) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(line.time / 1000))
    often = f"{line.times} times" if line.times > 1 else ""
    by = line.user or "somebody"
    parts = [when, f"{line.action:10}", line.document or "-", by, line.address, line.detail, often]
    return harmless("  ".join(part for part in parts if part))


COMMANDS = (audit,)
