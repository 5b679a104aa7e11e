"""Contents unit by unit: read from a struct, cut, joined, written again, and shown as plain values.

What is written again is byte for byte what was read. Knows contents (`collab.content`) and no ids.

A ContentString is held as a str of UTF-16 code units, so that a unit is a character of it: what is
above U+FFFF stands there as two surrogates. A ContentAny is a list of values, each as its bytes; a
GC and a ContentDeleted are nothing; every other content is one unit, and its bytes.
"""

import base64
import json
import struct
from collections.abc import Iterable
from typing import Any

from collab.content import ANY, BINARY, DELETED, DOC, EMBED, GC, STRING, read_any
from collab.reader import read_var_uint, var_uints

Content = str | list[bytes] | bytes

JOINABLE = frozenset((GC, DELETED, STRING, ANY))
"""Contents that may stand for several units."""

_NOTHING = b""


def read_content(ref: int, data: bytes, at: int, end: int) -> Content:
    """The content of a struct that has passed the gate: `data[at:end]`."""
    if ref == STRING:
        text = data[read_var_uint(data, at)[1] : end].decode()
        return text if text.isascii() else split_units(text)
    if ref == ANY:
        count, at = read_var_uint(data, at)
        values = []
        for _ in range(count):
            start, at = at, read_any(data, at)
            values.append(data[start:at])
        return values
    return _NOTHING if ref in (GC, DELETED) else data[at:end]


def write_content(ref: int, content: Content, units: int) -> bytes:
    """A content as Yjs writes it; of a ContentDeleted and a GC the number of units counts."""
    if isinstance(content, str):
        body = text_of(content).encode()
        return var_uints(len(body)) + body
    if isinstance(content, list):
        return var_uints(len(content)) + b"".join(content)
    return content if ref not in (GC, DELETED) else var_uints(units)


def joined(ref: int, contents: Iterable[Content]) -> Content:
    """Contents of one joinable ref as one."""
    if ref == STRING:
        return "".join(contents)  # type: ignore[arg-type]
    return [value for content in contents for value in content]  # type: ignore[misc]


def split_units(text: str) -> str:
    """Text as its UTF-16 code units."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    count = len(encoded) // 2
    if count == len(text):
        return text
    return "".join(map(chr, struct.unpack(f"<{count}H", encoded)))


def text_of(units: str) -> str:
    """Code units as text; halves of a surrogate pair become U+FFFD each, as in Yjs."""
    if units.isascii():
        return units
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


# Plain values: what JSON can say. Binaries are base64, subdocuments {"subdocument": guid}.


def plain(ref: int, content: Content) -> Any:
    """The value of a content of one unit that is no shared type and no format."""
    if isinstance(content, str):
        return text_of(content)
    if isinstance(content, list):
        return plain_any(content[0], 0)[0]
    if ref == BINARY:
        return base64.b64encode(_text_bytes(content, 0)[0]).decode()
    if ref == EMBED:
        return json.loads(_text_bytes(content, 0)[0])
    if ref == DOC:
        return {"subdocument": _text_bytes(content, 0)[0].decode()}
    return None


def plain_format(content: Content) -> tuple[str, Any]:
    """The key and the value of a ContentFormat; None ends the format."""
    assert isinstance(content, bytes)
    key, at = _text_bytes(content, 0)
    return key.decode(), json.loads(_text_bytes(content, at)[0])


def type_of(content: Content) -> tuple[int, str]:
    """The ref of a shared type, and the name of an XML element."""
    assert isinstance(content, bytes)
    ref, at = read_var_uint(content, 0)
    return ref, _text_bytes(content, at)[0].decode() if at < len(content) else ""


def _text_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = read_var_uint(data, at)
    return data[at : at + size], at + size


_WORDS = {120: True, 121: False, 126: None, 127: None}  # true, false, null, undefined
_NUMBERS = {122: struct.Struct(">q"), 123: struct.Struct(">d"), 124: struct.Struct(">f")}


def plain_any(data: bytes, at: int) -> tuple[Any, int]:
    """The value at `data[at]`, and where it ends: lib0's writeAny (encoding.js)."""
    tag = data[at]
    at += 1
    if tag in _WORDS:
        return _WORDS[tag], at
    if tag in _NUMBERS:
        (number,) = _NUMBERS[tag].unpack_from(data, at)
        return _number(number), at + _NUMBERS[tag].size
    if tag == 125:
        return _var_int(data, at)
    if tag in (116, 119):
        body, at = _text_bytes(data, at)
        return body.decode() if tag == 119 else base64.b64encode(body).decode(), at
    count, at = read_var_uint(data, at)
    if tag == 118:
        entries = {}
        for _ in range(count):
            key, at = _text_bytes(data, at)
            entries[key.decode()], at = plain_any(data, at)
        return entries, at
    values = []
    for _ in range(count):
        value, at = plain_any(data, at)
        values.append(value)
    return values, at


def _number(number: float) -> float | None:
    """A number as JSON.stringify writes it: integers without a point, no NaN, no infinity."""
    if number - number != 0:
        return None
    return int(number) if number == int(number) else number


def _var_int(data: bytes, at: int) -> tuple[int, int]:
    first = data[at]
    at += 1
    number = first & 0x3F
    if first & 0x80:
        rest, at = read_var_uint(data, at)
        number += rest << 6
    return -number if first & 0x40 else number, at
