"""Versions asked for beside the document: who may, who hears of it, and what becomes of the list.

The peers are bytes, as in test_shared; the real provider is in tests/conformance.
"""

import asyncio
import base64
import json

from pycrdt import Array, Doc, Map, Text

from collab.access import Grant, Level
from collab.errors import Unauthenticated
from collab.state import State
from collab.tiptap import CONFIG, LIST
from collab.wire import SyncUpdate
from tests.collab.test_hub import read, until, write
from tests.collab.test_shared import Provider, play, string
from tests.live import typed


async def authorize(credentials, document):
    """A hook: the token is the level, and the name."""
    if credentials.token.upper() in Level.__members__:
        return Grant(Level[credentials.token.upper()], credentials.token, credentials.token.title())
    raise Unauthenticated("The token does not count.")


NAMELESS = {"currentVersionName": False, "newVersionName": False}


class Tiptap(Provider):
    """A peer that asks for versions."""

    async def ask(self, action, address="notes", **more):
        """The events that answer it."""
        text = action if action[:1] in "{x" else json.dumps({"action": action, **more})
        await self.say(address, b"\x05" + string(text))
        return [json.loads(rest[2 + (len(rest) > 129) :]) for rest in self.beside()]

    def beside(self):
        """What is said beside the document, as frames without an address."""
        return [rest for _, rest in self.read() if rest[0] == 5]


async def arrive(hub, level="write", name="notes"):
    peer = Tiptap(hub)
    await peer.join(name, level)
    return peer


async def type_(hub, peer, clock, text):
    await peer.say("notes", SyncUpdate(typed(5, clock, text)))


async def content(hub):
    history = hub.history("notes")
    return json.loads(await history.content(await history.head()))


async def listed(hub):
    """The list that the provider shows."""
    return [(one["name"], one["version"]) for one in (await content(hub)).get(LIST, ())]


async def audited(hub, *actions):
    """What the audit log has of them, oldest first; the hub may be writing some of it itself."""
    await hub.store.record(hub.audit.take(0, closing=True))
    found = reversed(await hub.store.audit())
    return [(one.action, one.user, one.detail) for one in found if one.action in actions]


async def named(hub):
    return [(one.name, one.seq) for one in await hub.history("notes").versions()]


def test_create_preview_revert():
    """What was typed just before is in the version; the list is what is named; a revert is one edit
    by who asked, and what was there before has a name."""

    async def story(hub):
        ann = await arrive(hub)
        await type_(hub, ann, 0, "one")
        assert await ann.ask("version.create", name="Draft") == [
            {"event": "version.created", "version": 1}
        ]
        assert await listed(hub) == await named(hub) == [("Draft", 1)]
        await type_(hub, ann, 3, " two")
        (shown,) = await ann.ask("version.preview", version=1)
        doc = Doc()
        doc.apply_update(base64.b64decode(shown.pop("ydoc")))
        assert shown == {"event": "version.preview", "version": 1}
        assert str(doc.get("t", type=Text)) == "one"

        before = await hub.history("notes").head()
        assert before == 3  # one edit for the list
        told = await ann.ask("document.revert", version=1)
        after = (await named(hub))[-1][1]
        assert told == [
            {"event": "version.created", "version": before},
            {"event": "version.created", "version": after},
            {"event": "document.reverted", "version": 1},
        ]
        assert (await content(hub))["t"] == "one"
        row = await hub.history("notes").row(after)
        assert (row.seq, row.author) == (before + 1, "Write")
        assert await listed(hub) == await named(hub)
        assert [name for name, _ in await named(hub)] == [
            "Draft", f"Version {before}", f"Version {after}"
        ]  # fmt: skip
        assert (await content(hub))[CONFIG] == {"currentVersion": 1}
        done = [("export", "write", "edit 1"), ("restore", "write", "to edit 1")]
        assert await audited(hub, "export", "restore") == done

    play(story, authorize)


def test_names():
    """None is made up where the document has one; one that is taken gets a number; those before and
    after a revert can be given, or not be wanted."""

    async def story(hub):
        ann = await arrive(hub)
        await type_(hub, ann, 0, "one")
        for _ in range(2):
            assert await ann.ask("version.create") == [{"event": "version.created", "version": 1}]
        assert await named(hub) == [("Version 1", 1)]
        await type_(hub, ann, 3, "!")
        (created,) = await ann.ask("version.create", name="  Version   1 ")
        assert (await named(hub))[-1] == ("Version 1 (2)", created["version"])
        await type_(hub, ann, 4, "?")
        names = {"currentVersionName": "Before", "newVersionName": "After"}
        assert len(await ann.ask("document.revert", version=1, **names)) == 3
        assert [name for name, _ in await named(hub)][2:] == ["Before", "After"]
        names = dict.fromkeys(names, False)
        assert len(await ann.ask("document.revert", version=created["version"], **names)) == 1
        assert (await content(hub))["t"] == "one!"
        assert len(await named(hub)) == 4
        # There again: nothing is to be done, and nothing to be named.
        assert len(await ann.ask("document.revert", version=created["version"])) == 1
        assert len(await named(hub)) == 4

    play(story, authorize)


