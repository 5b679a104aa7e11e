"""What real engines make of it: Yjs, in Node, and yrs, through pycrdt. Skipped without Node.

A document's `content` is what a Yjs client shows that saw every update.
"""

from collections.abc import Iterator, Sequence

import pytest

from collab.fold import fold
from collab.state import Head, State
from collab.update import encode_state_vector
from tests.collab.genuine import (
    EXACT,
    PLAIN,
    SOAK,
    Document,
    Yjs,
    fresh,
    grouped,
    parts,
    scattered,
    whole,
    yrs,
)


@pytest.fixture(scope="module")
def yjs() -> Iterator[Yjs]:
    """Real Yjs, to judge with."""
    with Yjs() as yjs:
        yield yjs


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    """Some of those that are made for this run."""
    return fresh()[: SOAK or 30]


def same(yjs: Yjs, document: Document, updates: Sequence[bytes]) -> None:
    """Whoever is given these updates in order has the document, and waits for nothing."""
    verdict = yjs.judge(updates)
    assert not verdict.pending, document
    if document.kind in EXACT:
        assert document.content == verdict.content, document


def test_what_is_handed_out(yjs: Yjs, documents: list[Document]) -> None:
    """The log of news, the merged news, the whole state, and a part of the log with what was cut
    for it: Yjs shows the document from each of them."""
    for document in documents:
        state, log = scattered(document, document.random())
        random = document.random(2)
        part = log[: random.randrange(len(log) + 1)]
        peer = Head()
        for news in part:
            peer.enter(news)
        same(yjs, document, [news.data for news in log])
        same(yjs, document, [news.data for news in grouped(log, random)])
        same(yjs, document, [state.encode()])
        same(yjs, document, [*(news.data for news in part), state.cut(peer.vector)])


def test_cut_as_yjs_cuts(yjs: Yjs, documents: list[Document]) -> None:
    """For any state vector, what is cut is byte for byte what Y.diffUpdate makes, apart from the
    key flag, which that loses."""
    for document in documents:
        random = document.random(3)
        state, _ = scattered(document, document.random())
        for _ in range(5):
            vector = {client: random.randrange(end + 2) for client, end in state.vector.items()}
            theirs = yjs.diff(state.encode(), encode_state_vector(vector))
            assert yjs.diff(theirs, b"\x00") == yjs.diff(state.cut(vector), b"\x00"), document


def test_folded_and_in_parts(yjs: Yjs, documents: list[Document]) -> None:
    """Yjs shows the document from its fold, from the fold's parts, and from a fold of its first
    half with the edits that came after it."""
    for document in documents:
        if document.kind not in EXACT:
            continue
        state, log = scattered(document, document.random())
        data, index = fold(state.encode())
        half = State()
        for news in log[: len(log) // 2]:
            half.enter(news)
        rest = [news.data for news in log[len(log) // 2 :]]
        same(yjs, document, [data])
        same(yjs, document, parts(State.load(data, index), 300))
        same(yjs, document, [fold(half.encode())[0], *rest])


def test_old_clients_go_on(yjs: Yjs, documents: list[Document]) -> None:
    """Who has the document as it was, and who got the fold, both edit it, and agree."""
    for document in documents:
        if document.kind not in EXACT:
            continue
        state = whole(document)
        verdict = yjs.fork(fold(state.encode())[0], state.encode(), document)
        assert not verdict.pending, document
        assert len(set(verdict.content)) == 1, document


def test_yrs(yjs: Yjs, documents: list[Document]) -> None:
    """yrs, too, makes the document of the log, of the state, of the fold and of its parts."""
    plain = [document for document in documents if document.kind in PLAIN]
    questions = []
    for document in plain:
        state, log = scattered(document, document.random())
        data, index = fold(state.encode())
        loaded = State.load(data, index)
        questions += [[news.data for news in log], [state.encode()], [data], parts(loaded, 300)]
    answers = yrs(questions)
    for document in plain:
        for _ in range(4):
            assert document.content == yjs.judge([next(answers)]).content, document
