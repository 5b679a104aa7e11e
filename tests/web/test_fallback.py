"""Where WebSocket is blocked: the same frames over HTTP, with the same rights and promises."""

import asyncio
import json
import time

import jwt
import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from collab import wire
from collab.tokens import LEEWAY, new_key
from collab.web.virtual import POLL
from collab.wire import AwarenessUpdate, Receipt, SyncStep1, SyncStep2, SyncUpdate
from tests.httppeer import BATCH, HttpPeer, Refused, address, batch, piece
from tests.live import PATIENCE, QUIRE, STEP1, STEP2, Peer, Server, run, typed, var_bytes


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "quire.db") as server:
        yield server
        assert server.troubles() == []


@pytest.fixture
def guarded(tmp_path):
    """A server with users; `server.key` signs."""
    keys = tmp_path / "keys"
    key = new_key()
    keys.write_text(f"{key}\n")
    keys.chmod(0o600)
    with Server(tmp_path / "quire.db", QUIRE, "--keys", str(keys)) as server:
        server.key = key
        yield server
        assert server.troubles() == []


def token(server, user="ann", level="write", seconds=600):
    claims = {"sub": user, "name": user, "aud": "quire", "exp": int(time.time()) + seconds}
    return jwt.encode(claims | {"jti": user, "rights": {"notes": level}}, server.key, "HS256")


def of(server, name="notes"):
    return address(server.port, name)


async def refused(asking, status, code=None):
    """The sentence that an error says."""
    with pytest.raises(Refused) as info:
        await asking
    assert (info.value.status, info.value.code) == (status, code), str(info.value)
    return info.value.error["message"]


def test_editors_on_either_transport_share_a_document(server):
    """Both ways, with presence; and what is acknowledged is on disk."""

    async def story():
        ann, bob = await HttpPeer.join(of(server)), await Peer.join(server.url("notes"))
        await ann.say(SyncUpdate(typed(1, 0, "from ann")))
        await ann.say(Receipt(7))
        assert b"from ann" in (await bob.hear(SyncUpdate)).update
        while await ann.hear(Receipt) != Receipt(7):
            pass
        await bob.say(SyncUpdate(typed(2, 0, "from bob")))
        while b"from bob" not in (await ann.hear(SyncUpdate)).update:
            pass
        await bob.say(AwarenessUpdate(b"\x01\x02\x01\x0e" + b'{"name":"bob"}'))
        assert b"bob" in (await ann.hear(AwarenessUpdate)).update
        await ann.close()

    run(story())


def test_a_batch_counts_once_however_often_it_comes(server):
    """And is refused with another content, before its turn, and long after it."""

    async def story():
        ann = await HttpPeer.join(of(server))
        body = batch(wire.encode(SyncUpdate(typed(1, 0, "a"))))
        for _ in range(3):
            answer = await ann.post(2, body)
            assert json.loads(answer.body) == {"received": 2}
        assert "another content" in await refused(ann.post(2, batch(STEP1)), 409)
        assert "Batch 3 is next, not 5" in await refused(ann.post(5, batch(STEP1)), 409)
        assert "Batch 3 is next, not 1" in await refused(ann.post(1, batch(STEP1 + STEP2)), 409)
        await ann.post(3, batch(STEP1))
        assert b"a" in (await ann.hear(SyncStep2)).update

    run(story())


@pytest.mark.parametrize(
    ("last", "error"), [(STEP1, None), (b"\x63", (400, 1007))], ids=["good", "bad"]
)
def test_a_batch_that_comes_again_while_it_is_taken_waits(tmp_path, last, error):
    """It is answered as the first one is, and then it is the turn of the next one."""

    async def asked(asking):
        try:
            await asking
        except Refused as refused:
            return refused.status, refused.code
        return None

    async def story(server):
        ann = await HttpPeer.join(of(server))
        edits = [wire.encode(SyncUpdate(typed(1, clock, "x"))) for clock in range(30)]
        sent = [asyncio.ensure_future(asked(ann.post(2, batch(*edits, last)))) for _ in range(3)]
        await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
        assert await asked(ann.post(3, batch(STEP1))) == error
        assert await asyncio.gather(*sent) == [error] * 3

    slowly = ("--limit", "edits_per_second=20,edits_at_once=1")
    with Server(tmp_path / "quire.db", QUIRE, *slowly) as server:
        run(story(server))


