"""Edits of programs: what they say is done, all of it or none, and as little as possible."""

import asyncio
import errno
import json
from random import Random

import pytest
from pycrdt import Array, Doc, Map, Text

from collab import Hub
from collab.access import OURS, Grant, Level
from collab.changes import changes
from collab.editing import edit
from collab.edits import enter
from collab.errors import AccessDenied, Conflict, NotFound, ProtocolError, Unavailable
from collab.storage import open_store
from collab.update import read_state_vector
from tests.collab.test_hub import read, run, until, write
from tests.live import typed


def play(story):
    async def whole():
        async with Hub(open_store(":memory:")) as hub:
            await write(hub, "notes", "Grüße, 世界")
            await until(lambda: hub.rooms.get("notes") is None or hub.rooms["notes"].durable == 1)
            await story(hub)

    run(whole)


async def shown(hub):
    return json.loads(await hub.history("notes").content(await hub.history("notes").head()))


def test_text_by_positions_of_characters():
    """Not of bytes; several at once; who did it is written down."""

    async def story(hub):
        edits = [{"insert": "!", "at": 9}, {"delete": 5, "at": 0}, {"insert": "Hallo 😀", "at": 0}]
        seq, changed = await hub.edits.make("notes", edits, OURS, "Bot (run 7)")
        assert changed and await read(hub, "notes") == "Hallo 😀, 世界!"
        rows = await hub.store.updates("notes")
        assert (rows[-1].seq, rows[-1].author) == (seq, "Bot (run 7)")

    play(story)


def test_a_whole_text_changes_as_little_as_possible():
    """So what others write meanwhile stays: it was not theirs to be deleted."""

    async def story(hub):
        async with hub.open("notes") as ann:
            content = ann.doc.get("content", type=Text)
            made = asyncio.create_task(
                hub.edits.make("notes", [{"text": "Viele Grüße, Welt"}], OURS, "Bot")
            )
            await until(lambda: hub.editing.jobs["edit"] == 1)  # it is being made
            content += " (Ann)"
            await made
            await ann.saved()
        assert await read(hub, "notes") == "Viele Grüße, Welt (Ann)"
        assert (await hub.edits.make("notes", [{"text": "Viele Grüße, Welt (Ann)"}], OURS, "Bot"))[
            1
        ] is False

    play(story)


def test_the_changes_of_a_text(seed):
    """They make the one of the other, and touch nothing that both have at the ends."""
    dice = Random(seed)
    for _ in range(300):
        size = dice.choice((5, 40, 3_000))
        old = "".join(dice.choice("ab\n") for _ in range(dice.randrange(size)))
        new = list(old)
        for _ in range(dice.randrange(4)):
            at = dice.randint(0, len(new))
            new[at : at + dice.randrange(5)] = dice.choice(("", "x", "xyz\n"))
        text = old
        for start, end, words in reversed(list(changes(old, "".join(new)))):
            text = text[:start] + words + text[end:]
        assert text == "".join(new)


def test_maps_and_lists():
    """Values of any kind of JSON, at the end of a path."""

    async def story(hub):
        edits = [
            {"set": 1, "path": ["settings", "size"]},
            {"set": {"deep": [1, {"a": None}]}, "path": ["settings", "more"]},
            {"append": "one", "path": ["list"]},
            {"append": "two", "path": ["list"]},
            {"set": "TWO", "path": ["list", 1]},
            {"remove": True, "path": ["list", 0]},
        ]
        await hub.edits.make("notes", edits, OURS, "Bot")
        assert await shown(hub) == {
            "content": "Grüße, 世界", "list": ["TWO"],
            "settings": {"size": 1, "more": {"deep": [1, {"a": None}]}},
        }  # fmt: skip
        await hub.edits.make("notes", [{"remove": True, "path": ["settings", "size"]}], OURS, "")
        assert "size" not in (await shown(hub))["settings"]
        again = [{"remove": True, "path": ["settings", "size"]}]
        assert (await hub.edits.make("notes", again, OURS, ""))[1] is False

    play(story)