def test_who_may():
    """What each takes over HTTP; who may not is told, and nobody else; nothing is changed."""
    levels = {"version.create": 2, "version.preview": 1, "document.revert": 3}

    async def story(hub):
        ann = await arrive(hub, "admin")
        await type_(hub, ann, 0, "one")
        await ann.ask("version.create", name="Draft")
        await type_(hub, ann, 3, " two")
        await until(lambda: not hub.rooms["notes"].pending and not hub.rooms["notes"].writing)
        for level in ("read", "comment", "write"):
            peer = await arrive(hub, level)
            for action, needed in levels.items():
                before = await content(hub), await named(hub)
                ann.read()
                (*_, told) = await peer.ask(action, version=1, name=f"By {level}")
                if Level[level.upper()] >= needed:
                    assert told["event"] != "error"
                else:
                    assert (told["event"], told["action"], told["status"]) == ("error", action, 403)
                    assert before == (await content(hub), await named(hub))
                assert ann.beside() == []
            assert peer.connection.ended is None
        assert ("refuse", "read", "version.create") in await audited(hub, "refuse")
        assert ("refuse", "comment", "document.revert") in await audited(hub, "refuse")

    play(story, authorize)


def test_what_cannot_be_done_is_told():
    """To who asked, who goes on then: malformed, unknown, not there, in another document."""

    async def story(hub):
        ann = await arrive(hub)
        (told,) = await ann.ask("version.create")
        assert (told["status"], told["action"]) == (404, "version.create")
        await type_(hub, ann, 0, "one")
        for text in ("x", "{}", '{"action":"document.revert"}'):
            (told,) = await ann.ask(text)
            assert (told["event"], told["status"], told["action"]) == ("error", 400, "")
        for action in ("version.preview", "document.revert"):
            (told,) = await ann.ask(action, version=99)
            assert (told["status"], told["action"]) == (404, action)
        (told,) = await ann.ask("version.create", name="a..b")
        assert told["status"] == 400
        assert await ann.ask("version.create", address="other") == []
        await type_(hub, ann, 3, "!")
        await until(lambda: hub.rooms["notes"].durable == 2)
        assert await named(hub) == [] and await content(hub) == {"t": "one!"}

    play(story, authorize)


def test_a_document_that_is_too_large_for_a_message(monkeypatch):
    """Is not sent as one."""
    monkeypatch.setattr("collab.versions.MOST_PREVIEW", 10)

    async def story(hub):
        ann = await arrive(hub)
        await type_(hub, ann, 0, "one")
        await ann.ask("version.create")
        (told,) = await ann.ask("version.preview", version=1)
        assert told["status"] == 413

    play(story, authorize)


def test_those_who_do_not_take_the_answers_have_so_much_together(monkeypatch):
    """More is not made for others either, until some of it was taken, or somebody has gone."""
    monkeypatch.setattr("collab.versions.MOST_ASIDE", 200)

    async def story(hub):
        ann, bob, cem = [await arrive(hub) for _ in range(3)]
        await type_(hub, ann, 0, "one")
        await ann.ask("version.create")
        ask = b"\x05" + string('{"action":"version.preview","version":1}')
        await ann.say("notes", ask)
        await bob.say("notes", ask)
        (told,) = await cem.ask("version.preview", version=1)
        assert (told["event"], told["status"]) == ("error", 503)
        assert len(ann.beside()) == 1 and hub.aside > 0
        (told,) = await cem.ask("version.preview", version=1)
        assert told["event"] == "version.preview"
        bob.connection.leave(clean=False)
        assert hub.aside == 0

    play(story, authorize)


def test_who_does_not_take_the_answers_is_not_given_more():
    """One is waiting at most, however large they are; until the peer goes."""

    async def story(hub):
        ann = await arrive(hub)
        await type_(hub, ann, 0, "one")
        ask = string("notes") + b"\x05" + string('{"action":"version.preview","version":1}')
        ann.read()
        await ann.connection.receive(ask)
        waiting = ann.connection.receive(ask)
        asked = hub.archive.engine.jobs["past.update"]
        task = asyncio.ensure_future(waiting)
        await hub.history("notes").content(1)  # the archive answers in turn
        assert (task.done(), hub.archive.engine.jobs["past.update"]) == (False, asked)
        assert len(ann.beside()) == 1
        await task
        assert len(ann.beside()) == 1
        await ann.connection.receive(ask)
        task = asyncio.ensure_future(ann.connection.receive(ask))
        await hub.history("notes").content(1)
        ann.connection.leave(clean=False)
        await task

    play(story, authorize)


