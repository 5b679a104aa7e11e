"""Limits over real sockets: who hits one is told or slowed down, and nobody else notices."""

import time

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

from collab.access import Grant, Level
from collab.errors import Unauthenticated
from collab.wire import Denied, Receipt, SyncStep2, SyncUpdate, encode
from tests.collab.test_awareness import says
from tests.live import STEP1, STEP2, messages, typed, until, var_bytes
from tests.web.test_connections import House, welcome


class Club(House):
    """A house whose guests say who they are by a token: "ann" may write, "rae" only read."""

    def __init__(self, **limits):
        super().__init__(**limits)
        self.asked = 0
        self.hub.door.authorize = self.authorize

    async def authorize(self, credentials, document):
        self.asked += 1
        if credentials.token not in ("ann", "rae"):
            raise Unauthenticated("Your token does not count here.")
        level = Level.READ if credentials.token == "rae" else Level.WRITE
        return Grant(level, user=credentials.token)

    async def join(self, token="ann", name="notes"):
        url = f"ws://127.0.0.1:{self.port}/sync/{name}?token={token}"
        peer = await websocket_connect(url)
        self.editors.append(peer)
        await peer.write_message(STEP1, binary=True)
        return peer

    def audited(self):
        """The limits that the audit log knows of, of whom, and in which document."""
        lines = self.hub.audit.take(time.time(), closing=True)
        return {(line.detail, line.user, line.document) for line in lines if line.action == "limit"}


async def hear(peer, kind):
    """The next message of a kind."""
    while (frame := await peer.read_message()) is not None:
        for message in messages(frame):
            if isinstance(message, kind):
                return message
    raise AssertionError(f"hung up: {peer.close_code} {peer.close_reason}")


async def hang_up(peer):
    """How the server ended it."""
    while await peer.read_message() is not None:
        pass
    return peer.close_code


async def is_unaffected(peer):
    """Whether somebody else's edit is on disk at once."""
    await peer.write_message(encode(Receipt(7)), binary=True)
    while await hear(peer, Receipt) != Receipt(7):
        pass
    return True


@pytest.mark.expects_log("limit edits_per_second was hit by 127.0.0.1")
@pytest.mark.gen_test
async def test_who_types_faster_than_anybody_is_slowed_down():
    """Nothing is lost and nobody is sent away; others in the document notice nothing."""
    async with Club(edits_per_second=100, edits_at_once=20) as club:
        fast, other = await club.join("ann"), await club.join("ann")
        for peer in (fast, other):
            await peer.write_message(STEP2, binary=True)
        began = time.monotonic()
        for clock in range(60):
            await fast.write_message(encode(SyncUpdate(typed(5, clock, "x"))), binary=True)
        assert await is_unaffected(other)
        before = time.monotonic() - began
        await fast.write_message(encode(Receipt(60)), binary=True)
        while await hear(fast, Receipt) != Receipt(60):
            pass

        assert before < 0.4 <= time.monotonic() - began
        assert 60 == club.hub.rooms["notes"].state.vector[5]
        assert {"edits_per_second": 1} == club.hub.limits_hit
        assert {("edits_per_second", "ann", "notes")} == club.audited()


@pytest.mark.expects_log("limit edits_per_second was hit by 127.0.0.1")
@pytest.mark.gen_test
async def test_receipts_are_counted_by_themselves():
    """Who asks for one with each edit types as fast as who asks for none; but no faster."""
    async with Club(edits_per_second=1, edits_at_once=20) as club:
        peer = await club.join()
        await peer.write_message(STEP2, binary=True)
        for clock in range(15):
            await peer.write_message(encode(SyncUpdate(typed(5, clock, "x"))), binary=True)
            await peer.write_message(encode(Receipt(clock + 1)), binary=True)
        while await hear(peer, Receipt) != Receipt(15):
            pass
        assert {} == club.hub.limits_hit

        for _ in range(10):
            await peer.write_message(encode(Receipt(15)), binary=True)
        await until("the limit", lambda: club.hub.limits_hit)
        assert {"edits_per_second": 1} == club.hub.limits_hit


@pytest.mark.expects_log("limit (bytes|presence)_per_second was hit by 127.0.0.1")
@pytest.mark.gen_test
async def test_presence_and_bytes_have_rates_of_their_own():
    """Whoever floods the others with carets waits, and so does who sends much in one message: but
    for that message itself, which passes at once."""
    async with Club(presence_per_second=50, presence_at_once=5, bytes_at_once=10_000) as club:
        peer = await club.join()
        assert await welcome(peer) is True
        began = time.monotonic()
        for clock in range(1, 20):
            await peer.write_message(encode(says((1, clock, b"{}"))), binary=True)
        await until("the last caret", lambda: club.hub.rooms["notes"].awareness.turn == 19)
        assert time.monotonic() - began >= 0.2

        large = typed(5, 0, "x" * 100_000)
        await peer.write_message(encode(SyncStep2(large)), binary=True)
        await until("the edit", lambda: club.hub.rooms["notes"].durable)
        assert {"presence_per_second": 1, "bytes_per_second": 1} == club.hub.limits_hit


