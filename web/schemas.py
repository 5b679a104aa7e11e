"""The shapes of what the HTTP API is sent and what it answers, and who checks what is sent.

Each is JSON Schema, and stands here only: handlers check by it (`ApiHandler.body`, `query`) and the
API's description shows it (`collab.web.openapi`). Plain data: knows no Tornado and no hub.
"""

import re
from typing import Any

from collab.audit import ACTIONS
from collab.errors import ProtocolError

Schema = dict[str, Any]
Fields = dict[str, Schema]

_HALF = re.compile(r"[\ud800-\udfff]")
LARGEST = 999_999_999_999_999  # of a number that is an edit's; JavaScript knows it exactly, too


def text(does: str, most: int | None = None, **more: Any) -> Schema:
    """A string; `most` characters of it."""
    return {"type": "string", "description": does} | ({"maxLength": most} if most else {}) | more


def number(does: str, least: int = 0, most: int = LARGEST, **more: Any) -> Schema:
    return {"type": "integer", "description": does, "minimum": least, "maximum": most} | more


def choice(does: str, *words: str) -> Schema:
    return {"type": "string", "description": does, "enum": list(words)}


def listed(schema: Schema, does: str) -> Schema:
    return {"type": "array", "description": does, "items": schema}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return schema | {"type": [schema["type"], "null"]}


def thing(*optional: str, **fields: Schema) -> Schema:
    """An object with these fields and no others."""
    needed = [name for name in fields if name not in optional]
    shape: Schema = {"type": "object", "properties": fields, "additionalProperties": False}
    return shape | ({"required": needed} if needed else {})


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


# What is sent. White space counts as one space each, so that a title may come with any of it.
_VISIBLE = r"^[^\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f]*$"
KINDS = ("", "rich", "text", "markdown", "code")
TITLE = text("What people call it.", 200, pattern=_VISIBLE)
KIND = choice("Which editor opens it.", *KINDS)
NAME = text("How a document is called in addresses: at most 255 bytes that people can see.", 255)
VERSION = text("The name of a moment: printable characters, without two dots in a row.", 200)
AUTHOR = text("Who does it: printable characters.", 200, default="")
MOMENT = text("The number of an edit, @ and the name of a version, or a time (ISO 8601).")
SEQ = number("The number of an edit.", 1)
LIMIT = number("How many, at most.", 1, 500, default=50)

_CONNECTION = text("The id of the connection.", 100)
_AFTER = number("The last frame that has come.")
HEARING: Fields = {
    "Quire-Connection": _CONNECTION,
    "Quire-After": _AFTER,
    "Quire-Mode": choice(
        "An answer for all that comes, for what there is, or at once.", "stream", "poll", "glance"
    ),
}
LEAVING: Fields = {
    "Quire-Connection": _CONNECTION,
    "Quire-Leave": choice("Whether the editor comes back in a moment.", "back", "gone"),
}
SAYING: Fields = {
    **LEAVING,  # with the last batch
    "Quire-Number": number("Of this batch of frames, from 1 on.", 1),
    "Quire-After": _AFTER,
}

NEW_DOCUMENT = thing("title", "kind", "name", title=TITLE, kind=KIND, name=NAME)
DOCUMENT_CHANGES = thing("title", "kind", title=TITLE, kind=KIND)
RESTORE = thing("author", to=MOMENT, author=AUTHOR)
UNDO = thing(
    *("last", "by", "author"),
    first=SEQ,
    last=number("The last of the range; else it is the first.", 1),
    by=text("Whose edits; else everybody's."),
    author=AUTHOR,
)
NEW_VERSION = thing("at", "author", name=VERSION, at=MOMENT, author=AUTHOR)
NEW_NAME = thing(name=VERSION)
RUN = text("Of an agent: one of its runs, which stands behind its name.", 100, default="")
EDITS = thing(
    *("author", "run", "seed"),
    edits={
        **listed({"type": "object"}, "What is to be done, all of it or none: see the README."),
        "minItems": 1,
        "maxItems": 1000,
    },
    author=AUTHOR,
    run=RUN,
    seed={
        "type": "boolean",
        "description": "Only where nothing was ever written; of several at once one does.",
        "default": False,
    },
)
WHO: Fields = {"author": AUTHOR, "run": RUN}

