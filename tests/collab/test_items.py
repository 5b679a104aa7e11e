"""Every moment of a document is what Yjs showed then: order, deletes, values, the update."""

from typing import Any

from pycrdt import Doc, Text, XmlFragment, XmlText

from collab.past.encoding import MOST_BLANKS, encode_moment
from collab.past.moments import Moment
from collab.past.shapes import contents, texts
from collab.sound import sound
from collab.update import read_update
from tests.collab.genuine import EXACT, PLAIN, Document, Yjs, corpus, yrs
from tests.collab.past import Historian, crossed, exact, items_of, lists_of, log_of


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


def test_an_update_has_nothing_of_what_was_deleted() -> None:
    """A few deleted characters are blanks among the others, more are only counted."""
    few, many = b"secret", b"x" * (MOST_BLANKS + 8)
    hidden = items_of((written(few + b" word"), bytes.fromhex("00 01 05 01 00 06")))
    update = encode_moment(hidden, 2)
    assert update == bytes.fromhex("01 01 05 00  04 0101 74 0b") + b" " * 7 + b"word" + (
        bytes.fromhex("01 05 01 00 06")
    )
    assert contents(Moment(items_of([update]), 1)) == {"t": " word"}
    emptied = items_of((written(b"a" + many + b"b"), bytes.fromhex("00 01 05 01 01 28")))
    update = encode_moment(emptied, 2)
    assert update == bytes.fromhex(
        "01 03 05 00  04 0101 74 01 61  81 0500 28  84 0528 01 62  01 05 01 01 28"
    )
    assert contents(Moment(items_of([update]), 1)) == {"t": "ab"}


def written(text: bytes) -> bytes:
    """Client 5's first words, in the root "t"."""
    return bytes.fromhex("01 01 05 00  04 0101 74") + bytes((len(text),)) + text + b"\0"


def test_texts_are_as_an_engine_shows_them() -> None:
    """All characters of texts and of XML, paragraphs as lines."""
    for document in (it for it in corpus() if it.kind in ("text", "xml")):
        rows = log_of(document)
        items = items_of(rows)
        for seq in (0, len(rows) // 3, len(rows)):
            doc: Doc[Any] = Doc()
            doc.apply_update(sound(read_update(encode_moment(items, seq))))
            root: Any = (
                doc.get("t", type=Text)
                if document.kind == "text"
                else doc.get("x", type=XmlFragment)
            )
            assert texts(Moment(items, seq)) == shown_by_engine(root), document


def shown_by_engine(value: Any) -> str:
    """All text of a shared type of pycrdt's."""
    if isinstance(value, Text | XmlText):
        return "".join(part for part, _ in value.diff() if isinstance(part, str))
    children = list(value.children)
    inline = children and all(isinstance(child, XmlText) for child in children)
    return ("" if inline else "\n").join(map(shown_by_engine, children))


def test_a_fault_of_yjs() -> None:
    """An item between neighbours that stand the other way round is shown by Yjs in one place or
    another, by how the same structs came; nothing else is called crossed."""
    typed = bytes.fromhex("01 01 01 00  04 01 01 74 03 61 62 63  00")
    odd = bytes.fromhex("01 01 01 03  c4 01 02 01 01 01 58  00")
    between = bytes.fromhex("01 01 02 00  c4 01 00 01 01 01 59  00")
    with Yjs() as yjs:
        shown = [yjs.judge(log).content for log in ([typed, odd, between], [typed, between, odd])]
    assert shown[0] != shown[1]
    assert crossed(items_of([typed, odd, between]))
    assert crossed(items_of([typed, between, odd]))
    assert not crossed(items_of([typed, between]))
    assert not any(crossed(items_of(log_of(document))) for document in exact_documents()[:30])
