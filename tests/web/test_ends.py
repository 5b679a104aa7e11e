"""What a token allows ends while its owner is in: by every dialect, on every transport.

The token is revoked, expires, or may only read from now on. Within seconds its owner has to go, or
writes no more; of a socket with several documents the others go on.
"""

import contextlib
import time

import jwt
import pytest
from tornado.websocket import WebSocketClosedError

from collab.access import Level
from collab.names import in_tenant
from collab.storage import Token
from tests.dialects import REFUSED, WAYS, Provider, connect, part, send
from tests.httppeer import HttpPeer, Refused
from tests.live import until
from tests.matrix import play
from tests.rights import OURS, READ, all_of, furnish

SOON = 5.0  # seconds
LIFE = 2  # seconds of a token that expires

EACH_WAY = pytest.mark.parametrize("way", WAYS[:6], ids=lambda way: way.name)


async def join(world, way, name, seconds=600, link=None):
    """A writer in a document, by a token that has the id `name`; on a link of its own, or that."""
    await furnish(world.store, "own", name)
    claims = {"sub": "una", "aud": "quire", "tenant": OURS, "rights": {name: "write"}}
    claims |= {"jti": name, "exp": int(time.time()) + seconds}
    token = jwt.encode(claims, world.key, "HS256")
    talk = way.talk(link or await connect(world.port, way, token, name), name, token)
    assert await talk.enter()
    return talk


async def limit(world, level):
    """From now on the token for `notes` allows no more than that."""
    token = Token(in_tenant(OURS, "notes"), "", int(level), "", "", 1, 1 << 45)
    await world.hub.door.limit(token, world.hub.rooms.values())


async def say_in_vain(talk):
    """Everything, by who is not there any more."""
    for kind, said in talk.said.items():
        if isinstance(talk, Provider):
            told = await talk.aside(kind)
            assert all(frame[:2] == REFUSED for frame in told)
        elif isinstance(talk.link, HttpPeer):
            with pytest.raises(Refused) as refused:
                await send(talk.link, said.frame)
            assert (401, 4401) == (refused.value.status, refused.value.code)
        else:
            with contextlib.suppress(WebSocketClosedError):
                await talk.link.send(said.frame)


@EACH_WAY
@pytest.mark.parametrize("ends", ["revoked", "expired"])
def test_who_is_in_has_to_go(ends, way, monkeypatch):
    """And changes nothing more, by no message."""
    monkeypatch.setattr("collab.tokens.LEEWAY", 0)

    async def story(world):
        life = LIFE if ends == "expired" else 600
        talk = await join(world, way, "notes", life)
        other = await join(world, way, "other", link=talk.link) if way.in_band else None
        before = await all_of(world.store, "notes")
        room = world.hub.rooms[in_tenant(OURS, "notes")]
        if ends == "revoked":
            await limit(world, Level.NONE)
        await until("its owner to have gone", lambda: not room.sessions, LIFE + SOON)
        if isinstance(talk, Provider):
            await talk.dismissed()
            await say_in_vain(talk)
        else:
            await say_in_vain(talk)
            await talk.dismissed()
        assert before == await all_of(world.store, "notes")
        if other is not None:
            assert all([await other.say(kind) for kind in other.said])
        await part(talk.link)

    play(story)


@EACH_WAY
def test_who_may_only_read_from_now_on(way):
    """Goes on to hear, and writes nothing more."""

    async def story(world):
        talk = await join(world, way, "notes")
        other = await join(world, way, "other", link=talk.link) if way.in_band else None
        before = await all_of(world.store, "notes")
        await limit(world, Level.READ)
        for kind, said in talk.said.items():
            assert await talk.say(kind) is (said.takes <= READ), kind
        assert before == await all_of(world.store, "notes")
        if other is not None:
            assert talk.writes is False and other.writes is True
            assert all([await other.say(kind) for kind in other.said])
        await part(talk.link)

    play(story)
