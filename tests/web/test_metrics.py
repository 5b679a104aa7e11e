"""What Prometheus reads: a real server is scraped while editors type."""

import re
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from collab.counts import BOUNDS, Times
from collab.wire import SyncUpdate
from tests.live import Peer, Server, run, typed, until

NAME, AUTHOR, WORDS = "secret plans", "Ann Secret", "nobody may read this"


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "quire.db") as server:
        yield server


def scrape(server):
    """Every sample by its name and labels, and the text."""
    with urllib.request.urlopen(server.page("/metrics")) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        told = answer.read().decode()
    samples = {}
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            labels = "".join(f"[{value}]" for value in sample.labels.values())
            samples[sample.name + labels] = sample.value
    return samples, told


def test_the_counters_move_while_editors_type(server):
    """Edits, bytes, commits, and who is there; what those did who have gone stays counted."""
    before, _ = scrape(server)
    assert (before["quire_edits_total"], before["quire_editors"], before["quire_saving"]) == (
        0,
        0,
        1,
    )

    async def story():
        ann, bob = await Peer.join(server.url(NAME)), await Peer.join(server.url(NAME))
        for clock in range(20):
            await ann.say(SyncUpdate(typed(1, clock, "x")))
            await bob.hear(SyncUpdate)
        during, _ = scrape(server)
        assert (during["quire_documents"], during["quire_editors"]) == (1, 2)
        assert during["quire_edits_total"] == during["quire_waiting_edits"] + 20 == 20
        assert during["quire_received_bytes_total"] > 20 * len(typed(1, 1, "x"))
        assert during["quire_sent_bytes_total"] > 20 * len(typed(1, 1, "x"))
        assert 0 < during["quire_commit_seconds_count"] <= 20
        assert during["quire_commit_seconds_bucket[+Inf]"] == during["quire_commit_seconds_count"]
        assert during["quire_commit_seconds_sum"] > 0
        ann.close()
        bob.vanish()
        await until("both to be gone", lambda: scrape(server)[0]["quire_editors"] == 0)
        await until("a tick", lambda: scrape(server)[0]["quire_loop_delay_seconds_count"] > 0)
        return during

    during = run(story())
    after, _ = scrape(server)
    for name in ("edits_total", "received_bytes_total", "sent_bytes_total", "commit_seconds_count"):
        assert after[f"quire_{name}"] >= during[f"quire_{name}"] > 0, name
    assert after["quire_documents"] == 0
    assert server.troubles() == []


def test_what_is_refused_is_counted(server):
    """Connections by close code, requests by status, and jobs by what they are."""

    async def story():
        peer = await Peer.connect(server.url("notes"))
        await peer.send(b"\xff\xff\xff")
        assert await peer.end() == 1007
        peer = await Peer.connect(server.page("/sync/%20x").replace("http", "ws"))
        assert await peer.end() == 4400
        evil = HTTPRequest(server.url("notes"), headers={"Origin": "https://evil.example"})
        with pytest.raises(HTTPClientError, match="403"):
            await websocket_connect(evil)
        peer = await Peer.join(server.url("notes"))
        await peer.say(SyncUpdate(typed(1, 0, "x")))
        await peer.hear(SyncUpdate)

    run(story())
    for path in ("/api/documents/nobody", "/nothing"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(server.page(path))
    for path in ("/", "/api/documents/notes/content", "/api/documents/notes/history/1"):
        urllib.request.urlopen(server.page(path)).close()

    samples, _ = scrape(server)
    refused = {code: samples[f"quire_refused_total[{code}]"] for code in (1007, 4400, 403)}
    assert refused == {1007: 1, 4400: 1, 403: 1}
    assert samples["quire_http_requests_total[4xx]"] == 3
    assert samples["quire_http_requests_total[2xx]"] >= 3
    assert samples["quire_http_requests_total[1xx]"] == 3
    assert samples["quire_worker_jobs_total[json]"] == 1
    assert samples["quire_worker_jobs_total[past.content]"] == 1
    assert samples["quire_worker_deaths_total"] == 0
    assert samples["process_resident_memory_bytes"] > 1 << 20


def test_nothing_is_told_of_anybody(server):
    """No name, no user, no content; and it is written as Prometheus wants it."""

    async def story():
        peer = await Peer.join(server.url(NAME))
        await peer.say(SyncUpdate(typed(1, 0, WORDS)))
        await peer.hear(SyncUpdate)
        return scrape(server)[1]

    told = run(story())
    for word in {*NAME.split(), *WORDS.split()} - {"this", "may", "read"}:
        assert word not in told
    assert told.endswith("\n")
    for family in text_string_to_metric_families(told):
        assert re.fullmatch(r"(quire|process)(_[a-z]+)*", family.name), family.name
        assert family.documentation.endswith("."), family.name
        for sample in family.samples:
            assert family.type != "counter" or sample.name.endswith("_total")
            assert sample.labels.keys() <= {"le", "status", "code", "limit", "job", "version"}


def test_times_fall_into_buckets():
    """A bound belongs to the bucket that it ends; the last one has none."""
    times = Times()
    for seconds in (0.0, BOUNDS[0], BOUNDS[0] * 1.01, BOUNDS[-1], 1e9):
        times.add(seconds)
    assert times.counts == [2, 1, *[0] * (len(BOUNDS) - 3), 1, 1]
    assert times.total > 1e9
