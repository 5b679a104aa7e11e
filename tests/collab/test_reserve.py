"""Memory that is kept back, and what becomes of a room when there was none in the middle of it."""

import pytest

from collab import Hub
from collab import reserve as reserve_module
from collab.connection import Connection
from collab.errors import Unavailable
from collab.reserve import Reserve
from collab.storage import open_store
from collab.wire import SyncStep1, SyncStep2, SyncUpdate, encode
from tests.collab.test_hub import run, until
from tests.live import typed


def test_it_is_given_once() -> None:
    """And memory is short until it is held again."""
    reserve = Reserve()
    assert not reserve.give() and not reserve.short  # nobody holds one back
    reserve.hold()
    reserve.hold()
    assert reserve.give() and reserve.short
    assert not reserve.give() and reserve.short
    reserve.hold()
    assert not reserve.short
    reserve.give()


def test_no_room_to_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is tried again."""
    reserve = Reserve()
    reserve.hold()
    reserve.give()
    monkeypatch.setattr(reserve_module, "SIZE", 1 << 60)
    reserve.hold()
    assert reserve.short and not reserve.give()


async def peer(hub: Hub, name: str = "notes") -> Connection:
    """Somebody who may write."""
    connection = Connection(hub, await hub.join(name, lambda: None))
    for message in (SyncStep1(b"\x00"), SyncStep2(b"\x00\x00")):
        connection.receive(encode(message))
    return connection


def test_an_edit_that_is_half_entered() -> None:
    """Nothing that builds on it may reach the log: everybody comes back to what is on disk."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann, bob = await peer(hub), await peer(hub)
            ann.receive(encode(SyncUpdate(typed(5, 0, "on"))))
            room = hub.rooms["notes"]
            await until(lambda: room.durable == 1)
            enter = room.head.enter

            def breaks(news: object) -> None:
                enter(news)  # type: ignore[arg-type]
                raise MemoryError

            room.head.enter = breaks  # type: ignore[method-assign]
            with pytest.raises(Unavailable, match="no memory"):
                ann.receive(encode(SyncUpdate(typed(5, 2, "!"))))
            assert isinstance(bob.ended, Unavailable)
            assert (await hub.store.load("notes")).updates[-1].seq == 1
            again = await peer(hub)
            assert again.session.room is not room
            for connection in (ann, bob, again):
                connection.leave(clean=True)

    run(story)


def test_an_edit_that_is_too_much_to_read() -> None:
    """Whoever sent it is sent away, and nobody else."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann, bob = await peer(hub), await peer(hub)
            room = hub.rooms["notes"]
            admit = room.head.admit

            def breaks(*_: object) -> None:
                room.head.admit = admit  # type: ignore[method-assign]
                raise MemoryError

            room.head.admit = breaks  # type: ignore[method-assign,assignment]
            with pytest.raises(Unavailable, match="no memory"):
                ann.receive(encode(SyncUpdate(typed(5, 0, "x"))))
            assert bob.ended is None
            bob.receive(encode(SyncUpdate(typed(6, 0, "y"))))
            await until(lambda: room.durable == 1)
            ann.leave(clean=True)
            bob.leave(clean=True)

    run(story)


@pytest.mark.expects_log("'notes' is closed: it cannot be told")
def test_a_commit_that_cannot_be_told() -> None:
    """What is on disk stays there, its editors come back to it, and others are saved as before."""

    async def story() -> None:
        async with Hub(open_store(":memory:")) as hub:
            ann = await peer(hub)

            def breaks(seq: int) -> None:
                raise MemoryError

            hub.rooms["notes"].commit = breaks  # type: ignore[method-assign]
            ann.receive(encode(SyncUpdate(typed(5, 0, "x"))))
            await until(lambda: ann.ended is not None)
            ann.leave(clean=True)
            again = await peer(hub)
            assert again.session.room.seq == 1
            again.receive(encode(SyncUpdate(typed(5, 1, "y"))))
            await until(lambda: again.session.room.durable == 1)
            again.leave(clean=True)

    run(story)
