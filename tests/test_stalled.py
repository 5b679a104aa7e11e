"""Who does not read costs a bounded amount, slows nobody, and is right when reading at last.

`scripts/soak stalled` does it with 20 readers and 64 MB.
"""

from tornado.httpclient import AsyncHTTPClient

from tests.live import FAST, QUIRE, Peer, Server, run
from tests.stalled import Stalled, crowd, flood, type_much

EACH = 8 << 20  # bytes that a stalled reader may cost


def test_readers_who_never_read_cost_a_bounded_amount(tmp_path):
    """Five of them and 8 MB of edits, against the same edits without them."""
    with Server(tmp_path / "quire.db", QUIRE, *FAST) as server:
        alone = run(flood(server, 0, 8 << 20))
        stalled = run(flood(server, 5, 8 << 20))
        assert server.troubles() == []
    print(f"{alone}\n{stalled}")
    assert stalled.memory - alone.memory < 5 * EACH
    assert stalled.witnesses.worst < 3


def test_joiners_who_never_read_hold_no_copy(tmp_path):
    """Five of them and a document of 16 MB: each costs a part of it at most, and gets it in the
    end."""
    with Server(tmp_path / "quire.db", QUIRE, *FAST) as server:
        memory = run(crowd(server, 5, 16 << 20))
        assert server.troubles() == []
    print(f"{memory / 2**20:+.1f} MiB")
    assert memory < 5 * EACH


def test_a_deleted_document_lets_go_of_those_who_never_read(tmp_path):
    """Deleted, brought back, opened again: a stalled reader is in nobody's way."""

    async def story(server):
        stalled = Stalled(server, "gone")
        await type_much(server, "gone", 4 << 20)
        for method, path in (("DELETE", ""), ("POST", "/undelete")):
            url = server.page("/api/documents/gone" + path)
            body = b"" if method == "POST" else None
            headers = {"Content-Type": "application/json"}
            await AsyncHTTPClient().fetch(url, method=method, headers=headers, body=body)
        await Peer.join(server.url("gone"))
        stalled.close()

    with Server(tmp_path / "quire.db", QUIRE, *FAST) as server:
        run(story(server))
