"""The WebSocket transport: how peers get in, what they are told, why they have to go."""

import asyncio
import logging

import pytest
from pycrdt import Doc, Text
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.web import Application
from tornado.websocket import websocket_connect

from collab import Hub, connection
from collab.blocks import encode_blocks
from collab.storage import open_store
from collab.update import DeleteSet, read_update
from collab.web import routes
from collab.wire import AwarenessUpdate, Receipt, SyncStep1, SyncStep2, SyncUpdate, decode, encode
from tests.live import typed

MAX_MESSAGE = 100_000


@pytest.fixture
def hub():
    return Hub(open_store(":memory:"))


@pytest.fixture
def app(hub):
    rules = routes(hub, origins=["https://app.example.com"])
    return Application(rules, websocket_max_message_size=MAX_MESSAGE)


@pytest.fixture
def connect(http_server, base_url, hub, io_loop):
    """`await connect(path)` is a peer at `/sync/` and that path."""
    peers = []

    async def connect(path, headers=None, **options):
        url = base_url.replace("http", "ws") + "/sync/" + path
        request = HTTPRequest(url, headers=headers or {})
        peers.append(await websocket_connect(request, **options))
        return peers[-1]

    yield connect
    for peer in peers:
        peer.close()
    io_loop.run_sync(hub.close)


async def hear(peer, kind):
    """The next message of a kind; what comes before it is passed over."""
    while (frame := await peer.read_message()) is not None:
        for message in decode(frame):
            if isinstance(message, kind):
                return message
    raise AssertionError(f"hung up: {peer.close_code} {peer.close_reason}")


async def hang_up(peer):
    """How the server ended it."""
    while await peer.read_message() is not None:
        pass
    return peer.close_code, peer.close_reason


async def say(peer, *messages):
    for message in messages:
        await peer.write_message(encode(message), binary=True)


def edit(text):
    doc = Doc()
    doc.get("content", type=Text).insert(0, text)
    return doc.get_update()


@pytest.mark.gen_test
async def test_an_edit_goes_from_one_peer_to_the_other(connect):
    """Handshake, edit, receipt; a second peer gets it, and a third one later."""
    ann, bob = await connect("notes"), await connect("notes")
    for peer in (ann, bob):
        await say(peer, SyncStep1(b"\x00"), SyncStep2(b"\x00\x00"))
        await hear(peer, SyncStep2)

    await say(ann, SyncUpdate(edit("Hello")), Receipt(1))

    assert (await hear(bob, SyncUpdate)).update == edit_of(await hear(ann, SyncUpdate))
    while await hear(ann, Receipt) != Receipt(1):
        pass
    cleo = await connect("notes")
    await say(cleo, SyncStep1(b"\x00"))
    doc = Doc()
    doc.apply_update((await hear(cleo, SyncStep2)).update)
    assert str(doc.get("content", type=Text)) == "Hello"


def edit_of(message):
    return message.update


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b", "a/b"),
        ("a%2Fb", "a/b"),
        ("a%20b+c", "a b+c"),
        ("%E4%B8%96%E7%95%8C", "世界"),
        ("__proto__", "__proto__"),
        ("..%2f..%2fetc%2fpasswd", "../../etc/passwd"),
        ("100%25", "100%"),
    ],
)
async def test_names_are_decoded_once(connect, hub, path, name):
    """The document is the rest of the path, whatever it looks like."""
    peer = await connect(path)
    await hear(peer, SyncStep1)

    assert list(hub.rooms) == [name]


@pytest.mark.gen_test
@pytest.mark.expects_log("document's name")
@pytest.mark.parametrize(
    "path", ["", "%20x", "a%00b", "x" * 256, "a%E2%80%AEb", "%FF", "%ED%A0%80"]
)
async def test_bad_names_are_refused_for_good(connect, path):
    """4400 is a code that makes clients give up."""
    assert (await hang_up(await connect(path)))[0] == 4400


@pytest.mark.gen_test
@pytest.mark.expects_log("Text frames")
async def test_text_frames_are_not_understood(connect):
    """1007, with a sentence that says what to do."""
    peer = await connect("notes")
    await peer.write_message("hello")

    assert await hang_up(peer) == (1007, "Text frames are not understood: send binary ones.")


@pytest.mark.gen_test
@pytest.mark.expects_log("at most")
@pytest.mark.expects_log("limit max_message was hit")
async def test_messages_have_a_largest_size(connect):
    """1009, before anything of it is kept."""
    peer = await connect("notes")
    await peer.write_message(b"\x00" * (MAX_MESSAGE + 1), binary=True)

    assert (await hang_up(peer))[0] == 1009


