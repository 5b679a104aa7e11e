"""The past through the hub: a real store, a real worker, and edits that go on meanwhile."""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable

import pytest
from pycrdt import Map, Text

from collab import Hub
from collab.errors import Conflict, NotFound, ProtocolError, Unavailable
from collab.history import History
from collab.storage import open_store
from tests.collab.test_hub import run

Story = Callable[[Hub, History], Awaitable[None]]


def play(story: Story) -> None:
    """A story about document "notes", to which Ann wrote "Hello" and Bob " world"."""

    async def whole() -> None:
        async with Hub(open_store(":memory:")) as hub:
            await write(hub, "Hello", "Ann")
            await write(hub, " world", "Bob")
            await story(hub, hub.history("notes"))

    run(whole)


async def write(hub: Hub, text: str, author: str) -> None:
    """Somebody adds to the text."""
    async with hub.open("notes", author) as editor:
        content = editor.doc.get("content", type=Text)
        content += text


async def erase(hub: Hub, start: int, end: int, author: str) -> None:
    """Somebody deletes some of it."""
    async with hub.open("notes", author) as editor:
        del editor.doc.get("content", type=Text)[start:end]


async def now(hub: Hub) -> str:
    """The text as it is."""
    async with hub.open("notes") as editor:
        return str(editor.doc.get("content", type=Text))


def test_any_moment() -> None:
    """By the number of an edit, as JSON, as text and as an update; 0 is before everything."""

    async def story(hub: Hub, history: History) -> None:
        assert [await history.text(seq) for seq in range(3)] == ["", "Hello", "Hello world"]
        assert json.loads(await history.content(1)) == {"content": "Hello"}
        assert json.loads(await history.content(0)) == {}
        assert b"Hello" in await history.update(1)

    play(story)


def test_what_is_not_there() -> None:
    """Moments that never were, and documents: nobody is told that these are empty, or at fault."""

    async def story(hub: Hub, history: History) -> None:
        for ask in (history.content, history.text, history.update):
            with pytest.raises(NotFound):
                await ask(3)
            with pytest.raises(ProtocolError):
                await ask(-1)
            with pytest.raises(NotFound):
                await getattr(hub.history("nothing"), ask.__name__)(0)
        with pytest.raises(NotFound):
            await history.difference(0, 3)
        for first, last in ((2, 1), (0, 1), (1, 3)):
            with pytest.raises(ProtocolError):
                await history.undo(first, last)

    play(story)


def test_who_and_when() -> None:
    """Stretches, newest first, and the single edits in them."""

    async def story(hub: Hub, history: History) -> None:
        await write(hub, "!", "Bob")
        stretches = await history.stretches()
        assert [(one.first, one.last, one.author) for one in stretches] == [
            (2, 3, "Bob"),
            (1, 1, "Ann"),
        ]
        rows = await history.rows(1, 3)
        assert [(row.seq, row.author) for row in rows] == [(1, "Ann"), (2, "Bob"), (3, "Bob")]
        assert stretches[0].began == rows[1].time <= rows[2].time == stretches[0].ended

    play(story)


def test_what_changed() -> None:
    """Run by run, with the stretch that did it."""

    async def story(hub: Hub, history: History) -> None:
        await erase(hub, 0, 4, "Cleo")
        told = json.loads(await history.difference(1, 3))
        authors = [one["author"] for one in told["stretches"]]
        runs = told["roots"]["content"]["runs"]
        assert [(run["state"], run["value"]) for run in runs] == [
            ("deleted", "Hell"),
            ("kept", "o"),
            ("inserted", " world"),
        ]
        assert [authors[run["by"]] for run in runs if "by" in run] == ["Cleo", "Bob"]
        told = json.loads(await history.difference(2, 2))
        (run,) = told["roots"]["content"]["runs"]
        assert (told["stretches"], run["state"], run["value"]) == ([], "kept", "Hello world")

    play(story)


