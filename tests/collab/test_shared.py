"""Several documents on one socket: who opens which, what each hears, and what ends what.

The peers are bytes, as @hocuspocus/provider sends them; the real ones are in tests/conformance.
"""

import asyncio
import time
from dataclasses import replace

import pytest

from collab import Hub, absent, access, hocuspocus
from collab.access import Credentials, Grant, Level
from collab.errors import ProtocolError, TooMany, Unauthenticated, Unavailable
from collab.limits import Limits
from collab.shared import UNREAD, SharedConnection
from collab.storage import open_store
from collab.wire import AwarenessUpdate, SyncStep1, SyncStep2, SyncUpdate, encode
from tests.collab.test_hub import run, until
from tests.live import typed

NOTHING = SyncStep2(b"\x00\x00")


def string(text):
    return hocuspocus.prefix(text)


def token(word="good", version="4.8.0"):
    """What a provider says first; before version 4 it does not say which it is."""
    return b"\x02\x00" + string(word) + (string(version) if version else b"")


class Provider:
    """A socket with some documents. `left` are the names of those that were closed."""

    def __init__(self, hub, shown=""):
        self.left = []
        self.connection = SharedConnection(
            hub,
            lambda: None,
            Credentials(shown, "192.0.2.1"),
            lambda session: self.left.append(session.room.name),
        )

    async def say(self, address, *bodies):
        for body in bodies:
            frame = body if isinstance(body, bytes) else encode(body)
            busy = self.connection.receive(string(address) + frame)
            if busy is not None:
                await busy

    async def join(self, address, word="good", version="4.8.0"):
        """As a provider does it; what it was told."""
        await self.say(address, token(word, version), SyncStep1(b"\x00"), NOTHING)
        return self.read()

    def read(self):
        """All there is to read, as (address, the rest of the frame)."""
        frames = []
        while (frame := self.connection.next_frame()) is not None:
            frames.append(hocuspocus.split(frame))
        return frames


def statuses(frames):
    """The numbers of edits that are saved, and that are not."""
    said = [rest for _, rest in frames if rest[0] == hocuspocus.Kind.STATUS]
    return said.count(b"\x08\x01"), said.count(b"\x08\x00")


async def authorize(credentials, document):
    """A hook: "good" may write, "NAME" what its name says, everything else nothing."""
    if credentials.token == "good":
        return Grant(Level.WRITE, "ann")
    if credentials.token.upper() in Level.__members__:
        return Grant(Level[credentials.token.upper()], "ann")
    raise Unauthenticated("The token does not count.")


def play(story, hook=authorize, **limits):
    async def whole():
        async with Hub(open_store(":memory:"), hook, Limits(**limits)) as hub:
            await story(hub)

    run(whole)


def test_one_status_for_each_edit_when_it_is_on_disk():
    """None before; also for those that were known already, and after a new question."""

    async def story(hub):
        ann = Provider(hub)
        told = await ann.join("notes")
        assert told[0] == ("notes", b"\x02\x02" + string("read-write"))
        assert statuses(told) == (1, 0)
        for clock in range(3):
            await ann.say("notes", SyncUpdate(typed(5, clock, "x")))
        await ann.say("notes", SyncUpdate(typed(5, 0, "x")))  # known
        assert statuses(ann.read()) == (0, 0)
        room = hub.rooms["notes"]
        await until(lambda: room.durable == 3)
        assert statuses(ann.read()) == (4, 0)
        await ann.say("notes", SyncStep1(b"\x00"), NOTHING)
        told = ann.read()
        assert [rest[:2] for _, rest in told].count(b"\x00\x00") == 1  # asked once more, once
        assert statuses(told) == (1, 0)

    play(story)