LIST: Fields = {
    "search": text("Words of the title or the name.", default=""),
    "after": text("The name of the document after which to go on: `next` of the page before."),
    "limit": LIMIT,
    "deleted": choice("1 or true: those that were deleted instead.", "", "0", "1", "false", "true"),
}
TIMELINE: Fields = {"before": number("Edits below this one, to go on with."), "limit": LIMIT}
ROWS: Fields = {
    "first": number("The first edit.", 1, default=1),
    "last": number("The last one, of 1,000 at most; else it is the first.", 1),
}
SIGN_IN = thing(token=text("A token that counts here."))
NEW_LINK = thing(
    *("level", "days", "label"),
    level=choice("What it allows.", "read", "comment", "write") | {"default": "read"},
    days=number("How long.", 1, 3650, default=30),
    label=text("For whom it is: printable characters.", 100, default=""),
)
SESSION: Fields = {"document": text("With which document; else at all.", default="")}
AUDIT: Fields = {
    "document": text("Of this document alone."),
    "user": text("Of this user alone."),
    "action": choice("Of this action alone.", *ACTIONS),
    "since": text("Not before this time: ISO 8601, or milliseconds since 1970."),
    "before": number("Lines below this id: `next` of the page before."),
    "limit": LIMIT | {"default": 100},
}

# What is answered.
_TIME = number("Milliseconds since 1970.", -LARGEST)
HEAD = number("The number of the last edit; 0 before the first one.")
NEXT = maybe(number("What to ask for `before` to go on; null at the end."))
_WHO = text("Who it was; empty if nobody said.")
ROOTS = {"type": "object", "description": "Every root of the document, as plain JSON."}
_FORMATS = {"type": ["object", "null"], "description": "Formats; null where it was not there."}
_RUNS = listed(ref("Run"), "What became of it, in order.")

SCHEMAS: Fields = {
    "Document": thing(
        name=NAME,
        title=text("What people call it."),
        kind=text("Which editor opens it."),
        created=_TIME,
        edited=maybe(_TIME),
        head=HEAD,
        deleted=maybe(_TIME),
        erased={"type": "boolean", "description": "Nothing of it is left but its name."},
        level=choice("What one may do with it.", "read", "comment", "write", "admin"),
        editors=listed(ref("Editor"), "Who is in it now."),
    ),
    "Editor": thing(
        name=text("What they call themselves."), color={"description": "As their editor tells it."}
    ),
    "Stretch": thing(first=SEQ, last=SEQ, author=_WHO, began=_TIME, ended=_TIME),
    "Row": thing(seq=SEQ, time=_TIME, author=_WHO),
    "Version": thing(name=VERSION, seq=SEQ, author=_WHO, time=_TIME),
    "Moment": thing(seq=HEAD, time=maybe(_TIME), author=_WHO, content=ROOTS),
    "Difference": thing(
        **{"from": HEAD, "to": HEAD},
        stretches=listed(ref("Stretch"), "Those that a run names by its place here."),
        roots={"type": "object", "additionalProperties": ref("Part")},
    ),
    "Part": thing(
        "tag",
        kind=text("Which shared type."),
        tag=text("The name of an element."),
        runs=_RUNS,
        entries={"type": "object", "additionalProperties": _RUNS},
    ),
    "Run": thing(
        *("by", "first", "last"),
        state=choice("Whether it is at both moments, or at one.", "kept", "inserted", "deleted"),
        value={"type": ["string", "array"], "description": "Text, or values; `part` is a type."},
        by=number("Which of the stretches did it."),
        first=number("The first of the edits that did it."),
        last=number("The last one."),
        before=_FORMATS,
        after=_FORMATS,
    ),
    "AuditLine": thing(
        time=_TIME,
        document=text("Empty if it was done to none."),
        user=_WHO,
        address=text("From where; empty for the command line."),
        action=choice("What.", *ACTIONS),
        detail=text("More of it, for people."),
        times=number("How often within the time that one line stands for.", 1),
        id=number("It grows from line to line."),
    ),
    "Session": thing(
        user=maybe(text("The id of the user; null for nobody in particular.")),
        name=text("As others are shown it."),
        color=text("As CSS writes it."),
        tenant=text("Whose documents these are."),
        level=choice("What one may do.", "none", "read", "comment", "write", "admin"),
        users={"type": "boolean", "description": "Whether there are users at all."},
    ),
    "Link": thing(
        "path",
        id=text("By which it is taken back."),
        level=text("What it allows."),
        label=text("For whom it is."),
        author=text("Who gave it out."),
        created=_TIME,
        expires=_TIME,
        path=text("Where it leads; told once, when it is made."),
    ),
    "Done": thing(
        seq=HEAD, changed={"type": "boolean", "description": "Whether there was anything to do."}
    ),
    "Status": thing(
        "documents",
        "editors",
        version=text("Quire's."),
        saving={"type": "boolean", "description": "Whether edits come to disk."},
        documents=number("Documents that are open; not told where tokens count."),
        editors=number("Connections to them; not told where tokens count."),
    ),
    "Error": thing(
        error=thing(
            status=number("The HTTP status again.", 400, 599),
            code=text("The same as a word, for programs."),
            message=text("What was wrong and what to do, for people."),
        )
    ),
}


