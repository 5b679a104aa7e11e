"""The jobs that workers do, and the worker program: `python -m collab.jobs`. See `collab.engine`.

Every job is a pure function of bytes, numbers and strings, but for the pasts that are kept: see
`collab.past.jobs`.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from collab.engine import HEAD, pack, unpack
from collab.errors import ProtocolError
from collab.fold import admit_in_worker, fold
from collab.parts import plan
from collab.past import jobs as past
from collab.past.items import Items
from collab.past.moments import Moment
from collab.past.shapes import contents, texts
from collab.sound import sound
from collab.update import TRUSTED, read_update

MEMORY = 2 << 30  # bytes of address space that a worker may have


def text(update: bytes) -> str:
    """All text of a document: see `collab.past.shapes.texts`. ProtocolError as `read_update`."""
    return texts(_shown(update))


def to_json(update: bytes) -> bytes:
    """Every root of a document, as one JSON object in UTF-8. ProtocolError as `read_update`."""
    return past.encoded(contents(_shown(update)))


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
    "fold": fold,
    "json": to_json,
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
