"""Users, links and revoking, over HTTP and sockets, with tokens of a real key."""

import asyncio
import json
import signal
import subprocess
import time

import pytest
from tornado.httpclient import HTTPRequest
from tornado.web import Application

from collab import Hub, wire
from collab.access import Grant, Level
from collab.storage import open_store
from collab.tokens import Tokens, new_key
from collab.web import routes
from collab.web.keys import load_tokens
from collab.wire import Denied, SyncUpdate
from tests.live import QUIRE, STEP1, STEP2, Peer, Server, run, typed, until

APP = "https://app.example.com"
LATER = int(time.time()) + 3600


@pytest.fixture
def tokens():
    return Tokens([new_key()])


@pytest.fixture
def hub(tokens):
    return Hub(open_store(":memory:"), tokens)


@pytest.fixture
def app(hub):
    return Application(routes(hub, origins=[APP]))


@pytest.fixture
def api(http_client, http_server, base_url):
    async def ask(method, path, token="", body=None, **headers):
        headers["Content-Type"] = "application/json"
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        data = json.dumps(body) if body is not None else None
        return await http_client.fetch(
            HTTPRequest(base_url + path, method, headers, data, allow_nonstandard_methods=True),
            raise_error=False,
        )

    return ask


@pytest.fixture
def join(base_url, http_server):
    """Peers whose edits count; they go when the test ends."""
    peers = []

    async def connect(name, token):
        url = f"{base_url.replace('http', 'ws')}/sync/{name}?token={token}"
        peers.append(await Peer.connect(url))
        return peers[-1]

    yield connect
    for peer in peers:
        peer.vanish()


def token_for(tokens, user, tenant="", **rights):
    levels = {name: Level[level] for name, level in rights.items()}
    return tokens.issue(user, levels, LATER, name=user.title(), tenant=tenant)[0]


@pytest.mark.gen_test
async def test_a_link_lets_guests_in_until_it_is_taken_back(api, tokens, hub, join):
    """Each is a guest of their own; taken back, they are sent away at once."""
    admin = token_for(tokens, "ann", notes="ADMIN")
    made = json.loads(
        (await api("POST", "/api/documents/notes/links", admin, {"level": "write"})).body
    )
    link = made["path"].partition("#token=")[2]
    cookies = []
    for _ in range(2):
        signed = await api("POST", "/api/session", body={"token": link})
        cookies.append(signed.headers["Set-Cookie"].split(";")[0].removeprefix("quire="))
    assert tokens.verify(cookies[0])["sub"] != tokens.verify(cookies[1])["sub"]

    peer = await join("notes", cookies[0])
    await peer.send(STEP1 + STEP2)
    await peer.hear(wire.SyncStep2)
    (listed,) = json.loads((await api("GET", "/api/documents/notes/links", admin)).body)["links"]
    assert listed["id"] == made["id"] and "token" not in json.dumps(listed)
    assert 204 == (await api("DELETE", f"/api/documents/notes/links/{made['id']}", admin)).code

    assert 4401 == await peer.end()
    assert 4401 == await (await join("notes", link)).end()
    assert 404 == (await api("DELETE", f"/api/documents/notes/links/{made['id']}", admin)).code
    actions = {line.action for line in hub.audit.take(time.time(), closing=True)}
    actions |= {line.action for line in await hub.store.audit()}
    assert {"grant", "revoke", "connect", "refuse"} <= actions
    await hub.close()


@pytest.mark.gen_test
async def test_a_guest_who_comes_again_is_the_same(api, tokens, hub):
    """What they wrote stays theirs."""
    link, _ = tokens.issue("link", {"notes": Level.WRITE}, LATER)
    first = await api("POST", "/api/session", body={"token": link})
    cookie = first.headers["Set-Cookie"].split(";")[0]
    again = await api("POST", "/api/session", body={"token": link}, Cookie=cookie)

    assert json.loads(first.body)["user"] == json.loads(again.body)["user"]
    assert again.headers["Set-Cookie"].split(";")[0] == cookie
    await hub.close()


@pytest.mark.gen_test
async def test_each_document_of_the_list_says_what_one_may_do(api, tokens, hub):
    """So that the page offers nothing that would be refused."""
    admin = token_for(tokens, "ann", **{"*": "ADMIN"})
    for name in ("mine", "theirs", "hidden"):
        await api("POST", "/api/documents", admin, {"name": name})
    ben = token_for(tokens, "ben", mine="WRITE", theirs="READ")

    listed = json.loads((await api("GET", "/api/documents", ben)).body)["documents"]
    assert {"mine": "write", "theirs": "read"} == {one["name"]: one["level"] for one in listed}
    assert "read" == json.loads((await api("GET", "/api/documents/theirs", ben)).body)["level"]
    await hub.close()


