"""What is noted of who did what, and what of that becomes a line."""

import asyncio
import random

import pytest

from collab import Hub
from collab.audit import ACTIONS, LINES, MANY, MOST, SHARE, WINDOW, Audit
from collab.names import document_name
from collab.retention import erase
from collab.storage import AuditLine, Entry, open_store
from tests.collab.test_hub import run, until

ANN = {"user": "ann", "address": "10.0.0.1"}


def told(lines: list[AuditLine]) -> list[str]:
    """The lines in short."""
    return [
        f"{line.user} {line.action} {line.document} {line.detail} x{line.times}" for line in lines
    ]


def test_something_is_done() -> None:
    """It is a line at once."""
    audit = Audit()
    audit.note("restore", **ANN, document="notes", detail="to edit 7", now=12.3456)
    line = AuditLine(12345, "notes", "ann", "10.0.0.1", "restore", "to edit 7")
    assert audit.take(12.4) == [line]
    assert audit.take(12.4) == []


def test_again_and_again() -> None:
    """The first time is a line; all others of a minute are one more, that of the last time."""
    audit = Audit()
    for second in range(50):
        audit.note("connect", **ANN, document="notes", now=100 + second)
    assert told(audit.take(101)) == ["ann connect notes  x1"]
    assert audit.take(159) == []
    (line,) = audit.take(100 + WINDOW)
    assert (line.times, line.time) == (49, 149_000)


def test_it_goes_on() -> None:
    """One line a minute as long as it does; when it has been quiet for one, it is new again."""
    audit = Audit()
    lines = []
    for second in range(600):
        audit.note("connect", **ANN, document="notes", now=second)
        lines += audit.take(second)
    assert 9 <= len(lines) <= 11
    lines += audit.take(700)
    assert sum(line.times for line in lines) == 600
    assert audit.take(800) == []
    audit.note("connect", **ANN, document="notes", now=801)
    assert told(audit.take(801)) == ["ann connect notes  x1"]


def test_what_is_different_is_not_the_same() -> None:
    """Another user, address, document or action; and what was restored, granted, undone."""
    audit = Audit()
    audit.note("connect", user="ann", document="notes", now=1)
    audit.note("connect", user="bob", document="notes", now=1)
    audit.note("connect", user="ann", address="::1", document="notes", now=1)
    audit.note("connect", user="ann", document="plans", now=1)
    audit.note("grant", user="ann", document="plans", detail="token 1", now=1)
    audit.note("grant", user="ann", document="plans", detail="token 2", now=1)
    assert len(audit.take(1)) == 6
    audit.note("export", user="ann", document="notes", detail="edit 1", now=1)
    audit.note("export", user="ann", document="notes", detail="edit 2", now=1)
    assert told(audit.take(1)) == ["ann export notes edit 1 x1"]
    assert told(audit.take(1, closing=True)) == ["ann export notes edit 2 x1"]


def test_a_flood_from_one_address() -> None:
    """A fifth of the lines, then it is counted; nobody else's are missed."""
    audit = Audit()
    for n in range(10_000):
        audit.note("refuse", address="10.6.6.6", document=f"guess {n}", now=n / 1000)
    audit.note("refuse", address="10.0.0.1", document="notes", detail="expired", now=10)
    lines = audit.take(10) + audit.take(11, closing=True)
    assert len(lines) <= LINES["refuse"] // SHARE + 3
    assert " refuse notes expired x1" in told(lines)
    assert lines[-1].address == "10.6.6.6" and lines[-1].detail == MANY
    assert sum(line.times for line in lines) == 10_001


@pytest.mark.parametrize("action", ["refuse", "connect", "limit"])
def test_a_flood_from_everywhere(action: str) -> None:
    """No more lines in a minute than there is room for, minute after minute, and all is counted."""
    audit = Audit()
    lines = []
    for n in range(60_000):
        audit.note(action, address=f"10.{n}", now=n / 1000 * 3)  # type: ignore[arg-type]
        lines += audit.take(n / 1000 * 3)
    lines += audit.take(1000, closing=True)
    assert len(lines) <= 5 * (LINES[action] + 2)
    assert sum(line.times for line in lines) == 60_000
    audit.note(action, address="10.0.0.1", now=2000)  # type: ignore[arg-type]
    assert audit.take(2000)[0].address == "10.0.0.1"


