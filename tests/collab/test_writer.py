"""The one loop that writes: when there is no memory to write with, and when a room is given up."""

import asyncio
import errno
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from collab import Hub, edits
from collab import room as room_module
from collab.access import OURS
from collab.connection import Connection
from collab.errors import Unavailable
from collab.reserve import reserve
from collab.room import Room
from collab.storage import Entry, open_store, sqlite_file, sqlite_rows
from collab.wire import SyncUpdate, encode
from tests.collab.test_hub import run, until
from tests.collab.test_reserve import peer
from tests.live import typed

MUCH = 2 << 20  # bytes


async def type_in(one: Connection, clock: int, text: str) -> None:
    """Some text, and it is on disk."""
    room = one.session.room
    count = room.entered + 1
    busy = one.receive(encode(SyncUpdate(typed(5, clock, text))))
    if busy is not None:
        await busy
    await until(lambda: room.durable >= count)


async def calm_and_hog(hub: Hub) -> tuple[Connection, Connection]:
    """One in a small document, one in a large one."""
    ann, hog = await peer(hub, "calm"), await peer(hub, "hogs")
    await type_in(hog, 0, "x" * MUCH)
    return ann, hog


def fail(hub: Hub, fails: Callable[[Sequence[Entry]], Exception | None]) -> None:
    """Writing does, while `fails` says how."""
    append = hub.store.append

    async def tries(entries: Sequence[Entry]) -> list[int]:
        if (error := fails(entries)) is not None:
            raise error
        return await append(entries)

    hub.store.append = tries  # type: ignore[method-assign]


def starve(hub: Hub, starves: Callable[[], object]) -> None:
    """There is no memory to write with, while `starves` says so."""
    error = OSError(errno.ENOMEM, "there is no memory")
    fail(hub, lambda _: error if starves() else None)


def stop(hub: Hub) -> asyncio.Event:
    """Nothing that is written from now on comes to disk before that is set."""
    append, go = hub.store.append, asyncio.Event()

    async def slow(entries: Sequence[Entry]) -> list[int]:
        await go.wait()
        return await append(entries)

    hub.store.append = slow  # type: ignore[method-assign]
    return go


async def rows(hub: Hub, name: str) -> int:
    """How many edits of a document are on disk."""
    return len(await hub.store.updates(name))


@pytest.mark.expects_log("saving has stopped|saved together|'hogs' is closed: it is the largest")
@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
def test_there_is_no_memory_to_write_with(apart: bool) -> None:
    """The largest document has to go, for it keeps what all wait for, whoever holds it; nobody
    else has to, and its editors come back with what was not acknowledged."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann, hog = await calm_and_hog(hub)
            room = hog.session.room
            starve(hub, lambda: room.state.size)
            if apart:
                blame = ValueError("one of them is to blame")
                fail(hub, lambda entries: blame if len(entries) > 1 else None)
            typing = asyncio.create_task(type_in(ann, 0, "a"))
            await asyncio.sleep(0)
            hog.receive(encode(SyncUpdate(typed(5, MUCH, "lost?"))))
            await typing
            assert isinstance(hog.ended, Unavailable) and ann.ended is None
            assert hub.writer.saving and hub.writer.backlog == 0
            hog.leave(clean=True)
            assert await rows(hub, "hogs") == 1
            back = await peer(hub, "hogs")
            await type_in(back, MUCH, "lost?")
            assert await rows(hub, "hogs") == 2
            for one in (ann, back):
                one.leave(clean=True)

    run(story)


@pytest.mark.expects_log("edits wait: .*there is no memory")
@pytest.mark.parametrize("error", [OSError(errno.ENOMEM, "there is no memory"), MemoryError()])
def test_what_is_kept_back_is_given_first(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then nobody has to go; neither do small documents, which would not help."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann, hog = await calm_and_hog(hub)
            fail(hub, lambda _: None if reserve.short else error)
            reserve.hold()
            await type_in(ann, 0, "a")
            assert ann.ended is None and hog.ended is None
            hog.leave(clean=True)
            assert hub.rooms.largest() is None
            ann.leave(clean=True)

    monkeypatch.setattr(reserve, "short", False)
    run(story)


def test_a_room_is_given_up_while_it_is_written(tmp_path: Path) -> None:
    """What is on its way to the log comes there before anybody opens the document again, what
    waited behind it never does, and neither counts as waiting any more."""

    async def story() -> None:
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            ann = await peer(hub, "notes")
            room = ann.session.room
            go = stop(hub)
            ann.receive(encode(SyncUpdate(typed(5, 0, "first"))))
            await until(lambda: room.writing)
            ann.receive(encode(SyncUpdate(typed(5, 5, "second"))))
            assert hub.writer.backlog > 0
            hub.writer.give_up(room)
            assert isinstance(ann.ended, Unavailable)
            ann.leave(clean=True)
            with pytest.raises(Unavailable, match="is being closed"):
                await peer(hub, "notes")
            go.set()
            await until(lambda: "notes" not in hub.rooms)
            assert hub.writer.backlog == 0 and await rows(hub, "notes") == 1
            back = await peer(hub, "notes")
            assert back.session.room is not room and back.session.room.seq == 1
            await type_in(back, 5, "second")
            back.leave(clean=True)

    run(story)


@pytest.mark.expects_log("saving has stopped|'new' is closed: it is the largest")
def test_what_is_not_saved_yet_counts() -> None:
    """A new document into which somebody has pasted much is the largest."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann, old, new = [await peer(hub, name) for name in ("calm", "old", "new")]
            await type_in(old, 0, "x" * MUCH)
            starve(hub, lambda: "new" in hub.rooms)
            busy = new.receive(encode(SyncUpdate(typed(5, 0, "z" * 2 * MUCH))))
            assert busy is not None
            await busy
            await type_in(ann, 0, "a")
            assert new.ended is not None and old.ended is None and ann.ended is None
            for one in (ann, old, new):
                one.leave(clean=True)

    run(story)


