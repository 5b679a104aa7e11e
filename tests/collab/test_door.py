"""The door: the hook is asked by the right name at the right time, and what it says counts."""

import asyncio
import logging
import time
import unicodedata
from dataclasses import replace

import pytest

from collab import Hub
from collab.access import JOINT, Credentials, Grant, Level
from collab.errors import AccessDenied, BadName, TooMany, Unauthenticated, Unavailable
from collab.names import document_key
from collab.storage import Token, open_store
from collab.tokens import Tokens, new_key

LATER = int(time.time()) + 3600
ANN = Credentials("anns", "127.0.0.1")


def tell(story, hook):
    """Plays `story(hub)` with a hub on an empty store."""

    async def play():
        async with Hub(open_store(":memory:"), hook) as hub:
            return await story(hub)

    return asyncio.run(play())


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def test_the_hook_is_asked_by_the_name_that_the_document_has():
    """However a peer spells it: or else what a hook refuses could be had by another spelling."""
    secret = "caf\u00e9"
    asked = []

    async def hook(credentials, document):
        asked.append(document)
        return Grant(Level.READ) if document != secret else None

    async def story(hub):
        with pytest.raises(AccessDenied):
            await hub.door.admit(ANN, unicodedata.normalize("NFD", secret), Level.READ)
        with pytest.raises(BadName):
            await hub.door.admit(ANN, "acme\x1fnotes", Level.READ)
        assert [secret] == asked
        assert ["caf\u00e9"] == [line.document for line in hub.audit.take(time.time(), True)]

    tell(story, hook)


