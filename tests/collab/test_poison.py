"""Rows of which workers die: none is read for ever, and everybody is told why."""

import random

import pytest
from pycrdt import Text

from collab import Hub
from collab import engine as engine_module
from collab.connection import Connection
from collab.engine import Engine
from collab.errors import AccessDenied, Unavailable
from collab.poison import find_poison
from collab.repair import find_losses, mend
from collab.storage import Entry, Store, open_store
from collab.wire import Denied, SyncStep1, SyncStep2, SyncUpdate, encode
from tests.collab.test_hub import run, until
from tests.deadly import MARK, deadly
from tests.live import messages, typed

LARGE = "x" * (32 << 10)
DIED = "a worker died or took too long"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "quire.db"


async def write(store: Store, *texts: str) -> None:
    """A row for each text, typed by one client after the other."""
    clock = 0
    for text in texts:
        await store.append([Entry("notes", 1, "Ann", typed(1, clock, text))])
        clock += len(text)


async def read(hub: Hub) -> str:
    """What programs see."""
    async with hub.open("notes") as editor:
        return str(editor.doc.get("t", type=Text))


@pytest.mark.expects_log(DIED)
@pytest.mark.expects_log("edit 3 goes into quarantine: two workers that read it died")
@pytest.mark.expects_log("read-only")
def test_a_row_of_which_the_workers_die(path, monkeypatch):
    """The document opens as it was before, for good, and repair puts the row aside."""
    monkeypatch.setattr(engine_module, "PROGRAM", deadly("admit"))

    async def story():
        store = open_store(path)
        async with Hub(store) as hub:
            await write(store, "one ", "two ", MARK.decode() + LARGE)
            room = (await hub.join("notes", lambda: None)).room
            assert room.seq == 2
            reason = "Edit 3 is in quarantine: two workers that read it died. "
            assert room.frozen == reason + "The document can only be read, as it was."
            (line,) = await store.audit()
            assert (line.action, line.document, line.detail) == ("quarantine", "notes", "edit 3")

        monkeypatch.setattr(engine_module, "PROGRAM", ("false",))  # nobody asks a worker any more
        async with Hub(open_store(path)) as hub:
            connection = Connection(hub, await hub.join("notes", lambda: None))
            for message in (
                SyncStep1(b"\x00"),
                SyncStep2(b"\x00\x00"),
                SyncUpdate(typed(2, 0, "x")),
            ):
                connection.receive(encode(message))
            told = [message for frame in frames(connection) for message in messages(frame)]
            assert Denied(reason + "The document can only be read, as it was.") in told
            found = [problem async for problem in hub.store.verify()]
            assert found == [("notes", 3, "two workers that read it died")]
            losses = await find_losses(hub.store, hub.engine, "notes")
            assert losses == [(3, 3, "it is in quarantine: two workers that read it died")]
            connection.leave(clean=True)
            await mend(hub.store, "notes", losses)
            assert (await hub.join("notes", lambda: None)).room.frozen == ""
            assert [problem async for problem in hub.store.verify()] == []

    run(story)


def frames(connection):
    """All that it has to say."""
    while (frame := connection.next_frame()) is not None:
        yield frame


@pytest.mark.expects_log(DIED)
def test_a_row_is_not_blamed_when_workers_die_of_anything(path, monkeypatch):
    """Then it is ours to say: try again."""

    async def story():
        store = open_store(path)
        async with Hub(store) as hub:
            await write(store, "one ", LARGE)
            monkeypatch.setattr(engine_module, "PROGRAM", ("false",))
            with pytest.raises(Unavailable):
                await hub.join("notes", lambda: None)
            monkeypatch.undo()
            assert (await hub.join("notes", lambda: None)).room.seq == 2

    run(story)


@pytest.mark.expects_log("a worker died or took too long on admit: FileNotFoundError")
def test_a_row_is_not_blamed_when_there_are_no_workers(path, monkeypatch):
    """No process, no memory: nobody has read the row."""

    async def story():
        store = open_store(path)
        async with Hub(store) as hub:
            await write(store, "one ", LARGE)
            monkeypatch.setattr(engine_module, "PROGRAM", ("/nowhere/python",))
            with pytest.raises(Unavailable):
                await hub.join("notes", lambda: None)
            assert (await store.load("notes")).damaged is None

    run(story)


