"""A document as text and as JSON, by pycrdt: runs in a worker only, for pycrdt may hang or crash.

A Yjs document does not say of what type its roots are, and pycrdt hangs when it reads a root as the
wrong one. So the types are found in the structs: by what the items hold that are in a root's list.
"""

import base64
import json
from typing import Any

from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from collab.content import ANY, BINARY, DOC, EMBED, FORMAT, STRING, TYPE
from collab.reader import Reader
from collab.sound import Structs, sound
from collab.update import (
    KEY,
    ORIGIN,
    REF,
    RIGHT_ORIGIN,
    TRUSTED,
    Changes,
    Id,
    Struct,
    read_update,
)

_LISTS = {STRING: Text, FORMAT: Text, EMBED: Text, ANY: Array, BINARY: Array, DOC: Array}
_XML = (3, 4, 6)  # type refs: YXmlElement, YXmlFragment, YXmlText
_PRECEDENCE = (Map, Text, XmlFragment, Array)  # a text may hold XML, a fragment no characters


def document_text(update: bytes) -> str:
    """All text of a document, root by root in the order of their names; paragraphs and other
    blocks of rich text are lines."""
    texts = [_text(root) for _, root in sorted(open_roots(update).items())]
    return "\n\n".join(text for text in texts if text)


def document_json(update: bytes) -> str:
    """Every root of a document, as one JSON object: name -> value."""
    values = {name: _value(root) for name, root in sorted(open_roots(update).items())}
    return json.dumps(values, ensure_ascii=False, default=_plain)


def open_roots(update: bytes) -> dict[str, Any]:
    """The roots of a document in pycrdt, each as the type that it is."""
    doc: Doc[Any] = Doc()
    update = sound(read_update(update, TRUSTED))
    doc.apply_update(update)
    return {name: doc.get(name, type=kind) for name, kind in root_types(update).items()}


def root_types(update: bytes) -> dict[str, type[Any]]:
    """The roots of a gated update, and the type of each by what is in it."""
    items = _Items(read_update(update, TRUSTED))
    evidence: dict[str, set[type[Any]]] = {}
    for identity in items.found:
        root = items.root(identity)
        if root is not None:
            evidence.setdefault(root, set()).update(items.evidence(identity))
    return {
        name: next((kind for kind in _PRECEDENCE if kind in kinds), Text)
        for name, kinds in evidence.items()
    }


class _Items(Structs):
    """The items of a document, and which root each is in."""

    def __init__(self, changes: Changes) -> None:
        super().__init__(changes)
        self.roots: dict[Id, str | None] = {}

    def root(self, identity: Id | None) -> str | None:
        """The root in whose list or map an item is; None when it is in a nested type."""
        path: list[Id] = []
        root = None
        while identity is not None:
            identity = self.first(identity)
            if identity in self.roots:
                root = self.roots[identity]
                break
            path.append(identity)
            struct, data, at = self.found[identity]
            root = _named_parent(struct, data, at)
            identity = struct.origin or struct.right
        self.roots.update(dict.fromkeys(path, root))
        return root

    def evidence(self, identity: Id) -> set[type[Any]]:
        """Of what types the root can be that holds this item."""
        struct, data, _ = self.found[identity]
        ref = struct.info & REF
        if struct.info & KEY:
            return {Map}
        if ref == TYPE:
            return {XmlFragment if data[struct.content] in _XML else Array}
        return {_LISTS[ref]} if ref in _LISTS else set()


def _named_parent(struct: Struct, data: bytes, at: int) -> str | None:
    if struct.info & (ORIGIN | RIGHT_ORIGIN) or struct.info == 0 or struct.parent is not None:
        return None
    reader = Reader(data, at + 2)  # after the info byte and the 1 that announces a name
    return reader.var_string()


def _text(value: Any) -> str:
    if isinstance(value, XmlText):
        return "".join(part for part, _ in value.diff() if isinstance(part, str))
    if isinstance(value, XmlElement | XmlFragment):
        children = list(value.children)
        inline = children and all(isinstance(child, XmlText) for child in children)
        return ("" if inline else "\n").join(_text(child) for child in children)
    if isinstance(value, Text):
        return "".join(part for part, _ in value.diff() if isinstance(part, str))
    return json.dumps(_value(value), ensure_ascii=False, indent=2, default=_plain)


def _value(value: Any) -> Any:
    match value:
        case XmlText():
            return [_run(part, attributes) for part, attributes in value.diff()]
        case XmlElement():
            return _element(value)
        case XmlFragment():
            return [_value(child) for child in value.children]
        case Text():
            return str(value)
        case Map():
            return {key: _value(item) for key, item in value.items()}
        case Array():
            return [_value(item) for item in value]
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)  # JavaScript has one kind of number, pycrdt gives it as a float
        case dict():
            return {key: _value(item) for key, item in value.items()}
        case list():
            return [_value(item) for item in value]
    return value


def _element(element: Any) -> dict[str, Any]:
    children = [_value(child) for child in element.children]
    return {"type": element.tag, "attributes": dict(element.attributes), "children": children}


def _run(part: Any, attributes: dict[str, Any] | None) -> dict[str, Any]:
    run = {"insert": _value(part)}
    return {**run, "attributes": attributes} if attributes else run


def _plain(value: object) -> object:
    """What JSON has no word for: binaries as base64, subdocuments as their guid."""
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, Doc):
        return {"subdocument": value.guid}
    return str(value)