def test_a_reader_is_told_that_nothing_is_saved():
    """Its answer with nothing new in it is fine."""

    async def story(hub):
        ann, eve = Provider(hub), Provider(hub)
        await ann.join("notes")
        told = await eve.join("notes", "read")
        assert told[0] == ("notes", b"\x02\x02" + string("readonly"))
        assert statuses(told) == (1, 0)
        await eve.say("notes", SyncUpdate(typed(6, 0, "NO")))
        assert statuses(eve.read()) == (0, 1)
        await eve.say("notes", SyncStep2(typed(6, 0, "NO")))
        assert statuses(eve.read()) == (0, 1)
        assert hub.rooms["notes"].entered == 0

    play(story)


def test_what_the_peer_does_not_count_has_no_status():
    """An answer to a question that we asked on our own; an edit from before its own question. One
    too many, and it would say that what it typed since is saved."""

    async def story(hub):
        ann = Provider(hub)
        await ann.join("notes")
        await ann.say("notes", SyncUpdate(typed(5, 1, "y")))  # lacks what came before
        assert ("notes", encode(SyncStep1(b"\x00"))) in ann.read()
        both = b"\x01\x02\x05\x00" + typed(5, 0, "x")[4:-1] + typed(5, 1, "y")[4:]
        await ann.say("notes", SyncStep2(both))
        await until(lambda: hub.rooms["notes"].durable == 1)
        assert statuses(ann.read()) == (1, 0)

        await ann.say("notes", SyncUpdate(typed(5, 2, "z")), SyncStep1(b"\x00"), NOTHING)
        await until(lambda: hub.rooms["notes"].durable == 2)
        assert statuses(ann.read()) == (1, 0)

    play(story)


def test_who_had_to_go_comes_back_with_another_token():
    """It asks nothing again: it hears everything, and for each edit of which it heard nothing that
    it is on disk."""

    async def story(hub):
        ann, bob = Provider(hub), Provider(hub)
        await ann.join("notes")
        await bob.join("notes")
        await ann.say("notes", token("bad"), SyncUpdate(typed(5, 0, "x")))
        await bob.say("notes", SyncUpdate(typed(6, 0, "b")))
        await until(lambda: hub.rooms["notes"].durable == 1)
        ann.read()
        await ann.say("notes", token("good"))
        told = ann.read()
        assert [rest[:2] for _, rest in told] == [b"\x02\x02", b"\x00\x00", b"\x00\x01"]
        await ann.say("notes", SyncStep2(typed(5, 0, "x")))
        await until(lambda: hub.rooms["notes"].durable == 2)
        assert statuses(ann.read()) == (1, 0)

    play(story)


def test_a_level_that_changes_is_told():
    """Also when the peer did nothing for it."""

    async def story(hub):
        ann = Provider(hub)
        await ann.join("notes", "read")
        [session] = ann.connection.sessions
        session.regrant(Grant(Level.WRITE, "ann"))
        assert ("notes", b"\x02\x02" + string("read-write")) in ann.read()

    play(story)


@pytest.mark.expects_log("limit edits_per_second was hit")
def test_the_documents_of_a_socket_share_its_pace():
    """Who has many is no faster for it, nor who says what is about none."""

    async def story(hub):
        ann = Provider(hub)
        for name in "abcd":
            await ann.join(name)
        for body in (SyncUpdate(typed(5, 0, "x")), b"\x05" + string("x")):
            begin = time.monotonic()
            for _ in range(15):
                for name in "abcd":
                    await ann.say(name, body)
                    ann.read()
            assert time.monotonic() - begin > 0.1
        assert hub.limits_hit["edits_per_second"] > 0

    play(story, edits_per_second=200, edits_at_once=30)


@pytest.mark.expects_log("limit bytes_per_second was hit")
def test_what_is_said_beside_the_documents_is_paid_for_by_its_bytes():
    """Tokens and questions, of open documents and of none: they may be as large as any message."""

    async def story(hub):
        for body in (token("bad" * 1_000), b"\x05" + string("x" * 3_000)):
            ann = Provider(hub)
            await ann.join("notes")
            begin = time.monotonic()
            for address in 5 * ("notes", "other"):
                await ann.say(address, body)
                ann.read()
            assert time.monotonic() - begin > 0.1
        assert hub.limits_hit == {"bytes_per_second": 2}

    play(story, bytes_per_second=100_000, bytes_at_once=20_000)


