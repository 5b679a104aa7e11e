"""A room keeps an eye on how much of its document there still is."""

from tests.collab.story import Table


def test_who_deletes_most_of_a_document_is_noticed() -> None:
    """The row that did it; not those that delete little, or that build up again."""
    table = Table()
    ann, bob = table.editors(2)
    ann.type("x" * 1000)
    table.settle()
    bob.erase(0, 300)
    table.settle()
    assert table.room.alarms == []
    assert table.room.alive == 700

    bob.erase(0, 600)
    table.settle()
    ann.type("y" * 1000)
    table.settle()

    assert table.room.alarms == [3]
    assert table.room.alive == 1100
    assert len(table.agree()) == 1100


def test_what_is_typed_and_deleted_at_once_is_no_loss() -> None:
    """A short document may come and go."""
    table = Table()
    (ann,) = table.editors(1)
    for _ in range(5):
        ann.type("x" * 150)
        table.settle()
        ann.erase(0, 150)
        table.settle()
    assert table.room.alarms == []
    assert table.room.alive == 0


def test_a_room_counts_the_same_when_it_is_opened() -> None:
    """What is alive is counted from the state."""
    table = Table()
    (ann,) = table.editors(1)
    ann.type("Hello world")
    ann.erase(0, 6)
    table.settle()
    assert type(table.room)("notes", table.replay(), 2).alive == table.room.alive == 5
