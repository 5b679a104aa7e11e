"""How TiptapCollabProvider spells what it asks about versions: texts beside the document. Pure.

    {"action": "version.create", "name": "Draft"}                             CreateVersion
    {"action": "version.preview", "version": 225}                             PreviewVersion
    {"action": "document.revert", "version": 225,
     "currentVersionName": "Before", "newVersionName": false}                 Revert

    server: {"event": "version.created", "version": 225}
            {"event": "version.preview", "version": 225, "ydoc": "base64 of an update (v1)"}
            {"event": "document.reverted", "version": 225}
            {"event": "error", "action": "document.revert", "status": 403, "message": "..."}

Read in @hocuspocus/provider 2.15.3; its own servers have no word for what went wrong, and their
clients pass by what they do not know. A version is a number: here that of an edit, as everywhere.
The list of versions is no message: it is in the document, in roots that the provider names.
"""

import base64
import json
from typing import Any, NamedTuple

from collab.errors import CollabError, ProtocolError

ROOTS = "__tiptapcollab__"
"""What the names of roots begin with that are the provider's: they are not what people write."""
LIST, CONFIG = ROOTS + "versions", ROOTS + "config"
MOST = 1_000  # versions in the list: the last ones
AUTO = "autoVersioning"
"""A key of the settings: whether there are versions that nobody asks for."""


class CreateVersion(NamedTuple):
    """Name the document as it is now; "" for any name."""

    name: str


class PreviewVersion(NamedTuple):
    """Show the document as it was."""

    version: int


class Revert(NamedTuple):
    """Bring the document back to how it was. How to name what it was `before` that, unless it has
    a name, and what it is `after` that: "" for any name, None for none."""

    version: int
    before: str | None
    after: str | None


Message = CreateVersion | PreviewVersion | Revert

ACTIONS: dict[type[Message], str] = {
    CreateVersion: "version.create",
    PreviewVersion: "version.preview",
    Revert: "document.revert",
}


def read(text: str) -> Message:
    """What is asked. ProtocolError when it is nothing of these, or malformed."""
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("A stateless message is an action, in JSON.") from None
    match asked:
        case {"action": "version.create"}:
            return CreateVersion(_name(asked, "name") or "")
        case {"action": "version.preview"}:
            return PreviewVersion(_version(asked))
        case {"action": "document.revert"}:
            names = _name(asked, "currentVersionName"), _name(asked, "newVersionName")
            return Revert(_version(asked), *names)
    raise ProtocolError(f"The actions that are known are {', '.join(ACTIONS.values())}.")


def listed(roots: dict[str, Any]) -> tuple[bool, list[tuple[int, float]]]:
    """Of what the provider keeps in a document: whether AUTO is switched on, and the versions and
    dates in the list that have no name. Anybody may write anything there."""
    config, entries = roots.get(CONFIG), roots.get(LIST)
    auto = isinstance(config, dict) and bool(config.get(AUTO))
    found = map(_unnamed, entries if isinstance(entries, list) else [])
    return auto, [one for one in found if one is not None][-MOST:]


def created(version: int) -> str:
    """There is a version."""
    return json.dumps({"event": "version.created", "version": version})


def preview(version: int, update: bytes) -> str:
    """The document as it was, as a Yjs update (v1)."""
    ydoc = base64.b64encode(update).decode()
    return json.dumps({"event": "version.preview", "version": version, "ydoc": ydoc})


def reverted(version: int) -> str:
    """The document is as it was."""
    return json.dumps({"event": "document.reverted", "version": version})


def failed(action: str, error: CollabError) -> str:
    """It was not done; the action is "" where none was understood."""
    return json.dumps(
        {"event": "error", "action": action, "status": error.http_status, "message": str(error)}
    )


def _unnamed(entry: object) -> tuple[int, float] | None:
    match entry:
        case {"name": _}:
            pass
        case {"version": int() | float() as version, "date": int() | float() as date}:
            if 0 < version < 1 << 53 and 0 <= date < 1 << 53 and version == int(version):
                return int(version), date
    return None


def _version(asked: dict[str, Any]) -> int:
    match asked.get("version"):
        case bool():
            pass
        case int(number) if 0 <= number < 1 << 53:
            return number
        case str(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16:
            return int(digits)
    raise ProtocolError("A version is the number of an edit.")


def _name(asked: dict[str, Any], field: str) -> str | None:
    match asked.get(field):
        case None:
            return ""
        case False:
            return None
        case str(name):
            return name.strip()
    raise ProtocolError("The name of a version is text.")
