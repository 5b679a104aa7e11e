"""What goes for good: moments that nobody keeps, and whole documents."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from pycrdt import Text

from collab import Hub
from collab.archive import _parts
from collab.errors import NotFound, Unavailable
from collab.retention import PERIODS, Plan, Policy, erase, keep_thinning, thin
from collab.storage import Document, Entry, Moment, Update, open_store
from tests.collab.test_hub import run

HOUR = PERIODS["hour"]
EVERYTHING = Policy(HOUR, -1000 * HOUR)  # all that there is is old


async def at_times(path: Path, name: str, rows: list[tuple[int, str, bytes]]) -> None:
    """A log whose rows were written at these times by these authors."""
    async with open_store(path) as store:
        await store.append([Entry(name, time, author, data) for time, author, data in rows])


async def letters(path: Path, name: str, hours: int = 3) -> None:
    """A document to which Ann and Bob in turns added three letters each an hour, each of which Ann
    deleted one."""
    async with Hub(open_store(":memory:")) as hub:
        for hour in range(hours):
            for author in ("Ann", "Bob"):
                async with hub.open(name, author) as editor:
                    content = editor.doc.get("content", type=Text)
                    for letter in f"{hour}{author[0]}x":
                        content += letter
            async with hub.open(name, "Ann") as editor:
                content = editor.doc.get("content", type=Text)
                del content[len(content) - 1]
        rows = await hub.store.updates(name)
    times = [row.seq // 7 * HOUR + row.seq for row in rows]
    moments = zip(times, rows, strict=True)
    await at_times(path, name, [(time, row.author, row.data) for time, row in moments])


def test_one_moment_an_hour_and_a_turn_of_each_author(tmp_path: Path) -> None:
    """What an hour ended with is still there, who wrote it, too; what it deleted is not."""

    async def story() -> None:
        path = tmp_path / "quire.db"
        await letters(path, "notes")
        async with Hub(open_store(path)) as hub:
            history = hub.history("notes")
            whole = {seq: await history.text(seq) for seq in range(22)}
            before = await hub.store.updates("notes")
            named = await history.name_version("Early", 2)
            upto, gone = await thin(hub, "notes", EVERYTHING)
            rows = await hub.store.updates("notes")
            assert upto == 21 and gone == len(before) - len(rows) > 0
            kept = [named.seq, 6, 13, 20, 21]
            assert {row.seq for row in rows} >= set(kept)
            assert [await history.text(seq) for seq in kept] == [whole[seq] for seq in kept]
            told = json.loads(await history.difference(6, 13))
            authors = [stretch["author"] for stretch in told["stretches"]]
            came = {
                run["value"]: authors[run["by"]]
                for run in told["roots"]["content"]["runs"]
                if run["state"] == "inserted"
            }
            assert set(came.values()) == {"Ann", "Bob"}
            for seq in (1, 4):
                with pytest.raises(NotFound):
                    await history.restore(seq)
            with pytest.raises(NotFound):
                await history.undo(1, 5)
            assert (await history.name_version("In between", 5)).seq in {row.seq for row in rows}
            assert await thin(hub, "notes", EVERYTHING, start=upto) == (upto, 0)
            again = await hub.store.updates("notes")
            assert await thin(hub, "notes", EVERYTHING) == (upto, 0)
            assert await hub.store.updates("notes") == again
        async with Hub(open_store(path)) as hub, hub.open("notes") as editor:
            assert str(editor.doc.get("content", type=Text)) == whole[21]

    run(story)


def test_what_is_young_stays_as_it_is(tmp_path: Path) -> None:
    """Up to the end of the last period that is old enough; a period is thinned as a whole."""

    async def story() -> None:
        path = tmp_path / "quire.db"
        await letters(path, "notes")
        async with Hub(open_store(path)) as hub:
            before = await hub.store.updates("notes")
            hour = int(time.time() * 1000) - HOUR  # of 1970: rows of the second one are younger
            upto, _ = await thin(hub, "notes", Policy(HOUR, hour))
            assert upto == 6
            after = await hub.store.updates("notes")
            assert [row for row in after if row.seq > 6] == before[6:]
            assert await thin(hub, "notes", Policy.of("day", 36_500)) == (0, 0)
            assert await hub.store.updates("notes") == after

    run(story)


def test_a_clock_that_was_wrong(tmp_path: Path) -> None:
    """A row from the future is as old as the next one that is not, and holds up nobody; without
    such a one it stays."""

    async def story() -> None:
        path = tmp_path / "quire.db"
        async with Hub(open_store(":memory:")) as hub:
            async with hub.open("notes", "Ann") as editor:
                content = editor.doc.get("content", type=Text)
                for letter in "abcdefgh":
                    content += letter
            rows = [row.data for row in await hub.store.updates("notes")]
        future = int(time.time() * 1000) + 365 * 24 * HOUR
        times = [1, 2, future, future, 3, 4, future, future]
        await at_times(
            path, "notes", [(at, "Ann", row) for at, row in zip(times, rows, strict=True)]
        )
        async with Hub(open_store(path)) as hub:
            assert await thin(hub, "notes", Policy.of("hour", 30)) == (6, 3)
            left = await hub.store.updates("notes")
            assert [row.seq for row in left] == [2, 4, 6, 7, 8]
            assert await hub.history("notes").text(8) == "abcdefgh"

    run(story)


def test_a_plan() -> None:
    """A row for each period, each name and each change of authors."""
    plan = Plan({2}, HOUR)
    for seq, (when, author) in enumerate(
        [(0, "Ann"), (1, "Ann"), (2, "Ann"), (3, "Ann"), (4, "Bob"), (HOUR, "Bob"), (HOUR, "Bob")],
        start=1,
    ):
        plan.add(Moment(seq, when, author))
    plan.add(None)
    assert [end.seq for end in plan.ends] == [2, 4, 5, 7]
    assert plan.kept == [2, 5, 7]
    assert plan.rows == 7


def test_all_documents_in_the_background(tmp_path: Path) -> None:
    """Also those that are deleted, or being edited; what fails is said, and harms no other."""

    async def story() -> None:
        path = tmp_path / "quire.db"
        for name in ("one", "two", "three"):
            await letters(path, name)
        async with Hub(open_store(path)) as hub:
            await hub.delete("two")
            async with hub.open("three", "Cleo") as editor:
                task = asyncio.create_task(keep_thinning(hub, EVERYTHING))
                for name in ("one", "two", "three"):
                    while len(await hub.store.updates(name)) > 12:
                        assert not task.done()
                        await asyncio.sleep(0.01)
                content = editor.doc.get("content", type=Text)
                content += "!"
                await editor.saved()
                task.cancel()
            assert (await hub.history("three").text(22)).endswith("!")

    run(story)


def test_periods_are_written_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """In parts of some rows, each of which ends with a moment that is kept."""
    monkeypatch.setattr("collab.archive.PART", 2)
    log = [Update("notes", seq, 0, "Ann", b"00") for seq in (4, 5, 9, 10, 11)]
    parts = [[row.seq for row in part] for part in _parts(log, 0, {5, 9, 11})]
    assert parts == [[4, 5], [9, 10, 11]]
    assert [len(part) for part in _parts(log, 0, {11})] == [5]


@pytest.mark.expects_log("the past of the documents could not be thinned")
def test_a_store_that_fails_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The round that fails is told of; the next one thins."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            documents = hub.store.documents
            asked = asyncio.Event()

            async def fails(*_: object, **__: object) -> list[Document]:
                monkeypatch.setattr(hub.store, "documents", documents)
                asked.set()
                raise OSError("the disk does not answer")

            monkeypatch.setattr(hub.store, "documents", fails)
            monkeypatch.setattr("collab.retention.ROUND", 0)
            task = asyncio.create_task(keep_thinning(hub, EVERYTHING))
            await asked.wait()
            await asyncio.sleep(0)
            assert not task.done()
            task.cancel()

    run(story)


def test_erased_for_good(tmp_path: Path) -> None:
    """Whoever edits it is told that it was deleted; nothing of it is in the file, and the name
    stays taken."""

    async def story() -> None:
        path = tmp_path / "quire.db"
        async with Hub(open_store(path)) as hub:
            async with hub.open("other") as editor:
                editor.doc["content"] = Text("stays")
            async with hub.open("notes", "Ann Erasable") as editor:
                editor.doc["content"] = Text("a secret")
            await hub.history("notes").name_version("Codeword", 1)
            await hub.describe("notes", title="Operation")
            assert await hub.history("notes").text(1) == "a secret"
            await erase(hub, "notes")
            with pytest.raises(NotFound):
                async with hub.open("notes"):
                    pass
            with pytest.raises((NotFound, Unavailable)):
                await hub.undelete("notes")
            with pytest.raises(NotFound):
                await erase(hub, "nowhere")
            assert await hub.history("other").text(1) == "stays"
        for file in tmp_path.iterdir():
            data = file.read_bytes()
            assert not any(word in data for word in (b"secret", b"Codeword", b"Operation"))
            assert b"Ann Erasable" not in data

    run(story)