@pytest.mark.gen_test
async def test_a_link_for_a_name_with_a_star_is_for_that_name(api, tokens, hub):
    """Not for all that the star could stand for."""
    admin = token_for(tokens, "ann", **{"*": "ADMIN"})
    made = await api("POST", "/api/documents/a*%5C/links", admin, {"level": "read"})
    link = json.loads(made.body)["path"].partition("#token=")[2]

    assert 200 == (await api("GET", "/api/session?document=a*%5C", link)).code
    for name, level in (("a*%5C", "read"), ("abc%5C", "none"), ("a*", "none")):
        answer = json.loads((await api("GET", f"/api/session?document={name}", link)).body)
        assert level == answer["level"], name
    await hub.close()


@pytest.mark.gen_test
async def test_tenants_share_nothing(api, tokens, hub):
    """The same name, another document; neither list nor audit log nor revoking crosses over."""
    ann = token_for(tokens, "ann", "acme", **{"*": "ADMIN"})
    bob = token_for(tokens, "bob", "bolt", **{"*": "ADMIN"})
    for token, title in ((ann, "Acme's"), (bob, "Bolt's")):
        made = await api("POST", "/api/documents", token, {"name": "notes", "title": title})
        assert 201 == made.code and "notes" == json.loads(made.body)["name"]
    for token, title in ((ann, "Acme's"), (bob, "Bolt's")):
        listed = json.loads((await api("GET", "/api/documents", token)).body)["documents"]
        assert [title] == [document["title"] for document in listed]
    assert 404 == (await api("GET", "/api/documents/other", ann)).code
    assert 400 == (await api("GET", "/api/documents/bolt%1Fnotes", ann)).code

    await api("DELETE", "/api/documents/notes", bob)
    assert 200 == (await api("GET", "/api/documents/notes", ann)).code
    identity = tokens.verify(ann)["jti"]
    await api("DELETE", f"/api/tokens/{identity}", bob)
    assert 200 == (await api("GET", "/api/documents/notes", ann)).code
    lines = json.loads((await api("GET", "/api/audit", ann)).body)["lines"]
    assert not {"bob"} & {line["user"] for line in lines}
    await hub.close()


@pytest.mark.gen_test
async def test_a_newer_token_is_taken_without_a_reconnect(api, tokens, hub, join):
    """Also one that allows more: what was refused before is asked for again, and saved."""
    old = token_for(tokens, "rae", notes="READ")
    peer = await join("notes", old)
    await peer.send(STEP1 + STEP2)
    await peer.say(SyncUpdate(typed(7, 0, "mine")))
    await peer.hear(Denied)
    more = token_for(tokens, "rae", notes="WRITE")
    renewed = await api("POST", "/api/session", old, {"token": more})
    assert 1 == json.loads(renewed.body)["renewed"]

    await peer.hear(wire.SyncStep1)
    await peer.say(wire.SyncStep2(typed(7, 0, "mine")))
    assert b"mine" in (await peer.hear(SyncUpdate)).update
    await hub.close()


@pytest.mark.gen_test
async def test_a_newer_token_replaces_the_one_that_is_shown_and_no_other(api, tokens, hub, join):
    """What a user gave to a program of theirs allows no more for that, is no less when they get a
    token for something else, and comes from where it came from."""
    mine = token_for(tokens, "ann", **{"*": "WRITE"})
    given = token_for(tokens, "ann", a="READ")
    for name, token in (("a", given), ("a", mine), ("b", mine)):
        peer = await join(name, token)
        await peer.send(STEP1 + STEP2)
        await peer.hear(wire.SyncStep2)

    def levels():
        sessions = [session for name in "ab" for session in hub.rooms[name].sessions]
        return sorted((one.room.name, one.grant.level.name) for one in sessions if not one.ended)

    as_before = [("a", "READ"), ("a", "WRITE"), ("b", "WRITE")]
    program = next(one for one in hub.rooms["a"].sessions if one.credentials.token == given)
    program.credentials = program.credentials._replace(address="192.0.2.7")
    for shown, token, renewed, then in (
        ("", token_for(tokens, "ann", **{"*": "ADMIN"}), 0, as_before),
        (mine, token_for(tokens, "bob", **{"*": "ADMIN"}), 0, as_before),
        (mine, token_for(tokens, "ann", b="ADMIN"), 1, [*as_before[:2], ("b", "ADMIN")]),
        (given, token_for(tokens, "ann", a="WRITE"), 1, [*2 * [("a", "WRITE")], ("b", "ADMIN")]),
    ):
        answer = await api("POST", "/api/session", shown, {"token": token})
        assert renewed == json.loads(answer.body)["renewed"]
        assert then == levels()
    assert "192.0.2.7" == program.credentials.address
    await hub.close()