def test_a_restore_is_an_edit() -> None:
    """It has an author, everybody sees it, and it can be taken back."""

    async def story(hub: Hub, history: History) -> None:
        async with hub.open("notes") as watching:
            content = watching.doc.get("content", type=Text)
            assert await history.restore(1, author="Cleo") == (3, True)
            assert await history.restore(1) == (3, False)
            while str(content) != "Hello":
                await asyncio.sleep(0)
            assert (await history.rows(3, 3))[0].author == "Cleo"
            assert (await history.restore(2))[1]
            while str(content) != "Hello world":
                await asyncio.sleep(0)

    play(story)


def test_restores_at_once() -> None:
    """Several who restore at the same time do it one after the other, and typing goes on."""

    async def story(hub: Hub, history: History) -> None:
        async with hub.open("notes") as typing:
            content = typing.doc.get("content", type=Text)
            restores = [asyncio.create_task(history.restore(1)) for _ in range(4)]
            for letter in "abc":
                content += letter
                await asyncio.sleep(0)
            heads = [head for head, _ in await asyncio.gather(*restores)]
            await typing.saved()
            assert heads == sorted(heads)
        final = await now(hub)
        assert final.startswith("Hello") and " world" not in final
        state = await hub.state("notes")
        assert sum(state.vector.values()) > 0

    play(story)


def test_a_restore_that_deletes_in_very_many_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes in by and by, as a peer's would, and is done when it says so."""
    monkeypatch.setattr("collab.connection.LARGE", 100)
    monkeypatch.setattr("collab.gate.LARGE", 100)
    monkeypatch.setattr("collab.connection.MOST_DELETES", 50)

    async def story(hub: Hub, history: History) -> None:
        async with hub.open("notes", "Ann") as editor:
            content = editor.doc.get("content", type=Text)
            for _ in range(120):  # so that what is left of it has a gap after each letter
                content += "ab"
                del content[len(str(content)) - 1 :]
        assert (await history.restore(2))[1]
        assert await now(hub) == "Hello world"
        assert not (await history.restore(2))[1]

    play(story)


def test_a_store_that_fails_doubles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever went wrong, the past is built anew from the log, and only once."""

    async def story(hub: Hub, history: History) -> None:
        assert await history.text(2) == "Hello world"
        await write(hub, "!", "Cleo")
        updates = hub.store.updates

        async def fail(*_: object, **__: object) -> None:
            raise OSError("the disk is gone")

        monkeypatch.setattr(hub.store, "updates", fail)
        for _ in range(3):
            with pytest.raises(OSError, match="gone"):
                await history.text(3)
        monkeypatch.setattr(hub.store, "updates", updates)
        assert await history.text(3) == "Hello world!"
        question = asyncio.create_task(history.text(1))
        await asyncio.sleep(0.001)
        question.cancel()
        assert await history.text(3) == "Hello world!"

    play(story)


def test_who_asked_for_a_restore_may_go_away() -> None:
    """It is ended all the same, and the next one builds on it."""

    async def story(hub: Hub, history: History) -> None:
        first = asyncio.create_task(history.restore(1))
        await asyncio.sleep(0.01)
        first.cancel()
        await history.restore(2)
        assert await now(hub) == "Hello world"
        await history.restore(1)
        assert await now(hub) == "Hello"

    play(story)


@pytest.mark.expects_log("damaged")
def test_what_cannot_be_read_is_not_made_up(tmp_path) -> None:
    """Moments before a damaged row are shown, those after it are not; nothing is restored."""
    path = tmp_path / "quire.db"

    async def write_some() -> None:
        async with Hub(open_store(path)) as hub:
            for letter in "abcd":
                await write(hub, letter, "Ann")

    async def look() -> None:
        async with Hub(open_store(path)) as hub:
            history = hub.history("notes")
            assert await history.text(2) == "ab"
            for impossible in (history.text(4), history.restore(1), history.difference(1, 4)):
                with pytest.raises(Unavailable):
                    await impossible
            assert await history.text(1) == "a"
            session = await hub.join("notes", lambda: None)
            assert session.room.frozen
            hub.leave(session, clean=True)

    run(write_some)
    with sqlite3.connect(path) as file:
        file.execute("update updates set data = x'00' where seq = 3")
    file.close()
    run(look)


def test_taking_back_what_one_did() -> None:
    """Bob's edits go, what others wrote since stays."""

    async def story(hub: Hub, history: History) -> None:
        await write(hub, "!", "Ann")
        assert (await history.undo(1, 3, by="Bob"))[1]
        assert await now(hub) == "Hello!"

    play(story)