def test_what_the_documents_say_takes_turns():
    """And a frame goes to the document that its address names, sessions apart."""

    async def story(hub):
        ann, bob = Provider(hub), Provider(hub)
        for address in ("a", "b", "b\0tab 2"):
            await ann.join(address)
            await bob.join(address)
        assert set(hub.rooms) == {"a", "b"}
        for name in ("a", "b"):
            await bob.say(name, SyncUpdate(typed(5, 0, name)))
        await until(lambda: all(room.durable for room in hub.rooms.values()))
        told = {address: rest for address, rest in ann.read() if rest[:2] == b"\x00\x02"}
        assert {address: rest[-2:-1] for address, rest in told.items()} == {
            "a": b"a", "b": b"b", "b\0tab 2": b"b"
        }  # fmt: skip

    play(story)


def test_who_is_refused_may_show_another_token():
    """What it says meanwhile counts nothing, and costs the hook nothing."""
    asked = []

    async def hook(credentials, document):
        asked.append(credentials.token)
        return await authorize(credentials, document)

    async def story(hub):
        ann = Provider(hub)
        told = await ann.join("notes", "bad")
        assert told == [("notes", b"\x02\x01" + string("The token does not count."))]
        await ann.say("notes", SyncUpdate(typed(5, 0, "x")), b"\x01\x00")
        assert ann.read() == [] and asked == ["bad"] and not hub.rooms
        assert (await ann.join("notes"))[0][1][:2] == b"\x02\x02"
        assert asked == ["bad", "good"]

    play(story, hook)


def test_who_is_let_in_later_and_has_nothing_new_is_told_that_all_is_saved():
    """At once: its answer is no edit that others would be told of, and it counts a status for it,
    since the question that it asked while it was refused."""

    async def story(hub):
        ann = Provider(hub)
        await ann.say("notes", token("bad"), SyncStep1(b"\x00"), token("good"))
        ann.read()
        await ann.say("notes", NOTHING)
        assert statuses(ann.read()) == (1, 0)

    play(story)


def test_a_provider_without_a_token():
    """It is let in by what the socket showed; the question that it began with is answered."""

    async def story(hub):
        ann, eve = Provider(hub, "good"), Provider(hub)
        await ann.say("notes", SyncStep1(b"\x00"), NOTHING)
        assert [rest[:2] for _, rest in ann.read()] == [
            b"\x02\x02", b"\x00\x00", b"\x00\x01", b"\x08\x01"
        ]  # fmt: skip
        await eve.say("notes", SyncStep1(b"\x00"), NOTHING)
        assert [rest[:2] for _, rest in eve.read()] == [b"\x02\x01"]
        for word in ("", "notoken"):
            assert (await ann.join(f"notes-{word}", word))[0][1][:2] == b"\x02\x02"

    play(story)


def test_a_newer_token_counts_at_once():
    """Up, down, and out: the last ends that document alone."""

    async def story(hub):
        ann = Provider(hub)
        await ann.join("notes", "read")
        await ann.join("other")
        await ann.say("notes", token("write"))
        assert ann.read()[0] == ("notes", b"\x02\x02" + string("read-write"))
        await ann.say("notes", NOTHING, SyncUpdate(typed(5, 0, "x")))
        await until(lambda: hub.rooms["notes"].durable == 1)
        ann.read()
        await ann.say("notes", token("read"))
        assert ann.read()[0] == ("notes", b"\x02\x02" + string("readonly"))
        await ann.say("notes", SyncUpdate(typed(5, 1, "y")))
        assert hub.rooms["notes"].entered == 1
        await ann.say("notes", token("bad"))
        refusal, wish = b"\x02\x01" + string("The token does not count."), b"\x02\x00"
        assert ann.read() == [("notes", refusal), ("notes", wish)]
        assert ann.left == ["notes"] and [s.room.name for s in ann.connection.sessions] == ["other"]

    play(story)


