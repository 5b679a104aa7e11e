"""What a view of a document shows, as plain values: every root, without being told what it is.

A text is a string, or, if it has formats or embeds, a list of runs {"insert", "attributes"}; an XML
text always is the latter; an element is {"type", "attributes", "children"}, a fragment and an array
are lists, a map is an object: as Yjs shows them as JSON.

A type of Yjs 14 may have all of that at once. Where others have one of the two alone, it is
{"attributes", "children"}; text in an element is among the children, with formats as a run.
"""

import json
from collections.abc import Collection, Iterator
from typing import Any

from collab.content import ANY, BINARY, DOC, EMBED, FORMAT, STRING
from collab.past.moments import ARRAY, ELEMENT, FRAGMENT, MAP, TEXT, XML_TEXT, Moment, View
from collab.past.order import Branch, Item
from collab.past.pages import walk
from collab.past.units import Content, plain, plain_format, text_of
from collab.tiptap import ROOTS

_INLINE = 1 << STRING | 1 << FORMAT | 1 << EMBED
_ELEMENTS = 1 << ANY | 1 << BINARY | 1 << DOC
_XML = 1 << ELEMENT | 1 << FRAGMENT | 1 << XML_TEXT
_IN_WORDS = (ELEMENT, FRAGMENT, XML_TEXT)
_BREAKS = ("hardBreak", "hard_break")  # of ProseMirror's schemas: the next line of a paragraph

DEEPEST = 100


def kind_of(branch: Branch) -> int:
    """The ref of the shared type that a branch is; of a root, judged by all that ever was in it."""
    if branch.kind >= 0:
        return branch.kind
    return MAP if branch.entries else _listed(branch)


def _listed(branch: Branch) -> int:
    """What a root, or a map, is by its list alone."""
    if branch.refs & _INLINE:
        return TEXT
    if branch.types & _XML:
        return FRAGMENT
    return ARRAY if branch.refs & _ELEMENTS or branch.types else TEXT


def is_blank(branch: Branch) -> bool:
    """Whether a root may be of any kind: what was in it is deleted and forgotten."""
    known = branch.entries or branch.types or branch.refs & (_INLINE | _ELEMENTS)
    return branch.kind < 0 and not known


def too_deep(branch: Branch) -> bool:
    """Whether a type is inside of `DEEPEST` others: it is shown as None, as no reader of JSON
    would follow further down."""
    depth, item = 0, branch.item
    while item is not None and item.parent is not None and depth < DEEPEST:
        depth, item = depth + 1, item.parent.item
    return depth == DEEPEST


def contents(moment: Moment, names: Collection[str] = ()) -> dict[str, Any]:
    """Root name -> value, of all roots that there were at a moment, or of those called so."""
    return {
        name: value_of(branch, moment)
        for name, branch in sorted(moment.items.roots.items())
        if branch.since <= moment.seq and (not names or name in names)
    }


def texts(moment: Moment) -> str:
    """All text at a moment, root by root; blocks of rich text are lines, and what is no text is
    JSON. Without what TiptapCollabProvider keeps beside it."""
    found = [
        _lines(branch, moment)
        for name, branch in sorted(moment.items.roots.items())
        if branch.since <= moment.seq and not name.startswith(ROOTS)
    ]
    return "\n\n".join(text for text in found if text)


def _lines(branch: Branch, view: View) -> str:
    kind = kind_of(branch)
    if kind in (TEXT, XML_TEXT):
        return _words(branch, view)
    items = [item for item in walk(branch, view.time) if view.alive(item)]
    if kind != ARRAY and any(item.ref == STRING for item in items):
        return _words(branch, view)
    if kind not in (ELEMENT, FRAGMENT):
        return json.dumps(value_of(branch, view), ensure_ascii=False, indent=2)
    if branch.tag in _BREAKS:
        return "\n"
    children = [item.branch for item in items if item.branch is not None]
    inline = kind == ELEMENT and any(kind_of(child) == XML_TEXT for child in children)
    return ("" if inline else "\n").join(_lines(child, view) for child in children)


