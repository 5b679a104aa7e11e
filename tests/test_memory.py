"""Memory that ends: whoever asks for too much is sent away, and nobody else notices.

The server's address space has a limit. The attacks are bounded: half a gigabyte at most.
"""

import asyncio

from collab.wire import SyncUpdate
from tests.hostile import LIMIT, frame
from tests.live import FAST, QUIRE, Peer, Server, run, typed, until

CAP = 512 << 20  # bytes of address space; the server alone takes 120 to 400 MiB, most of it unused
AWAY = 1013  # come back later
HOGS = 60
PIECE = 2 << 20  # bytes


class Witnesses:
    """Two people in another document: each letter of the one reaches the other."""

    def __init__(self, ann: Peer, bob: Peer) -> None:
        self.ann, self.bob = ann, bob
        self.letters = 0

    @classmethod
    async def join(cls, server: Server) -> "Witnesses":
        """Both are there."""
        return cls(await Peer.join(server.url("calm")), await Peer.join(server.url("calm")))

    async def type(self) -> None:
        """One letter, and it has arrived."""
        await self.ann.say(SyncUpdate(typed(5, self.letters, "x")))
        await self.bob.hear(SyncUpdate)
        self.letters += 1


def limited(path) -> Server:
    """A server that has not much memory, and no other limit before that one."""
    roomy = f"document_bytes={1 << 40},loaded_bytes={1 << 40}"
    return Server(path, QUIRE, "--max-memory", str(CAP), *FAST, "--limit", roomy)


def test_half_messages_without_end(tmp_path):
    """Each holds almost 8 MiB, and never sends the rest."""

    async def story(server):
        witnesses = await Witnesses.join(server)
        hogs = [await Peer.join(server.url("hogs")) for _ in range(HOGS)]
        for peer in hogs:
            await peer.pour(frame(bytes(LIMIT - (1 << 18)), size=LIMIT))
            await witnesses.type()
        heard = [peer.socket.read_message() for peer in hogs]
        await until("some are sent away", lambda: any(peer.code for peer in hogs))
        assert {peer.code for peer in hogs} == {AWAY, None}
        for peer in hogs:
            peer.vanish()
        for future in heard:
            await future
        await witnesses.type()
        await Peer.join(server.url("hogs"))

    with limited(tmp_path / "quire.db") as server:
        run(story(server))
        assert server.alive
        troubles = server.troubles()
        assert troubles and all("closed with 1013" in line for line in troubles)


def test_a_document_that_grows_without_end(tmp_path):
    """Its editors are sent away when it does not fit; what is acknowledged is on disk, and once
    they are gone there is room again."""

    async def story(server):
        witnesses = await Witnesses.join(server)
        hog = await Peer.join(server.url("hogs"))
        ended = asyncio.create_task(hog.end())
        for n in range(200):
            if ended.done():
                break
            hog.put(SyncUpdate(typed(7, n * PIECE, "x" * PIECE)))
            await witnesses.type()
        assert await ended == AWAY
        for _ in range(20):
            await witnesses.type()

    with limited(tmp_path / "quire.db") as server:
        run(story(server))
        assert server.alive
        for line in server.troubles():
            assert "emory" in line, line