def test_who_may_nothing_any_more_is_not_answered():
    """Not to what was asked before either: a question that waits is not done when its turn comes,
    if its document was closed meanwhile."""

    async def story(hub):
        ann = await arrive(hub)
        await type_(hub, ann, 0, "one")
        await ann.ask("version.create")
        await type_(hub, ann, 3, " two")
        asks = [
            string("notes") + b"\x05" + string(json.dumps({"action": action, "version": 1}))
            for action in ("version.preview", "document.revert")
        ]
        ann.read()
        await ann.connection.receive(asks[0])  # and it is not read
        waits = asyncio.ensure_future(ann.connection.receive(asks[1]))
        await asyncio.sleep(0)
        (session,) = ann.connection.sessions
        session.dismiss(Unauthenticated("Your access was revoked."))
        assert ann.connection.sessions == []
        ann.read()
        await waits
        assert (await content(hub))["t"] == "one two"

    play(story, authorize)


def test_a_name_that_is_none_is_refused_before_anything_is_done():
    """Going back and then to say that it was refused would be a lie."""

    async def story(hub):
        ann = await arrive(hub)
        await type_(hub, ann, 0, "one")
        await type_(hub, ann, 3, " two")
        await until(lambda: hub.rooms["notes"].durable == 2)
        for field in NAMELESS:
            names = NAMELESS | {field: "a..b"}
            (told,) = await ann.ask("document.revert", version=1, **names)
            assert (told["event"], told["status"]) == ("error", 400)
        assert (await content(hub))["t"] == "one two" and await named(hub) == []

    play(story, authorize)


def test_the_list_is_in_step():
    """With what is named, renamed and unnamed by any other way, once somebody shows it; a document
    that nobody shows so has none."""

    async def story(hub):
        await write(hub, "notes", "one")
        history = hub.history("notes")
        await history.name_version("Draft", 1, "Bob")
        assert LIST not in await content(hub)
        ann = Tiptap(hub)
        await ann.join("notes", "notoken")
        await until(lambda: hub.rooms["notes"].durable == 1)
        assert await listed(hub) == [("Draft", 1)]
        assert (await history.row(2)).author == ""
        await history.rename_version("Draft", "First", "Cem")
        assert await listed(hub) == [("First", 1)]
        assert (await history.row(await history.head())).author == "Cem"
        await history.name_version("Second", 2)
        assert await listed(hub) == [("First", 1), ("Second", 2)]
        await history.delete_version("First")
        assert await listed(hub) == [("Second", 2)]
        async with hub.open("notes", author="Dan") as dan:
            dan.doc.get("content", type=Text).insert(0, "x" * 300)
            await dan.saved()
            dan.doc["content"].clear()
            await dan.saved()
        while len(await listed(hub)) < 2:  # named by itself
            await asyncio.sleep(0.005)
        assert (await listed(hub))[1][0].startswith("Before a mass deletion")
        assert await listed(hub) == await named(hub)
        head = await history.head()
        await hub.lists.follow("notes")
        assert await history.head() == head  # there was nothing to do

    play(story, None)


def test_who_may_not_write_begins_no_list():
    """Whoever comes with a provider that shows one: it is an edit, and nobody's who only named or
    only looked."""

    async def story(hub):
        ann = await arrive(hub)
        await type_(hub, ann, 0, "one")
        await until(lambda: hub.rooms["notes"].durable == 1)
        await hub.history("notes").name_version("Draft", 1, "Ann")
        for level in ("read", "comment"):
            peer = Tiptap(hub, level)
            assert (await peer.join("notes", "notoken"))[0][1][:2] == b"\x02\x02"
            await until(lambda: len(hub._tasks) <= 1)  # the clock
            assert hub.rooms["notes"].entered == 1
        assert await content(hub) == {"t": "one"}
        await Tiptap(hub, "write").join("notes", "notoken")
        await until(lambda: hub.rooms["notes"].durable == 2)
        assert (await hub.history("notes").row(2)).author == ""
        assert await listed(hub) == await named(hub)

    play(story, authorize)


def test_whether_there_is_a_list_is_looked_at_once(monkeypatch):
    """Not each time that somebody comes: that is as often as a reader likes, and a large document
    takes its time."""
    looks, mentions = [], State.mentions

    def counted(state, word):
        looks.append(word)
        return mentions(state, word)

    async def story(hub):
        await write(hub, "notes", "one")
        await hub.history("notes").name_version("Draft", 1)
        async with hub.open("notes"):
            looks.clear()
            ann = Tiptap(hub)
            for _ in range(5):
                await ann.join("notes", "notoken")
                await until(lambda: len(hub._tasks) <= 2)  # the clock, and our own editor
                await ann.say("notes", b"\x07")
            await until(lambda: hub.rooms["notes"].durable == 1)
            assert looks.count(LIST) == 1 and await listed(hub) == [("Draft", 1)]

    monkeypatch.setattr(State, "mentions", counted)
    play(story, None)


