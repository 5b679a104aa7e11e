"""Workers that die, or hang, for real, of whatever holds MARK: in place of a fault of pycrdt, or of
ours, that nobody knows yet.

    monkeypatch.setattr(engine, "PROGRAM", deadly("check", "mirror.open"))
"""

import sys

MARK = b"deadly"

_PROGRAM = """
import os, signal, time
from collab import jobs

def holds(value):
    return MARK in value if isinstance(value, bytes) else (
        isinstance(value, list) and any(map(holds, value)))

def mined(job):
    def run(*arguments):
        if holds(list(arguments)):
            HARM
        return job(*arguments)
    return run

for name in NAMES:
    jobs.JOBS[name] = mined(jobs.JOBS[name])
jobs.main()
"""


def deadly(*jobs: str) -> tuple[str, ...]:
    """The command of a worker whose jobs of these names kill it when they are given MARK."""
    return _mined("os.kill(os.getpid(), signal.SIGKILL)", jobs)


def hanging(*jobs: str) -> tuple[str, ...]:
    """The same of one that never comes back from them."""
    return _mined("time.sleep(1 << 20)", jobs)


def _mined(harm: str, jobs: tuple[str, ...]) -> tuple[str, ...]:
    program = _PROGRAM.replace("MARK", repr(MARK)).replace("NAMES", repr(jobs))
    return (sys.executable, "-c", program.replace("HARM", harm))