def test_who_may_not_be_seen_any_more_is_gone_in_a_moment():
    """The others are told by the hub, whatever else happens in the document."""

    async def hook(credentials, document):
        return replace(await authorize(credentials, document), seen=credentials.token != "read")

    async def story(hub):
        ann, bob = Provider(hub), Provider(hub)
        await ann.join("notes")
        await bob.join("notes")
        await ann.say("notes", AwarenessUpdate(b"\x01\x07\x01\x02{}"))
        bob.read()
        await ann.say("notes", token("read"))
        told = []
        began = time.monotonic()
        while not any(b"null" in rest for _, rest in told):
            told += bob.read()
            await asyncio.sleep(0.01)
        assert time.monotonic() - began < 5

    play(story, hook)


def test_a_document_that_ends():
    """A provider that knows the word is told; for the others the socket ends, and they come back.
    Where they are to come back anyway it ends for all."""

    async def story(hub):
        new, old, soon = Provider(hub), Provider(hub), Provider(hub)
        await new.join("notes")
        await new.join("other")
        await old.join("notes", version="")
        await soon.join("third")
        await new.say("notes", SyncUpdate(typed(5, 0, "x")))
        await until(lambda: hub.rooms["notes"].durable == 1)
        new.read()
        await hub.delete("notes")
        assert new.read() == [("notes", b"\x07" + string("The document was deleted."))]
        assert new.connection.ended is None and new.left == ["notes"]
        assert old.connection.ended.close_code == 4404
        hub.writer.give_up(hub.rooms["third"])
        assert isinstance(soon.connection.ended, Unavailable)

    play(story)


def test_leaving():
    """The document is closed, and nothing is said: whoever opens it since would take that for its
    own. Others go on; it may be opened again."""

    async def story(hub):
        ann = Provider(hub)
        await ann.join("notes")
        await ann.join("other")
        await ann.say("notes", b"\x07")
        assert ann.read() == []
        assert not hub.rooms["notes"].sessions if "notes" in hub.rooms else True
        assert (await ann.join("notes"))[0][1][:2] == b"\x02\x02"
        ann.connection.leave(clean=True)
        assert not any(room.sessions for room in hub.rooms.values())

    play(story)


def test_who_goes_while_the_door_thinks():
    """Leaves nobody behind."""
    thinking = asyncio.Event()

    async def hook(credentials, document):
        await thinking.wait()
        return await authorize(credentials, document)

    async def story(hub):
        ann = Provider(hub)
        opening = asyncio.create_task(ann.join("notes"))
        await asyncio.sleep(0)
        ann.connection.leave(clean=False)
        thinking.set()
        await opening
        assert not any(room.sessions for room in hub.rooms.values())

    play(story, hook)


WRONG = [
    b"", b"\x05note", b"\x00\x00\x00", b"\xff" * 9, string("notes"), string("notes") + b"\x63",
    string("notes") + b"\x04\x00\x00\x00", string("notes") + b"\x06" + string("x"),
    string("notes") + b"\x08\x01", string("notes") + b"\x09", string("notes") + b"\x02\x01\x00",
    string("notes") + b"\x02\x00", string("notes") + token() + b"\x00",
    string("notes") + b"\x07\x00", string("notes") + b"\x05\x05abc", string("x" * 2_000) + b"\x07",
    string("notes") + b"\x00\x02\x01\x05", string("notes") + b"\x00\x07\x00", b"\x02\xff\xff\x07",
    string("notes") + b"\x66\x01\x01",
]  # fmt: skip