@pytest.mark.expects_log("the authorize hook failed")
def test_a_hook_spells_a_tenant_as_its_documents_are_kept(caplog):
    """Or else nobody gets in, and the log says why."""
    tenants = [unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD")]

    async def hook(credentials, document):
        return Grant(Level.READ, user="ann", tenant=tenants.pop(0))

    async def story(hub):
        key, _ = await hub.door.admit(ANN, "notes", Level.READ)
        assert document_key("caf\u00e9", "notes") == key
        with pytest.raises(Unavailable):
            await hub.door.admit(ANN, "notes", Level.READ)

    tell(story, hook)
    assert "a tenant is written in Unicode's form NFC" in caplog.text


def test_a_token_of_one_tenant_opens_nothing_in_the_list_of_another():
    """Who shows two tokens sees by each what is in its own tenant."""
    tokens = Tokens([new_key()])
    both = [
        tokens.issue("ann", {name: Level.READ}, LATER, tenant=tenant)[0]
        for tenant, name in (("acme", "open"), ("bolt", "secret"))
    ]

    async def story(hub):
        shown = Credentials(JOINT.join(both))
        for tenant, name, level in (
            ("acme", "open", Level.READ), ("bolt", "secret", Level.READ),
            ("acme", "secret", Level.NONE), ("bolt", "open", Level.NONE),
        ):  # fmt: skip
            assert level == await hub.door.level(shown, document_key(tenant, name)), (tenant, name)

    tell(story, tokens)


def test_what_is_revoked_while_the_document_is_opened_lets_nobody_in():
    """Between the door and the room there is time."""

    async def hook(credentials, document):
        return Grant(Level.WRITE, user="ann", token="t1")

    async def story(hub):
        key, grant = await hub.door.admit(ANN, "notes", Level.READ)
        joining = asyncio.create_task(hub.join(key, lambda: None, grant, ANN))
        await asyncio.sleep(0)
        await hub.door.limit(Token("t1", "", 0, "", "", 0, LATER * 1000), hub.rooms.values())
        with pytest.raises(Unauthenticated):
            await joining

    tell(story, hook)


def test_what_is_revoked_is_so_at_once_whatever_the_disk_does(monkeypatch):
    """A full one must not keep somebody in."""

    async def hook(credentials, document):
        return Grant(Level.WRITE, user="ann", token="t1")

    async def full(token):
        raise OSError("the disk is full")

    async def story(hub):
        key, grant = await hub.door.admit(ANN, "notes", Level.READ)
        session = await hub.join(key, lambda: None, grant, ANN)
        monkeypatch.setattr(hub.store, "save_token", full)
        with pytest.raises(OSError, match="full"):
            await hub.door.limit(Token("t1", "", 0, "", "", 0, LATER * 1000), hub.rooms.values())
        assert isinstance(session.ended, Unauthenticated)
        hub.leave(session, clean=True)

    tell(story, hook)


def test_what_was_revoked_is_forgotten_when_it_would_have_ended_anyway():
    """But not at once: clocks differ, and a token counts a little longer than it says."""

    async def story(hub):
        now = int(time.time() * 1000)
        for identity, expires in (("old", now - 120_000), ("late", now - 2_000), ("new", now + 1)):
            await hub.door.limit(Token(identity, "", 0, "", "", 0, expires), hub.rooms.values())
        assert {"late", "new"} == set(hub.door._caps)

    tell(story, None)


@pytest.mark.parametrize("person", ["ann", "a guest"])
def test_of_several_tokens_the_best_that_is_not_revoked_counts(person):
    """Who is in goes on by another one of its own; by another person's it comes in anew."""
    tokens = Tokens([new_key()])
    best, identity = tokens.issue("ann", {"notes": Level.WRITE}, LATER)
    other, _ = tokens.issue(person, {"notes": Level.READ}, LATER)
    shown = Credentials(JOINT.join([best, other]))

    async def story(hub):
        key, grant = await hub.door.admit(shown, "notes", Level.WRITE)
        session = await hub.join(key, lambda: None, grant, shown)
        _, single = await hub.door.admit(Credentials(best), "notes", Level.WRITE)
        alone = await hub.join(key, lambda: None, single, Credentials(best))
        await hub.door.limit(Token(identity, "", 0, "", "", 0, LATER * 1000), hub.rooms.values())
        assert isinstance(alone.ended, Unauthenticated)
        if person == "ann":
            assert (None, Level.READ) == (session.ended, session.grant.level)
        else:
            assert isinstance(session.ended, Unauthenticated)
        _, grant = await hub.door.admit(shown, "notes", Level.READ)
        assert (person, Level.READ) == (grant.user, grant.level)

    tell(story, tokens)


def test_who_was_on_its_way_when_all_were_looked_at_is_looked_at_too():
    """Say when a key was taken away."""
    allowed = True

    async def hook(credentials, document):
        return Grant(Level.WRITE, user="ann") if allowed else None

    async def story(hub):
        nonlocal allowed
        key, grant = await hub.door.admit(ANN, "notes", Level.READ)
        joining = asyncio.create_task(hub.join(key, lambda: None, grant, ANN))
        await asyncio.sleep(0)
        allowed = False
        hub.door.review(hub.rooms.values())
        session = await joining
        await until(lambda: session.ended)
        assert isinstance(session.ended, AccessDenied)
        hub.leave(session, clean=True)

    tell(story, hook)


def test_tokens_that_have_expired_are_no_guesses(monkeypatch):
    """Those of a whole office end together: the newer ones must get in. Others are counted."""
    tokens = Tokens([new_key()])
    old = [tokens.issue("ann", {"*": Level.READ}, int(time.time()) - 60)[0] for _ in range(30)]
    new, _ = tokens.issue("ann", {"*": Level.READ}, LATER)

    async def story(hub):
        for token in old:
            with pytest.raises(Unauthenticated, match="expired"):
                await hub.door.admit(Credentials(token, "127.0.0.1"), "notes", Level.READ)
        await hub.door.admit(Credentials(new, "127.0.0.1"), "notes", Level.READ)
        for guess in range(hub.limits.failed_logins):
            with pytest.raises(Unauthenticated):
                await hub.door.admit(Credentials(f"guess {guess}"), "notes", Level.READ)
        with pytest.raises(TooMany):
            await hub.door.admit(Credentials("another guess"), "notes", Level.READ)

    tell(story, tokens)


def test_a_hook_that_lets_nobody_in_is_not_asked_for_ever():
    """None may mean that a token is wrong, or that its user may not see this: whoever was let in
    anywhere looks where they like, and so does whom the hook says it knows. The rest may guess."""

    async def hook(credentials, document):
        if credentials.token.startswith("known"):
            return Grant(Level.NONE, user=credentials.token)
        letting = credentials.token == "anns" and document == "notes"
        return Grant(Level.READ, user="ann") if letting else None

    async def story(hub):
        async def tries(token, document="forbidden"):
            with pytest.raises((AccessDenied, TooMany)) as refused:
                await hub.door.admit(Credentials(token, "127.0.0.1"), document, Level.READ)
            return refused.type

        await hub.door.admit(ANN, "notes", Level.READ)
        most = hub.limits.failed_logins
        for token in ("anns", "known", "guess"):
            for number in range(2 * most):
                shown = f"{token}{number}" if token == "known" else token
                assert AccessDenied == await tries(shown, f"forbidden{number}")
        answers = [await tries(f"guess{number}") for number in range(most)]
        assert [*(most - 1) * [AccessDenied], TooMany] == answers
        assert AccessDenied == await tries("anns")
        await hub.door.admit(ANN, "notes", Level.READ)

    tell(story, hook)


def test_guesses_that_come_side_by_side_are_counted_before_the_hook_has_answered():
    """However long it takes; and those that do count make room for others."""
    asked, answers = [], asyncio.Event()

    async def hook(credentials, document):
        asked.append(credentials.token)
        await answers.wait()
        if credentials.token.startswith("guess"):
            raise Unauthenticated("Your token does not count here.")
        return Grant(Level.READ, user="ann")

    async def story(hub):
        def tries(word, many):
            shown = [Credentials(f"{word}{number}", "127.0.0.1") for number in range(many)]
            asking = [hub.door.admit(one, "notes", Level.READ) for one in shown]
            return asyncio.gather(*asking, return_exceptions=True)

        most = hub.limits.failed_logins
        everybody = asyncio.gather(tries("right", most - 2), tries("guess", 3 * most))
        await until(lambda: len(asked) >= most)
        answers.set()
        right, wrong = await everybody
        assert most == len(asked)
        assert all(isinstance(one, tuple) for one in right)
        assert [Unauthenticated, Unauthenticated] == [type(one) for one in wrong[:2]]
        assert {TooMany} == {type(one) for one in wrong[2:]}

        more = [type(one) for one in await tries("guess again", 3 * most)]
        assert (most - 2, 2 * most + 2) == (more.count(Unauthenticated), more.count(TooMany))

    tell(story, hook)


def test_a_crowd_is_not_counted_as_one_person():
    """The limit for one user is not for many that nobody tells apart."""
    tokens = Tokens([new_key()])

    async def story(hub):
        for crowd in (True, False):
            shown = Credentials(tokens.issue("app", {"*": Level.READ}, LATER, crowd=crowd)[0])
            key, grant = await hub.door.admit(shown, f"notes {crowd}", Level.READ)
            for _ in range(hub.limits.user_connections):
                await hub.join(key, lambda: None, grant, shown)
        with pytest.raises(TooMany):
            await hub.join(key, lambda: None, grant, shown)
        await hub.join("notes True", lambda: None, replace(grant, crowd=True), shown)

    tell(story, tokens)


@pytest.mark.expects_log("the authorize hook failed")
def test_a_hook_that_fails_lets_nobody_in_and_tells_no_token(caplog):
    """Not even where its error repeats what it was given, nor where it is no coroutine."""
    token = "s3cret-token"

    async def hook(credentials, document):
        raise KeyError(credentials.token)

    def plain(credentials, document):
        raise KeyError(credentials.token)

    async def story(hub):
        with pytest.raises(Unavailable):
            await hub.door.admit(Credentials(token), "notes", Level.READ)
        assert Level.NONE == await hub.door.level(Credentials(token), "notes")

    with caplog.at_level(logging.INFO):
        tell(story, hook)
        tell(story, plain)
    assert "KeyError" in caplog.text and token not in caplog.text
