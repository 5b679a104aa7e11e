"""Every limit can be set, is counted when it is hit, and has a test in which somebody hits it.

That each is described, tests/test_docs.py sees to.
"""

import inspect
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from tornado.websocket import websocket_connect

from collab.hocuspocus import prefix
from collab.limits import Limits
from collab.web.metrics import HubCollector
from collab.web.settings import load, variable
from collab.wire import SyncStep2, SyncUpdate, encode
from tests.live import typed, until
from tests.web.test_connections import House

LIMITS = [limit.name for limit in fields(Limits)]

STRUCT = b"\x04\x01\x01t\x01x"
TWO = b"\x02\x01\x06\x00" + STRUCT + b"\x01\x05\x00" + STRUCT + b"\x00"
DEEP = b"\x01\x01\x05\x00\x08\x01\x01a\x01" + 3 * b"\x75\x01" + b"\x7e\x00"
TOKEN = b"\x02\x00" + prefix("") + prefix("4.8.0")
FIRST, SECOND = encode(SyncStep2(typed(5, 0, "x"))), encode(SyncUpdate(typed(6, 0, "x")))
HERE = {
    "socket_documents": ("/sync", [prefix("a") + TOKEN, prefix("b") + TOKEN]),
    "unauthenticated_bytes": ("/sync", [bytes(200)]),
    "update_structs": ("/sync/notes", [encode(SyncStep2(TWO))]),
    "update_clients": ("/sync/notes", [encode(SyncStep2(TWO))]),
    "update_nesting": ("/sync/notes", [encode(SyncStep2(DEEP))]),
    "document_clients": ("/sync/notes", [FIRST, SECOND]),
}
"""By limit, where who connects hits it, if it is 1, by saying what."""

CONNECTIONS, RATES = "tests.web.test_connections:", "tests.web.test_limits:"
BOTH = RATES + "test_presence_and_bytes_have_rates_of_their_own"
ELSEWHERE = {
    "connections": CONNECTIONS + "test_a_process_has_so_many_connections",
    "address_connections": CONNECTIONS + "test_an_address_has_so_many_connections",
    **dict.fromkeys(
        ("handshake_seconds", "body_seconds", "first_message_seconds"),
        CONNECTIONS + "test_who_is_slow_has_to_go_and_nobody_waits_for_them",
    ),
    "idle_seconds": CONNECTIONS + "test_a_connection_that_asks_nothing_more_is_closed",
    "body_bytes": CONNECTIONS + "test_a_body_has_so_many_bytes",
    "answer_bytes": "tests.web.test_answers:test_so_many_bytes_of_answers_are_on_their_way",
    "failed_logins": RATES + "test_tokens_cannot_be_tried_for_long",
    **dict.fromkeys(
        ("user_connections", "document_connections"),
        RATES + "test_users_and_documents_have_so_many_connections",
    ),
    "loaded_bytes": RATES + "test_documents_that_are_open_take_so_much_memory",
    **dict.fromkeys(
        ("reader_bytes", "fragments", "presence_bytes"),
        RATES + "test_messages_have_a_largest_size",
    ),
    **dict.fromkeys(
        ("edits_per_second", "edits_at_once"),
        RATES + "test_who_types_faster_than_anybody_is_slowed_down",
    ),
    # Of who takes too much at once the rate is counted.
    **dict.fromkeys(
        ("bytes_per_second", "bytes_at_once", "presence_per_second", "presence_at_once"), BOTH
    ),
    **dict.fromkeys(
        ("presence_clients", "document_bytes"),
        RATES + "test_who_fills_a_document_or_brings_many_is_told_of_and_stays",
    ),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_every_limit_can_be_set(limit):
    """By its name."""
    settings, _ = load({}, {variable("limits"): f"{limit}=7"}, Path("nowhere/quire.toml"))
    assert getattr(settings.limits, limit) == 7


@pytest.mark.parametrize("limit", LIMITS)
def test_every_limit_is_hit_somewhere(limit):
    """Here, or in a test that says its name and looks at the counts."""
    assert (limit in HERE) != (limit in ELSEWHERE)
    if limit in ELSEWHERE:
        module, _, name = ELSEWHERE[limit].partition(":")
        story = inspect.getsource(getattr(import_module(module), name))
        assert limit in story and ("limits_hit" in story or "audited()" in story)


@pytest.mark.expects_log("limit .* was hit by 127.0.0.1|closed with 1009|may have|too deeply")
@pytest.mark.parametrize("limit", HERE)
@pytest.mark.gen_test
async def test_a_hit_is_counted(limit):
    """By the name of the limit, for whoever watches over the server."""
    path, frames = HERE[limit]
    async with House(**{limit: 1}) as house:
        peer = await websocket_connect(f"ws://127.0.0.1:{house.port}{path}")
        house.editors.append(peer)
        for frame in frames:
            await peer.write_message(frame, binary=True)
        await until("the limit", lambda: house.hub.limits_hit)
        registry = CollectorRegistry()
        registry.register(HubCollector(house.hub))
        told = generate_latest(registry).decode()
        assert f'quire_limit_hits_total{{limit="{limit}"}} 1.0' in told
        assert {limit: 1} == house.hub.limits_hit
