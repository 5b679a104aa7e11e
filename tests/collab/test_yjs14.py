"""Types of Yjs 14: each may have children and attributes at once, and text beside elements."""

from collab.past.difference import difference
from collab.past.inverse import inverse
from collab.past.items import Items
from collab.past.moments import Moment
from collab.past.shapes import contents, texts

# m has 1, "two", <p id=7>hey</p> and k="v"; in n is a type without a name that has 1, "x" and
# a=true, in o one with "text" and z=1; t is "words", the first two bold, and has lang="en".
WRITTEN = bytes.fromhex(
    "011001000801016d027d01770374776f870101030170040001020368657928000102026964017d072801016d016b"
    "017701760701016e0408000108027d0177017828000108016101782701016f066e6573746564040400010c047465"
    "78742800010c017a017d010401017402776f8401130372647346011204626f6c640474727565c60113011404626f"
    "6c64046e756c6c28010174046c616e67017702656e00"
)
# All of that is deleted but 1 in m, whose k is "w" now, and "ds" in t.
DELETED = bytes.fromhex("0101a1baaf958788b40300a801070177017701010201141703")

BOLD = {"insert": "wo", "attributes": {"bold": True}}
SHOWN = {
    "m": {
        "attributes": {"k": "v"},
        "children": [1, "two", {"type": "p", "attributes": {"id": 7}, "children": ["hey"]}],
    },
    "n": [{"attributes": {"a": True}, "children": [1, "x"]}],
    "o": {"nested": {"attributes": {"z": 1}, "children": ["text"]}},
    "t": {"attributes": {"lang": "en"}, "children": [BOLD, {"insert": "rds"}]},
}
LEFT = {"m": {"attributes": {"k": "w"}, "children": [1]}, "n": [], "o": {}}
LEFT["t"] = {"attributes": {}, "children": "ds"}


def past(*updates):
    items = Items()
    for seq, update in enumerate(updates, 1):
        items.enter(seq, update)
    return items


def test_both_are_shown():
    """At any moment; and in the document as text."""
    items = past(WRITTEN, DELETED)
    assert contents(Moment(items, 1)) == SHOWN
    assert contents(Moment(items, 2)) == LEFT
    for word in ("two", "hey", "text", "words"):
        assert word in texts(Moment(items, 1))
    assert texts(Moment(items, 2)).endswith("\n\nds")


def test_a_difference_tells_of_both():
    """What went from among the children, and what the attributes were."""
    part = difference(past(WRITTEN, DELETED), 1, 2, lambda seq: seq)["m"]
    assert [run.state for run in part.runs] == ["kept", "deleted"]
    assert [run.value for run in part.entries["k"]] == [["v"], ["w"]]


def test_a_restore_brings_both_back():
    """Of what stayed, and of what has to be made anew."""
    items = past(WRITTEN, DELETED)
    items = past(WRITTEN, DELETED, inverse(items, 1))
    assert contents(Moment(items, 3)) == SHOWN