def _words(branch: Branch, view: View) -> str:
    """Of a text. Lexical and Slate put texts into texts: in one with letters of its own they are
    links and the like, in one without they are lines."""
    parts, own = [], False
    for item in walk(branch, view.time):
        for start, end in view.alive(item):
            if item.ref == STRING:
                parts.append(str(item.units(start, end)))
                own = True
            elif item.branch is not None and kind_of(item.branch) in _IN_WORDS:
                parts.append("" if too_deep(item.branch) else _lines(item.branch, view))
    return text_of(("" if own else "\n").join(parts))


def value_of(branch: Branch, view: View) -> Any:
    """The value of a shared type that is there."""
    if too_deep(branch):
        return None
    kind = kind_of(branch)
    entries = attributes(branch, view)
    children = _children(branch, _listed(branch) if kind == MAP else kind, view)
    if kind == ELEMENT:
        return {"type": branch.tag, "attributes": entries, "children": children}
    if kind == MAP and not children:
        return entries
    both = entries or kind == MAP
    return {"attributes": entries, "children": children} if both else children


def _children(branch: Branch, kind: int, view: View) -> Any:
    if kind in (TEXT, XML_TEXT):
        return _text(branch, view, kind)
    if kind == ARRAY:
        return [value for item in walk(branch, view.time) for value in _elements(item, view)]
    return [run["insert"] if len(run) == 1 else run for run in text_runs(branch, view)]


def attributes(branch: Branch, view: View) -> dict[str, Any]:
    """Key -> value: a map's entries, an element's attributes."""
    entries = {}
    for key in sorted(branch.entries):
        if (unit := view.entry(branch, key)) is not None:
            item, clock = unit
            entries[key] = element(item, item.units(clock, clock + 1), view)
    return entries


def element(item: Item, content: Content, view: View) -> Any:
    """The value of one unit."""
    return value_of(item.branch, view) if item.branch is not None else plain(item.ref, content)


def _elements(item: Item, view: View) -> Iterator[Any]:
    """The values of an item in a list that is no text."""
    for start, end in view.alive(item):
        if item.ref == ANY:
            for content in item.units(start, end):
                yield plain(ANY, [content])  # type: ignore[list-item]  # a list of bytes
        elif item.ref == STRING:
            yield from text_of(str(item.units(start, end)))
        elif item.ref != FORMAT:
            yield element(item, item.content, view)


def _text(branch: Branch, view: View, kind: int) -> Any:
    runs = list(text_runs(branch, view))
    plain_text = all(isinstance(run["insert"], str) and len(run) == 1 for run in runs)
    return "".join(run["insert"] for run in runs) if kind == TEXT and plain_text else runs


def text_runs(branch: Branch, view: View) -> Iterator[dict[str, Any]]:
    """A text as a delta: runs with equal formats, embeds each by itself."""
    formats: dict[str, Any] = {}
    last: dict[str, Any] = {}
    parts: list[str] = []
    for item in walk(branch, view.time):
        for start, end in view.alive(item):
            if item.ref == FORMAT:
                change_format(formats, item.content)
                continue
            if parts and (item.ref != STRING or formats != last):
                yield _run(text_of("".join(parts)), last)
                parts = []
            if item.ref == STRING:
                if not parts:
                    last = dict(formats)
                parts.append(str(item.units(start, end)))
            elif item.ref == ANY:
                for content in item.units(start, end):
                    yield _run(plain(ANY, [content]), formats)  # type: ignore[list-item]  # bytes
            else:
                yield _run(element(item, item.content, view), formats)
    if parts:
        yield _run(text_of("".join(parts)), last)


def change_format(formats: dict[str, Any], content: Content) -> None:
    """What a format mark does to the formats before it."""
    key, value = plain_format(content)
    if value is None:
        formats.pop(key, None)
    else:
        formats[key] = value


def _run(insert: Any, formats: dict[str, Any]) -> dict[str, Any]:
    return {"insert": insert, "attributes": dict(formats)} if formats else {"insert": insert}