def test_a_whole_list_changes_as_little_as_possible(seed):
    """What both have at the ends stays; one that was emptied is still a list."""
    dice = Random(seed)
    values = [1, 1.5, True, "1", None, {"a": [1]}, {"a": [True]}, []]
    doc = Doc()

    def make(wanted):
        made = edit(doc.get_update(), 77, json.dumps([{"list": wanted, "path": ["list"]}]))
        doc.apply_update(made)
        return made

    for _ in range(100):
        wanted = [dice.choice(values) for _ in range(dice.randrange(6))]
        make(wanted)
        shown = doc.get("list", type=Array).to_py() or []
        assert repr(shown) == repr(json.loads(json.dumps(wanted), parse_int=float))
        assert make(wanted) == b"\x00\x00"
        clock = read_state_vector(doc.get_state(), 10).get(77, 0)
        make([*wanted[:3], "x", *wanted[3:]])
        assert read_state_vector(doc.get_state(), 10)[77] == clock + 1  # no more than that came


def test_types_in_each_other():
    """What an editor made of types is reached by a path."""
    doc = Doc()
    doc.get("board", type=Map)["cards"] = Array([Map({"title": "One"})])
    made = edit(doc.get_update(), 77, json.dumps(
        [{"set": "Two", "path": ["board", "cards", 0, "title"]}]))  # fmt: skip
    doc.apply_update(made)
    assert doc["board"].to_py() == {"cards": [{"title": "Two"}]}


