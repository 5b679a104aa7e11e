"""Every moment of a document is what Yjs showed then: order, deletes, values, the update."""

from typing import Any

from pycrdt import Doc, Text, XmlElement, XmlFragment, XmlText

from collab.content import ANY, TYPE
from collab.past.encoding import MOST_BLANKS, encode_moment, write_struct
from collab.past.moments import Moment
from collab.past.order import Branch
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
    hidden = items_of((written(b"a" + few + b"word"), bytes.fromhex("00 01 05 01 01 06")))
    update = encode_moment(hidden, 2)
    assert update == bytes.fromhex("01 01 05 00  04 0101 74 0b") + b"a      word" + (
        bytes.fromhex("01 05 01 01 06")
    )
    assert contents(Moment(items_of([update]), 1)) == {"t": "aword"}
    emptied = items_of((written(b"a" + many + b"b"), bytes.fromhex("00 01 05 01 01 28")))
    update = encode_moment(emptied, 2)
    assert update == bytes.fromhex(
        "01 03 05 00  04 0101 74 01 61  00 28  84 0500 01 62  01 05 01 01 28"
    )
    assert contents(Moment(items_of([update]), 1)) == {"t": "ab"}


def test_an_update_says_nothing_of_what_was_deleted_beside() -> None:
    """What was inserted between two that are gone stands there without them."""
    beside = bytes.fromhex("01 01 07 00  c4 0500 0501 01 6d  00")  # client 7's m in client 5's ab
    items = items_of((written(b"ab"), beside, bytes.fromhex("00 01 05 01 00 02")))
    update = encode_moment(items, 3)
    assert update == bytes.fromhex(
        "02  01 07 00  04 0101 74 01 6d  01 05 00  00 02  01 05 01 00 02"
    )
    assert contents(Moment(items_of([update]), 1)) == {"t": "m"}


def test_an_update_of_clients_that_need_each_other() -> None:
    """Client 9 writes into an array of client 5's, then before it, all in one row: the array must
    not wait for what stands before it now, which waits for what is in it."""
    root, yes = Branch("t", None, 0), b"\x01\x78"
    array = write_struct(TYPE, None, None, root, None, b"\0")
    inside = write_struct(ANY, None, None, (5, 0), None, yes)
    before = write_struct(ANY, None, (5, 0), None, None, yes)
    row = b"\x02\x02\x09\0" + inside + before + b"\x01\x05\0" + array + b"\0"
    items = items_of([row])
    update = encode_moment(items, 1)
    assert contents(Moment(items, 1)) == {"t": [True, [True]]}
    assert contents(Moment(items_of([update]), 1)) == {"t": [True, [True]]}
    with Yjs() as yjs:
        assert yjs.judge([update]).content == yjs.judge([row]).content


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
    inline = isinstance(value, XmlElement) and any(isinstance(c, XmlText) for c in children)
    return ("" if inline else "\n").join(map(shown_by_engine, children))


TEXTS_IN_TEXTS = bytes.fromhex(
    "010d0100070104726f6f74060400010003746f2087010306040001040551756972658401040121870100060700010b"
    "060400010c036f6e6587010c06040001100374776f87010b06870114060400011503656e6400"
)
"""A root of Lexical's or Slate's shape: [to [Quire]!] [[one] [two]] [] [end]."""


def test_texts_in_texts_are_lines() -> None:
    """Paragraphs, and the items of a list; but not a link within a line."""
    lines = texts(Moment(items_of([TEXTS_IN_TEXTS]), 1))
    assert "to Quire!\none\ntwo\n\nend" == lines


def test_a_break_goes_on_in_the_next_line() -> None:
    """Of its paragraph; what else stands between words, such as a picture, is no line."""
    doc: Doc[Any] = Doc()
    paragraph = doc.get("x", type=XmlFragment).children.append(XmlElement("paragraph"))
    for part in (XmlText("one"), XmlElement("hardBreak"), XmlText("tw"), XmlElement("image")):
        paragraph.children.append(part)
    paragraph.children.append(XmlText("o"))
    assert "one\ntwo" == texts(Moment(items_of([doc.get_update()]), 1))


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
