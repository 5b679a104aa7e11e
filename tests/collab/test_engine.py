"""Workers: they answer, they refuse, they die, and only their own job is lost."""

import asyncio
import json
import os
import signal

import pytest
from pycrdt import Doc, Map, Text, XmlElement, XmlFragment

from collab import engine as engine_module
from collab.engine import Died, Engine, pack, unpack
from collab.errors import ProtocolError, Unavailable
from collab.gate import LARGE, admit
from collab.jobs import _do
from collab.state import Head, State
from collab.update import read_update


def run(story):
    """Runs a story with an engine; it may take half a minute."""

    async def whole():
        engine = Engine()
        try:
            return await asyncio.wait_for(story(engine), 30)
        finally:
            await engine.close()

    return asyncio.run(whole())


def text_update(text):
    doc = Doc()
    doc.get("content", type=Text).insert(0, text)
    return doc.get_update()


def test_messages_survive_the_pipe():
    """Bytes travel beside the JSON, and come back where they were."""
    message = ["job", b"\x00\xff", [1, None, "é"], {"a": b""}]
    head, body, *blobs = pack(message)

    assert len(body) == engine_module.HEAD.unpack(head)[0]
    assert unpack(json.loads(body)["message"], iter(blobs)) == message


def test_what_is_larger_than_a_piece_arrives_whole():
    """Also what ends exactly where a piece does."""

    async def story(engine):
        piece = engine_module.PIECE
        base = len(text_update("x" * piece)) - piece
        for size in (piece - base - 1, piece - base, piece - base + 1, 5 * piece):
            update = text_update("x" * size)
            data, index = await engine.run("fold", update)
            assert State.load(data, index).encode() == update

    run(story)


def test_jobs_share_the_workers():
    """More jobs than workers wait their turn, and all are answered."""

    async def story(engine):
        updates = [text_update(f"text {i}") for i in range(10)]
        texts = await asyncio.gather(*(engine.run("text", update) for update in updates))
        assert texts == [f"text {i}" for i in range(10)]

    run(story)


@pytest.mark.expects_log("died or took too long")
def test_a_worker_that_dies_takes_only_its_job_along():
    """Whatever it dies of. The next job gets a new worker."""

    async def story(engine):
        await engine.run("check", b"\x00\x00")
        worker = engine._idle[-1]._process.pid
        os.kill(worker, signal.SIGSTOP)
        job = asyncio.create_task(engine.run("text", text_update("lost")))
        await asyncio.sleep(0)  # it has been given the job
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(Unavailable):
            await job
        assert await engine.run("text", text_update("still here")) == "still here"

    run(story)


@pytest.mark.expects_log("died or took too long")
def test_a_worker_that_hangs_is_ended(monkeypatch):
    """A job has so many seconds, whatever holds it up."""

    async def story(engine):
        await engine.run("check", b"\x00\x00")
        monkeypatch.setattr(engine_module, "SECONDS", 0.1)
        worker = engine._idle[-1]._process.pid
        os.kill(worker, signal.SIGSTOP)
        with pytest.raises(Unavailable):
            await engine.run("check", b"\x00\x00")
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)

    run(story)


@pytest.mark.expects_log("a worker died or took too long on check")
def test_who_is_slow_over_much_is_not_dead(monkeypatch):
    """Over a little no job takes so long: there it hung. A large document may be honest, and what
    is found dead over it would be taken for poison."""

    async def story(engine):
        for size, dead in ((10, True), (engine_module.LITTLE + 1, False)):
            monkeypatch.setattr(engine_module, "SECONDS", 30)
            await engine.run("check", b"\x00\x00")
            monkeypatch.setattr(engine_module, "SECONDS", 0.1)
            os.kill(engine._idle[-1]._process.pid, signal.SIGSTOP)
            with pytest.raises(Unavailable) as fault:
                await engine.run("check", text_update("x" * size))
            assert dead == isinstance(fault.value, Died)

    run(story)


def test_a_worker_that_has_just_died_is_let_go_of_in_silence():
    """To look whether it lives would reap it, and asyncio would warn of a child it does not know:
    it did so for one in fifteen."""

    async def story(engine):
        for _ in range(20):
            await engine.run("check", b"\x00\x00")
            os.kill(engine._idle[-1]._process.pid, signal.SIGKILL)
            await engine._idle.pop().end()

    run(story)


BOMB = b"\x01\x01\x01\x00\x08\x01\x01a\x01" + b"\x75\x01" * 200_000 + b"\x7e\x00"
"""Values nested so deep that pycrdt overflows its stack."""