@pytest.mark.expects_log("closed with 100[89]: ")
@pytest.mark.expects_log("limit (reader_bytes|fragments|max_message|presence_bytes) was hit")
@pytest.mark.expects_log("presence of a client")
@pytest.mark.gen_test
async def test_messages_have_a_largest_size():
    """A reader's is smaller than a writer's, and known from its header; what a client says of
    itself is smaller still; who is sent away for it has the code that says so."""
    async with Club(reader_bytes=1_000, fragments=3) as club:
        writer, other = await club.join("ann"), await club.join("ann")
        await writer.write_message(encode(SyncStep2(typed(5, 0, "x" * 2_000))), binary=True)
        reader = await club.join("rae")
        await reader.write_message(b"\x00\x01" + var_bytes(b"x" * 2_000), binary=True)
        assert 1009 == await hang_up(reader)

        stream = other.protocol.stream
        for head in (b"\x02\x81", b"\x00\x81", b"\x00\x81", b"\x00\x81"):
            await stream.write(head + bytes(4) + b"\x03")
        assert 1008 == await hang_up(other)

        vain = await club.join("ann")
        await vain.write_message(encode(says((1, 1, b'{"x":"%s"}' % (b"x" * 5_000)))), binary=True)
        assert 1009 == await hang_up(vain)
        assert await is_unaffected(writer)
        assert {
            ("reader_bytes", "rae", "notes"),
            ("fragments", "ann", "notes"),
            ("presence_bytes", "ann", "notes"),
        } == club.audited()


@pytest.mark.expects_log("limit (user|document)_connections was hit by 127.0.0.1")
@pytest.mark.gen_test
async def test_users_and_documents_have_so_many_connections():
    """The next one is told to come again later, and gets in when one has gone."""
    async with Club(user_connections=2, document_connections=3) as club:
        first, second = await club.join("ann"), await club.join("ann", "other")
        assert await welcome(first) is True and await welcome(second) is True
        assert 1013 == await hang_up(await club.join("ann", "third"))
        for _ in range(2):
            assert await welcome(await club.join("rae")) is True
        second.close()
        await until("the goodbye", lambda: "other" not in club.hub.rooms)
        assert 1013 == await hang_up(await club.join("ann"))  # the document's

        first.close()
        await until("the goodbye", lambda: len(club.hub.rooms["notes"].sessions) == 2)
        assert await welcome(await club.join("ann")) is True
        assert {"user_connections": 1, "document_connections": 1} == club.hub.limits_hit
        assert {
            ("user_connections", "", ""),
            ("document_connections", "", ""),
        } == club.audited()
        async with club.hub.open("notes"):
            pass  # this very program gets in anyhow


@pytest.mark.expects_log("limit loaded_bytes was hit by 127.0.0.1")
@pytest.mark.gen_test
async def test_documents_that_are_open_take_so_much_memory():
    """One more is not opened until others are closed; who is in one that is open notices
    nothing."""
    async with Club(loaded_bytes=100_000) as club:
        ann = await club.join("ann", "large")
        await ann.write_message(encode(SyncStep2(typed(5, 0, "x" * 99_000))), binary=True)
        assert await is_unaffected(ann)
        club.hub.rooms.weigh()
        assert 1013 == await hang_up(await club.join("ann", "small"))
        assert {"loaded_bytes": 1} == club.hub.limits_hit
        assert await welcome(await club.join("ann", "large")) is True
        assert await is_unaffected(ann)

        for editor in club.editors:
            editor.close()
        await until("the rest", lambda: "large" not in club.hub.rooms)
        assert await welcome(await club.join("ann", "small")) is True


@pytest.mark.expects_log("limit failed_logins was hit by 127.0.0.1")
@pytest.mark.gen_test
async def test_tokens_cannot_be_tried_for_long():
    """After a few that do not count none from there is looked at; but for those that counted
    before, so that nobody is kept out by a neighbour."""
    async with Club(failed_logins=3) as club:
        assert await welcome(await club.join("ann")) is True
        codes = [await hang_up(await club.join(f"guess-{n}")) for n in range(5)]
        assert [4401] * 3 + [1013] * 2 == codes
        assert 4 == club.asked

        client = AsyncHTTPClient()
        url = f"http://127.0.0.1:{club.port}/api/documents"
        answer = await client.fetch(f"{url}?token=guess", raise_error=False)
        assert 429 == answer.code and "Retry-After" in answer.headers
        assert await welcome(await club.join("ann")) is True
        assert 1013 == await hang_up(await club.join("rae"))
        assert {"failed_logins": 4} == club.hub.limits_hit


@pytest.mark.gen_test
async def test_a_token_that_has_run_out_keeps_no_neighbour_out():
    """y-websocket 1 and 2 show it again and again: that is one token that does not count."""
    async with Club(failed_logins=3) as club:
        codes = [await hang_up(await club.join("guess-old")) for _ in range(10)]
        assert [4401] * 10 == codes
        assert await welcome(await club.join("ann")) is True
        assert {} == club.hub.limits_hit


@pytest.mark.expects_log("limit (document_bytes|presence_clients) was hit by 127.0.0.1")
@pytest.mark.gen_test
async def test_who_fills_a_document_or_brings_many_is_told_of_and_stays():
    """In the log, the counts and the audit log; once for what is said in one message."""
    async with Club(document_bytes=1_000) as club:
        ann = await club.join()
        await ann.write_message(encode(SyncStep2(typed(5, 0, "x" * 2_000))), binary=True)
        assert await is_unaffected(ann)
        await ann.write_message(encode(SyncUpdate(typed(5, 2_000, "y"))), binary=True)
        assert "full" in (await hear(ann, Denied)).reason
        crowd = says(*((client, 1, b"{}") for client in range(100, 150)))
        await ann.write_message(encode(crowd), binary=True)
        await until("the crowd", lambda: club.hub.limits_hit["presence_clients"])

        assert {"document_bytes": 1, "presence_clients": 1} == club.hub.limits_hit
        assert {"document_bytes", "presence_clients"} == {limit for limit, _, _ in club.audited()}
        assert 4 == len(club.hub.rooms["notes"].awareness._presences)