@pytest.mark.expects_log(DIED)
@pytest.mark.expects_log("edit 3 goes into quarantine: pycrdt")
@pytest.mark.expects_log("read-only")
def test_a_row_that_kills_pycrdt(path, monkeypatch):
    """The program that opens the document lives, and is told; the next one opens it as it was
    before, and cannot write."""
    monkeypatch.setattr(engine_module, "PROGRAM", deadly("check", "mirror.open"))

    async def story():
        store = open_store(path)
        async with Hub(store) as hub:
            await write(store, "one ", "two ", MARK.decode(), " four")
            with pytest.raises(Unavailable, match="Edit 3 is in quarantine"):
                await read(hub)
            assert await read(hub) == "one two "
            with pytest.raises(AccessDenied, match="pycrdt, with which programs open"):
                async with hub.open("notes") as editor:
                    editor.doc.get("t", type=Text).insert(0, "x")
            (line,) = await store.audit()
            assert (line.action, line.document, line.detail) == ("quarantine", "notes", "edit 3")
            losses = await find_losses(store, hub.engine, "notes")
            assert [loss[:2] for loss in losses] == [(3, 3), (4, 4)]
            await until(lambda: not hub.rooms)
            await mend(store, "notes", losses)
            assert await read(hub) == "one two "

    run(story)


@pytest.mark.expects_log(DIED)
@pytest.mark.expects_log("edit 2 goes into quarantine")
@pytest.mark.expects_log("read-only")
def test_a_row_that_comes_while_a_program_follows(path, monkeypatch):
    """The program is ended, and everybody else is sent away to come back to what was before."""
    monkeypatch.setattr(engine_module, "PROGRAM", deadly("check", "mirror.open", "mirror.apply"))

    async def story():
        async with Hub(open_store(path)) as hub:
            peer = Connection(hub, await hub.join("notes", lambda: None))
            for message in (
                SyncStep1(b"\x00"),
                SyncStep2(b"\x00\x00"),
                SyncUpdate(typed(1, 0, "ok")),
            ):
                peer.receive(encode(message))
            await until(lambda: hub.rooms["notes"].durable == 1)
            with pytest.raises(Unavailable, match="Edit 2 is in quarantine"):
                async with hub.open("notes") as editor:
                    peer.receive(encode(SyncUpdate(typed(1, 2, MARK.decode()))))
                    await until(lambda: peer.ended is not None)
                    await until(lambda: editor._session is None)
                    editor.doc.get("t", type=Text).insert(0, "lost")
            assert isinstance(peer.ended, Unavailable)
            peer.leave(clean=True)
            assert await read(hub) == "ok"

    run(story)


@pytest.mark.expects_log(DIED)
def test_it_is_found_wherever_it_is(path, monkeypatch, seed):
    """Before the newest snapshot or behind it, the first row or the last, among gaps."""
    chance = random.Random(seed)
    monkeypatch.setattr(engine_module, "PROGRAM", deadly("check"))

    async def story():
        engine = Engine()
        for number in range(6):
            async with open_store(path.with_name(f"{number}.db")) as store:
                texts = ["ab"] * chance.choice([1, 2, 7, 40])
                place = chance.randrange(len(texts))
                texts[place] = MARK.decode()
                await write(store, *texts)
                row = await find_poison(store, engine, "notes")
                assert row is not None and row.seq == place + 1, texts
                await store.quarantine("notes", row.seq, "it kills")
                assert await find_poison(store, engine, "notes") is None
        await engine.close()

    run(story)


@pytest.mark.expects_log(DIED)
@pytest.mark.expects_log("edit 120 goes into quarantine")
@pytest.mark.expects_log("read-only")
def test_it_is_found_in_a_snapshot(path, monkeypatch):
    """That is forgotten then."""

    async def story():
        texts = ["ab"] * 300
        texts[119] = MARK.decode()
        async with Hub(open_store(path)) as hub:
            await write(hub.store, *texts)
            session = await hub.join("notes", lambda: None)
            hub.leave(session, clean=True)
            await until(lambda: not hub.rooms)
            assert (await hub.store.load("notes")).snapshot.seq == 300
        monkeypatch.setattr(engine_module, "PROGRAM", deadly("check", "mirror.open"))
        async with Hub(open_store(path)) as hub:
            with pytest.raises(Unavailable, match="Edit 120 is in quarantine"):
                await read(hub)
            assert await read(hub) == "ab" * 119

    run(story)
