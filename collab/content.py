"""What the structs of a Yjs update carry: read with bounds, and cut in two. Knows no ids.

A content is known by its ref, the low five bits of a struct's first byte (Yjs 13,
`structs/Item.js`, contentRefs). Here are those that both Yjs 13 and yrs 0.28 read in the same
way; ref 2 (ContentJSON, which yrs misreads) and 11 (Move, which Yjs does not know) are refused, as
are the shared types above 6 and XmlHook. Nothing is kept of a content but where it ends and how
many units, clock ticks, it stands for: contents are never rewritten, for some values do not survive
it (BigInt, -0, the order of an object's keys).

The readers let IndexError through where the bytes end too early; `read_update` translates it.
"""

import json
import re
from collections.abc import Callable
from contextvars import ContextVar
from math import isinf
from typing import NoReturn

from collab.errors import ProtocolError
from collab.reader import MAX_SAFE_INTEGER, read_var_uint, refuse, var_uints

GC, DELETED, BINARY, STRING, EMBED, FORMAT, TYPE, ANY, DOC, SKIP = 0, 1, 3, 4, 5, 6, 7, 8, 9, 10
"""Struct refs. GC and Skip are structs of their own kind: a length and nothing else."""

MAX_DEPTH = 64
"""How deep values may nest. Deeper ones overflow the stack of some peers (yrs at 25,867)."""
nesting: ContextVar[int] = ContextVar("nesting", default=MAX_DEPTH)
"""The same of what is just being read: less where a limit says so."""

Read = Callable[[bytes, int], tuple[int, int]]
"""(data, at) -> (units, end): checks the content at `at` and says its length and where it ends."""


def read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """varBytes: the bytes, and where they end."""
    size, at = read_var_uint(data, at)
    end = at + size
    if end > len(data):
        refuse("A length is larger than the update.")
    return data[at:end], end


def read_text(data: bytes, at: int) -> int:
    """Check a varString and say where it ends."""
    text, end = read_bytes(data, at)
    if not text.isascii():
        text.decode()
    return end


def read_units(data: bytes, at: int) -> tuple[int, int]:
    """A count of deleted units: ContentDeleted and GC."""
    units, at = read_var_uint(data, at)
    if not units:
        refuse("A struct is empty.")
    return units, at


def _read_binary(data: bytes, at: int) -> tuple[int, int]:
    return 1, read_bytes(data, at)[1]


def _read_string(data: bytes, at: int) -> tuple[int, int]:
    if data[at] == 1 and data[at + 1] < 0x80:  # one typed character
        return 1, at + 2
    text, end = read_bytes(data, at)
    if not text:
        refuse("A struct is empty.")
    if text.isascii():
        return len(text), end
    return len(text.decode().encode("utf-16-le")) // 2, end


def _read_embed(data: bytes, at: int) -> tuple[int, int]:
    return 1, _read_json(data, at)


def _read_format(data: bytes, at: int) -> tuple[int, int]:
    return 1, _read_json(data, read_text(data, at))


_XML_ELEMENT = 3
_TYPES = (0, 1, 2, _XML_ELEMENT, 4, 6)  # YArray, YMap, YText, ..., YXmlFragment, YXmlText


def _read_type(data: bytes, at: int) -> tuple[int, int]:
    type_ref, at = read_var_uint(data, at)
    if type_ref not in _TYPES:
        refuse("A shared type is of an unknown kind.")
    return 1, read_text(data, at) if type_ref == _XML_ELEMENT else at


def _read_any_list(data: bytes, at: int) -> tuple[int, int]:
    units, at = read_units(data, at)
    _check_count(data, at, units)
    for _ in range(units):
        at = read_any(data, at)
    return units, at


def _read_doc(data: bytes, at: int) -> tuple[int, int]:
    at = read_text(data, at)
    if data[at] != _OBJECT:
        refuse("A subdocument's options are not an object.")
    return 1, read_any(data, at)


def _read_unknown(data: bytes, at: int) -> tuple[int, int]:
    refuse("A struct is of an unknown kind.")


_READ: dict[int, Read] = {
    DELETED: read_units,
    BINARY: _read_binary,
    STRING: _read_string,
    EMBED: _read_embed,
    FORMAT: _read_format,
    TYPE: _read_type,
    ANY: _read_any_list,
    DOC: _read_doc,
}
READ = tuple(_READ.get(ref, _read_unknown) for ref in range(32))
"""For each ref the reader of an item's content."""


# Any: lib0's tagged values (encoding.js, writeAny)

