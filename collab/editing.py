"""What a program says of a document's text and values, made an update by pycrdt: for a worker.

An edit is an object with what is to be done, and where. In a text (`root`, "content" if it does not
say), where positions count characters (code points):

    {"insert": "text", "at": 5}   {"delete": 3, "at": 5}   {"text": "what it is to be"}

The last changes as little as possible, so that what others write meanwhile, and their carets, stay
where they are. In maps and lists, `path` begins with a root and goes on with keys and places:

    {"set": value, "path": []}   {"remove": true, "path": []}   {"append": value, "path": []}
    {"list": [what it is to be], "path": []}

The last leaves the elements that are so already: those at both ends, and of what is between, if
that is not long.
"""

import json
from difflib import SequenceMatcher
from typing import Any

from pycrdt import Array, Doc, Map, Text

from collab.changes import changes, ends
from collab.errors import ProtocolError
from collab.past.items import Items
from collab.past.moments import ARRAY, MAP, TEXT
from collab.past.shapes import is_blank, kind_of
from collab.reader import refuse
from collab.sound import sound
from collab.update import TRUSTED, read_update

COMPARED = 2_000  # elements of two lists, between those at the ends that are the same
NAMES = {TEXT: "a text", MAP: "a map", ARRAY: "a list"}


def edit(update: bytes, client: int, edits: str) -> bytes:
    """What is new when these edits, a list as JSON, have been made to a document, by a client.
    ProtocolError when one of them cannot be."""
    whole = sound(read_update(update, TRUSTED))
    items = Items()
    items.enter(1, whole)
    roots = items.roots.items()
    kinds = {name: kind_of(root) for name, root in roots if not is_blank(root)}
    doc: Doc[Any] = Doc(client_id=client)
    doc.apply_update(whole)
    before = doc.get_state()
    editing = _Editing(doc, kinds)
    try:
        # Not in one transaction: only its end joins what stands side by side, and until then each
        # edit walks past all before it. Of a document that nobody sees none has to be taken back.
        for one in json.loads(edits):
            editing.make(one)
    except (ArithmeticError, LookupError, RecursionError, RuntimeError, TypeError, ValueError):
        raise ProtocolError("An edit has a value that no document can hold.") from None
    if doc.get_state() == before and not editing.deleted:
        return b"\x00\x00"
    return doc.get_update(before)


class _Editing:
    def __init__(self, doc: "Doc[Any]", kinds: dict[str, int]) -> None:
        self.doc = doc
        self.kinds = kinds
        self.deleted = False

    def make(self, edit: dict[str, Any]) -> None:
        match edit:
            case {"insert": str(words), "at": int(at)}:
                self.replace(edit, at, 0, words)
            case {"delete": int(count), "at": int(at)}:
                self.replace(edit, at, count, "")
            case {"text": str(words)}:
                text = str(self.text(edit))
                for start, end, new in reversed(list(changes(text, words))):
                    self.replace(edit, start, end - start, new)
            case {"set": value, "path": [_, *_, str() | int()] as path}:
                self.put(path, value)
            case {"remove": True, "path": [_, *_, str() | int()] as path}:
                self.remove(path)
            case {"append": value, "path": [str(), *_] as path}:
                found = self.find(path, ARRAY)
                found.append(value)
            case {"list": list(values), "path": [str(), *_] as path}:
                self.fill(self.find(path, ARRAY), values)
            case _:
                refuse("An edit is none of insert, delete, text, set, remove, append, list.")

    def text(self, edit: dict[str, Any]) -> Text:
        return self.root(edit.get("root", "content"), TEXT)  # type: ignore[no-any-return]

    def root(self, name: object, kind: int) -> Any:
        """A root: to read one as what it is not never ends."""
        if not isinstance(name, str):
            refuse("The root of a document is called by its name.")
        if self.kinds.setdefault(name, kind) != kind:
            refuse(f"{name} is not {NAMES[kind]}.")
        return self.doc.get(name, type={TEXT: Text, MAP: Map, ARRAY: Array}[kind])

    def replace(self, edit: dict[str, Any], at: int, count: int, words: str) -> None:
        text = self.text(edit)
        plain = str(text)
        if len(text) != len(plain.encode()):
            refuse("A text with things in it that are no text cannot be edited so.")
        if not 0 <= at <= at + count <= len(plain):
            refuse(f"The text has {len(plain)} characters: the edit is outside of it.")
        start = len(plain[:at].encode())
        if count:
            del text[start : start + len(plain[at : at + count].encode())]
            self.deleted = True
        if words:
            text.insert(start, words)

    def put(self, path: list[Any], value: Any) -> None:
        *parents, last = path
        found = self.find(parents, MAP if isinstance(last, str) else ARRAY)
        if isinstance(last, int):
            self.place(found, last)
        found[last] = value

    def remove(self, path: list[Any]) -> None:
        *parents, last = path
        found = self.find(parents, MAP if isinstance(last, str) else ARRAY)
        if isinstance(last, int):
            self.place(found, last)
        elif last not in found:
            return
        del found[last]
        self.deleted = True

    def fill(self, found: "Array[Any]", values: list[Any]) -> None:
        """Makes a list what it is to be."""
        old, new = _said(found.to_py() or []), _said(values)
        start, end = ends(old, new)
        between = old[start : len(old) - end], new[start : len(new) - end]
        for first, last, begin, stop in reversed(_changed(*between)):
            if first < last:
                del found[start + first : start + last]
                self.deleted = True
            for at in range(stop - begin):
                found.insert(start + first + at, values[start + begin + at])

    def place(self, found: "Array[Any]", at: int) -> None:
        if not 0 <= at < len(found):
            refuse(f"The list has {len(found)} elements: the path leads outside of it.")

    def find(self, path: list[Any], kind: int) -> Any:
        """The map or list at the end of a path."""
        names = [*path[1:], None]
        kinds = [MAP if isinstance(name, str) else ARRAY for name in names[:-1]] + [kind]
        found = self.root(path[0], kinds[0])
        for name, wanted in zip(names[:-1], kinds[1:], strict=True):
            if isinstance(name, int):
                self.place(found, name)
            found = found.get(name) if isinstance(name, str) else found[name]
            if not isinstance(found, Map if wanted == MAP else Array):
                raise ProtocolError("The path leads to nothing that has values of its own.")
        return found


def _changed(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    """Which stretches of one list became which of another one, front to back: so a list whose first
    element goes when one more comes is not written anew each time. Long ones are not compared."""
    if max(len(old), len(new)) > COMPARED:
        return [(0, len(old), 0, len(new))]
    opcodes = SequenceMatcher(None, old, new).get_opcodes()
    return [places for tag, *places in opcodes if tag != "equal"]  # type: ignore[misc]


def _said(values: list[Any]) -> list[str]:
    """Values as they can be compared: pycrdt has no whole numbers."""
    said = [json.dumps(value, default=repr, sort_keys=True) for value in values]
    return [json.dumps(json.loads(one, parse_int=float), sort_keys=True) for one in said]
