"""Every moment of a document is what Yjs showed then: order, deletes, values, the update."""

from collab.past.encoding import encode_moment
from collab.past.items import Items
from collab.past.moments import Moment
from collab.past.order import Item
from collab.past.shapes import contents, texts
from collab.past.units import Content
from collab.update import read_update
from collab.views import document_text
from tests.collab.genuine import EXACT, PLAIN, Document, Yjs, corpus, yrs
from tests.collab.past import Historian, exact, items_of, lists_of, log_of


def exact_documents() -> list[Document]:
    """Those in which all Yjs clients agree."""
    return [document for document in corpus() if document.kind in EXACT]


def some(document: Document, rows: int, count: int = 4) -> list[int]:
    """Some seqs, the first and the last among them."""
    random = document.random(5)
    return sorted({0, rows, *(random.randint(0, rows) for _ in range(count))})


def test_yjs_agrees() -> None:
    """Order of all that ever was; at any seq what is deleted, and what each root shows; the update
    of that moment opens to the same."""
    with Historian() as historian, Yjs() as yjs:
        for document in exact_documents():
            rows = log_of(document)
            at = some(document, len(rows))
            items = items_of(rows)
            told = historian.tell(rows, at)
            assert told["lists"] == {
                name: list_ for name, list_ in lists_of(items).items() if list_
            }
            for seq, moment in zip(at, told["moments"], strict=True):
                then = Moment(items, seq)
                update = encode_moment(items, seq)
                deletes = then.deletes()
                assert read_update(update).deletes == deletes, (document, seq)
                expected = {int(c): [tuple(r) for r in own] for c, own in moment["deleted"].items()}
                assert {c: r for c, r in expected.items() if r} == {
                    c: deletes.ranges(c) for c in deletes.clients
                }, (document, seq)
                assert exact(contents(then)) == moment["plain"], (document, seq)
                shown = yjs.judge([update])
                assert shown.content == moment["content"], (document, seq)
                assert not shown.pending


def test_yrs_agrees() -> None:
    """yrs opens the update of a moment to what it makes of the rows up to then."""
    documents = [document for document in corpus() if document.kind in PLAIN][:40]
    moments, logs = [], []
    for document in documents:
        rows = log_of(document)
        seq = document.random(7).randint(0, len(rows))
        moments.append([encode_moment(items_of(rows), seq)])
        logs.append(rows[:seq])
    with Yjs() as yjs:
        for document, one, other in zip(documents, yrs(moments), yrs(logs), strict=True):
            assert yjs.judge([one]).content == yjs.judge([other]).content, document


def test_both_moments_in_one_update() -> None:
    """With what was alive at an earlier moment, and has gone since: its content is kept."""
    for document in exact_documents():
        rows = log_of(document)
        items = items_of(rows)
        random = document.random(8)
        since, seq = sorted((random.randint(0, len(rows)), random.randint(0, len(rows))))
        both = items_of([encode_moment(items, seq, since)])
        shown, expected = contents(Moment(both, 1)), contents(Moment(items, seq))
        assert shown == {name: expected[name] for name in shown}, document
        assert not any(expected[name] for name in expected.keys() - shown.keys()), document
        then = Moment(items, since)
        for item in (item for known in items.clients.values() for item in known.items):
            for start, end in then.alive(item) if item.parent is not None else ():
                assert content_of(both, item, start, end) == content_of(items, item, start, end)


def content_of(items: Items, item: Item, start: int, end: int) -> list[Content]:
    """The content of some units, one by one."""
    units = ((item.client, clock) for clock in range(start, end))
    return [items.find(unit).units(unit[1], unit[1] + 1) for unit in units]


def test_texts_are_as_an_engine_shows_them() -> None:
    """All characters of texts and of XML, paragraphs as lines."""
    for document in (it for it in corpus() if it.kind in ("text", "xml")):
        rows = log_of(document)
        items = items_of(rows)
        for seq in (0, len(rows) // 3, len(rows)):
            assert texts(Moment(items, seq)) == document_text(encode_moment(items, seq)), document
