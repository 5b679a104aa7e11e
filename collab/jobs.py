"""The jobs that workers do, and the worker program: `python -m collab.jobs`. See `collab.engine`.

Every job is a pure function of bytes, numbers and strings, but for the pasts that are kept (see
`collab.past.jobs`) and the mirrors of documents that programs edit (see `collab.editor`).
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from collab import tiptap
from collab.engine import HEAD, pack, unpack
from collab.errors import ProtocolError, TooBig
from collab.fold import admit_in_worker, fold
from collab.parts import plan
from collab.past import jobs as past
from collab.past.items import Items
from collab.past.moments import Moment
from collab.past.shapes import contents, texts
from collab.sound import sound
from collab.update import TRUSTED, read_update

if TYPE_CHECKING:
    from pycrdt import Doc

LOST = "lost"
MEMORY = 2 << 30  # bytes of address space that a worker may have


def text(update: bytes) -> str:
    """All text of a document: see `collab.past.shapes.texts`. ProtocolError as `read_update`."""
    return texts(_shown(update))


def to_json(update: bytes) -> bytes:
    """Every root of a document, as one JSON object in UTF-8. ProtocolError as `read_update`."""
    return past.encoded(contents(_shown(update)))


def listed(update: bytes) -> tuple[bool, list[tuple[int, float]]]:
    """See `collab.tiptap.listed`. ProtocolError as `read_update`."""
    return tiptap.listed(contents(_shown(update), (tiptap.LIST, tiptap.CONFIG)))


def _shown(update: bytes) -> Moment:
    read_update(update, TRUSTED)
    items = Items()
    items.enter(1, update)
    return Moment(items, 1)


def check(update: bytes) -> bytes:
    """Opens the document in pycrdt, or dies of it. The document as it can be opened."""
    from pycrdt import Doc

    update = sound(read_update(update, TRUSTED))
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    doc.get_update()
    return update


_mirrors: "dict[int, Doc[Any]]" = {}


def mirror_open(editor: int, update: bytes) -> bytes:
    """As `check`; the document is kept, for `mirror_apply`."""
    from pycrdt import Doc

    update = check(update)
    _mirrors[editor] = Doc()
    _mirrors[editor].apply_update(update)
    return update


def mirror_apply(editor: int, update: bytes) -> str:
    """Does to the kept document what its editor is about to do to its own, or dies of it. What went
    wrong, "" if nothing; LOST when there is no such document, for another worker kept it."""
    doc = _mirrors.pop(editor, None)
    if doc is None:
        return LOST
    try:
        doc.apply_update(update)
        doc.get_update(doc.get_state())
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # what is half applied is not kept
        return type(error).__name__
    _mirrors[editor] = doc
    return ""


def mirror_drop(editor: int) -> None:
    """The editor has gone."""
    _mirrors.pop(editor, None)


def edit(update: bytes, client: int, edits: str) -> bytes:
    """See `collab.editing`; pycrdt is loaded by the first one."""
    from collab import editing

    return editing.edit(update, client, edits)


JOBS: dict[str, Callable[..., object]] = {
    "past.begin": past.begin,
    "past.compare": past.compare,
    "past.content": past.content,
    "past.drop": past.drop,
    "past.enter": past.enter,
    "past.go_back": past.go_back,
    "past.load": past.load,
    "past.save": past.save,
    "past.take_back": past.take_back,
    "past.text": past.text,
    "past.thin": past.thin,
    "past.update": past.update,
    "admit": admit_in_worker,
    "check": check,
    "edit": edit,
    "fold": fold,
    "json": to_json,
    "listed": listed,
    "mirror.apply": mirror_apply,
    "mirror.drop": mirror_drop,
    "mirror.open": mirror_open,
    "plan": plan,
    "text": text,
}


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Does the jobs that come in, one after the other, until there are no more."""
    while head := requests.read(HEAD.size):
        (length,) = HEAD.unpack(head)
        message = json.loads(requests.read(length))
        blobs = iter([requests.read(size) for size in message["blobs"]])
        job, *arguments = unpack(message["message"], blobs)
        for part in pack(_do(JOBS[job], arguments)):
            answers.write(part)
        answers.flush()


def _do(job: Callable[..., object], arguments: Sequence[object]) -> dict[str, object]:
    try:
        return {"result": job(*arguments)}
    except ProtocolError as error:
        return {"refused": str(error)}
    except TooBig as error:
        return {"too_big": [str(error), error.limit]}
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # pycrdt's PanicException is not an Exception
        return {"failed": type(error).__name__}


def _limit() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """The worker: jobs from stdin, answers to stdout, until stdin ends."""
    _limit()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not come between the answers
    with contextlib.suppress(KeyboardInterrupt):
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
