"""Genuine Yjs: documents that real clients edited, and real engines to judge with.

`corpus()` reads documents recorded from Yjs (tests/node/corpus.mjs made them), or, where QUIRE_SOAK
says how many, has Node make new ones. `Yjs` asks a Node process what Yjs shows; `yrs` asks pycrdt.
"""

import base64
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from collab.parts import Plan, plan
from collab.state import News, State, merge
from collab.update import StateVector, read_update

NODE = Path(__file__).parents[1] / "node"
RECORDED = Path(__file__).parents[1] / "data" / "corpus.json.gz"
SOAK = int(os.environ.get("QUIRE_SOAK", "0"))  # how many documents; 0: those that are recorded
SEED = int(os.environ.get("QUIRE_SEED", "1"))  # the first document's, and of everything random

EXACT = ("text", "map", "array", "xml", "all", "exotic")
"""Kinds of documents in which all Yjs clients agree ("torn" ones split surrogate pairs)."""

PLAIN = ("text", "map", "array", "xml", "all")
"""Kinds of documents whose every value yrs keeps as it is."""


class Document(NamedTuple):
    """See tests/node/corpus.mjs."""

    seed: int
    kind: str
    updates: list[bytes]
    others: list[bytes]
    content: str

    def random(self, salt: int = 0) -> Random:
        """A generator of its own for each document and test."""
        return Random(SEED << 40 | self.seed << 8 | salt)

    def __repr__(self) -> str:
        return f"<{self.kind} document, seed {self.seed}; QUIRE_SEED={SEED}>"


@cache
def corpus() -> list[Document]:
    """The documents to test with."""
    if SOAK:
        return fresh(SOAK)
    return [_document(line) for line in gzip.decompress(RECORDED.read_bytes()).splitlines()]


@cache
def fresh(documents: int = SOAK or 230) -> list[Document]:
    """New documents, made by Node; 230 of them hold 20,000 updates."""
    need_node()
    made = subprocess.run(
        ["node", NODE / "corpus.mjs", str(SEED), str(documents)], capture_output=True, check=True
    )
    return [_document(line) for line in made.stdout.splitlines()]


def _document(line: bytes) -> Document:
    fields = json.loads(line)
    for name in ("updates", "others"):
        fields[name] = [base64.b64decode(update) for update in fields[name]]
    return Document(**fields)


def whole(document: Document) -> State:
    """The document as it is when all of its updates arrive in order."""
    state = State()
    for update in document.updates:
        news = state.admit(read_update(update), partial=False).news
        if news is not None:
            state.enter(news)
    return state


def parts(state: State, size: int) -> list[bytes]:
    """A document as one gets it who has nothing, in parts of about `size` bytes; deletes last."""
    updates: list[bytes] = []
    vector: StateVector = {}
    for step in Plan.load(plan(state.encode(), size)).steps:
        update, vector = state.slice(vector, step)
        if update:
            updates.append(update)
    return [*updates, state.cut(vector)]


def scattered(document: Document, random: Random) -> tuple[State, list[News]]:
    """The document from a bad network: updates out of order, twice, or only with the answer of
    some other client; those that do not connect come again later. Also returns what entered."""
    state, log = State(), []
    left = list(document.updates)

    def offer(update: bytes, partial: bool) -> bool:
        admission = state.admit(read_update(update), partial)
        if admission.news is not None:
            state.enter(admission.news)
            log.append(admission.news)
        return not admission.missing

    for _ in range(30 * len(document.updates)):
        if not left:
            return state, log
        chance = random.random()
        if chance < 0.1:
            offer(random.choice(document.updates), partial=False)
        elif chance < 0.15:
            offer(random.choice(document.others), partial=True)
        else:
            at = min(len(left) - 1, int(random.expovariate(0.2)))
            if offer(left[at], partial=False):
                del left[at]
    raise AssertionError(f"{document}: {len(left)} updates never connected")


def grouped(log: list[News], random: Random) -> Iterator[News]:
    """The news, some at a time."""
    at = 0
    while at < len(log):
        size = 1 + int(random.expovariate(0.15))
        yield merge(log[at : at + size])
        at += size


def need_node() -> None:
    """Skip the test where Node or its packages are not there."""
    if shutil.which("node") is None:
        pytest.skip("needs Node: it judges with real Yjs")
    if not (NODE / "node_modules").exists():
        pytest.skip("needs Yjs: run `npm ci` in tests/node")


class Verdict(NamedTuple):
    """What a document shows, and whether it waits for something that it was not given."""

    content: Any
    pending: bool


class Yjs:
    """A Node process with real Yjs; use as a context manager."""

    def __enter__(self) -> "Yjs":
        need_node()
        self.process = subprocess.Popen(
            ["node", NODE / "judge.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def judge(self, updates: Sequence[bytes]) -> Verdict:
        """A fresh client that is given the updates, in this order."""
        return self._ask({"updates": [base64.b64encode(update).decode() for update in updates]})

    def fork(self, new: bytes, old: bytes, document: Document) -> Verdict:
        """Three clients' contents after they edited and merged: see tests/node/judge.mjs."""
        states = [base64.b64encode(state).decode() for state in (new, old)]
        return self._ask({"fork": states, "seed": document.seed, "kind": document.kind})

    def diff(self, update: bytes, vector: bytes) -> bytes:
        """Y.diffUpdate: what of the update a peer with that state vector lacks."""
        question = {"diff": update, "vector": vector}
        answer = self._ask({name: base64.b64encode(it).decode() for name, it in question.items()})
        return base64.b64decode(answer.content)

    def _ask(self, question: object) -> Verdict:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        self.process.stdin.flush()
        return Verdict(**json.loads(self.process.stdout.readline()))


_YRS = """
import base64, json, sys
from pycrdt import Doc
for line in sys.stdin:
    doc = Doc()
    for update in json.loads(line):
        doc.apply_update(base64.b64decode(update))
    print(base64.b64encode(doc.get_update()).decode(), flush=True)
"""


def yrs(documents: Sequence[Sequence[bytes]]) -> Iterator[bytes]:
    """For each document, what yrs makes of its updates, as one update. In a process of its own,
    for yrs may crash."""
    lines = (
        json.dumps([base64.b64encode(update).decode() for update in updates])
        for updates in documents
    )
    answer = subprocess.run(
        [sys.executable, "-c", _YRS], input="\n".join(lines), capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    return (base64.b64decode(line) for line in answer.stdout.splitlines())
