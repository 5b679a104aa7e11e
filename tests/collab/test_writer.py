"""The one loop that writes: when there is no memory to write with, and when a room is given up."""

import asyncio
import errno
from collections.abc import Sequence
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
from collab.wire import SyncStep1, SyncStep2, SyncUpdate, encode
from tests.collab.test_hub import run, until
from tests.live import typed

MUCH = 2 << 20  # bytes


async def join(hub: Hub, name: str) -> Connection:
    """Somebody who may write."""
    connection = Connection(hub, await hub.join(name, lambda: None))
    for message in (SyncStep1(b"\x00"), SyncStep2(b"\x00\x00")):
        connection.receive(encode(message))
    return connection


async def type_in(hub: Hub, peer: Connection, clock: int, text: str) -> None:
    """Some text, and it is on disk."""
    room = peer.session.room
    count = room.entered + 1
    busy = peer.receive(encode(SyncUpdate(typed(5, clock, text))))
    if busy is not None:
        await busy
    await until(lambda: room.durable >= count)


async def rows(hub: Hub, name: str) -> int:
    """How many edits of a document are on disk."""
    return len(await hub.store.updates(name))


@pytest.mark.expects_log("saving has stopped|saved together|'hogs' is closed: it is the largest")
@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
def test_there_is_no_memory_to_write_with(apart: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest document has to go, for it keeps what all wait for; nobody else has to, and its
    editors come back with what was not acknowledged."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann, hog = await join(hub, "calm"), await join(hub, "hogs")
            await type_in(hub, hog, 0, "x" * MUCH)
            append, room = hub.store.append, hog.session.room

            async def starves(entries: Sequence[Entry]) -> list[int]:
                if apart and len(entries) > 1:
                    raise ValueError("one of them is to blame")
                if "hogs" in hub.rooms:
                    raise OSError(errno.ENOMEM, "there is no memory")
                return await append(entries)

            monkeypatch.setattr(hub.store, "append", starves)
            typing = asyncio.create_task(type_in(hub, ann, 0, "a"))
            await asyncio.sleep(0)
            hog.receive(encode(SyncUpdate(typed(5, MUCH, "lost?"))))
            await typing
            assert isinstance(hog.ended, Unavailable) and ann.ended is None
            assert hub.writer.saving and hub.writer.backlog == 0
            hog.leave(clean=True)
            assert room.state.size == 0, "whoever holds the room holds nothing of it"
            monkeypatch.setattr(hub.store, "append", append)
            assert await rows(hub, "hogs") == 1
            back = await join(hub, "hogs")
            await type_in(hub, back, MUCH, "lost?")
            assert await rows(hub, "hogs") == 2
            for peer in (ann, back):
                peer.leave(clean=True)

    run(story)


@pytest.mark.expects_log("saving has stopped")
def test_what_is_kept_back_is_given_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nobody has to go; neither do small documents, which would not help."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann, hog = await join(hub, "calm"), await join(hub, "hogs")
            await type_in(hub, hog, 0, "x" * MUCH)
            append = hub.store.append

            async def starves(entries: Sequence[Entry]) -> list[int]:
                if not reserve.short:
                    raise OSError(errno.ENOMEM, "there is no memory")
                return await append(entries)

            monkeypatch.setattr(hub.store, "append", starves)
            reserve.hold()
            await type_in(hub, ann, 0, "a")
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
            ann = await join(hub, "notes")
            room = ann.session.room
            append, go = hub.store.append, asyncio.Event()

            async def slow(entries: Sequence[Entry]) -> list[int]:
                await go.wait()
                return await append(entries)

            hub.store.append = slow  # type: ignore[method-assign]
            ann.receive(encode(SyncUpdate(typed(5, 0, "first"))))
            await until(lambda: room.writing)
            ann.receive(encode(SyncUpdate(typed(5, 5, "second"))))
            assert hub.writer.backlog > 0
            hub.writer.give_up(room)
            assert isinstance(ann.ended, Unavailable)
            ann.leave(clean=True)
            with pytest.raises(Unavailable, match="is being closed"):
                await join(hub, "notes")
            go.set()
            await until(lambda: "notes" not in hub.rooms)
            assert hub.writer.backlog == 0 and await rows(hub, "notes") == 1
            back = await join(hub, "notes")
            assert back.session.room is not room and back.session.room.seq == 1
            await type_in(hub, back, 5, "second")
            back.leave(clean=True)

    run(story)


@pytest.mark.expects_log("saving has stopped|'new' is closed: it is the largest")
def test_what_is_not_saved_yet_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new document into which somebody has pasted much is the largest."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann, old, new = [await join(hub, name) for name in ("calm", "old", "new")]
            await type_in(hub, old, 0, "x" * MUCH)
            append = hub.store.append

            async def starves(entries: Sequence[Entry]) -> list[int]:
                if "new" in hub.rooms:
                    raise OSError(errno.ENOMEM, "there is no memory")
                return await append(entries)

            monkeypatch.setattr(hub.store, "append", starves)
            busy = new.receive(encode(SyncUpdate(typed(5, 0, "z" * 2 * MUCH))))
            assert busy is not None
            await busy
            await type_in(hub, ann, 0, "a")
            assert new.ended is not None and old.ended is None and ann.ended is None
            for peer in (ann, old, new):
                peer.leave(clean=True)

    run(story)


@pytest.mark.expects_log("saving has stopped|'hogs' is closed: it is the largest")
def test_no_memory_even_to_open_the_file_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after any write that failed: those who need little do not have to go for that."""

    async def story() -> None:
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            ann, bob, hog = [await join(hub, name) for name in ("ann", "bob", "hogs")]
            await type_in(hub, hog, 0, "x" * MUCH)

            def breaks(*_: object) -> None:
                raise MemoryError

            with monkeypatch.context() as patch:
                patch.setattr(sqlite_rows, "append", breaks)
                patch.setattr(sqlite_file, "_connect", breaks)
                for peer in (ann, bob):
                    peer.receive(encode(SyncUpdate(typed(5, 0, "a"))))
                await until(lambda: hog.ended is not None)
            await until(lambda: ann.session.room.durable and bob.session.room.durable)
            assert ann.ended is None and bob.ended is None
            for peer in (ann, bob, hog):
                peer.leave(clean=True)

    run(story)


def test_an_edit_that_comes_from_a_worker_when_its_room_is_given_up(tmp_path: Path) -> None:
    """It builds on what was not written, so it must not be: the document would be damaged."""

    async def story() -> None:
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            ann = await join(hub, "notes")
            await type_in(hub, ann, 0, "hello")
            room, append, go = ann.session.room, hub.store.append, asyncio.Event()

            async def slow(entries: Sequence[Entry]) -> list[int]:
                await go.wait()
                return await append(entries)

            hub.store.append = slow  # type: ignore[method-assign]
            other = await join(hub, "other")
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
            again = await join(hub, "notes")
            assert again.session.room.frozen == ""
            for peer in (other, again):
                peer.leave(clean=True)

    run(story)


def test_an_edit_that_is_not_even_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not count as waiting: a few of them, and everybody would be kept waiting for ever."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann = await join(hub, "notes")

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
            ann, bob = await join(hub, "notes"), await join(hub, "notes")
            append = hub.store.append

            async def breaks(entries: Sequence[Entry]) -> list[int]:
                raise ValueError("it is to blame")

            def wake() -> None:
                raise MemoryError

            hub.store.append = breaks  # type: ignore[method-assign]
            ann.receive(encode(SyncUpdate(typed(5, 0, "x"))))
            for session in ann.session.room.sessions:
                session.wake = wake
            await until(lambda: "notes" not in hub.rooms)
            assert ann.ended is not None and bob.ended is not None
            hub.store.append = append  # type: ignore[method-assign]
            again = await join(hub, "notes")
            await type_in(hub, again, 0, "x")
            for peer in (ann, bob, again):
                peer.leave(clean=True)

    run(story)


def test_a_fold_that_begins_after_its_room_was_given_up() -> None:
    """It knows nothing any more, and must not be saved as what the document is."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann = await join(hub, "notes")
            await type_in(hub, ann, 0, "precious")
            room = ann.session.room
            room.rows = 1_000_000  # time to fold,
            hub.rooms.written(room)  # which the next turn begins with
            assert room.copying
            hub.writer.give_up(room)
            ann.leave(clean=True)
            await until(lambda: not room.copying)
            assert (await hub.store.load("notes")).snapshot is None
            again = await join(hub, "notes")
            assert again.session.room.alive == len("precious")
            again.leave(clean=True)

    run(story)


@pytest.mark.expects_log("saving has stopped|'hogs' is closed: it is the largest")
def test_a_room_that_was_given_up_is_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being written of it keeps it, for ever if there is no memory for that."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann, hog = await join(hub, "calm"), await join(hub, "hogs")
            await type_in(hub, hog, 0, "x" * MUCH)
            room, append = hog.session.room, hub.store.append

            async def starves(entries: Sequence[Entry]) -> list[int]:
                if room.state.size:
                    raise OSError(errno.ENOMEM, "there is no memory")
                return await append(entries)

            monkeypatch.setattr(hub.store, "append", starves)
            hog.receive(encode(SyncUpdate(typed(5, MUCH, "a"))))
            await until(lambda: not hub.writer.saving)
            hub.writer.give_up(room)
            await type_in(hub, ann, 0, "a")
            assert ann.ended is None
            for peer in (ann, hog):
                peer.leave(clean=True)

    run(story)


@pytest.mark.expects_log("saving has stopped|could not be saved")
def test_closing_while_the_disk_is_full(tmp_path: Path) -> None:
    """When it has room again in the very last moment, nothing is written without what came before
    it: the document would be damaged."""

    async def story() -> None:
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            ann = await join(hub, "notes")
            await type_in(hub, ann, 0, "real")
            append, abandon, full = hub.store.append, hub.writer._abandon, True

            async def fails(entries: Sequence[Entry]) -> list[int]:
                if full:
                    raise OSError(errno.ENOSPC, "the disk is full")
                return await append(entries)

            def heals(room: Room) -> None:
                nonlocal full
                full = False
                abandon(room)

            hub.store.append = fails  # type: ignore[method-assign]
            hub.writer._abandon = heals  # type: ignore[method-assign]
            ann.receive(encode(SyncUpdate(typed(5, 4, "A"))))
            await until(lambda: not hub.writer.saving)
            ann.receive(encode(SyncUpdate(typed(5, 5, "B"))))
        assert not full
        async with Hub(open_store(tmp_path / "quire.db")) as hub:
            again = await join(hub, "notes")
            assert again.session.room.frozen == "" and await rows(hub, "notes") == 1
            again.leave(clean=True)

    run(story)


def test_who_leaves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one leaves a room as it is given up: nothing is put in order then, which would open
    the document again."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann = await join(hub, "notes")
            await type_in(hub, ann, 0, "a")
            rested: list[Room] = []
            monkeypatch.setattr(hub.rooms, "rest", rested.append)
            ann.session.wake = lambda: ann.leave(clean=False)
            hub.writer.give_up(ann.session.room)
            assert "notes" not in hub.rooms and rested == []
            back = await join(hub, "notes")
            back.leave(clean=True)
            assert [back.session.room] == rested

    run(story)
