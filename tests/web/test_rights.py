"""Everybody, at every document, by every route: nobody gets more than is right.

What is right is told in tests/rights.py once more, by itself; the last tests change each row of the
table, one by one, and see to it that the matrix tells. Messages have tests/web/test_messages.py.
"""

import time
from collections import Counter
from itertools import product

import jwt
import pytest
from tornado.httpclient import HTTPRequest

from collab import Hub
from collab.access import Level
from collab.storage import open_store
from collab.web import rights, routes
from collab.web.api import UnknownHandler
from tests.matrix import REFUSALS, play
from tests.rights import HTTP, OURS, PEOPLE, PLACES, ROUTES

CELLS = [(path, method) for path, does in ROUTES.items() for method in does]
HEADS = [(path, "HEAD") for path, does in ROUTES.items() if "GET" in does]
NONE = [cell for cell in product(ROUTES, HTTP) if cell not in CELLS and cell not in HEADS]
# Who makes a document is asked about its name, too.
NO_MATTER = (
    ("/api/documents", "POST", Level.NONE),
    ("/y-sweet/doc/new", "POST", Level.NONE),
)
MEMBERS = [person for person in PEOPLE if person.known]

RULES = [rule for rule in routes(Hub(open_store(":memory:")), page=False) if not rule.name]


def rule_of(path: str) -> str:
    """The rule that a path is answered by, as the table has it."""
    asked = path.partition("?")[0].replace("{}", "x")
    return next(str(rule.kwargs["path"]) for rule in RULES if rule.regex.match(asked))


CELLS_SEEN = Counter[str]()


def told(what, world, capsys):
    """Nothing is wrong, and how much was looked at is said."""
    CELLS_SEEN[what] += world.cells
    with capsys.disabled():
        print(f"\n{what}: {CELLS_SEEN[what]} cells, {len(world.wrong)} wrong")
    assert not world.wrong, "\n".join(world.wrong)


def test_the_matrix_has_every_route():
    """Whoever adds one adds a line to tests/rights.py."""
    ruled = {rule_of(path) for path in ROUTES}
    own = {rule.kwargs["path"] for rule in RULES if rule.handler_class is not UnknownHandler}
    assert own == ruled
    assert {(rule_of(path), method) for path, method in CELLS} == set(rights.LEVELS)


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.name)
def test_every_route(person, capsys):
    """And, by some, every method that nobody answers."""

    async def story(world):
        await world.routes([person], PLACES, CELLS + HEADS)
        if person in (PEOPLE[0], MEMBERS[0], MEMBERS[-1]):
            await world.routes([person], ("own", "hidden"), NONE)

    told("routes", play(story), capsys)


def test_the_matrix_tells_when_a_row_changes(monkeypatch):
    """Each row, higher and lower: some cell is wrong then."""

    async def story(world):
        for (path, method), level in list(rights.LEVELS.items()):
            if path in rights.WHOLE:
                continue  # for nobody here, whatever the row: see below
            cells = [cell for cell in CELLS if (rule_of(cell[0]), cell[1]) == (path, method)]
            for other in {max(level - 1, 0), level + 1} - {level}:
                if (path, method, other) in NO_MATTER:
                    continue
                with monkeypatch.context() as patch:
                    patch.setitem(rights.LEVELS, (path, method), Level(other))
                    await world.routes([PEOPLE[0], *MEMBERS], ("own", "other"), cells)
                assert world.wrong, (path, method, other)
                world.wrong.clear()

    play(story)


def test_the_whole_server_is_for_its_operator(monkeypatch):
    """An admin of everything that is a tenant's is not told what others do; who belongs to no
    tenant is. The matrix tells when that is forgotten."""

    async def story(world):
        for tenant, level, right in (
            ("", "admin", 200), ("", "write", 403), (OURS, "admin", 403)
        ):  # fmt: skip
            claims = {"sub": "op", "tenant": tenant, "aud": "quire", "exp": time.time() + 600}
            claims |= {"jti": "op", "rights": {"*": level}}
            bearer = {"Authorization": f"Bearer {jwt.encode(claims, world.key, 'HS256')}"}
            url = f"http://127.0.0.1:{world.port}/metrics"
            answer = await world.client.fetch(HTTPRequest(url, headers=bearer), raise_error=False)
            assert answer.code == right, (tenant, level)
        with monkeypatch.context() as patch:
            patch.setattr("collab.web.api.WHOLE", frozenset())
            await world.routes(MEMBERS, ["own"], [("/metrics", "GET")])
        assert world.wrong
        world.wrong.clear()

    play(story)


def test_what_has_no_row_is_for_nobody(monkeypatch):
    """Not even for who may do everything: a route that was forgotten opens nothing."""

    async def story(world):
        for path, method in CELLS:
            with monkeypatch.context() as patch:
                patch.delitem(rights.LEVELS, (rule_of(path), method))
                for person in PEOPLE:
                    answer = await world.ask(person, method, path, "notes", "notes")
                    assert answer.code in REFUSALS, (person.name, method, path)

    play(story)