@pytest.mark.expects_log("saving has stopped|'hogs' is closed: it is the largest")
def test_no_memory_even_to_open_the_file_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after any write that failed: those who need little do not have to go for that."""

    async def story() -> None:
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            ann, bob, hog = [await peer(hub, name) for name in ("ann", "bob", "hogs")]
            await type_in(hog, 0, "x" * MUCH)

            def breaks(*_: object) -> None:
                raise MemoryError

            with monkeypatch.context() as patch:
                patch.setattr(sqlite_rows, "append", breaks)
                patch.setattr(sqlite_file, "_connect", breaks)
                for one in (ann, bob):
                    one.receive(encode(SyncUpdate(typed(5, 0, "a"))))
                await until(lambda: hog.ended is not None)
            await until(lambda: ann.session.room.durable and bob.session.room.durable)
            assert ann.ended is None and bob.ended is None
            for one in (ann, bob, hog):
                one.leave(clean=True)

    run(story)


def test_an_edit_that_comes_from_a_worker_when_its_room_is_given_up(tmp_path: Path) -> None:
    """It builds on what was not written, so it must not be: the document would be damaged."""

    async def story() -> None:
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            ann = await peer(hub, "notes")
            await type_in(ann, 0, "hello")
            room, go = ann.session.room, stop(hub)
            other = await peer(hub, "other")
            other.receive(encode(SyncUpdate(typed(5, 0, "o"))))
            await until(lambda: other.session.room.writing)
            ann.receive(encode(SyncUpdate(typed(5, 5, "first"))))
            program = edits.enter(hub, "notes", typed(5, 10, "x" * 20_000), OURS)
            entering = asyncio.create_task(program)
            await until(lambda: hub.engine.jobs["admit"] > 0)
            hub.writer.give_up(room)
            with pytest.raises(Unavailable, match="had to be closed"):
                await entering
            ann.leave(clean=True)
            go.set()
            await until(lambda: other.session.room.durable == 1)
            assert await rows(hub, "notes") == 1 and hub.writer.backlog == 0
            again = await peer(hub, "notes")
            assert again.session.room.frozen == ""
            for one in (other, again):
                one.leave(clean=True)

    run(story)


def test_an_edit_that_is_not_even_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not count as waiting: a few of them, and everybody would be kept waiting for ever."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann = await peer(hub, "notes")

            def breaks(*_: object) -> None:
                raise MemoryError

            with monkeypatch.context() as patch:
                patch.setattr(room_module, "_pending", breaks)
                with pytest.raises(Unavailable, match="no memory"):
                    ann.receive(encode(SyncUpdate(typed(5, 0, "x" * 10_000))))
            assert hub.writer.backlog == 0
            ann.leave(clean=True)

    run(story)


@pytest.mark.expects_log("closed: its edits cannot be saved|could not be saved together")
def test_who_cannot_even_be_told_to_go() -> None:
    """The others are, and what they write from then on is saved."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann, bob = await peer(hub, "notes"), await peer(hub, "notes")
            room, blame, woken = ann.session.room, ValueError("it is to blame"), list[Connection]()

            def wake(one: Connection) -> None:
                woken.append(one)
                raise MemoryError

            fail(hub, lambda _: None if room.lost else blame)
            ann.receive(encode(SyncUpdate(typed(5, 0, "x"))))
            for one in (ann, bob):
                one.session.wake = partial(wake, one)
            await until(lambda: "notes" not in hub.rooms)
            assert {ann, bob} == set(woken)
            assert ann.ended is not None and bob.ended is not None
            again = await peer(hub, "notes")
            await type_in(again, 0, "x")
            for one in (ann, bob, again):
                one.leave(clean=True)

    run(story)


