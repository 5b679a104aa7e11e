"""What editors ask about versions beside their document, as TiptapCollabProvider does, answered.

Each question is what the HTTP API does, too: naming a moment, showing it, and going back to it as
one edit that merges with what others type. It takes the same rights, and is in the audit log. Only
who asked hears the answer; what changed the others see in the document, and in its list of
versions (`collab.lists`).
"""

from itertools import count
from typing import TYPE_CHECKING

from collab import tiptap
from collab.access import OURS, needed
from collab.edits import NOTHING, enter
from collab.errors import AccessDenied, CollabError, TooBig, Unavailable
from collab.names import MAX_VERSION, version_name
from collab.session import Session
from collab.storage import Version
from collab.tiptap import CreateVersion, PreviewVersion, Revert

if TYPE_CHECKING:
    from collab.hub import Hub

MOST_PREVIEW = 8 << 20  # bytes of a document that is sent as one message
MOST_ASIDE = 64 << 20  # bytes of such messages that are on their way to peers who take their time


class Aside:
    """Bytes of answers that are on their way to one peer, which may not take them: in `hub.aside`
    with those of all others."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._size = 0

    def sent(self, size: int) -> None:
        """One more."""
        self._size += size
        self._hub.aside += size

    def taken(self) -> None:
        """It could take all of them, or has gone."""
        self._hub.aside -= self._size
        self._size = 0


async def answer(hub: "Hub", session: Session, text: str) -> list[str]:
    """What the peer is told that said this in a document, in order. What cannot be done is told,
    too, and nothing else than that: the peer stays."""
    asked = _Asked(hub, session)
    action = ""
    try:
        message = tiptap.read(text)
        action = tiptap.ACTIONS[type(message)]
        if session.grant.level < needed(message):
            hub.door.refused(session, action)
            raise AccessDenied("You may not do this here. Ask whoever keeps the documents.")
        match message:
            case CreateVersion(name):
                await asked.create(name)
            case PreviewVersion(version):
                await asked.preview(version)
            case Revert():
                await asked.revert(message)
    except OSError:
        error = Unavailable("The store does not answer now. Try again.")
        asked.events.append(tiptap.failed(action, error))
    except CollabError as error:
        asked.events.append(tiptap.failed(action, error))
    return asked.events


class _Asked:
    """One question, and the `events` that answer it."""

    def __init__(self, hub: "Hub", session: Session) -> None:
        self.events: list[str] = []
        self._hub = hub
        self._session = session
        self._history = hub.history(session.room.name)

    async def create(self, name: str) -> None:
        """A name for the document as it is. What has one already needs no other, unless it is
        asked for."""
        name = name and version_name(name)
        seq = await self._head()
        version = await self._named()
        if version is None or name not in ("", version.name):
            await self._name(name, seq, current=seq)
        else:
            await self._hub.lists.begin(self._session.room.name, self._session.author)
            self.events.append(tiptap.created(version.seq))

    async def preview(self, version: int) -> None:
        update = await self._history.update(version)
        if len(update) > MOST_PREVIEW:
            raise TooBig("The document is too large for one message: ask for it over HTTP.")
        shown = tiptap.preview(version, update)
        if self._hub.aside + len(shown) > MOST_ASIDE:
            raise Unavailable("Too many are being shown versions now. Try again.")
        self._hub.door.did(self._session, "export", f"edit {version}")
        self.events.append(shown)

    async def revert(self, asked: Revert) -> None:
        """Back, as one edit. What was there before has a name then, by which it is found again,
        and what is there now as well, as the provider's own server does it."""
        for name in filter(None, (asked.before, asked.after)):
            version_name(name)  # before anything is done: what is refused was not
        before = await self._head()
        named = asked.before is None or await self._named() is not None
        after, changed = await self._history.restore(
            await self._history.find(asked.version), self._session.author
        )
        self._hub.door.did(self._session, "restore", f"to edit {asked.version}")
        if changed and not named:
            await self._name(asked.before or "", before)
        if changed and asked.after is not None:
            await self._name(asked.after, after, current=asked.version)
        elif changed:
            room, author = self._session.room, self._session.author
            await self._hub.lists.follow(room.name, author, asked.version)
        self.events.append(tiptap.reverted(asked.version))

    async def _head(self) -> int:
        """The last moment; what the peer typed before it asked is in it, and so on disk."""
        room = self._session.room
        if not room.frozen:
            await enter(self._hub, room.name, NOTHING, OURS)
        return await self._history.head()

    async def _named(self) -> Version | None:
        """The last version, if the document is still so."""
        versions = await self._history.versions()
        last = max(versions, key=lambda version: version.seq, default=None)
        return last if last is not None and await self._history.is_now(last.seq) else None

    async def _name(self, name: str, seq: int, current: int | None = None) -> None:
        """Names a moment, with a number behind it where that name is taken."""
        name = version_name(name or f"Version {seq}")
        taken = {version.name for version in await self._history.versions()}
        numbered = (name[: MAX_VERSION - 8].strip() + f" ({number})" for number in count(2))
        while name in taken:
            name = next(numbered)
        author = self._session.author
        version = await self._history.name_version(name, seq, author, current)
        self.events.append(tiptap.created(version.seq))