def test_what_kills_pycrdt_does_not_come_near_it():
    """The workers, too, read a document themselves before pycrdt does."""

    async def story(engine):
        for job in ("check", "text", "json"):
            with pytest.raises(ProtocolError):
                await engine.run(job, BOMB)

    run(story)


def test_what_pycrdt_panics_on_is_an_answer():
    """A PanicException is no Exception; the worker says that its job failed, and lives."""
    panic = bytes.fromhex(
        "010289d78c960781a7bfe5ecd10d0002040089d78c9607030567687f6a2001bfe5ecd10d010001"
    )
    assert _do(Doc().apply_update, [panic]) == {"failed": "PanicException"}


def test_large_updates_are_judged_by_a_worker():
    """As small ones are: new, known, malformed."""

    async def story(engine):
        update = text_update("x" * (LARGE + 1))
        head = Head()
        news, missing = await admit(engine, head, update, partial=False)
        assert news.data == update and not missing
        head.enter(news)
        assert await admit(engine, head, update, partial=False) == (None, {})
        with pytest.raises(ProtocolError):
            await admit(engine, head, update + b"\x00", partial=False)

    run(story)


def test_a_large_update_is_judged_again_when_the_document_moved_on():
    """The same edit came by another way meanwhile: nothing is entered twice."""

    async def story(engine):
        update = text_update("x" * (LARGE + 1))
        head = Head()
        judging = asyncio.create_task(admit(engine, head, update, partial=False))
        await asyncio.sleep(0)  # it has told the worker what the document had
        head.enter(head.admit(read_update(update), partial=False).news)
        assert await judging == (None, {})

    run(story)


def test_a_large_deletion_is_judged_again_when_the_document_moved_on():
    """What others deleted while the worker read is not deleted twice."""
    doc = Doc()
    content = doc.get("content", type=Text)
    content.insert(0, "ab" * LARGE)
    whole, known = doc.get_update(), doc.get_state()
    with doc.transaction():
        for at in range(LARGE // 2):
            del content[at : at + 1]
    deletion = doc.get_update(known)
    assert len(deletion) > LARGE

    async def story(engine):
        head = Head()
        head.enter(head.admit(read_update(whole), partial=False).news)
        judging = asyncio.create_task(admit(engine, head, deletion, partial=False))
        await asyncio.sleep(0)
        head.enter(head.admit(read_update(deletion), partial=False).news)
        assert await judging == (None, {})

    run(story)


def test_documents_are_shown_as_text_and_json():
    """Every root as what it is, though no document says so."""
    doc = Doc()
    doc.get("content", type=Text).insert(0, "Grüße, 世界")
    page = doc.get("default", type=XmlFragment)
    page.children.append(XmlElement("heading", {"level": "1"}, ["Title"]))
    page.children.append(XmlElement("paragraph", {}, ["Text"]))
    doc.get("settings", type=Map)["size"] = 12

    async def story(engine):
        text = await engine.run("text", doc.get_update())
        assert text == 'Grüße, 世界\n\nTitle\nText\n\n{\n  "size": 12\n}'
        shown = await engine.run("json", doc.get_update())
        assert json.loads(shown)["content"] == "Grüße, 世界"
        assert json.loads(shown)["settings"] == {"size": 12}

    run(story)


def test_an_empty_document_is_shown():
    """No root, no text, no error."""

    async def story(engine):
        assert await engine.run("text", State().encode()) == ""
        assert await engine.run("json", State().encode()) == b"{}"

    run(story)


def test_a_root_whose_first_characters_are_gone_is_still_a_text():
    """What it is does not depend on what is left of it."""
    doc = Doc()
    content = doc.get("content", type=Text)
    content.insert(0, "😀 ab")
    del content[0:5]

    async def story(engine):
        assert await engine.run("json", doc.get_update()) == b'{"content":"ab"}'

    run(story)


def test_who_is_at_work_ends_the_work_before_the_engine_is_closed():
    """A worker that is left to an event loop which has ended stays for ever, with its pipes."""

    async def story(engine):
        jobs = [asyncio.create_task(engine.run("text", text_update("x"))) for _ in range(5)]
        await asyncio.sleep(0)
        await engine.close()
        done = await asyncio.gather(*jobs, return_exceptions=True)
        assert done[:2] == ["x", "x"]  # were at work, the others waited
        assert [type(one) for one in done[2:]] == [Unavailable] * 3
        with pytest.raises(Unavailable, match="going down"):
            await engine.run("check", b"\x00\x00")

    run(story)
