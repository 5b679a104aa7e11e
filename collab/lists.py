"""The list of versions that TiptapCollabProvider shows: an array in the document itself.

It says once more which moments have a name. Whoever gives, changes or takes one, by whatever way,
calls `follow`, and so the list is in step; what others write into it is overwritten then. Documents
that nobody opens by such a provider have none.

Where somebody has switched the provider's autoVersioning on, it has versions without a name, too:
the moments at which people paused. They cost nothing but their line, for every edit is kept anyway.
"""

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from collab.access import OURS
from collab.errors import CollabError
from collab.storage import Moment
from collab.tiptap import CONFIG, LIST, MOST, ROOTS

if TYPE_CHECKING:
    from collab.hub import Hub

logger = logging.getLogger(__name__)


class Lists:
    """The lists of all documents of a hub. Where one cannot be written it is left as it is, without
    a word to anybody: the versions are what they are."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub

    async def follow(self, key: str, author: str = "", current: int | None = None) -> None:
        """Brings the list of a document in step, where there is one, as an edit by `author`.
        `current` is the version that the document shows now, for whom a list is begun."""
        try:
            if current is not None or (await self._hub.state(key)).mentions(ROOTS):
                await self._write(key, author, current)
        except (CollabError, OSError) as error:
            logger.info("document %r: its list of versions is not in step: %s", key, error)

    async def begin(self, key: str, author: str = "") -> None:
        """Somebody came who shows the list, and may write: there is one from now on, if there is
        anything in it. By nobody, unless an `author` asked for it: who comes has edited nothing."""
        try:
            room = self._hub.rooms.get(key)
            if room is None or room.listed:  # to look takes its time in a large one
                return
            versions = await self._hub.store.versions(key)
            room.listed = bool(versions)
            if versions and not (await self._hub.state(key)).mentions(LIST):
                await self._write(key, author)
        except (CollabError, OSError) as error:
            logger.info("document %r: its list of versions cannot be begun: %s", key, error)

    async def pause(self, key: str) -> None:
        """Nobody edits a document now that mentions AUTO: that is a version, if it is switched on
        there, and unless the document is as the last one has it."""
        try:
            auto, kept = await self._kept(key)
            if not auto:
                return
            history = self._hub.history(key)
            row = await history.row(await history.head())
            known = [one.seq for one in await history.versions()]
            known += [one["version"] for one in kept]
            if row is not None and not await history.is_now(max(known, default=0)):
                await self._write(key, row.author, pause=row)
        except (CollabError, OSError) as error:
            logger.info("document %r: its list of versions is not in step: %s", key, error)

    async def _write(
        self, key: str, author: str, current: int | None = None, pause: Moment | None = None
    ) -> None:
        await self._hub.edits.make(key, partial(self._wanted, key, current, pause), OURS, author)

    async def _wanted(self, key: str, current: int | None, pause: Moment | None) -> list[object]:
        """The edits that make the list what it should be."""
        named = await self._hub.store.versions(key)
        shown: list[dict[str, Any]]
        shown = [{"name": one.name, "version": one.seq, "date": one.time} for one in named]
        known = {one.seq for one in named}
        shown += [one for one in (await self._kept(key))[1] if one["version"] not in known]
        if pause is not None:
            shown.append({"version": pause.seq, "date": pause.time})
        shown.sort(key=lambda one: one["version"])
        edits: list[object] = [{"list": shown[-MOST:], "path": [LIST]}]
        if current is not None:
            edits.append({"set": current, "path": [CONFIG, "currentVersion"]})
        return edits

    async def _kept(self, key: str) -> tuple[bool, list[dict[str, Any]]]:
        """Whether AUTO is switched on, and the versions in the list that have no name there."""
        state = await self._hub.state(key)
        if not state.mentions(ROOTS):
            return False, []
        auto, unnamed = await self._hub.engine.run("listed", state.encode())
        return bool(auto), [{"version": seq, "date": date} for seq, date in unnamed]
