"""The matrix of messages: everybody, at every document, says everything, in every dialect.

A cell is wrong when who may say that is refused, when who may not is not, or not with the right
code, when one who is not let in is told anything or has the store asked, and when a document
changes, or does not, against what is right.
"""

import contextlib
import time
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from tornado.websocket import WebSocketClosedError

from collab.access import Level
from collab.hocuspocus import Leave
from collab.wire import SyncStep2, SyncUpdate
from tests.dialects import (
    EDITORS,
    OUTSIDE,
    Editor,
    Link,
    Provider,
    Way,
    address,
    connect,
    part,
)
from tests.httppeer import HttpPeer, Refused, batch
from tests.live import STEP1, Peer
from tests.matrix import CANARIES, World
from tests.rights import CANARY, OURS, READ, WRITE, Person, all_of, token_of

STATUSES = {4401: 401, 4403: 403, 4404: 404}
NOBODYS = "nobodys"  # connection


class Seat(NamedTuple):
    """Somebody asks for a document, by a token."""

    person: Person
    place: str
    asked: str
    token: str

    @property
    def may(self) -> int:
        return self.person.may(self.place)

    @property
    def code(self) -> int:
        """Why who asks is not let in; 0: is."""
        if self.may >= READ:
            return 4404 if self.place == "deleted" else 0
        return 4403 if self.person.known else 4401


async def walk(
    world: World,
    way: Way,
    people: Iterable[Person],
    places: Sequence[str],
    kinds: Collection[type] = (),
) -> None:
    """A cell for each person, place, and message. First come those who are not let in: nothing of
    a hub is busy then, that could ask the store behind their backs."""
    kinds = kinds or way.talk.said
    seats = [[await _seat(world, person, place) for place in places] for person in people]
    for shut in (True, False):
        for of_one in seats:
            those = [seat for seat in of_one if bool(seat.code) is shut]
            link = await connect(world.port, way, "", "") if way.in_band and those else None
            for seat in those:
                await _sit(world, way, seat, kinds, link)
            if link is not None:
                await part(link)


async def _seat(world: World, person: Person, place: str) -> Seat:
    own, asked = await world.names(place)
    return Seat(person, place, asked, token_of(person, own, world.tokens, world.key))


async def _sit(
    world: World, way: Way, seat: Seat, kinds: Collection[type], link: Link | None
) -> None:
    """`link` is one that the same person has for all documents."""
    if not way.several and seat.code:
        await _shut_out(world, way, seat, kinds)
        return
    own = link or await connect(world.port, way, seat.token, seat.asked)
    talk = way.talk(own, seat.asked, seat.token if way.in_band else "")
    visit = _Visit(world, way, seat)
    if isinstance(talk, Provider) and seat.code:
        await visit.outside(talk, kinds)
    else:
        await visit.inside(talk, kinds)
    if link is None:
        await part(own)


class _Visit:
    """One seat, message by message."""

    def __init__(self, world: World, way: Way, seat: Seat) -> None:
        self.world, self.way, self.seat = world, way, seat

    async def inside(self, talk: Editor | Provider, kinds: Collection[type]) -> None:
        """Who is let in."""
        seat = self.seat
        if not await talk.enter():
            self.note("enters", ["was denied to read"], talk.heard)
            return
        said = talk.said
        written = seat.place in ("own", "other")  # what has no edit has no version
        for kind in kinds:
            before = await all_of(self.world.store, seat.asked)
            right = seat.may >= said[kind].takes
            faults = []
            if await talk.say(kind) is not right:
                faults.append("was denied" if right else "was not denied")
            changed = before != await all_of(self.world.store, seat.asked)
            written = written or (right and kind in EDITORS and said[kind].changes)
            if changed is not (right and written and said[kind].changes):
                faults.append("changed something" if changed else "changed nothing")
            self.note(kind.__name__, faults, talk.heard)
        # What is there is told, and what another tenant has is not.
        wrong = (CANARY in repr(talk.heard)) is not (seat.place in ("own", "other"))
        if isinstance(talk, Provider):
            wrong = wrong or talk.writes is not (seat.may >= WRITE)
        self.note("hears", ["was told wrongly"] if wrong else [], talk.heard)

    async def outside(self, talk: Provider, kinds: Collection[type]) -> None:
        """Who has a link, and is in no document."""
        watched = self.world.watched.asked
        before = await all_of(self.world.store, self.seat.asked)
        watched.clear()
        faults = ["was let in"] if await talk.enter() else []
        for kind in sorted(kinds, key=lambda kind: kind is Leave):
            told = await talk.aside(kind)
            right = [OUTSIDE[kind]] if kind in OUTSIDE else []
            if [frame[: len(start)] for frame, start in zip(told, right, strict=False)] != right:
                faults.append("was not refused")
            faults += ["was told more"] if len(told) != len(right) else []
            faults += await self.unseen(before, repr(talk.heard))
            self.note(kind.__name__, faults, talk.heard)
            faults = []

    async def unseen(self, before: list[object], text: str) -> list[str]:
        """What is wrong when somebody was refused who was told that."""
        seat, watched = self.seat, self.world.watched.asked
        lookups = [] if seat.place == "deleted" else list(watched)
        faults = [f"asked the store to {name}" for name in lookups]
        faults += (
            ["changed something"] if before != await all_of(self.world.store, seat.asked) else []
        )
        return faults + [f"tells of {word}" for word in CANARIES if word in text]

    def note(self, what: str, faults: list[str], heard: object) -> None:
        seat = self.seat
        cell = f"{self.way.name}: {seat.person.name} x {seat.place} x {what}"
        self.world.note(cell, faults, repr(heard))