@pytest.mark.gen_test
async def test_a_page_goes_on_with_a_newer_token_by_its_cookie(api, tokens, hub, join):
    """Also where the cookie has the token of another link beside it, which goes on to count."""
    link, _ = tokens.issue("link", {"b": Level.READ}, LATER)
    cookie = ""
    for token in (link, token_for(tokens, "ann", a="READ")):
        answer = await api("POST", "/api/session", body={"token": token}, Cookie=cookie)
        cookie = answer.headers["Set-Cookie"].split(";")[0]
    for name in "ab":
        peer = await join(name, cookie.removeprefix("quire="))
        await peer.send(STEP1 + STEP2)
        await peer.hear(wire.SyncStep2)

    more = token_for(tokens, "ann", a="WRITE")
    answer = await api("POST", "/api/session", body={"token": more}, Cookie=cookie)
    assert 1 == json.loads(answer.body)["renewed"]
    ((ann,), (guest,)) = (hub.rooms[name].sessions for name in "ab")
    assert (Level.WRITE, Level.READ) == (ann.grant.level, guest.grant.level)
    assert ann.ended is None and guest.ended is None
    await hub.close()


@pytest.mark.gen_test
async def test_a_token_that_ends_lets_nobody_stay(tokens, hub, join, monkeypatch):
    """Within seconds."""
    monkeypatch.setattr("collab.tokens.LEEWAY", 0)
    token, _ = tokens.issue("ann", {"notes": Level.WRITE}, int(time.time()) + 2)
    peer = await join("notes", token)
    await peer.send(STEP1 + STEP2)
    await peer.hear(wire.SyncStep2)

    assert 4401 == await asyncio.wait_for(peer.end(), 7)
    assert "expired" in peer.socket.close_reason
    await hub.close()


@pytest.mark.gen_test
async def test_a_cookie_counts_for_our_own_pages_alone(api, tokens, hub):
    """Another site's page, for which the browser may send it, is nobody, also one that may ask."""
    cookie = f"quire={token_for(tokens, 'ann', notes='ADMIN')}"
    assert 404 == (await api("GET", "/api/documents/notes", Cookie=cookie)).code
    for header in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await api("GET", "/api/documents/notes", Cookie=cookie, **header)
        assert 403 == answer.code, header
    answer = await api("GET", "/api/documents/notes", Cookie=cookie, Origin=APP)
    assert 401 == answer.code
    await hub.close()


@pytest.mark.gen_test
@pytest.mark.parametrize("other", ['seen={"page":1}', "a b=1", "a[0]=1", "k@x=1", "\xe9=1", "x"])
async def test_cookies_of_others_hide_none_of_ours(api, tokens, hub, other):
    """Whatever a site's other programs put into theirs."""
    cookie = f"{other}; quire={token_for(tokens, 'ann', notes='ADMIN')}"
    assert 404 == (await api("GET", "/api/documents/notes", Cookie=cookie)).code
    await hub.close()


@pytest.mark.gen_test
async def test_two_links_are_kept_side_by_side(api, tokens, hub):
    """Who follows a second link does not lose the first document."""
    links = [tokens.issue(f"link-{n}", {n: Level.READ}, LATER)[0] for n in ("a", "b")]
    cookie = ""
    for link in links:
        answer = await api("POST", "/api/session", body={"token": link}, Cookie=cookie)
        cookie = answer.headers["Set-Cookie"].split(";")[0]
    for name in ("a", "b"):
        answer = json.loads((await api("GET", f"/api/session?document={name}", Cookie=cookie)).body)
        assert "read" == answer["level"]
    out = await api("DELETE", "/api/session", Cookie=cookie)
    assert "Max-Age=0" in out.headers["Set-Cookie"]
    await hub.close()