def check_body(shape: Schema, body: Any) -> dict[str, Any]:
    """`body` with its defaults, if it is an object of that shape, which `thing` made; else
    ProtocolError."""
    if not isinstance(body, dict):
        raise ProtocolError("The body must be a JSON object.")
    fields = shape["properties"]
    for name, value in body.items():
        if name not in fields:
            raise ProtocolError(f"Unknown field: the known ones are {', '.join(fields)}.")
        check(name, value, fields[name])
    for name in shape.get("required", ()):
        if name not in body:
            raise ProtocolError(f"{name} is missing.")
    return defaults(fields) | body


def defaults(fields: Fields) -> dict[str, Any]:
    """The values of those fields that have one when nothing is said of them."""
    return {name: field["default"] for name, field in fields.items() if "default" in field}


def check(name: str, value: Any, schema: Schema) -> None:
    """ProtocolError unless `value`, of the field `name`, is as the schema says: a string, a number,
    a boolean, or a list, of whose elements nothing is said here."""
    if schema["type"] == "boolean":
        if not isinstance(value, bool):
            raise ProtocolError(f"{name} must be true or false.")
        return
    if schema["type"] == "array":
        if not isinstance(value, list) or not 0 < len(value) <= schema["maxItems"]:
            raise ProtocolError(f"{name} must be a list of 1 to {schema['maxItems']}.")
        return
    if schema["type"] == "integer":
        least, most = schema["minimum"], schema["maximum"]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            upto = f" to {most}" if most < LARGEST else ""
            raise ProtocolError(f"{name} must be a number from {least}{upto}.")
        return
    if not isinstance(value, str):
        raise ProtocolError(f"{name} must be a string.")
    if "enum" in schema and value not in schema["enum"]:
        words = ", ".join(word or "empty" for word in schema["enum"])
        raise ProtocolError(f"{name} must be one of {words}.")
    if len(value) > schema.get("maxLength", len(value)):
        raise ProtocolError(f"{name} may have {schema['maxLength']} characters at most.")
    # JSON can spell halves of characters, which no file and no peer can take.
    if _HALF.search(value) or not re.search(schema.get("pattern", ""), value):
        raise ProtocolError(f"{name} must not have control characters.")


def from_query(name: str, value: str, schema: Schema) -> Any:
    """The string or the number that stands in a URL; ProtocolError as `check`."""
    if schema["type"] == "integer" and value.isascii() and value.isdigit() and len(value) <= 15:
        number = int(value)
        check(name, number, schema)
        return number
    check(name, value, schema)
    return value
