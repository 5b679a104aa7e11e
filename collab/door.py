"""The door: who gets in, whether they still may be there, and what is left of their tokens.

Rights are decided from the name alone, before anything is looked up: whoever may not read a
document gets the same answer whether there is one or not. Those who are in are looked at again
when their grant expires, when their token is revoked, and when they show a newer one.
"""

import asyncio
import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from typing import Any

from collab.access import Authorize, Credentials, Grant, Level, everybody
from collab.audit import Action, Audit
from collab.errors import AccessDenied, CollabError, TooMany, Unauthenticated, Unavailable
from collab.guesses import Guesses
from collab.limits import DEFAULT, Limits
from collab.names import document_key, document_name, in_tenant, name_of
from collab.rates import Rate
from collab.room import Room
from collab.session import Session
from collab.storage import Store, Token

NOTHING = Grant(Level.NONE, sees=False)
PATIENCE = 10.0  # seconds that a hook may take
OUTLIVES = 60.0  # seconds that a revocation counts for longer than its token, for clocks differ

logger = logging.getLogger(__name__)


class Door:
    """Asks the hook `authorize`. `spawn` starts work that nobody waits for."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        authorize: Authorize | None,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        limits: Limits = DEFAULT,
    ) -> None:
        self._store = store
        self.authorize: Authorize = authorize or everybody
        self._spawn = spawn
        self._audit = audit
        self._caps: dict[str, Token] = {}  # by id, in its tenant: no more is left of it
        self._asking: set[Session] = set()
        self.reviews = 0
        self._limits = limits
        self._people: Counter[tuple[str, str]] = Counter()  # sessions by tenant and user
        self._counted: dict[Session, tuple[str, str]] = {}  # as whom each one of a user came in
        self._guesses = Guesses(Rate(limits.failed_logins / 60, limits.failed_logins))

    async def open(self) -> None:
        """Reads from the store which tokens were revoked."""
        self._caps = {token.id: token for token in await self._store.tokens(_forgotten())}

    async def admit(self, credentials: Credentials, name: str, needed: Level) -> tuple[str, Grant]:
        """The key of document `name`, that of the tenant for what belongs to none, and what the
        peer may do with it, if that is at least what is needed. Unauthenticated, AccessDenied,
        BadName, TooMany, or what the hook raised."""
        name = document_name(name) if name else ""  # the hook is asked by the name that counts
        key, user = name, ""
        try:
            with self._guesses.watch(credentials.token, credentials.address, time.monotonic()):
                grant = await self._ask(credentials, name)
            key, user = _key(grant, name), grant.user
            if grant.level < needed:
                raise _denied(credentials, user)
            return key, grant
        except (Unauthenticated, AccessDenied):
            if credentials.token or needed:
                self._note("refuse", user, credentials.address, key)
            raise

    async def level(self, credentials: Credentials, key: str) -> Level:
        """What the peer may do with a document of its tenant; NONE where it gets no answer."""
        return (await self.grant(credentials, key)).level

    async def grant(self, credentials: Credentials, key: str) -> Grant:
        """The grant for a document of the peer's tenant; of nothing where it gets no answer."""
        try:
            grant = await self._ask(credentials, name_of(key))
        except CollabError:
            return NOTHING
        # Who shows several tokens may have the best one for this name in another tenant.
        return grant if _key(grant, name_of(key)) == key else NOTHING

    async def limit(self, token: Token, rooms: Iterable[Room]) -> None:
        """From now on a token, whose id is that `in_tenant`, and those that it gave out allow no
        more than its level, 0: nothing. When this returns that is on disk, and those who are in by
        it have been told; OSError when it is not on disk: it counts until this process ends."""
        old = _forgotten()
        self._caps = {known: cap for known, cap in self._caps.items() if cap.expires > old}
        before = self._caps.get(token.id, token)
        level, expires = min(before.level, token.level), max(before.expires, token.expires)
        self._caps[token.id] = token._replace(level=level, expires=expires)
        for session in _sessions(rooms):
            if token.id in _token_ids(session.grant):
                self._apply(session, session.grant)
        await self._store.save_token(token)

    async def renew(
        self, shown: Credentials, token: str, grant: Grant, rooms: Iterable[Room]
    ) -> int:
        """A user shows a newer token beside what it had, and gets a grant: its sessions that came
        in by what it had go on with that, where it lets them. All others stay as they are: what was
        given to a program is worth no more. How many go on."""
        renewed, old = 0, {*shown.tokens} - {""}
        for session in _sessions(rooms):
            known, before = session.grant, session.credentials
            same = grant.user and (known.user, known.tenant) == (grant.user, grant.tenant)
            if not same or before is None or old.isdisjoint(before.tokens):
                continue
            newer = before._replace(token=token)
            granted = await self.grant(newer, session.room.name)
            if granted.level >= Level.READ:
                session.credentials = newer
                self._apply(session, granted)
                renewed += session.ended is None
        return renewed

    async def show(self, session: Session, credentials: Credentials) -> None:
        """A peer shows another token for a document that it has open: from now on that counts. A
        session that it does not let in is dismissed."""
        session.credentials = credentials
        await self._look_again(session)

    def review(self, rooms: Iterable[Room]) -> None:
        """Asks the hook about everybody who is in, soon: it may think otherwise by now."""
        self.reviews += 1
        for session in _sessions(rooms):
            if session.credentials is not None:
                self._spawn(self._look_again(session))

    def refused(self, session: Session, detail: str) -> None:
        """Somebody who is in tried what nobody may."""
        self.did(session, "refuse", detail)

    def did(self, session: Session, action: Action, detail: str) -> None:
        """Somebody who is in did something that the audit log tells of."""
        address = session.credentials.address if session.credentials else ""
        self._note(action, session.grant.user, address, session.room.name, detail)

    def enter(self, session: Session, reviews: int) -> None:
        """A session comes into its room; `reviews` is how many there were when it was let in, for
        it may have been among those who were looked at, or on its way. TooMany when too many are
        there, or are of its user; this very program always gets in."""
        room, grant = session.room, session.grant
        if session.credentials is not None:
            self._count(session)
            self._note("connect", grant.user, session.credentials.address, room.name)
            if reviews != self.reviews:
                self._spawn(self._look_again(session))
        room.sessions.add(session)

    def _count(self, session: Session) -> None:
        grant = session.grant
        person = grant.tenant, grant.user
        if len(session.room.sessions) >= self._limits.document_connections:
            reason = "Too many have this document open. Try again later."
            raise TooMany(reason, "document_connections")
        if grant.crowd or not grant.user:
            return
        if self._people[person] >= self._limits.user_connections:
            reason = "You have too many documents open. Close some, or try again later."
            raise TooMany(reason, "user_connections")
        self._people[person] += 1
        self._counted[session] = person

    def leave(self, session: Session) -> None:
        """A session has left its room."""
        session.room.sessions.discard(session)
        person = self._counted.pop(session, None)
        if person is not None:
            self._people[person] -= 1
            if not self._people[person]:
                del self._people[person]

    def _note(self, action: Action, user: str, address: str, key: str, detail: str = "") -> None:
        self._audit.note(
            action, user=user, address=address, document=key, detail=detail, now=time.time()
        )

    def tick(self, room: Room, now: float) -> None:
        """Looks at those in a room whose grants have expired; `now` in seconds."""
        for session in list(room.sessions):
            if session.grant.expires <= now and session not in self._asking:
                self._asking.add(session)
                self._spawn(self._look_again(session))

    async def _look_again(self, session: Session) -> None:
        """Asks the hook once more whether the peer may be there."""
        try:
            if session.credentials is None:
                raise Unauthenticated("Your access has expired.")
            name = name_of(session.room.name)
            grant = await self._ask(session.credentials, name)
            if grant.level < Level.READ or grant.tenant != session.grant.tenant:
                raise _denied(session.credentials)
            self._apply(session, grant)
        except CollabError as error:
            session.dismiss(error)
        finally:
            self._asking.discard(session)

    def _apply(self, session: Session, grant: Grant) -> None:
        try:
            person = grant.tenant, grant.user
            others = [one for one in grant.instead if (one.tenant, one.user) == person]
            session.regrant(self._left([grant, *others]))
        except CollabError as error:
            session.dismiss(error)

    async def _ask(self, credentials: Credentials, name: str) -> Grant:
        try:
            async with asyncio.timeout(PATIENCE):
                grant = await self.authorize(credentials, name)
        except CollabError:
            raise
        except Exception:  # the hook is not ours: nobody gets in by its faults
            told = _without(credentials.token, traceback.format_exc())
            logger.error("the authorize hook failed\n%s", told)
            raise Unavailable("Your access could not be checked. Try again.") from None
        if grant is None:
            raise _denied(credentials)
        return self._left([grant, *grant.instead])

    def capped(self, grant: Grant) -> Grant:
        """What is left of a grant. Unauthenticated if nothing is."""
        return self._left([grant])

    def _left(self, grants: list[Grant]) -> Grant:
        """The best of a peer's grants, by what is left of each: of equal ones the first."""
        caps = [(self._cap(grant), grant) for grant in grants]
        left = [(min(cap, grant.level), grant) for cap, grant in caps if cap]
        if not left:
            raise Unauthenticated("Your access was revoked.")
        level, best = max(left, key=lambda one: one[0])
        return replace(best, level=level) if level < best.level else best

    def _cap(self, grant: Grant) -> Level:
        caps = [self._caps[known].level for known in _token_ids(grant) if known in self._caps]
        return Level(min(caps, default=Level.NOBODY))


def _forgotten() -> int:
    """When a revocation has ended that does not count any more, in milliseconds since the epoch."""
    return int((time.time() - OUTLIVES) * 1000)


def _sessions(rooms: Iterable[Room]) -> list[Session]:
    return [session for room in rooms for session in room.sessions]


def _key(grant: Grant, name: str) -> str:
    return document_key(grant.tenant, name) if name else in_tenant(grant.tenant, "")


def _without(token: str, text: str) -> str:
    """A text that others read: an exception may repeat what its function was given."""
    return text.replace(token, "...") if token else text


def _token_ids(grant: Grant) -> list[str]:
    """By which it can be revoked: its own, and that of the token that gave it out."""
    return [in_tenant(grant.tenant, one) for one in (grant.token, grant.parent) if one]


def _denied(credentials: Credentials, user: str = "") -> CollabError:
    """Whom the hook knows by something else than a token does not have to say who it is."""
    if credentials.token or user:
        return AccessDenied("You may not do this here. Ask whoever keeps the documents.")
    return Unauthenticated("Say who you are: a token is needed here.")
