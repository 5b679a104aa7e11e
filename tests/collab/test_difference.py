"""The difference of two moments is both moments at once, and says which rows made it."""

from typing import Any

from collab.past.difference import DELETED, INSERTED, KEPT, Part, Run, difference
from collab.past.items import Items
from collab.past.moments import ELEMENT, MAP, TEXT, XML_TEXT, Moment
from collab.past.shapes import contents
from tests.collab.genuine import EXACT, corpus
from tests.collab.past import items_of, log_of


def side(part: Part, gone: str, formats: str) -> Any:
    """A shared type as it is at one of the two moments: without what is not there then."""
    entries = {
        key: value(run, gone, formats)[0]
        for key, runs in part.entries.items()
        for run in runs
        if run.state != gone
    }
    if part.kind == MAP:
        return entries
    if part.kind in (TEXT, XML_TEXT):
        return text(part, gone, formats)
    listed = [it for run in part.runs if run.state != gone for it in value(run, gone, formats)]
    if part.kind == ELEMENT:
        return {"type": part.tag, "attributes": entries, "children": listed}
    return listed


def value(run: Run, gone: str, formats: str) -> Any:
    """What a run holds, as at one of the two moments."""
    if isinstance(run.value, str):
        return run.value
    return [side(it, gone, formats) if isinstance(it, Part) else it for it in run.value]


def text(part: Part, gone: str, formats: str) -> Any:
    """A text as a delta; a string where nothing but text is."""
    delta: list[dict[str, Any]] = []
    for run in part.runs:
        if run.state == gone:
            continue
        attributes = getattr(run, formats)
        for inserted in [run.value] if isinstance(run.value, str) else value(run, gone, formats):
            op = {"insert": inserted} | ({"attributes": attributes} if attributes else {})
            last = delta[-1] if delta else {}
            if (
                isinstance(run.value, str)
                and last.get("text")
                and last["op"].get("attributes") == op.get("attributes")
            ):
                last["op"]["insert"] += inserted
            else:
                delta.append({"op": op, "text": isinstance(run.value, str)})
    ops = [it["op"] for it in delta]
    if part.kind == TEXT and all(it["text"] and len(it["op"]) == 1 for it in delta):
        return "".join(op["insert"] for op in ops)
    return ops


def all_runs(part: Part) -> list[Run]:
    """The runs of a shared type and of all in it."""
    runs = part.runs + [run for own in part.entries.values() for run in own]
    inner = [it for run in runs if isinstance(run.value, list) for it in run.value]
    return runs + [run for it in inner if isinstance(it, Part) for run in all_runs(it)]


def test_both_moments_are_in_it() -> None:
    """Without what was inserted it is the earlier document, without what was deleted the later one;
    and the rows that it names lie between the two."""
    for document in (it for it in corpus() if it.kind in EXACT):
        random = document.random(6)
        rows = log_of(document)
        items = items_of(rows)
        for _ in range(5):
            before, after = sorted((random.randint(0, len(rows)), random.randint(0, len(rows))))
            changes = difference(items, before, after, label=lambda seq: seq // 3)
            old = {name: side(part, INSERTED, "before") for name, part in changes.items()}
            new = {name: side(part, DELETED, "after") for name, part in changes.items()}
            assert new == contents(Moment(items, after)), document
            then = contents(Moment(items, before))
            assert {name: old[name] for name in then} == then, document
            for run in (run for part in changes.values() for run in all_runs(part)):
                if run.state == KEPT and run.before == run.after:
                    assert (run.label, run.first, run.last) == (None, 0, 0)
                else:
                    assert before < run.first <= run.last <= after, document
                    assert run.label == run.first // 3 == run.last // 3, document


class TestSmallStories:
    """What the runs look like."""

    def test_who_wrote_what(self) -> None:
        """The difference between nothing and the present: text by author, whose row is whose."""
        items = typed("ab", "cd", "e")
        (part,) = difference(items, 0, 3, label=lambda seq: "ann" if seq < 3 else "bob").values()

        assert part.runs == [
            Run(INSERTED, "abcd", "ann", 1, 2, None, {}),
            Run(INSERTED, "e", "bob", 3, 3, None, {}),
        ]

    def test_typed_and_taken_back(self) -> None:
        """What came and went in between is not in it."""
        items = typed("ab", "cd", "e")
        items.enter(4, bytes.fromhex("00 01 05 01 01 02"))  # deletes "bc"
        (part,) = difference(items, 1, 4, label=lambda seq: "ann").values()

        assert part.runs == [
            Run(KEPT, "a", None, 0, 0, {}, {}),
            Run(DELETED, "b", "ann", 4, 4, {}, None),
            Run(INSERTED, "de", "ann", 2, 3, None, {}),
        ]

    def test_a_text_made_bold(self) -> None:
        """What was formatted is kept; its formats then and now are told, and who changed them."""
        items = typed("ab")
        items.enter(2, bytes.fromhex("01 01 05 02  46 05 00 04 626f6c64 04 74727565  00"))
        (part,) = difference(items, 1, 2, label=lambda seq: seq).values()

        assert part.runs == [Run(KEPT, "ab", 2, 2, 2, {}, {"bold": True})]


def typed(*words: str) -> Items:
    """Client 5 types into the root "t", a row a word."""
    items, clock = Items(), 0
    for seq, word in enumerate(words, 1):
        place = bytes((0x84, 5, clock - 1)) if clock else b"\x04\x01\x01t"
        struct = place + bytes((len(word),)) + word.encode()
        items.enter(seq, bytes((1, 1, 5, clock)) + struct + b"\x00")
        clock += len(word)
    return items
