"""Looks for bytes that break a harness of `tests/harnesses.py`, guided by what they make our code
do: atheris, which is libFuzzer for Python (`scripts/install test,fuzz`).

usage: python -m tests.guided HARNESS FOLDER [options of libFuzzer]

FOLDER has the bytes to begin from, and gets those that reach something new. Ends with an exit code
other than 0 when something broke; the bytes are then in a file crash-... or timeout-....
"""

import sys

import atheris

with atheris.instrument_imports(include=["collab"]):
    from tests.harnesses import HARNESSES


def main() -> None:
    harness = HARNESSES[sys.argv.pop(1)]

    def attempt(data: bytes) -> None:
        harness(data)

    atheris.Setup(sys.argv, attempt)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