def test_frames_come_again_until_they_are_acknowledged(server):
    """An answer that is lost is asked for again; what was acknowledged is gone."""

    async def story():
        ann = await HttpPeer.connect(of(server))
        await ann.send(STEP1 + STEP2)
        first = await ann.poll(0)
        assert first and first == (await ann.poll(0))[: len(first)]
        assert "has not been sent" in await refused(ann.poll(99), 400)
        last = first[-1][0]
        ann.after = last
        await ann.say(SyncStep1(b"\x00"))
        assert (await ann.poll())[0][0] == last + 1
        assert "acknowledged already" in await refused(ann.poll(0), 409)

    run(story())


def test_a_frame_may_come_in_pieces(server):
    """Larger than the body of a request may be."""

    async def story():
        ann = await HttpPeer.join(of(server))
        text = "x" * 1_500_000
        frame = wire.encode(SyncUpdate(typed(1, 0, text)))
        await ann.post(2, piece(frame[:700_000]))
        await ann.post(3, piece(frame[700_000:1_400_000]))
        await ann.post(4, batch(frame[1_400_000:]))
        bob = await Peer.connect(server.url("notes"))
        await bob.send(STEP1)
        size = 0
        while size < len(text):
            size += len((await bob.hear((SyncUpdate, SyncStep2))).update)

    run(story())


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [(b"\x00", 400, 1007), (b"\x02\x00", 400, 1007), (batch(b""), 400, 1007),
     (batch(b"\x63"), 400, 1007)],
)  # fmt: skip
def test_what_is_malformed_ends_this_connection_alone(tmp_path, body, status, code):
    """With its close code, which whoever asks afterwards is told too."""

    async def story(server):
        bob = await HttpPeer.join(of(server))
        ann = await HttpPeer.join(of(server))
        await refused(ann.post(2, body), status, code)
        await refused(ann.post(3, batch(STEP1)), status, code)
        await refused(ann.poll(), status, code)
        await bob.say(SyncUpdate(typed(2, 0, "b")))
        await bob.hear(SyncUpdate)

    with Server(tmp_path / "quire.db") as server:
        run(story(server))


def test_what_is_no_request_of_ours_is_refused(server):
    """With a sentence that says what to do."""

    async def story():
        ann = await HttpPeer.join(of(server))
        octets = {"Content-Type": BATCH}
        for method, headers, status in (
            ("POST", octets, 400),
            ("POST", octets | {"Quire-Number": "x"}, 400),
            ("POST", octets | {"Quire-Number": "-1"}, 400),
            ("POST", {"Content-Type": "text/plain", "Quire-Number": "2"}, 415),
            ("GET", {"Quire-After": "0", "Quire-Mode": "fast"}, 400),
            ("GET", {}, 400),
            ("PUT", octets, 405),
            ("PATCH", octets, 405),
        ):
            await refused(ann.ask(method, headers, b"" if method != "GET" else None), status)
        elsewhere = HttpPeer(of(server, "other"))
        elsewhere.identity = ann.identity
        assert "another address" in await refused(elsewhere.poll(), 400)
        ann.identity = "x" * 32
        assert "Open a new one" in await refused(ann.poll(), 404, 1006)
        nobody = HttpPeer(of(server))
        await refused(nobody.ask("GET", {}), 400, 1007)
        await refused(nobody.ask("POST", {"Content-Type": "text/plain"}, b"{}"), 415, 1007)
        bad = HttpPeer(of(server, "a\nb"))
        json_ = {"Content-Type": "application/json"}
        await refused(bad.ask("POST", json_, b"{}"), 400, 4400)
        asked = HttpPeer(of(server) + "?token=x")
        assert "not in the address" in await refused(asked.ask("POST", json_, b"{}"), 400, 1007)

    run(story())