@pytest.mark.gen_test
@pytest.mark.expects_log("The update")
async def test_one_bad_peer_goes_alone(connect):
    """Its neighbour in the same document keeps editing."""
    good, bad = await connect("notes"), await connect("notes")
    for peer in (good, bad):
        await say(peer, SyncStep1(b"\x00"), SyncStep2(b"\x00\x00"))

    await say(bad, SyncUpdate(b"\x01\x01\x01"))
    assert (await hang_up(bad))[0] == 1007
    await say(good, SyncUpdate(edit("fine")), Receipt(1))

    while await hear(good, Receipt) != Receipt(1):
        pass


@pytest.mark.gen_test
@pytest.mark.expects_log("was deleted")
async def test_a_deleted_document_ends_its_connections(connect, hub):
    """4404 for those who are in it, and for those who come later."""
    peer = await connect("notes")
    await say(peer, SyncStep1(b"\x00"), SyncStep2(edit("x")), Receipt(1))
    while await hear(peer, Receipt) != Receipt(1):
        pass

    await hub.delete("notes")

    assert await hang_up(peer) == (4404, "The document was deleted.")
    late = await connect("notes")
    while (ended := await hang_up(late))[0] == 1013:  # its room was still closing
        late = await connect("notes")
    assert ended[0] == 4404


@pytest.mark.gen_test
async def test_pages_of_other_sites_stay_out(connect, base_url):
    """Unless they are allowed; this host's own pages always are."""
    await connect("notes", {"Origin": "https://app.example.com"})
    await connect("notes", {"Origin": base_url})
    with pytest.raises(HTTPClientError, match="403"):
        await connect("notes", {"Origin": "https://evil.example"})


@pytest.mark.gen_test
async def test_a_subprotocol_is_accepted(connect):
    """Browsers hang up when none of those they offer is taken."""
    peer = await connect("notes", subprotocols=["yjs", "other"])

    assert peer.selected_subprotocol == "yjs"


@pytest.mark.gen_test
async def test_a_session_leaves_one_line(connect, caplog):
    """Who was where, how much, how long; no content."""
    caplog.set_level(logging.INFO, "web")
    peer = await connect("notes")
    await say(peer, SyncStep1(b"\x00"), SyncStep2(edit("secret")), Receipt(1))
    while await hear(peer, Receipt) != Receipt(1):
        pass
    peer.close()
    while not (lines := [r.getMessage() for r in caplog.records if r.name == "web"]):
        await asyncio.sleep(0.001)

    assert len(lines) == 1
    assert "'notes'" in lines[0] and "3 frames" in lines[0]
    assert "secret" not in caplog.text


@pytest.mark.gen_test
async def test_who_is_cut_off_has_not_gone_yet(connect, hub, caplog):
    """It may be on its way back: only who says goodbye is gone at once, in the eyes of others."""
    caplog.set_level(logging.INFO, "web")
    ann, bob, eve = [await connect("notes") for _ in range(3)]
    for peer in (ann, bob, eve):
        await hear(peer, SyncStep1)
    await say(ann, AwarenessUpdate(b"\x01\x01\x01\x02{}"))
    await say(bob, AwarenessUpdate(b"\x01\x02\x01\x02{}"))
    awareness = hub.rooms["notes"].awareness
    while len(awareness.users()) < 2:
        await asyncio.sleep(0.001)

    ann.protocol.stream.close()
    while sum(r.name == "web" for r in caplog.records) < 1:
        await asyncio.sleep(0.001)
    assert len(awareness.users()) == 2

    bob.close()
    while sum(r.name == "web" for r in caplog.records) < 2:
        await asyncio.sleep(0.001)
    assert len(awareness.users()) == 1


@pytest.mark.gen_test
async def test_very_many_deletes_come_in_by_and_by(connect, hub, monkeypatch):
    """To enter them at once would hold up everybody: who comes back with 4,000 separate deletions
    where 1,500 may enter is asked three times for what he has, and then all is on disk."""
    monkeypatch.setattr(connection, "MOST_DELETES", 1_500)
    text = read_update(typed(5, 0, "x" * 8_000))
    deletes = DeleteSet()
    for clock in range(0, 8_000, 2):
        deletes.add(5, clock, clock + 1)
    peer = await connect("much")
    await peer.write_message(encode(SyncStep1(b"\x00")), binary=True)
    await peer.write_message(encode(Receipt(1)), binary=True)

    asked = 0
    while (message := await hear(peer, SyncStep1 | Receipt)) != Receipt(1):
        if isinstance(message, SyncStep1):
            asked += 1
            update = encode_blocks(text.blocks, deletes)
            await peer.write_message(encode(SyncStep2(update)), binary=True)

    assert asked == 3
    assert hub.rooms["much"].state.deletes == deletes
