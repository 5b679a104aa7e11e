"""Everybody, at every document, says every message, in every dialect and on every transport.

What is right is told in tests/dialects.py once more, by itself; the last tests change each row of
the table, one by one, and see to it that the matrix tells.
"""

from typing import get_args

import pytest

from collab import access, hocuspocus, tiptap
from collab.access import Level
from collab.wire import Denied, Message, Receipt, SyncUpdate
from tests.dialects import EDITORS, PROVIDERS, WAYS, YSWEET
from tests.matrix import play
from tests.messages import walk
from tests.rights import PEOPLE, PLACES

MEMBERS = [person for person in PEOPLE if person.known]
# What a session enters it looks at once more, and what is beside a document takes reading in any
# case.
NO_MATTER = ((SyncUpdate, Level.COMMENT), (tiptap.PreviewVersion, Level.NONE))


def told_in_the_log(way):
    """Where a socket is closed the log tells of what was deleted; a request has its answer, and a
    message too."""
    closes = pytest.mark.expects_log("The document was deleted")
    return pytest.param(way, id=way.name, marks=() if way.by_http or way.several else closes)


def test_the_matrix_has_every_message():
    """Of each dialect; whoever adds one adds a line to tests/dialects.py."""
    wire = set(get_args(Message)) - {Denied}
    assert wire == set(EDITORS) == set(YSWEET)
    beside = {*get_args(hocuspocus.Message), *get_args(tiptap.Message)}
    assert wire - {Receipt} | beside == set(PROVIDERS)
    assert wire | beside == set(access.NEEDED)


@pytest.mark.parametrize("way", [told_in_the_log(way) for way in WAYS])
def test_every_message(way, capsys):
    """By everybody, everywhere."""
    world = play(lambda world: walk(world, way, PEOPLE, PLACES))
    with capsys.disabled():
        print(f"\n{way.name}: {world.cells} cells, {len(world.wrong)} wrong")
    assert not world.wrong, "\n".join(world.wrong)


ONE_OF_EACH = [WAYS[0], WAYS[4]]
"""The ways that have all messages between them. What is looked at is told by the same table."""


def each_row():
    """The messages, each with the way by which it comes."""
    return [(way, kind) for way in ONE_OF_EACH for kind in way.talk.said]


def test_the_matrix_tells_when_a_row_changes(monkeypatch):
    """Each row, higher and lower: some cell is wrong then."""

    async def story(world):
        for way, kind in each_row():
            level = access.NEEDED[kind]
            for other in {max(level - 1, Level.NONE), level + 1} - {level}:
                if (kind, other) in NO_MATTER or (other == Level.NONE and kind in EDITORS):
                    continue  # nobody is in who may not read
                with monkeypatch.context() as patch:
                    patch.setitem(access.NEEDED, kind, Level(other))
                    await walk(world, way, MEMBERS, ["own", "hidden"], [kind])
                assert world.wrong, (way.name, kind, other)
                world.wrong.clear()

    play(story)


def test_what_has_no_row_is_for_nobody(monkeypatch):
    """Not even for who may do everything: a message that was forgotten opens nothing."""

    async def story(world):
        for way, kind in each_row():
            with monkeypatch.context() as patch:
                patch.delitem(access.NEEDED, kind)
                await walk(world, way, [MEMBERS[-1]], ["own"], [kind])
            assert world.wrong, (way.name, kind)
            assert "was denied" in world.wrong[0]
            world.wrong.clear()

    play(story)
