"""The pasts that a worker keeps, and what it is asked of them. Pure but for that memory; no engine.

A document's past is costly to build and cheap to ask, so one worker keeps some: see
`collab.history`, which tells it of new rows before it asks. Each function here is a job; a document
is meant by its name. Compressed here, so that the process that holds the sockets need not.
"""

import gc
import json
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from collab.past import shelf
from collab.past.difference import KEPT, Part, Run, difference
from collab.past.encoding import encode_moment
from collab.past.inverse import inverse, undo
from collab.past.items import Items
from collab.past.moments import ARRAY, ELEMENT, FRAGMENT, MAP, TEXT, XML_TEXT, Moment
from collab.past.shapes import contents, texts

KINDS = {
    ARRAY: "array",
    MAP: "map",
    TEXT: "text",
    ELEMENT: "element",
    FRAGMENT: "fragment",
    XML_TEXT: "xmltext",
}

_pasts: dict[str, Items] = {}


def load(name: str, data: bytes) -> bool:
    """Keep the past that `save` gave; False when another version did: begin with row 1."""
    try:
        with _uncollected():
            _pasts[name] = shelf.load(zlib.decompress(data))
    except (zlib.error, ValueError, IndexError):
        return False
    return True


def enter(name: str, first: int, rows: Sequence[bytes]) -> None:
    """The next rows of a document; the first of all has seq 1."""
    items = _pasts.setdefault(name, Items())
    with _uncollected():
        for seq, row in enumerate(rows, first):
            items.enter(seq, row)


def save(name: str) -> bytes:
    """The past as bytes."""
    return zlib.compress(shelf.dump(_pasts[name]), 9)


def exists(name: str) -> bool:
    """Whether there is one; that is, none but to have it brought up to date."""
    return name in _pasts


def drop(name: str) -> None:
    """Forget it."""
    if _pasts.pop(name, None) is not None:
        gc.collect()  # its items are linked in circles


def content(name: str, seq: int) -> bytes:
    """Every root as it was at a moment, as one JSON object."""
    return _json(contents(Moment(_pasts[name], seq)))


def text(name: str, seq: int) -> str:
    """All text as it was at a moment."""
    return texts(Moment(_pasts[name], seq))


def update(name: str, seq: int) -> bytes:
    """The document as it was at a moment, as one Yjs update (v1)."""
    return encode_moment(_pasts[name], seq)


def compare(name: str, before: int, after: int, firsts: Sequence[int]) -> bytes:
    """What changed between two moments, root by root, as one JSON object; `firsts` are the seqs
    with which stretches begin, rising: each run says by which of them it is."""
    changes = difference(
        _pasts[name], before, after, label=lambda seq: bisect_right(firsts, seq) - 1
    )
    return _json({name: _part(part) for name, part in changes.items()})


def go_back(name: str, seq: int) -> bytes:
    """See `collab.past.inverse.inverse`."""
    return inverse(_pasts[name], seq)


def take_back(name: str, seqs: Sequence[int]) -> bytes:
    """See `collab.past.inverse.undo`."""
    return undo(_pasts[name], set(seqs))


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
    if run.state != KEPT:
        shown |= {"by": run.label, "first": run.first, "last": run.last}
    return shown | {"before": run.before, "after": run.after}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
        errors="backslashreplace"
    )