async def _shut_out(world: World, way: Way, seat: Seat, kinds: Collection[type]) -> None:
    """Who gets no link. What is said on it before one is sent away counts as little as what is said
    on the link of somebody else."""
    visit = _Visit(world, way, seat)
    before = await all_of(world.store, seat.asked)
    victim = await _victim(world, way, seat) if way.by_http else None
    world.watched.asked.clear()
    faults, text = await _turned_away(world, way, seat, kinds)
    for kind in kinds:
        if victim is not None:
            more, told = await _as_another(way, seat, victim, kind)
            faults, text = faults + more, text + told
        faults += await visit.unseen(before, text)
        visit.note(kind.__name__, faults, text)
        faults = []
    if victim is not None and victim.identity != NOBODYS:
        await victim.send(STEP1)
        await victim.hear(SyncStep2)
        await victim.close()


async def _turned_away(
    world: World, way: Way, seat: Seat, kinds: Collection[type]
) -> tuple[list[str], str]:
    """What is wrong with how somebody is refused, and what was told."""
    told: list[bytes] = []
    try:
        link = await connect(world.port, way, seat.token, seat.asked)
    except Refused as refused:
        right = (STATUSES[seat.code], seat.code)
        wrong = (refused.status, refused.code) != right
        return [f"{refused} is not {right}"] if wrong else [], str(refused)
    assert isinstance(link, Peer)
    for kind in kinds:
        with contextlib.suppress(WebSocketClosedError):
            await link.send(way.talk.said[kind].frame)
    while (frame := await link.frame()) is not None:
        told.append(frame)
    faults = ["was told something before"] if told else []
    faults += [f"{link.code} is not {seat.code}"] if link.code != seat.code else []
    text = f"{told} {link.code} {link.socket.close_reason}"
    await part(link)
    return faults, text


async def _victim(world: World, way: Way, seat: Seat) -> HttpPeer:
    """Somebody else, who is in the document, unless that was deleted."""
    later = int(time.time()) + 600
    token, _ = world.tokens.issue("u9", {seat.asked: Level.WRITE}, later, tenant=OURS)
    try:
        link = await connect(world.port, way, token, seat.asked)
    except Refused:
        link = HttpPeer(address(world.port, way, seat.asked))
        link.identity = NOBODYS
    else:
        await way.talk(link).enter()
    assert isinstance(link, HttpPeer)
    return link


async def _as_another(way: Way, seat: Seat, victim: HttpPeer, kind: type) -> tuple[list[str], str]:
    """What is wrong with how somebody is refused who says that on the connection of another one,
    or listens there, or ends it; and what was told."""
    thief = HttpPeer(victim.url, seat.token, victim.client)
    thief.identity = victim.identity
    steals = [thief.post(victim.number + 1, batch(way.talk.said[kind].frame))]
    if kind is SyncUpdate:
        steals += [thief.ask("GET", {"Quire-After": "0"}), thief.ask("DELETE", {})]
    right = 404 if victim.identity == NOBODYS else STATUSES[seat.code]
    faults, told = [], []
    for steal in steals:
        try:
            faults.append(f"got {(await steal).body!r}")
        except Refused as refused:
            told.append(str(refused))
            faults += [f"{refused} is not {right}"] if refused.status != right else []
    return faults, " ".join(told)