@pytest.mark.gen_test
async def test_a_link_that_was_revoked_does_not_stand_before_a_newer_one(api, tokens, hub):
    """It allowed more, and would be taken for the best that the cookie has."""
    admin = token_for(tokens, "ann", "acme", notes="ADMIN")
    cookie = ""
    for level in ("write", "read"):
        made = json.loads(
            (await api("POST", "/api/documents/notes/links", admin, {"level": level})).body
        )
        link = made["path"].partition("#token=")[2]
        answer = await api("POST", "/api/session", body={"token": link}, Cookie=cookie)
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        shown = await api("GET", "/api/session?document=notes", Cookie=cookie)
        assert level == json.loads(shown.body)["level"]
        await api("DELETE", f"/api/documents/notes/links/{made['id']}", admin)
    await hub.close()


@pytest.mark.gen_test
async def test_no_cookie_is_larger_than_browsers_keep(api, tokens, hub):
    """The oldest go: or else the newest would not come in at all."""
    cookie = ""
    for number in range(8):
        name = f"{number}-" + "n" * 240
        link = tokens.issue(f"link-{number}", {name: Level.READ}, LATER)[0]
        answer = await api("POST", "/api/session", body={"token": link}, Cookie=cookie)
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        assert len(cookie) < 4000
        shown = await api("GET", f"/api/session?document={name}", Cookie=cookie)
        assert "read" == json.loads(shown.body)["level"]
    await hub.close()


@pytest.mark.gen_test
async def test_who_signs_in_with_what_does_not_count_is_in_the_audit_log(api, hub):
    """As who shows it elsewhere."""
    assert 401 == (await api("POST", "/api/session", body={"token": "a.b.c"})).code
    assert ["refuse"] == [line.action for line in hub.audit.take(time.time(), closing=True)]
    await hub.close()


@pytest.mark.gen_test
async def test_a_list_of_few_among_many_costs_few_questions(api, tokens, hub, monkeypatch):
    """Whatever page a guest asks for; and it says whether there is another one."""
    await hub.start()
    for number in range(500):
        await hub.store.create(f"d{number:03}", "", "", 1)
    reader = token_for(tokens, "rae", d000="READ", d200="READ", d499="READ")
    asked = []
    documents = hub.store.documents

    async def counted(*arguments, **named):
        asked.append(arguments)
        return await documents(*arguments, **named)

    monkeypatch.setattr(hub.store, "documents", counted)
    after, names = "", []
    while after is not None:
        page = json.loads((await api("GET", f"/api/documents?limit=1{after}", reader)).body)
        names += [document["name"] for document in page["documents"]]
        after = page["next"] and f"&after={page['next']}"
    assert ["d000", "d200", "d499"] == names
    assert len(asked) < 3 * 10
    await hub.close()


@pytest.mark.gen_test
async def test_who_does_not_see_who_is_there_is_not_told_by_the_list_either(api, tokens, hub, join):
    """Readers who are kept apart; in documents that they may write they see as all do."""
    tokens.readers = "apart"
    ann = token_for(tokens, "ann", **{"*": "ADMIN"})
    for name in ("notes", "plans"):
        await api("POST", "/api/documents", ann, {"name": name})
        peer = await join(name, ann)
        await peer.send(STEP1 + STEP2)
        await peer.hear(wire.SyncStep2)
        await peer.say(wire.AwarenessUpdate(b"\x01\x07\x01\x02{}"))
        await until("her to be seen", lambda name=name: hub.rooms[name].awareness.users())
    rae = token_for(tokens, "rae", notes="READ", plans="WRITE")

    listed = json.loads((await api("GET", "/api/documents", rae)).body)["documents"]
    seen = {each["name"]: [who["name"] for who in each["editors"]] for each in listed}
    assert {"notes": [], "plans": ["Ann"]} == seen
    for name, editors in seen.items():
        shown = json.loads((await api("GET", f"/api/documents/{name}", rae)).body)
        assert editors == [who["name"] for who in shown["editors"]]
    await hub.close()


@pytest.mark.gen_test
async def test_who_asks_for_many_exports_waits_for_them_alone(api, tokens, hub, monkeypatch):
    """A worker has one of them at a time, in turn; somebody else's goes in between. Those of many
    whom nobody tells apart are of their addresses."""
    ann = token_for(tokens, "ann", **{"*": "ADMIN"})
    bob = token_for(tokens, "bob", **{"*": "READ"})
    await api("POST", "/api/documents", ann, {"name": "notes"})
    run, began, held = hub.engine.run, [], asyncio.Event()

    async def slow(job, *arguments):
        began.append(job)
        if job == "json":
            await held.wait()
        return await run(job, *arguments)

    monkeypatch.setattr(hub.engine, "run", slow)
    path = "/api/documents/notes/content"
    many = [asyncio.ensure_future(api("GET", path, ann)) for _ in range(5)]
    await until("the first to be at work", lambda: began)
    assert 200 == (await api("GET", path, bob, Accept="text/plain")).code
    assert ["json", "text"] == began
    held.set()
    assert [200] * 5 == [(await one).code for one in many]
    assert 5 == began.count("json")
    crowd = Grant(Level.READ, user="link", crowd=True)
    assert hub.exporting(crowd, "::1") is not hub.exporting(crowd, "192.0.2.1")
    await hub.close()