def test_versions() -> None:
    """Named, found, renamed, deleted; a name is taken once."""

    async def story(hub: Hub, history: History) -> None:
        draft = await history.name_version("Draft", 1, "Ann")
        assert await history.versions() == [draft]
        assert await history.find("@Draft") == 1
        with pytest.raises(Conflict):
            await history.name_version("Draft", 2)
        assert (await history.rename_version("Draft", "First")).seq == 1
        assert await history.find("@First") == 1
        await history.delete_version("First")
        for gone in (history.find("@First"), history.delete_version("First")):
            with pytest.raises(NotFound):
                await gone

    play(story)


def test_moments_that_are_not() -> None:
    """A seq or a time that was never, a name that nobody gave, nonsense, a range upside down."""

    async def story(hub: Hub, history: History) -> None:
        for moment in ("3", "@Draft", "1999-12-31", "9" * 400):
            with pytest.raises(NotFound):
                await history.find(moment)
        for moment in ("", "yesterday", "-1", "1e9", "\N{FULLWIDTH DIGIT TWO}"):
            with pytest.raises(ProtocolError):
                await history.find(moment)
        with pytest.raises(ProtocolError):
            await history.difference(2, 1)
        with pytest.raises(NotFound):
            await hub.history("nobody wrote this").head()

    play(story)


def test_times() -> None:
    """The moment that was the present at a time."""

    async def story(hub: Hub, history: History) -> None:
        assert await history.find("2999-01-01T00:00:00Z") == 2
        assert await history.find("2999-01-01") == 2

    play(story)


def test_who_deletes_most_of_it_leaves_a_way_back() -> None:
    """The moment before it gets a name, whatever type the document is of."""

    async def story(hub: Hub, history: History) -> None:
        async with hub.open("notes", "Cleo") as editor:
            numbers = editor.doc.get("numbers", type=Map)
            with editor.doc.transaction():
                for number in range(500):
                    numbers[str(number)] = number
            await editor.saved()
            with editor.doc.transaction():
                for number in range(500):
                    del numbers[str(number)]
            await editor.saved()
        while not (versions := await history.versions()):
            await asyncio.sleep(0.001)
        (version,) = versions
        assert version.seq == 3 and version.author == "Cleo"
        assert version.name.startswith("Before a mass deletion")
        await history.restore(version.seq)
        assert len(json.loads(await history.content(await history.head()))["numbers"]) == 500

    play(story)


def test_the_past_is_saved_and_found_again(tmp_path, monkeypatch) -> None:
    """A restarted server need not read all rows again; one whose cache is of another kind does."""

    async def story() -> None:
        monkeypatch.setattr("collab.archive.SAVE", 5)
        for _ in range(3):
            async with Hub(open_store(tmp_path / "quire.db")) as hub:
                for letter in "abcdef":
                    await write(hub, letter, "Ann")
                history = hub.history("notes")
                head = await history.head()
                assert (await history.text(head)).endswith("abcdef")
                past = await hub.store.load_past("notes")
                assert past is not None and past.seq == head
                assert await history.text(2) == "ab"
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            await hub.store.save_past("notes", type(past)(past.seq, b"of another version"))
            assert await hub.history("notes").text(2) == "ab"

    run(story)