def test_going_back_leaves_what_is_the_providers():
    """Its list, its comments and its people: by a restore and by undoing everything."""

    async def story(hub):
        await write(hub, "notes", "one")
        async with hub.open("notes", author="Ann") as ann:
            ann.doc.get("__tiptapcollab__threads", type=Array).append("a comment")
            ann.doc.get("__tiptapcollab__users", type=Map)["ann"] = [5]
            ann.doc.get("content", type=Text).insert(3, " two")
            await ann.saved()
        history = hub.history("notes")
        await history.name_version("Draft", 1)
        head = await history.head()
        await history.restore(1)
        assert await history.is_now(1) and not await history.is_now(head)
        kept = {
            LIST: [{"name": "Draft", "version": 1, "date": (await history.versions())[0].time}],
            "__tiptapcollab__threads": ["a comment"],
            "__tiptapcollab__users": {"ann": [5]},
        }
        assert await content(hub) == {"content": "one", **kept}
        assert await history.text(await history.head()) == "one"
        await history.undo(1, await history.head())
        assert await content(hub) == {"content": "", **kept}

    play(story, None)


def test_pauses_are_versions_where_somebody_wants_that():
    """Each once, without a name, until it gets one; what the list itself adds is no edit that
    counts; switched off there are no more."""

    async def story(hub):
        ann = await arrive(hub)
        async with hub.open("notes", author="Ann") as peer:
            text = peer.doc.get("t", type=Text)
            config = peer.doc.get(CONFIG, type=Map)
            text.insert(0, "one")
            await peer.saved()
            config["autoVersioning"] = 1
            await peer.saved()
            await rested(hub)
            assert (await content(hub))[LIST] == [{"version": 2, "date": await time_of(hub, 2)}]
            assert (await hub.history("notes").row(3)).author == "Ann"
            await rested(hub)
            assert await hub.history("notes").head() == 3
            peer.doc.get(LIST, type=Array).extend(
                [{"version": 1.5, "date": 1}, "x", {"version": 1}]
            )
            text.insert(3, " two")
            await peer.saved()
            await rested(hub)
            assert [one["version"] for one in (await content(hub))[LIST]] == [2, 5]
            (told,) = await ann.ask("document.revert", version=2, **NAMELESS)
            assert told["event"] == "document.reverted" and (await content(hub))["t"] == "one"
            await hub.history("notes").name_version("First", 2)
            assert [one.get("name") for one in (await content(hub))[LIST]] == ["First", None]
            config["autoVersioning"] = 0
            text.insert(3, " three")
            await peer.saved()
            await rested(hub)
            assert len((await content(hub))[LIST]) == 2

    play(story, authorize)


async def time_of(hub, seq):
    return (await hub.history("notes").row(seq)).time


async def rested(hub):
    """The document has been at rest, and what that brings about is done."""
    room = hub.rooms["notes"]
    hub.rooms.rest(room)
    # Those that never end: the clock, and our own editor.
    await until(lambda: len(hub._tasks) <= 2)
    await until(lambda: not room.pending and not room.writing)


def test_a_list_that_is_none():
    """Somebody has made something else of it: the versions do not care."""

    async def story(hub):
        async with hub.open("notes") as ann:
            ann.doc.get(LIST, type=Text).insert(0, "mine")
            await ann.saved()
        ann = await arrive(hub, "notoken")
        (told,) = await ann.ask("version.create", name="Draft")
        assert told == {"event": "version.created", "version": 1}
        assert await named(hub) == [("Draft", 1)]
        assert (await content(hub))[LIST] == "mine"
        assert await read(hub, "notes") == ""

    play(story, None)


def test_a_document_that_can_only_be_read():
    """It can be named; going back is refused; the list stays as it is."""

    async def story(hub):
        ann = await arrive(hub)
        await type_(hub, ann, 0, "one")
        await type_(hub, ann, 3, " two")
        await until(lambda: hub.rooms["notes"].durable == 2)
        hub.rooms["notes"].frozen = "It is frozen."
        assert (await ann.ask("version.create", name="Draft"))[0]["event"] == "version.created"
        (told,) = await ann.ask("document.revert", version=1)
        assert (told["status"], told["message"]) == (403, "It is frozen.")
        assert (await content(hub)) == {"t": "one two"}

    play(story, authorize)