WRONG = [
    {}, {"insert": "x"}, {"insert": 7, "at": 0}, {"insert": "x", "at": 11},
    {"delete": 1, "at": -1}, {"delete": 2, "at": 9}, {"insert": "x", "at": 0, "root": "settings"},
    {"set": 1, "path": []}, {"set": 1, "path": ["content", "a"]},
    {"set": 1, "path": ["settings", "none", "a"]}, {"set": 1, "path": ["list", 5]},
    {"remove": True, "path": ["list", 0]}, {"append": 1, "path": [7]},
    {"remove": False, "path": ["settings", "a"]}, {"frob": 1}, "insert", None,
    {"append": 1, "path": []}, {"list": [], "path": []}, {"list": {}, "path": ["list"]},
    {"list": [], "path": ["settings"]}, {"insert": "x", "at": 0, "root": ["a"]},
    {"insert": "x", "at": True, "root": None}, {"set": float("nan"), "path": ["settings", "a"]},
    {"set": 1 << 70, "path": ["settings", "a"]}, {"insert": "\ud800", "at": 0},
    {"set": json.loads("[" * 70 + "]" * 70), "path": ["settings", "a"]},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_what_cannot_be(wrong):
    """Then nothing is done, of the others neither, and the reason is told."""

    async def story(hub):
        await hub.edits.make("notes", [{"set": 1, "path": ["settings", "a"]}], OURS, "")
        await hub.edits.make("notes", [{"append": 1, "path": ["list"]}], OURS, "")
        await hub.edits.make("notes", [{"remove": True, "path": ["list", 0]}], OURS, "")
        before = await shown(hub)
        with pytest.raises(ProtocolError):
            await hub.edits.make("notes", [{"insert": "x", "at": 0}, wrong], OURS, "Bot")
        assert await shown(hub) == before

    play(story)


def test_one_of_several_seeds():
    """A document that is there already, or in which somebody has just typed, is left alone."""

    async def story(hub):
        seeds = [[{"text": f"Template {number}"}] for number in range(8)]
        assert (await hub.edits.make("notes", seeds[0], OURS, "", seed=True))[1] is False
        await hub.store.create("new", "", "", 1)
        made = [hub.edits.make("new", seed, OURS, "Bot", seed=True) for seed in seeds]
        done = await asyncio.gather(*made)
        assert [changed for _, changed in done].count(True) == 1
        assert {seq for seq, _ in done} == {1}
        assert (await read(hub, "new")).startswith("Template ")

    play(story)


def test_updates():
    """Whole ones are taken once; one that builds on what is not here is not, not even in part."""

    async def story(hub):
        for _ in range(2):
            seq, changed = await hub.edits.take("notes", typed(7, 0, "x"), OURS, "Bot")
        assert not changed and seq == 2
        with pytest.raises(Conflict):
            await hub.edits.take("notes", typed(7, 5, "y"), OURS, "Bot")
        with pytest.raises(ProtocolError):
            await hub.edits.take("notes", b"\x01\x02", OURS, "Bot")
        with pytest.raises(NotFound):
            await hub.edits.take("nobody", typed(7, 0, "x"), OURS, "Bot")
        assert (await hub.store.updates("notes"))[-1].seq == 2

    play(story)


def test_a_document_that_can_only_be_read():
    """By nobody, or by this one."""

    async def story(hub):
        reader = Grant(Level.READ, "rae")
        with pytest.raises(AccessDenied):
            await hub.edits.make("notes", [{"insert": "x", "at": 0}], reader, "")
        assert await read(hub, "notes") == "Grüße, 世界"

    play(story)


def test_many_edits_take_one_client():
    """Not one for each: a document's clients are for ever."""

    async def story(hub):
        for number in range(20):
            await hub.edits.make("notes", [{"insert": str(number), "at": 0}], OURS, "Bot")
        state = await hub.state("notes")
        assert len(state.vector) == 2

    play(story)


def test_who_goes_away_loses_nothing():
    """What was begun is ended before the next edit is made: it would build on the same, and be
    taken for what is known already."""

    async def story(hub):
        begun, may = asyncio.Event(), asyncio.Event()
        append = hub.store.append

        async def slow(entries):
            begun.set()
            await may.wait()
            return await append(entries)

        hub.store.append = slow
        first = asyncio.create_task(hub.edits.make("notes", [{"insert": "A", "at": 0}], OURS, ""))
        await begun.wait()
        first.cancel()
        second = asyncio.create_task(hub.edits.make("notes", [{"insert": "B", "at": 0}], OURS, ""))
        with pytest.raises(asyncio.CancelledError):
            await first
        may.set()
        await second
        assert sorted((await read(hub, "notes"))[:2]) == ["A", "B"]

    play(story)


def test_what_is_known_is_not_on_disk_yet():
    """An update that somebody else has brought a moment before is waited for, too."""

    async def story(hub):
        may = asyncio.Event()
        append = hub.store.append

        async def slow(entries):
            await may.wait()
            return await append(entries)

        hub.store.append = slow
        async with hub.open("notes"):  # so that the room stays
            both = [
                asyncio.create_task(enter(hub, "notes", typed(7, 0, "x"), OURS)),
                asyncio.create_task(hub.edits.take("notes", typed(7, 0, "x"), OURS, "Bot")),
            ]
            await until(lambda: hub.rooms["notes"].entered == 1)
            for _ in range(100):
                await asyncio.sleep(0)
            assert [task.done() for task in both] == [False, False]
            may.set()
            assert await asyncio.gather(*both) == [2, (2, False)]

    play(story)


def test_a_long_list_is_made_while_others_wait():
    """In much less time than a job may take; and what is the same in a list stays."""

    async def story(hub):
        long = list(range(100_000))
        assert (await hub.edits.make("notes", [{"list": long, "path": ["l"]}], OURS, ""))[1]
        moved = list(map(str, range(1_000)))
        await hub.edits.make("notes", [{"list": moved, "path": ["m"]}], OURS, "")
        for number in range(1_000, 1_003):
            moved = [*moved[1:500], *moved[501:], str(number)]
            await hub.edits.make("notes", [{"list": moved, "path": ["m"]}], OURS, "")
            row = (await hub.store.updates("notes"))[-1]
            assert len(row.data) < 100
        there = await shown(hub)
        assert (there["l"], there["m"]) == (long, moved)

    play(story)


@pytest.mark.expects_log("saving has stopped")
def test_the_room_is_given_up_meanwhile():
    """What is made of it would be made of nothing, and what it knows may not be on disk."""

    async def story(hub):
        async def late():
            hub.writer.give_up(await hub.rooms.enter("notes"))
            return [{"insert": "!", "at": 0}]

        with pytest.raises(Unavailable, match="had to be closed"):
            await hub.edits.make("notes", late, OURS, "Bot")

        async def full(entries):
            raise OSError(errno.ENOSPC, "the disk is full")

        session = await hub.join("notes", lambda: None)
        room, append, hub.store.append = session.room, hub.store.append, full
        update = typed(5, 0, "y" * 20_000)
        writing = asyncio.create_task(enter(hub, "notes", update, OURS))
        await until(lambda: room.writing)
        work = hub.engine.run

        async def given_up(job, *given):
            answer = await work(job, *given)
            hub.writer.give_up(room)
            return answer

        hub.engine.run = given_up
        with pytest.raises(Unavailable, match="had to be closed"):
            await hub.edits.take("notes", update, OURS, "Bot")
        hub.engine.run = work
        with pytest.raises(Unavailable, match="had to be closed"):
            await writing
        hub.leave(session, True)
        hub.store.append = append
        await until(lambda: "notes" not in hub.rooms)

    play(story)