def test_a_fold_that_begins_after_its_room_was_given_up() -> None:
    """It knows nothing any more, and must not be saved as what the document is."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann = await peer(hub, "notes")
            await type_in(ann, 0, "precious")
            room = ann.session.room
            room.rows = 1_000_000  # time to fold,
            hub.rooms.written(room)  # which the next turn begins with
            assert room.copying
            hub.writer.give_up(room)
            ann.leave(clean=True)
            await until(lambda: not room.copying)
            assert (await hub.store.load("notes")).snapshot is None
            again = await peer(hub, "notes")
            assert again.session.room.alive == len("precious")
            again.leave(clean=True)

    run(story)


@pytest.mark.expects_log("saving has stopped|'hogs' is closed: it is the largest")
def test_a_room_that_was_given_up_is_the_largest() -> None:
    """What is being written of it keeps it, for ever if there is no memory for that."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann, hog = await calm_and_hog(hub)
            room = hog.session.room
            starve(hub, lambda: room.state.size)
            hog.receive(encode(SyncUpdate(typed(5, MUCH, "a"))))
            await until(lambda: not hub.writer.saving)
            hub.writer.give_up(room)
            await type_in(ann, 0, "a")
            assert ann.ended is None
            for one in (ann, hog):
                one.leave(clean=True)

    run(story)


@pytest.mark.expects_log("saving has stopped|could not be saved")
def test_closing_while_the_disk_is_full(tmp_path: Path) -> None:
    """When it has room again in the very last moment, nothing is written without what came before
    it: the document would be damaged."""

    async def story() -> None:
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            ann = await peer(hub, "notes")
            await type_in(ann, 0, "real")
            abandon, full = hub.writer._abandon, True
            error = OSError(errno.ENOSPC, "the disk is full")

            def heals(room: Room) -> None:
                nonlocal full
                full = False
                abandon(room)

            fail(hub, lambda _: error if full else None)
            hub.writer._abandon = heals  # type: ignore[method-assign]
            ann.receive(encode(SyncUpdate(typed(5, 4, "A"))))
            await until(lambda: not hub.writer.saving)
            ann.receive(encode(SyncUpdate(typed(5, 5, "B"))))
        assert not full
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            again = await peer(hub, "notes")
            assert again.session.room.frozen == "" and await rows(hub, "notes") == 1
            again.leave(clean=True)

    run(story)


def test_who_leaves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one leaves a room as it is given up: nothing is put in order then, which would open
    the document again."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann = await peer(hub, "notes")
            await type_in(ann, 0, "a")
            rested: list[Room] = []
            monkeypatch.setattr(hub.rooms, "rest", rested.append)
            ann.session.wake = lambda: ann.leave(clean=False)
            hub.writer.give_up(ann.session.room)
            assert "notes" not in hub.rooms and rested == []
            back = await peer(hub, "notes")
            back.leave(clean=True)
            assert [back.session.room] == rested

    run(story)