@pytest.mark.parametrize("frame", WRONG, ids=range(len(WRONG)))
def test_what_no_provider_sends(frame):
    """It ends the socket with 1007; whoever else is in the document notices nothing."""

    async def story(hub):
        ann, eve = Provider(hub), Provider(hub)
        await ann.join("notes")
        await eve.join("notes")
        with pytest.raises(ProtocolError):
            busy = eve.connection.receive(frame)
            assert busy is None
            if eve.connection.ended is not None:
                raise eve.connection.ended
        eve.connection.leave(clean=False)
        await ann.say("notes", SyncUpdate(typed(5, 0, "x")))
        await until(lambda: hub.rooms["notes"].durable == 1)
        assert statuses(ann.read()) == (1, 0)

    play(story)


def test_a_message_for_a_document_that_is_not_open(monkeypatch):
    """It is refused by its address; the others on the socket go on. An edit may come before the
    token, so it is refused when none came; where somebody was is of no account."""
    monkeypatch.setattr(absent, "FIRST", 0.01)

    async def story(hub):
        ann = Provider(hub)
        await ann.join("notes")
        late = (b"\x05" + string("hello"), SyncUpdate(typed(5, 0, "x")), NOTHING)
        for number, body in enumerate(late * 20):  # more than may be open: they take no place
            await ann.say(f"other {number}", body)
            heard = []
            await until(lambda heard=heard: heard.extend(ann.read()) or heard)
            assert [(name, rest[:2]) for name, rest in heard] == [(f"other {number}", b"\x02\x01")]
        for body in (b"\x01\x00", b"\x03"):
            await ann.say("another", body)
        assert ann.read() == []
        await ann.say("notes", b"\x05" + string("hello"), b"\x03")
        assert list(hub.rooms) == ["notes"]

    play(story)


def test_edits_before_the_token():
    """A provider that is made on an open socket and typed into at once: it is not refused, and says
    it once more when it is in. Of so many documents at once; the others are refused."""

    async def story(hub):
        ann = Provider(hub)
        for number in range(33):
            await ann.say(f"note {number}", SyncUpdate(typed(5, 0, "x")))
        assert [(name, rest[:2]) for name, rest in ann.read()] == [("note 32", b"\x02\x01")]
        assert statuses(await ann.join("note 0")) == (1, 0)  # with its question it counts anew
        await ann.say("note 0", SyncUpdate(typed(5, 0, "x")))
        await until(lambda: hub.rooms["note 0"].durable == 1)
        assert statuses(ann.read()) == (1, 0)
        ann.connection.leave(clean=True)

    play(story)


@pytest.mark.expects_log(r"limit (socket_documents|edits_per_second) was hit")
def test_the_limits_of_a_socket():
    """So many documents, refused ones among them; so many answers unread; so large before it is
    known who it is."""

    async def story(hub):
        ann = Provider(hub)
        assert ann.connection.most_bytes(8 << 20, 8 << 20) == (64 << 10, "unauthenticated_bytes")
        await ann.join("a", "read")
        assert ann.connection.most_bytes(8 << 20, 8 << 20)[1] == "reader_bytes"
        await ann.join("b")
        assert ann.connection.most_bytes(8 << 20, 8 << 20) == (8 << 20, "max_message")
        await ann.join("c", "bad")
        await ann.join("c", "bad")  # once more: it is not another one
        refused = hocuspocus.split(hocuspocus.refused("d", "Too many documents on one connection."))
        assert refused in await ann.join("d")
        assert hub.limits_hit["socket_documents"] > 0
        assert (ann.connection.ended, ann.connection.documents.keys()) == (None, {"a", "b"})
        ann.connection.leave(clean=False)

        eve = Provider(hub)
        for _ in range(UNREAD + 2):
            await eve.say("x", b"\x05" + string("hello"))
        assert isinstance(eve.connection.ended, TooMany)

    play(story, socket_documents=3)


def test_each_kind_of_message_takes_its_level(monkeypatch):
    """A kind without a row opens nothing, and a row that asks for more is noticed."""

    async def story(hub):
        ann = Provider(hub)
        await ann.join("notes", "read")
        kinds = {hocuspocus.Leave: b"\x07", hocuspocus.Token: token("read"),
                 hocuspocus.Stateless: b"\x05" + string("x")}  # fmt: skip
        for kind, body in kinds.items():
            with monkeypatch.context() as patch:
                patch.delitem(access.NEEDED, kind)
                await ann.say("notes", body)
                assert [rest[:2] for _, rest in ann.read()] == [b"\x02\x01"], kind
        assert [session.room.name for session in ann.connection.sessions] == ["notes"]

    play(story)


