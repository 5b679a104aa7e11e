"""What a document may be called. Any text will do that people can see and tell apart."""

import re
import secrets
import unicodedata

from collab.errors import BadName, ProtocolError

MAX_NAME = 255  # bytes in UTF-8
MAX_VERSION = 200  # characters

_INVISIBLE = ("Cc", "Cs", "Zl", "Zp")  # control, lone surrogate, line and paragraph separator
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def document_name(name: str) -> str:
    """`name` in its canonical form (Unicode NFC), by which the document is kept.

    BadName when it is empty, longer than 255 bytes in UTF-8, begins or ends with white space, or
    has control characters, lone surrogates or characters that turn the direction of writing."""
    name = unicodedata.normalize("NFC", name)
    if not name or name != name.strip():
        raise BadName("A document's name must not be empty, nor begin or end with white space.")
    if any(c in _BIDI or unicodedata.category(c) in _INVISIBLE for c in name):
        raise BadName("A document's name must not have control or direction characters.")
    if len(name.encode()) > MAX_NAME:
        raise BadName(f"A document's name may have {MAX_NAME} bytes in UTF-8 at most.")
    return name


def new_name(title: str) -> str:
    """A name for a new document that nobody has yet, readable in a URL: "Launch plan" becomes
    something like "launch-plan-x3k9q2aw"."""
    words = re.sub(r"[^a-z0-9]+", "-", _plain(title)).strip("-")[:40].strip("-")
    return f"{words or 'document'}-{secrets.token_hex(4)}"


def _plain(title: str) -> str:
    decomposed = unicodedata.normalize("NFKD", title.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def version_name(name: str) -> str:
    """The name of a version, with single spaces and none around it. ProtocolError when it is empty,
    has more than 200 characters, or some that nobody can see, or the ".." of a range."""
    name = " ".join(name.split())
    if not name or len(name) > MAX_VERSION or not name.isprintable():
        raise ProtocolError(f"A version's name has 1 to {MAX_VERSION} printable characters.")
    if ".." in name:
        raise ProtocolError("A version's name must not have two dots in a row: they make a range.")
    return name