def test_what_few_may_do_is_listed_one_by_one() -> None:
    """However many documents somebody erases."""
    audit = Audit()
    for n in range(8_000):
        audit.note("erase", **ANN, document=f"{n}", now=1)
    assert len({line.document for line in audit.take(1)}) == 8_000


def test_lines_wait_for_the_disk() -> None:
    """In order, and so many at most."""
    audit = Audit()
    audit.note("erase", document="a", now=1)
    lines = audit.take(1)
    audit.note("erase", document="b", now=2)
    audit.give_back(lines)
    assert [line.document for line in audit.take(2)] == ["a", "b"]
    audit.give_back([lines[0]] * (MOST + 5))
    assert len(audit.take(3)) == MOST
    assert (audit.lost(), audit.lost()) == (5, 0)


def test_an_unknown_action() -> None:
    """Is a fault of ours; the known ones are all noted."""
    audit = Audit()
    with pytest.raises(ValueError, match="no action"):
        audit.note("peek", now=1)  # type: ignore[arg-type]
    for action in ACTIONS:
        audit.note(action, now=1)  # type: ignore[arg-type]
    assert [line.action for line in audit.take(1)] == list(ACTIONS)


def test_the_clock_is_set_back() -> None:
    """Nothing is lost, and nothing waits for an hour."""
    audit = Audit()
    for now in (5000, 5001, 1400, 1401):
        audit.note("connect", **ANN, now=now)
    assert [line.times for line in audit.take(1402)] == [1, 3]


def test_whatever_is_noted_can_be_kept(seed: int) -> None:
    """Any text: without what plays with a terminal, and not longer than a store takes."""
    chance = random.Random(seed)
    marks = "ab\n\t\x1b\x1f\x1f\0\x7f\x85\u2028\u202e\ud800\U0001f469\u200d\U0010ffff"
    audit = Audit()
    for n in range(200):
        texts = ["".join(chance.choices(marks, k=chance.choice([1, 9, 500]))) for _ in range(4)]
        user, address, document, detail = texts
        audit.note("erase", user=user, address=address, document=document, detail=detail, now=n)
    lines = audit.take(1)

    async def keep() -> list[AuditLine]:
        async with open_store(":memory:") as store:
            await store.record(lines)
            return await store.audit(limit=500)

    kept = asyncio.run(keep())
    assert [line._replace(id=0) for line in reversed(kept)] == lines
    texts = "".join(text for line in lines for text in line if isinstance(text, str))
    assert not set(texts) & set("\n\t\x1b\0\x7f\x85\u2028\u202e\ud800")


@pytest.mark.parametrize("name", ["\U0001f469\u200d\U0001f680", "a/b//c", "Zoë", "x" * 255])
def test_names_of_documents_stay_as_they_are(name: str) -> None:
    """By them one looks for lines; so does the tenant."""
    audit = Audit()
    audit.note("erase", document=document_name(name), now=1)
    audit.note("erase", document=f"acme\x1f{name}", now=1)
    assert [line.document for line in audit.take(1)] == [name, f"acme\x1f{name}"]


def test_the_hub_writes_it() -> None:
    """A second later, and all that is left when it closes; erasing a document tells of itself."""

    async def story() -> None:
        hub = Hub(open_store(":memory:"))
        async with hub:
            await hub.store.append([Entry("notes", 1, "", b"\0\0")])
            hub.audit.note("connect", **ANN, document="notes", now=1)
            await until(lambda: not hub.audit._ready)
            while not await hub.store.audit():
                await asyncio.sleep(0.01)
            await erase(hub, "notes", user="bob")
            written: list[AuditLine] = []
            record = hub.store.record

            async def watched(lines: list[AuditLine]) -> None:
                written.extend(lines)
                await record(lines)

            hub.store.record = watched  # type: ignore[method-assign]
        assert told(written) == ["bob erase notes  x1"]

    run(story)


@pytest.mark.expects_log("audit log cannot be written, its lines wait: the disk is full")
def test_a_store_that_fails_hurts_nobody() -> None:
    """The lines wait until it takes them."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            record = hub.store.record

            async def fails(lines: list[AuditLine]) -> None:
                hub.store.record = record  # type: ignore[method-assign]
                raise OSError("the disk is full")

            hub.store.record = fails  # type: ignore[method-assign]
            hub.audit.note("connect", **ANN, document="notes", now=1)
            while not (lines := await hub.store.audit()):
                await asyncio.sleep(0.01)
            assert told(lines) == ["ann connect notes  x1"]

    run(story)
