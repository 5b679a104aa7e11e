"""A thinned log says at every moment that is kept what the whole one said, to us and to Yjs."""

from random import Random

from collab.content import DELETED, STRING
from collab.past.encoding import encode_moment
from collab.past.inverse import NOTHING, inverse
from collab.past.items import Items
from collab.past.moments import Moment
from collab.past.shapes import contents
from collab.past.thinning import thinned
from collab.state import State
from collab.update import read_update
from tests.collab.genuine import EXACT, Document, Yjs, corpus
from tests.collab.past import Historian, exact, items_of, log_of

Rows = list[tuple[int, bytes]]


def exact_documents() -> list[Document]:
    """Those in which all Yjs clients agree."""
    return [document for document in corpus() if document.kind in EXACT]


def choice(random: Random, rows: int) -> tuple[int, list[int], list[int]]:
    """Where to start, which rows to end at, and which of those moments to keep."""
    start, upto = sorted((random.choice((0, random.randint(0, rows - 1))), random.randint(1, rows)))
    if start == upto:
        start = 0
    most = random.choice((1, 3, 10, 100))
    kept = {upto, *(random.randint(start + 1, upto) for _ in range(random.randint(0, most)))}
    ends = kept | {random.randint(start + 1, upto) for _ in range(random.randint(0, most))}
    return start, sorted(ends), sorted(kept)


def thin(rows: Rows, start: int, ends: list[int], kept: list[int]) -> Rows:
    """The log with fewer rows."""
    before = [row for row in rows if row[0] <= start]
    after = [row for row in rows if row[0] > ends[-1]]
    return [*before, *thinned(past(rows), start, ends, kept), *after]


def past(rows: Rows) -> Items:
    """What a log says."""
    items = Items()
    for seq, row in rows:
        items.enter(seq, row)
    return items


def admitted(rows: Rows) -> State:
    """The log as a server reads it when it opens the document: each row passes the gate."""
    state = State()
    for seq, row in rows:
        news, missing = state.admit(read_update(row), partial=False)
        assert not missing, seq
        if news is not None:
            state.enter(news)
    return state


def test_kept_moments_stay() -> None:
    """For genuine documents of every kind: what a moment shows that is kept, or comes after, and
    the way back to it; the gate lets every row in; and again, when the thinned log is thinned."""
    for document in exact_documents():
        random = document.random(11)
        rows = list(enumerate(log_of(document), 1))
        whole = past(rows)
        thin_rows, moments = rows, set(range(len(rows) + 1))
        for _ in range(2):
            start, ends, kept = choice(random, len(rows))
            if any(end not in moments for end in ends) or start not in moments:
                continue
            thin_rows = thin(thin_rows, start, ends, kept)
            moments -= set(range(start + 1, ends[-1])) - set(kept)
            items = past(thin_rows)
            seqs = [seq for seq, _ in thin_rows]
            assert seqs == sorted(set(seqs))
            assert set(kept) <= set(seqs)
            for seq in sorted(moments):
                then, now = Moment(whole, seq), Moment(items, seq)
                assert contents(now) == contents(then), (document, seq, start, ends, kept)
                assert now.vector == then.vector
                assert now.deletes() == then.deletes(), (document, seq, start, ends, kept)
            assert admitted(thin_rows).vector == whole.vector(len(rows))


def test_yjs_reads_the_same() -> None:
    """Yjs opens a thinned log to what it showed at the moments that are kept, whose rows come in
    any batches, after a restore to one of them, and with an old copy of the document."""
    with Historian() as historian, Yjs() as yjs:
        for document in exact_documents()[::3]:
            random = document.random(12)
            rows = list(enumerate(log_of(document), 1))
            start, ends, kept = choice(random, len(rows))
            thin_rows = thin(rows, start, ends, kept)
            told = historian.tell([row for _, row in rows], kept)
            data = [row for _, row in thin_rows]
            counts = [sum(seq <= moment for seq, _ in thin_rows) for moment in kept]
            again = historian.tell(data, counts)
            for moment, other in zip(told["moments"], again["moments"], strict=True):
                assert other["plain"] == moment["plain"], document
                assert other["content"] == moment["content"], document
            copy = [row for _, row in rows[: random.randint(0, len(rows))]]
            back = yjs.judge([*copy, admitted(thin_rows).encode()])
            assert back.content == yjs.judge([row for _, row in rows]).content, document
            items, seq = past(thin_rows), random.choice(kept)
            way_back = inverse(items, seq)
            shown = yjs.judge([*data, way_back] if way_back != NOTHING else data)
            assert shown.content == yjs.judge([encode_moment(items, seq)]).content, document
            assert exact(contents(Moment(items, seq))) == told["moments"][kept.index(seq)]["plain"]


def test_what_came_and_went_is_gone() -> None:
    """A word that was written and deleted between two kept moments is in no byte of the log; one
    that a kept moment shows is."""
    rows = [
        bytes((1, 1, 1, 0, STRING, 1, 1, ord("t"), 6)) + b"secret" + b"\0",
        bytes((1, 1, 1, 6, 0x80 | STRING, 1, 5, 4)) + b"word" + b"\0",
        bytes((0, 1, 1, 1, 0, 6)),
        bytes((0, 1, 1, 1, 6, 4)),
    ]
    numbered = list(enumerate(rows, 1))
    every = b"".join(row for _, row in thin(numbered, 0, [1, 2, 3, 4], [3, 4]))
    assert b"secret" not in every
    assert b"word" in every
    assert bytes((DELETED,)) in every
    assert [seq for seq, _ in thin(numbered, 0, [1, 2, 3, 4], [4])] == [1, 2, 4]
    assert admitted(thin(numbered, 0, [4], [4])).deletes == admitted(numbered).deletes
    assert items_of(rows).vector(4) == past(thin(numbered, 0, [4], [4])).vector(4)
