"""Builds that are broken on purpose, each by one sentence of the source, and the tests that tell.

A promise that no test would miss is none. So each of these takes one away.
"""

from pathlib import Path
from typing import NamedTuple


class Broken(NamedTuple):
    """In `file` of the sources `text` stands once, and `instead` breaks a promise; `tests` tell."""

    file: str
    text: str
    instead: str
    tests: str

    def apply(self, root: Path) -> str:
        """Breaks the copy of the sources at `root`; what was in the file before. ValueError when
        the source does not have the sentence any more: then this has to follow it."""
        path = root / self.file
        source = path.read_text()
        if source.count(self.text) != 1:
            raise ValueError(f"{self.file} does not have, or not once: {self.text}")
        path.write_text(source.replace(self.text, self.instead))
        return source


BUILDS = {
    "acknowledge before commit": Broken(
        "collab/session.py",
        "self._promises[0] <= self.room.durable",
        "self._promises[0] <= self.room.entered",
        "tests/collab/test_session.py",
    ),
    "tell others before commit": Broken(
        "collab/room.py",
        "        self.entered += 1\n",
        "        self.entered += 1\n        self.state.enter(news)\n",
        "tests/collab/test_session.py",
    ),
    "no structural check": Broken(
        "collab/content.py",
        "    if depth > nesting.get():\n        _refuse_depth()\n    count",
        "    count",
        "tests/collab/test_update.py",
    ),
    "no origin check": Broken(
        "collab/web/origin.py",
        "    return not (site is None and same_host) and not allowed(origin, origins)\n",
        "    return False\n",
        "tests/web/test_defences.py::test_pages_of_other_sites_neither_change_nor_read",
    ),
    "no ownership of ids": Broken(
        "collab/claims.py",
        "return self._users.get(client, user) != user",
        "return False",
        "tests/collab/test_claims.py",
    ),
    "a reader goes back": Broken(
        "collab/access.py",
        "    tiptap.Revert: Level.WRITE,\n",
        "    tiptap.Revert: Level.READ,\n",
        "tests/collab/test_versions.py::test_who_may",
    ),
    "a version without what was just typed": Broken(
        "collab/versions.py",
        "            await enter(self._hub, room.name, NOTHING, OURS)\n",
        "            pass\n",
        "tests/collab/test_versions.py::test_create_preview_revert",
    ),
    "default allow of routes": Broken(
        "collab/web/rights.py",
        "Level.NOBODY)",
        "OPEN)",
        "tests/web/test_rights.py::test_what_has_no_row_is_for_nobody",
    ),
    "default allow of messages": Broken(
        "collab/access.py",
        "NEEDED.get(type(message), Level.NOBODY)",
        "NEEDED.get(type(message), Level.NONE)",
        "tests/web/test_messages.py::test_what_has_no_row_is_for_nobody",
    ),
    "what is beside a document is for everybody": Broken(
        "collab/shared.py",
        "            case _ if level < needed(message):\n",
        "            case _ if False:\n",
        "tests/web/test_messages.py::test_what_has_no_row_is_for_nobody",
    ),
    "a connection by HTTP is anybody's": Broken(
        "collab/web/fallback.py",
        "        if not ours:\n",
        "        if False:\n",
        "tests/web/test_fallback.py::test_a_connection_is_for_who_opened_it",
    ),
    "revoked tokens still count": Broken(
        "collab/door.py",
        "[self._caps[known].level for known in _token_ids(grant) if known in self._caps]",
        "list[Level]()",
        "tests/collab/test_door.py",
    ),
    "who is in by a revoked token stays": Broken(
        "collab/door.py",
        "            if token.id in _token_ids(session.grant):\n",
        "            if False:\n",
        "tests/web/test_ends.py",
    ),
    "a newer token replaces every other": Broken(
        "collab/door.py",
        "old.isdisjoint(before.tokens)",
        "False",
        "tests/web/test_people.py",
    ),
    "presence not stamped": Broken(
        "collab/awareness.py",
        "if session.grant.user and state != NULL:",
        "if False:",
        "tests/collab/test_access.py",
    ),
    "tenant ignored": Broken(
        "collab/names.py",
        'return f"{document_name(tenant)}{TENANT}{name}" if tenant else name',
        "return name",
        "tests/web/test_people.py::test_tenants_share_nothing",
    ),
    "expiry of tokens ignored": Broken(
        "collab/tokens.py",
        'if claims["exp"] <= time.time() - LEEWAY:',
        "if False:",
        "tests/collab/test_tokens.py",
    ),
    "who is in when it expires stays": Broken(
        "collab/door.py",
        "session.grant.expires <= now",
        "False",
        "tests/web/test_ends.py",
    ),
    "y-sweet's client tokens open everything": Broken(
        "collab/web/ysweet.py",
        "{literal(name): level}",
        '{"*": level}',
        "tests/web/test_ysweet.py",
    ),
    "y-sweet's client tokens outlive the one that gave them out": Broken(
        "collab/door.py",
        "for one in (grant.token, grant.parent) if one",
        "for one in (grant.token,) if one",
        "tests/web/test_ysweet.py",
    ),
    "y-sweet's readers write": Broken(
        "collab/web/ysweet.py",
        '"read-only": Level.READ',
        '"read-only": Level.WRITE',
        "tests/web/test_ysweet.py",
    ),
    "a crowd is whoever asked for its tokens": Broken(
        "collab/web/ysweet.py",
        'f"crowd-{app}"',
        "self.grant.user",
        "tests/web/test_ysweet.py",
    ),
    "signatures ignored": Broken(
        "collab/tokens.py",
        '"require": ["exp", "aud", "sub"]',
        '"require": ["exp", "aud", "sub"], "verify_signature": False',
        "tests/collab/test_tokens.py",
    ),
    "the audience ignored": Broken(
        "collab/tokens.py",
        '"require": ["exp", "aud", "sub"]',
        '"require": ["exp", "sub"], "verify_aud": False',
        "tests/collab/test_tokens.py",
    ),
    "readers write": Broken(
        "collab/session.py",
        "        if self.grant.level < Level.WRITE:\n",
        "        if False:\n",
        "tests/collab/test_access.py",
    ),
    "looked up before it is decided": Broken(
        "collab/web/api.py",
        "        level = needed(self.path, method)\n",
        "        level = needed(self.path, method)\n        await self.hub.store.find('notes')\n",
        "tests/web/test_rights.py::test_every_route[reader]",
    ),
    "queries in the log": Broken(
        "collab/web/logs.py",
        "request.method, request.path)",
        "request.method, request.uri)",
        "tests/web/test_canary.py::test_nothing_is_told[json]",
    ),
    "no rate limit": Broken(
        "collab/connection.py",
        "rest = bucket.take(count, now)",
        "rest = 0.0",
        "tests/web/test_limits.py::test_who_types_faster_than_anybody_is_slowed_down",
    ),
    "tokens can be tried for ever": Broken(
        "collab/guesses.py",
        'raise TooMany(reason, "failed_logins")',
        "pass",
        "tests/web/test_limits.py::test_tokens_cannot_be_tried_for_long",
    ),
}

REQUIRED = (
    "acknowledge before commit",
    "no structural check",
    "no origin check",
    "no ownership of ids",
    "no rate limit",
)
"""These are tried with every run of the tests, however long the list gets."""
