"""What a document may be called. Any text will do that people can see and tell apart."""

import re
import secrets
import unicodedata

from collab.errors import BadName, ProtocolError
from collab.storage import TENANT

MAX_NAME = 255  # bytes in UTF-8
MAX_VERSION = 200  # characters
MAX_GUEST = 92  # characters, and with what marks a guest 100

_INVISIBLE = ("Cc", "Cs", "Zl", "Zp")  # control, lone surrogate, line and paragraph separator
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and a symbol that show nothing


def document_name(name: str) -> str:
    """`name` in its canonical form (Unicode NFC), by which the document is kept.

    BadName when it is empty, longer than 255 bytes in UTF-8, begins or ends with white space, or
    has control characters, lone surrogates or characters that turn the direction of writing."""
    name = unicodedata.normalize("NFC", name)
    if not name or name != name.strip():
        raise BadName("A document's name must not be empty, nor begin or end with white space.")
    if not all(map(is_visible, name)):
        raise BadName("A document's name must not have control or direction characters.")
    if len(name.encode()) > MAX_NAME:
        raise BadName(f"A document's name may have {MAX_NAME} bytes in UTF-8 at most.")
    return name


def document_key(tenant: str, name: str) -> str:
    """The name by which the store keeps a tenant's document: no name that anybody can ask for leads
    to another tenant. BadName as `document_name`."""
    name = document_name(name)
    return f"{document_name(tenant)}{TENANT}{name}" if tenant else name


def in_tenant(tenant: str, identity: str) -> str:
    """The id of something else of a tenant's, as the store keeps it; '' for the tenant itself."""
    return f"{tenant}{TENANT}{identity}" if tenant else identity


def checked_key(key: str) -> str:
    """A key in its canonical form; BadName if its parts are no names."""
    tenant, _, name = key.rpartition(TENANT)
    return document_key(tenant, name)


def name_of(key: str) -> str:
    """The name in a key, as its tenant knows it."""
    return key.rpartition(TENANT)[2]


def is_visible(character: str) -> bool:
    """Whether it is no control or direction character, no separator of lines and no surrogate."""
    return character not in _BIDI and unicodedata.category(character) not in _INVISIBLE


def guest_name(said: str) -> str:
    """What somebody is called whom nobody vouches for: as they say, and a guest. Without characters
    that turn the direction of writing, or fill a line with nothing: the last word must be seen."""
    words = " ".join(said.split())[:MAX_GUEST]
    seen = "".join(c for c in words if c.isprintable() and c not in _BLANK)
    return f"{' '.join(seen.split()) or 'Somebody'} (guest)"


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