def test_pages_of_other_sites_may_not_connect_unless_they_are_welcome(tmp_path):
    """Their browsers ask first, and are told what they may send."""

    async def story(server):
        client = AsyncHTTPClient(force_instance=True)

        async def ask(method, origin, **headers):
            request = HTTPRequest(of(server), method, {"Origin": origin, **headers}, None,
                                  allow_nonstandard_methods=True)  # fmt: skip
            return await client.fetch(request, raise_error=False)

        asking = {"Access-Control-Request-Method": "POST"}
        assert (await ask("OPTIONS", "https://evil.example", **asking)).code == 403
        assert (await ask("POST", "https://evil.example")).code == 403
        fetched = {"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}
        opened = await ask("POST", "https://app.example", **fetched)
        assert opened.code == 201
        wrong = await ask("GET", "https://app.example", **{"Quire-Connection": "none"})
        assert (wrong.code, wrong.headers["Quire-Close"]) == (404, "1006")
        assert "Quire-Close" in wrong.headers["Access-Control-Expose-Headers"]
        assert wrong.headers["Access-Control-Allow-Origin"] == "https://app.example"
        answer = await ask("OPTIONS", "https://app.example", **asking)
        assert answer.code == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
        for header in ("Quire-Connection", "Quire-Number", "Quire-After", "Authorization"):
            assert header in answer.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
        client.close()

    with Server(tmp_path / "quire.db", QUIRE, "--origins", "https://app.example") as server:
        run(story(server))


def test_a_connection_is_for_who_opened_it(guarded):
    """Whoever else has its id, with a token that counts or without, gets nothing."""

    async def story():
        ann = await HttpPeer.join(of(guarded), token(guarded))
        for other, status in ((token(guarded, "eve"), 403), ("", 401), ("x.y.z", 401)):
            eve = HttpPeer(of(guarded), other)
            eve.identity, eve.after = ann.identity, ann.after
            await refused(eve.poll(), status)
            await refused(eve.post(2, batch(STEP1)), status)
            await refused(eve.ask("DELETE", {}), status)
        ann.headers = {"Authorization": f"Bearer {token(guarded, seconds=900)}"}
        await ann.say(SyncStep1(b"\x00"))  # a newer one of the same user
        await ann.hear(SyncStep2)

    run(story())


def test_a_cookie_that_says_nothing_of_who_one_is_changes_nothing(guarded):
    """Tokens are in messages there, and the site counts its visitors: the connection goes on."""

    async def story():
        notes = var_bytes(b"notes")
        ann = await HttpPeer.connect(f"http://127.0.0.1:{guarded.port}/sync")
        await ann.send(notes + b"\x02\x00" + var_bytes(token(guarded).encode()))
        assert b"read-write" in await ann.frame()
        for visit in range(3):
            ann.headers = {"Cookie": f"visit={visit}"}
            await ann.send(notes + STEP1)
            while (await ann.frame())[: len(notes) + 2] != notes + STEP2[:2]:
                pass
        ann.headers = {"Authorization": f"Bearer {token(guarded, 'eve')}"}
        await refused(ann.poll(), 403)
        await refused(ann.ask("DELETE", {}), 403)

    run(story())


def test_rights_are_those_of_the_socket(guarded):
    """Who may not read gets nothing; who may only read changes nothing; who expires goes."""

    async def story():
        await refused(HttpPeer.connect(of(guarded)), 401, 4401)
        await refused(HttpPeer.connect(of(guarded, "secret"), token(guarded)), 403, 4403)
        ann = await HttpPeer.join(of(guarded), token(guarded))
        bob = await HttpPeer.join(of(guarded), token(guarded, "bob", "read"))
        await bob.say(SyncUpdate(typed(2, 0, "bob's")))
        await ann.say(SyncUpdate(typed(1, 0, "ann's")))
        update = (await bob.hear(SyncUpdate)).update
        assert b"ann's" in update and b"bob's" not in update

    run(story())


def test_who_expires_is_told_4401(guarded):
    """While it waits for frames; whoever asks afterwards is told as well."""

    async def story():
        old = await HttpPeer.connect(of(guarded), token(guarded, seconds=-LEEWAY + 3))
        await old.send(STEP1 + STEP2)
        assert await old.end() == 4401
        await refused(old.post(2, batch(STEP1)), 401, 4401)

    run(story())


def test_who_asks_for_nothing_any_more_has_gone(server):
    """The others see it go, and its id opens nothing."""

    async def story():
        ann, bob = await HttpPeer.join(of(server)), await Peer.join(server.url("notes"))
        await ann.send(b"\x01\x0d\x01\x01\x01\x09" + b'{"a":"b"}')
        assert b'"a"' in (await bob.hear(AwarenessUpdate)).update
        began = time.monotonic()
        while b"null" not in (await bob.hear(AwarenessUpdate)).update:
            pass
        assert time.monotonic() - began < 15
        await refused(ann.poll(), 404, 1006)

    run(story())


def test_who_says_goodbye_is_gone_at_once(server):
    """And its connection opens nothing any more."""

    async def story():
        ann, bob = await HttpPeer.join(of(server)), await Peer.join(server.url("notes"))
        await ann.send(b"\x01\x0d\x01\x01\x01\x09" + b'{"a":"b"}')
        await bob.hear(AwarenessUpdate)
        await ann.ask("DELETE", {})
        assert b"null" in (await bob.hear(AwarenessUpdate)).update
        await refused(ann.poll(), 404, 1006)

    run(story())


def test_the_last_words_of_who_goes_are_heard(server):
    """They wait for what was said before, though that comes later; nothing comes after them."""

    async def story():
        ann, bob = await HttpPeer.join(of(server)), await Peer.join(server.url("notes"))
        headers = {"Content-Type": BATCH, "Quire-Number": "3", "Quire-Leave": "gone"}
        edits = [wire.encode(SyncUpdate(typed(1, clock, "x"))) for clock in range(2)]
        leaving = asyncio.ensure_future(ann.ask("POST", headers, batch(edits[1])))
        await bob.say(SyncStep1(b"\x00"))  # meanwhile it has come
        await bob.hear(SyncStep2)
        assert not leaving.done()
        await ann.post(2, batch(edits[0]))
        assert (await leaving).code == 204
        assert typed(1, 0, "x") == (await bob.hear(SyncUpdate)).update
        assert typed(1, 1, "x") == (await bob.hear(SyncUpdate)).update
        await refused(ann.poll(), 404, 1006)

    run(story())


def stream(peer):
    """A GET that stays: what comes, as it comes, and the request."""
    parts = asyncio.Queue()
    headers = {"Quire-Connection": peer.identity, "Quire-After": str(peer.after)}
    request = HTTPRequest(
        peer.url,
        headers=headers | {"Quire-Mode": "stream"},
        streaming_callback=parts.put_nowait,
        request_timeout=PATIENCE,
    )
    return parts, asyncio.ensure_future(peer.client.fetch(request))


def test_answers_come_as_they_come_in_a_stream(server):
    """A first byte at once; a later GET takes over from the one before."""

    async def story():
        ann = await HttpPeer.join(of(server))
        parts, streaming = stream(ann)
        assert (await parts.get())[:1] == b"\x00"
        await ann.say(SyncUpdate(typed(1, 0, "hello")))
        while b"hello" not in await parts.get():
            pass
        await ann.say(SyncStep1(b"\x00"))
        polled = await ann.poll()
        assert polled[0][0] == ann.after + 1
        assert (await streaming).code == 200

    run(story())


def test_a_glance_waits_for_nothing(server):
    """It brings what there is, if anything, at once."""

    async def story():
        ann = await HttpPeer.join(of(server))
        headers = {"Quire-Mode": "glance"}
        async with asyncio.timeout(POLL / 2):
            while (await ann.ask("GET", headers | {"Quire-After": str(ann.after)})).body:
                await ann.frame()
        await ann.say(SyncStep1(b"\x00"))
        answer = await ann.ask("GET", headers | {"Quire-After": str(ann.after)})
        assert ann.read(answer.body)[0][0] == ann.after + 1

    run(story())


def test_a_server_that_goes_down_says_so(tmp_path):
    """With 1013, as sockets are told; and whoever comes back after that opens anew."""

    async def story(server):
        ann = await HttpPeer.join(of(server))
        parts, streaming = stream(ann)
        await parts.get()
        await asyncio.to_thread(server.stop)
        await streaming
        while not parts.empty():
            ann.read(parts.get_nowait())
        assert ann.code == 1013
        server.start()
        await refused(ann.poll(), 404, 1006)

    with Server(tmp_path / "quire.db") as server:
        run(story(server))


def test_limits_count_it_as_a_connection(tmp_path):
    """Those of an address, and of a user's sockets; a mute one is sent away."""

    async def story(server):
        ann = await HttpPeer.join(of(server))
        await refused(HttpPeer.connect(of(server)), 429, 1013)
        await ann.close()
        mute = await HttpPeer.connect(of(server))
        assert await mute.end() == 1008

    limits = "document_connections=1,first_message_seconds=1"
    with Server(tmp_path / "quire.db", QUIRE, "--limit", limits) as server:
        run(story(server))