@pytest.mark.gen_test
async def test_who_waits_for_an_export_is_looked_at_again(api, tokens, hub, monkeypatch, base_url):
    """It may have gone, or have lost its rights: then no worker is asked for it."""
    ann = token_for(tokens, "ann", **{"*": "ADMIN"})
    bob, identity = tokens.issue("bob", {"*": Level.READ}, LATER)
    other = token_for(tokens, "bob", **{"*": "READ"})
    await api("POST", "/api/documents", ann, {"name": "notes"})
    run, began, held = hub.engine.run, [], asyncio.Event()

    async def slow(job, *arguments):
        began.append(job)
        await held.wait()
        return await run(job, *arguments)

    monkeypatch.setattr(hub.engine, "run", slow)
    monkeypatch.setattr("collab.web.api.LONG", 0)
    host = base_url.removeprefix("http://")
    request = f"GET /api/documents/notes/content HTTP/1.1\r\nHost: {host}\r\n"
    request += f"Authorization: Bearer {other}\r\n\r\n"
    first = asyncio.ensure_future(api("GET", "/api/documents/notes/content", bob))
    await until("the first to be at work", lambda: began)
    lock = hub.exporting(Grant(Level.READ, user="bob"), "")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    writer.write(request.encode())
    await until("it to wait", lambda: len(lock._waiters or ()) == 1)
    writer.close()
    second = asyncio.ensure_future(api("GET", "/api/documents/notes/content", bob))
    await until("the next to wait", lambda: len(lock._waiters) == 2)
    assert (await api("DELETE", f"/api/tokens/{identity}", ann)).code in (200, 204)
    held.set()
    assert [200, 403] == [(await one).code for one in (first, second)]
    await until("nobody to wait", lambda: not lock._waiters)
    assert ["json"] == began
    await hub.close()


@pytest.mark.expects_log("503 GET")
@pytest.mark.gen_test
async def test_who_waits_for_an_export_when_the_server_ends_is_told_so(api, hub, tokens):
    """The store is not asked any more: it may have been closed."""
    ann = token_for(tokens, "ann", **{"*": "ADMIN"})
    await api("POST", "/api/documents", ann, {"name": "notes"})
    lock = hub.exporting(Grant(Level.READ, user="ann"), "")
    async with lock:
        waits = asyncio.ensure_future(api("GET", "/api/documents/notes/content", ann))
        await until("it to wait", lambda: lock._waiters)
        await hub.close()
    assert 503 == (await waits).code


def test_a_server_takes_new_keys_and_lets_old_ones_go(tmp_path):
    """On SIGHUP; who is in by a token of a key that is gone has to go at once."""
    keys = tmp_path / "quire.keys"
    quire("key", "--keys", keys)
    old = quire("new", "ann", "--write", "*", "--keys", keys).strip()
    assert 0o600 == keys.stat().st_mode & 0o777

    async def story(server):
        peer = await Peer.connect(f"{server.url('notes')}?token={old}")
        await peer.send(STEP1 + STEP2)
        await peer.hear(wire.SyncStep2)
        keys.write_text(new_key())
        new = quire("new", "ann", "--write", "*", "--keys", keys).strip()
        server.process.send_signal(signal.SIGHUP)
        assert 4401 == await peer.end()
        peer = await Peer.connect(f"{server.url('notes')}?token={new}")
        await peer.send(STEP1 + STEP2)
        await peer.hear(wire.SyncStep2)

    with Server(tmp_path / "q.db", QUIRE, "--keys", str(keys)) as server:
        run(story(server))
        assert [] == server.troubles()


def test_a_tenant_on_the_command_line_may_be_spelled_in_any_way(tmp_path):
    """Some terminals write an accent as a character of its own; tokens never have one."""
    keys = tmp_path / "quire.keys"
    quire("key", "--keys", keys)
    token = quire("new", "ann", "--tenant", "cafe\u0301", "--write", "*", "--keys", keys).strip()
    assert "caf\u00e9" == load_tokens(str(keys)).verify(token)["tenant"]


def quire(*words):
    """What `quire token` prints."""
    command = [*QUIRE[:-1], "token", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
