"""`quire serve` with two faults, so that a battery can show that it finds them: it fails where a
document is asked for over HTTP, whatever for, and takes its time over every receipt.
"""

import sys
import time
from pathlib import Path

from collab.access import Level
from collab.session import Session
from collab.web.api import ApiHandler
from collab.web.cli import main
from tests.turns import watch

_promise = Session._promise


async def fail(self: ApiHandler, name: str, level: Level) -> str:
    raise ZeroDivisionError


def dawdle(self: Session, receipt: object) -> None:
    end = time.thread_time() + 0.06
    while time.thread_time() < end:
        pass
    _promise(self, receipt)


if __name__ == "__main__":
    ApiHandler.admit = fail
    Session._promise = dawdle
    watch(Path(sys.argv[sys.argv.index("--store") + 1]))
    main()
