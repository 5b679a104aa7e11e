"""The pasts that a worker keeps, and what it is asked of them. Pure but for that memory; no engine.

`collab.archive` tells it of new rows before it asks. Each function here is a job; a document
is meant by its name. Compressed here, so that the process that holds the sockets need not.
"""

import gc
import json
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from collab.content import read_bytes
from collab.errors import ProtocolError
from collab.past import shelf
from collab.past.difference import Part, Run, difference
from collab.past.encoding import encode_moment
from collab.past.inverse import inverse, undo
from collab.past.items import Items
from collab.past.moments import ARRAY, ELEMENT, FRAGMENT, MAP, TEXT, XML_TEXT, Moment
from collab.past.shapes import contents, texts
from collab.past.stretches import Stretches
from collab.past.thinning import thinned
from collab.reader import write_var_bytes
from collab.update import read_update

KINDS = {
    ARRAY: "array",
    MAP: "map",
    TEXT: "text",
    ELEMENT: "element",
    FRAGMENT: "fragment",
    XML_TEXT: "xmltext",
}


class Past(NamedTuple):
    """What is known of a document: what is and was in it, and who wrote the rows."""

    items: Items
    stretches: Stretches


_pasts: dict[str, Past] = {}


@contextmanager
def _uncollected() -> Iterator[None]:
    """Many objects come and none go: to look for garbage among them takes twice the time. Nor is
    there any later on, when somebody waits for an answer."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def load(name: str, data: bytes) -> bool:
    """Keep the past that `save` gave; False when another version did: begin with row 1."""
    try:
        with _uncollected():
            plain = zlib.decompress(data)
            items, at = read_bytes(plain, 0)
            _pasts[name] = Past(shelf.load(items), Stretches.load(plain, at))
    except (zlib.error, ValueError, IndexError, ProtocolError):
        return False
    return True


def begin(name: str) -> None:
    """A document of which no row is known."""
    _pasts[name] = Past(Items(), Stretches())


def enter(
    name: str,
    after: int,
    columns: Sequence[bytes],
    authors: Sequence[str],
    rows: Sequence[bytes],
) -> None:
    """The rows of a document that come next after one, 0 before the first. The columns are their
    seqs, their times and which of the authors, eight bytes each. ValueError for any others."""
    items, stretches = _pasts[name]
    if after != items.seq:
        raise ValueError(f"What follows row {after} does not follow row {items.seq}.")
    numbers = (array("Q", column) for column in columns)
    with _uncollected():
        for seq, time, author, row in zip(*numbers, rows, strict=True):
            items.enter(seq, row)
            stretches.enter(seq, time, authors[author])


def save(name: str) -> bytes:
    """The past as bytes."""
    items, stretches = _pasts[name]
    packed = bytearray()
    write_var_bytes(packed, shelf.dump(items))
    return zlib.compress(packed + stretches.dump(), 9)


def drop(name: str) -> None:
    """Forget it."""
    if _pasts.pop(name, None) is not None:
        gc.unfreeze()
        gc.collect()  # its items are linked in circles
        gc.freeze()


@_uncollected()
def content(name: str, seq: int) -> bytes:
    """Every root as it was at a moment, as one JSON object."""
    return encoded(contents(Moment(_pasts[name].items, seq)))


@_uncollected()
def text(name: str, seq: int) -> str:
    """All text as it was at a moment."""
    return texts(Moment(_pasts[name].items, seq))


@_uncollected()
def update(name: str, seq: int) -> bytes:
    """The document as it was at a moment, as one Yjs update (v1)."""
    return encode_moment(_pasts[name].items, seq)


@_uncollected()
def compare(name: str, before: int, after: int, last: int, ended: int) -> bytes:
    """What changed between two moments, root by root, and the stretches in which it did, as one
    JSON object; `last` is the row that the later one ends with, and was written at `ended`. Each
    run says by which of those in the answer it is; stretches that no run names are left out."""
    items, stretches = _pasts[name]
    named: dict[int, int] = {}

    def label(seq: int) -> int:
        return named.setdefault(stretches.place(seq), len(named))

    changes = difference(items, before, after, label)
    roots = {root: _part(part) for root, part in changes.items()}
    shown = stretches.show(list(named), last, ended)
    return encoded({"from": before, "to": after, "stretches": shown, "roots": roots})


@_uncollected()
def go_back(name: str, seq: int) -> bytes:
    """See `collab.past.inverse.inverse`."""
    return inverse(_pasts[name].items, seq)


@_uncollected()
def take_back(name: str, seqs: bytes) -> bytes:
    """See `collab.past.inverse.undo`; the seqs have eight bytes each."""
    return undo(_pasts[name].items, set(array("Q", seqs)))


@_uncollected()
def thin(name: str, start: int, ends: bytes, kept: bytes) -> tuple[bytes, list[bytes]]:
    """See `collab.past.thinning.thinned`; all seqs have eight bytes each, those returned too.
    ProtocolError when there is a row that would not pass the gate."""
    rows = dict(thinned(_pasts[name].items, start, array("Q", ends), array("Q", kept)))
    for row in rows.values():
        read_update(row)
    return array("Q", rows).tobytes(), list(rows.values())


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
