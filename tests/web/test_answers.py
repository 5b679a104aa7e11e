"""Large answers: so many at once, and none for ever."""

import asyncio

import pytest

from collab.access import OURS
from collab.edits import enter
from tests.live import typed, until
from tests.web.test_connections import House

EDIT = typed(5, 0, "x" * (15 << 20))  # more than kernels keep of a connection
SIZE = len(EDIT)
ASK = b"GET /y-sweet/d/notes/as-update HTTP/1.1\r\nHost: here\r\n\r\n"


async def answer(reader):
    """The head and the size of what somebody takes."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    size = int(head.lower().partition("content-length: ")[2].split()[0])
    return head, len(await reader.readexactly(size))


async def library(house):
    """A large document, and somebody who has asked for it and does not read."""
    await enter(house.hub, "notes", EDIT, OURS)
    reader = await house.knock(ASK)
    await until("the answer", lambda: house.hub.answering == SIZE)
    return reader


@pytest.mark.expects_log("limit answer_bytes was hit by 127.0.0.1")
@pytest.mark.expects_log("503 127.0.0.1 GET /")
@pytest.mark.gen_test
async def test_so_many_bytes_of_answers_are_on_their_way():
    """One more is told to come again, and small ones are for everybody; what is taken makes room,
    and so does who goes."""
    async with House(answer_bytes=SIZE + 100_000) as house:
        slow = await library(house)
        head, _ = await answer(await house.knock(ASK))
        assert head.startswith("HTTP/1.1 503 ") and "\r\nRetry-After: 5\r\n" in head
        assert (await house.ask()).startswith("HTTP/1.1 200 ")
        assert {"answer_bytes": 1} == house.hub.limits_hit

        assert SIZE == (await answer(slow))[1]
        await until("the room", lambda: house.hub.answering == 0)
        await house.knock(ASK)
        await until("the answer", lambda: house.hub.answering == SIZE)
        house.writers[-1].transport.abort()
        await until("the room", lambda: house.hub.answering == 0)
        assert SIZE == (await answer(await house.knock(ASK)))[1]


@pytest.mark.gen_test
async def test_one_that_is_larger_than_all_may_be_comes_alone():
    """Else nobody could ever read it."""
    async with House(answer_bytes=1) as house:
        assert SIZE == (await answer(await library(house)))[1]


@pytest.mark.expects_log("limit answer_bytes was hit by 127.0.0.1")
@pytest.mark.expects_log("503 127.0.0.1 GET /")
@pytest.mark.gen_test
async def test_the_files_of_the_page_count_too():
    """They are large for who takes them uncompressed."""
    async with House(answer_bytes=1) as house:
        await library(house)
        file = b"GET /static/vendor/editor.js HTTP/1.1\r\nHost: here\r\n\r\n"
        head, _ = await answer(await house.knock(file))
        assert head.startswith("HTTP/1.1 503 ") and "\r\nRetry-After: 5\r\n" in head


@pytest.mark.gen_test
async def test_who_takes_a_little_now_and_then_has_to_go(monkeypatch):
    """The kernel ends who takes nothing at all; this one would keep the answer here for days."""
    monkeypatch.setattr("collab.web.answers.SLOWEST", SIZE)
    async with House(idle_seconds=1) as house:
        reader = await library(house)
        taken, began = 0, asyncio.get_running_loop().time()
        while some := await reader.read(1 << 10):
            taken += len(some)
            await asyncio.sleep(0.001 if house.hub.answering else 0)
        assert 0 < taken < SIZE and house.hub.answering == 0
        assert asyncio.get_running_loop().time() - began > 1.5
