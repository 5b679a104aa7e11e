"""The pasts that a worker keeps, and what it is asked of them. Pure but for that memory; no engine.

`collab.archive` tells it of new rows before it asks. Each function here is a job; a document
is meant by its name. Compressed here, so that the process that holds the sockets need not.
"""

import gc
import json
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from collab.past import shelf
from collab.past.difference import Part, Run, difference
from collab.past.encoding import encode_moment
from collab.past.inverse import inverse, undo
from collab.past.items import Items
from collab.past.moments import ARRAY, ELEMENT, FRAGMENT, MAP, TEXT, XML_TEXT, Moment
from collab.past.shapes import contents, texts
from collab.past.thinning import thinned
from collab.update import read_update

KINDS = {
    ARRAY: "array",
    MAP: "map",
    TEXT: "text",
    ELEMENT: "element",
    FRAGMENT: "fragment",
    XML_TEXT: "xmltext",
}

FIELDS = ("first", "last", "began", "ended", "author")

_pasts: dict[str, Items] = {}


def load(name: str, data: bytes) -> bool:
    """Keep the past that `save` gave; False when another version did: begin with row 1."""
    try:
        with _uncollected():
            _pasts[name] = shelf.load(zlib.decompress(data))
    except (zlib.error, ValueError, IndexError):
        return False
    return True


def begin(name: str) -> None:
    """A document of which no row is known."""
    _pasts[name] = Items()


def enter(name: str, after: int, seqs: bytes, rows: Sequence[bytes]) -> None:
    """The rows of a document that come next after one, 0 before the first; the seqs have eight
    bytes each. ValueError for any others."""
    items = _pasts[name]
    if after != items.seq:
        raise ValueError(f"What follows row {after} does not follow row {items.seq}.")
    with _uncollected():
        for seq, row in zip(array("Q", seqs), rows, strict=True):
            items.enter(seq, row)


def save(name: str) -> bytes:
    """The past as bytes."""
    return zlib.compress(shelf.dump(_pasts[name]), 9)


def drop(name: str) -> None:
    """Forget it."""
    if _pasts.pop(name, None) is not None:
        gc.collect()  # its items are linked in circles


def content(name: str, seq: int) -> bytes:
    """Every root as it was at a moment, as one JSON object."""
    return encoded(contents(Moment(_pasts[name], seq)))


def text(name: str, seq: int) -> str:
    """All text as it was at a moment."""
    return texts(Moment(_pasts[name], seq))


def update(name: str, seq: int) -> bytes:
    """The document as it was at a moment, as one Yjs update (v1)."""
    return encode_moment(_pasts[name], seq)


def compare(name: str, before: int, after: int, authors: Sequence[str], *columns: bytes) -> bytes:
    """What changed between two moments, root by root, and the stretches in which it did, as one
    JSON object. `columns` are the numbers of stretches, the newest first, eight bytes each: first,
    last, began, ended, and which of the authors. Each run says by which of those in the answer it
    is; stretches that no run names are left out."""
    stretches = list(zip(*(reversed(array("Q", column)) for column in columns), strict=True))
    firsts = [stretch[0] for stretch in stretches]
    named: dict[int, int] = {}

    def label(seq: int) -> int:
        place = bisect_right(firsts, seq) - 1
        return named.setdefault(place, len(named))

    changes = difference(_pasts[name], before, after, label)
    roots = {root: _part(part) for root, part in changes.items()}
    shown = [dict(zip(FIELDS, stretches[place], strict=True)) for place in named]
    shown = [{**one, "author": authors[one["author"]]} for one in shown]
    return encoded({"from": before, "to": after, "stretches": shown, "roots": roots})


def go_back(name: str, seq: int) -> bytes:
    """See `collab.past.inverse.inverse`."""
    return inverse(_pasts[name], seq)


def take_back(name: str, seqs: bytes) -> bytes:
    """See `collab.past.inverse.undo`; the seqs have eight bytes each."""
    return undo(_pasts[name], set(array("Q", seqs)))


def thin(name: str, start: int, ends: bytes, kept: bytes) -> tuple[bytes, list[bytes]]:
    """See `collab.past.thinning.thinned`; all seqs have eight bytes each, those returned too.
    ProtocolError when there is a row that would not pass the gate."""
    rows = dict(thinned(_pasts[name], start, array("Q", ends), array("Q", kept)))
    for row in rows.values():
        read_update(row)
    return array("Q", rows).tobytes(), list(rows.values())


@contextmanager
def _uncollected() -> Iterator[None]:
    """Many objects come and none go: to look for garbage among them takes twice the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _part(part: Part) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": KINDS[part.kind]}
    if part.tag:
        shown["tag"] = part.tag
    shown["runs"] = [_run(run) for run in part.runs]
    shown["entries"] = {key: [_run(run) for run in runs] for key, runs in part.entries.items()}
    return shown


def _run(run: Run) -> dict[str, Any]:
    value = run.value
    if not isinstance(value, str):
        value = [{"part": _part(one)} if isinstance(one, Part) else one for one in value]
    shown: dict[str, Any] = {"state": run.state, "value": value}
    if run.label is not None:
        shown |= {"by": run.label, "first": run.first, "last": run.last}
    return shown | {"before": run.before, "after": run.after}


def encoded(value: object) -> bytes:
    """A plain value as JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
        errors="backslashreplace"
    )