def test_time_is_told_in_seconds():
    """Presence and rows of a provider are dated like everybody's."""

    async def story(hub):
        ann = Provider(hub)
        await ann.join("notes")
        await ann.say("notes", SyncUpdate(typed(5, 0, "x")))
        await until(lambda: hub.rooms["notes"].durable == 1)
        [row] = await hub.store.updates("notes")
        assert abs(row.time / 1000 - time.time()) < 30

    play(story)


def test_what_cannot_be_opened_waits(monkeypatch):
    """Alone: the other documents of the socket go on. It is tried again, and then the peer, which
    has been typing, is told everything, and a status for what it sends when it is asked."""
    monkeypatch.setattr(absent, "FIRST", 0.01)
    asked = []

    async def hook(credentials, document):
        asked.append(document)
        if document == "notes" and asked.count("notes") < 3:
            raise Unavailable("Later.")
        return Grant(Level.WRITE, "ann")

    async def story(hub):
        ann, ben = Provider(hub), Provider(hub)
        assert await ann.join("notes") == []
        await ann.say("notes", SyncUpdate(typed(5, 0, "x")))
        assert (await ann.join("other"))[0][1][:2] == b"\x02\x02"
        await ben.join(
            "notes", version=""
        )  # it asks without having been let in, and is not cut off
        await until(lambda: "notes" in ann.connection.documents)
        told = [rest for _, rest in ann.read()]
        assert told[0][:2] == b"\x02\x02" and told[1].startswith(encode(SyncStep1(b"\0"))[:2])
        await ann.say("notes", SyncStep2(typed(5, 0, "x")))
        await until(lambda: hub.rooms["notes"].durable == 1)
        assert sum(statuses(ann.read())) >= 1
        ann.connection.leave(clean=True)
        ben.connection.leave(clean=True)

    play(story, hook)


def test_who_does_not_wait(monkeypatch):
    """Nothing is tried any more for who leaves the document, or goes."""
    monkeypatch.setattr(absent, "FIRST", 0.01)
    asked = []

    async def hook(credentials, document):
        asked.append(document)
        raise Unavailable("Later.")

    async def story(hub):
        ann = Provider(hub)
        await ann.join("notes")
        await ann.join("other")
        await ann.say("notes", b"\x07")
        assert ann.read() == []
        before = asked.count("notes")
        await until(lambda: asked.count("other") > 2)
        assert asked.count("notes") == before
        ann.connection.leave(clean=True)
        assert not any(task for task in ann.connection._absent._trying)
        assert ann.connection.ended is None

    play(story, hook)


def test_who_goes_while_it_cannot_be_opened():
    """Is not tried for."""
    thinking = asyncio.Event()

    async def hook(credentials, document):
        await thinking.wait()
        raise Unavailable("Later.")

    async def story(hub):
        ann = Provider(hub)
        joining = asyncio.create_task(ann.join("notes"))
        await asyncio.sleep(0)
        ann.connection.leave(clean=False)
        thinking.set()
        await joining
        assert not ann.connection._absent._trying

    play(story, hook)


def test_who_is_refused_at_last(monkeypatch):
    """Once the door can say so."""
    monkeypatch.setattr(absent, "FIRST", 0.01)
    asked = []

    async def hook(credentials, document):
        asked.append(document)
        raise Unauthenticated("No.") if len(asked) > 2 else Unavailable("Later.")

    async def story(hub):
        ann = Provider(hub)
        assert await ann.join("notes") == []
        await until(lambda: len(asked) > 2)
        assert [rest[:2] for _, rest in ann.read()] == [b"\x02\x01"]

    play(story, hook)