_BYTES, _ARRAY, _OBJECT, _STRING, _BIGINT, _FLOAT64, _FLOAT32, _INTEGER = (
    116, 117, 118, 119, 122, 123, 124, 125,
)  # fmt: skip
_FIXED = {120: 0, 121: 0, 126: 0, 127: 0, _BIGINT: 8, _FLOAT64: 8, _FLOAT32: 4}  # true false null


def read_any(data: bytes, at: int, depth: int = 0) -> int:
    """Check one value, inside of `depth` others, and say where it ends."""
    tag = data[at]
    at += 1
    if tag == _STRING:
        return read_text(data, at)
    if tag == _INTEGER:
        return _read_var_int(data, at)
    if tag in _FIXED:
        at += _FIXED[tag]
        if at > len(data):
            refuse("A value ends too early.")
        return at
    if tag == _BYTES:
        return read_bytes(data, at)[1]
    if tag not in (_ARRAY, _OBJECT):
        refuse("A value is of an unknown kind.")
    return _read_children(data, at, depth + 1, keys=tag == _OBJECT)


def _read_children(data: bytes, at: int, depth: int, keys: bool) -> int:
    if depth > nesting.get():
        _refuse_depth()
    count, at = read_var_uint(data, at)
    _check_count(data, at, count)
    for _ in range(count):
        if keys:
            at = read_text(data, at)
        at = read_any(data, at, depth)
    return at


def _read_var_int(data: bytes, at: int) -> int:
    """A signed varInt: six bits in its first byte, seven in the others."""
    first = data[at]
    if first < 0x80:
        return at + 1
    number, at = read_var_uint(data, at + 1)
    if (number << 6) + (first & 0x3F) > MAX_SAFE_INTEGER:
        refuse("A number is larger than 2^53 - 1.")
    return at


def _check_count(data: bytes, at: int, count: int) -> None:
    if count > len(data) - at:  # every value is one byte at least
        refuse("A count is larger than the update.")


# JSON: of embeds and formats

_PLAIN_JSON = (b"null", b"true", b"false")
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _read_json(data: bytes, at: int) -> int:
    raw, end = read_bytes(data, at)
    if raw not in _PLAIN_JSON:
        check_json(raw.decode())
    return end


def check_json(text: str) -> None:
    """Refuse what JavaScript's JSON.parse or Rust's serde_json would not read."""
    try:
        value = _JSON.decode(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except ValueError:  # JSONDecodeError; UnicodeEncodeError: a lone surrogate
        refuse("A value is not JSON.")
    except RecursionError:
        _refuse_depth()
    if text.count("[") + text.count("{") > nesting.get():
        _check_json_depth(text)


def _refuse_depth() -> NoReturn:
    raise ProtocolError("A value is nested too deeply.", "update_nesting")


def _check_json_depth(text: str) -> None:
    depth, most = 0, nesting.get()
    for match in _BRACKET.finditer(text):
        mark = match[0]
        depth += (mark in "[{") - (mark in "]}")
        if depth > most:
            _refuse_depth()


def _number(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError(text)
    return number


def _refuse_constant(name: str) -> None:  # NaN, Infinity: Python's dialect
    raise ValueError(name)


_JSON = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_refuse_constant)


# Cutting: the units of a content from `start` to `end`, encoded as a content again


def cut_string(content: bytes, start: int, end: int) -> bytes:
    """Units of a ContentString, as Yjs cuts it: halves of a surrogate pair become U+FFFD each."""
    text, _ = read_bytes(content, 0)
    if text.isascii():
        return var_uints(end - start) + text[start:end]
    units = text.decode().encode("utf-16-le")[2 * start : 2 * end]
    cut = units.decode("utf-16-le", "replace").encode()
    return var_uints(len(cut)) + cut


def cut_any(content: bytes, start: int, end: int) -> bytes:
    """Values of a ContentAny, each byte for byte as it was."""
    _, at = read_var_uint(content, 0)
    marks = [at]
    for _ in range(end):
        at = read_any(content, at)
        marks.append(at)
    return var_uints(end - start) + content[marks[start] : marks[end]]


def cut_units(content: bytes, start: int, end: int) -> bytes:
    """Units of a ContentDeleted or a GC."""
    return var_uints(end - start)


CUT: dict[int, Callable[[bytes, int, int], bytes]] = {
    GC: cut_units,
    DELETED: cut_units,
    STRING: cut_string,
    ANY: cut_any,
}
"""The contents that can stand for more than one unit."""
