"""A past that was put on the shelf is taken down as it was, and goes on."""

import pytest

from collab.past.items import Items
from collab.past.moments import Moment
from collab.past.shapes import contents
from collab.past.shelf import dump, load
from tests.collab.genuine import SOAK, corpus
from tests.collab.past import items_of, lists_of, log_of


def test_it_goes_on_as_if_nothing_had_been() -> None:
    """Dumped after any row and loaded, it takes the other rows as the one that was not."""
    for document in corpus()[: SOAK or 30]:
        rows = log_of(document)
        seq = document.random(9).randint(0, len(rows))
        items = load(dump(items_of(rows[:seq])))
        assert contents(Moment(items, seq)) == contents(Moment(items_of(rows[:seq]), seq))
        for number, row in enumerate(rows[seq:], seq + 1):
            items.enter(number, row)
        whole = items_of(rows)
        assert dump(items) == dump(whole), document
        assert lists_of(items) == lists_of(whole), document
        for number in range(0, len(rows), 20):
            assert contents(Moment(items, number)) == contents(Moment(whole, number)), document


def test_nothing_at_all() -> None:
    """A document without rows has a past as well."""
    assert vars(load(dump(Items()))) == vars(Items())


def test_another_version() -> None:
    """Who finds a shelf of another program has to begin from the rows."""
    with pytest.raises(ValueError, match="version"):
        load(b"\x63" + dump(Items())[1:])
