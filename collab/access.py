"""Who may do what: levels, grants, and the level that each message takes. Knows no transport.

    async def authorize(credentials: Credentials, document: str) -> Grant | None: ...

    Hub(store, authorize=authorize)

The hook is asked before anything of a document is looked up, and again when a grant expires: a
grant that ends in five seconds is one that is asked for every five seconds. `document` is the name
that was asked for, and '' for what belongs to no document: the list takes READ there, the audit
log and the metrics ADMIN. None lets nobody in; a CollabError of the hook's own goes to the peer.
A token that is let in nowhere may be a guess, and only so many are looked at (`failed_logins`): of
whom it knows, but lets not in here, a hook says so by `Grant(Level.NONE, user=...)`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from math import inf
from typing import NamedTuple
from unicodedata import is_normalized

from collab import hocuspocus, tiptap
from collab.wire import (
    AwarenessUpdate,
    Message,
    QueryAwareness,
    Receipt,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)

JOINT = "~"  # is in no token
MOST = 8  # tokens that one peer shows


class Level(IntEnum):
    """What somebody may do with a document; each level may do what those below it may."""

    NONE = 0
    READ = 1  # see it, its past, and who is there
    COMMENT = 2  # name moments of its past: that changes nothing in it
    WRITE = 3  # edit, rename, restore
    ADMIN = 4  # delete, erase, share, read the audit log
    NOBODY = 5  # what no row of a table allows


class Credentials(NamedTuple):
    """What a peer shows. `token` is '' when it shows none, `address` where it connects from,
    `request` the transport's own (Tornado's HTTPServerRequest; None inside this program)."""

    token: str = ""
    address: str = ""
    request: object = None

    @property
    def tokens(self) -> list[str]:
        """Each one, of a peer that shows several: they stand one behind the other, "~" between."""
        return self.token.split(JOINT)[:MOST]


@dataclass(frozen=True, slots=True)
class Grant:
    """Who somebody is, and what they may do with the document that was asked for.

    `user`     who it is, for good; '' for nobody in particular. Client ids and presence belong to
               users: who is nobody is called as it says, so a hook that lets strangers in beside
               users gives each of them one of its own
    `name`     what others are shown, and who is written down as the author; '' lets a user say it
    `color`    theirs in the page, as CSS writes it; '' lets them choose
    `tenant`   whose documents these are: no name leads from one tenant to another. In Unicode's
               form NFC: spelled otherwise it would have the same documents in another list
    `expires`  seconds since the epoch when the hook is asked again
    `token`    the id by which it can be revoked
    `parent`   that of the token that gave this one out, and takes it along when it is revoked
    `instead`  what the peer's other tokens allow, if it shows several and this one is revoked
    `seen`     whether others hear that they are here
    `sees`     whether they hear who else is
    `crowd`    whether many are this user, of whom it is not known who is who: they share its client
               ids, each is shown for itself, and nobody counts how many they are
    """

    level: Level
    user: str = ""
    name: str = ""
    color: str = ""
    tenant: str = ""
    expires: float = inf
    token: str = ""
    parent: str = ""
    instead: tuple["Grant", ...] = ()
    seen: bool = True
    sees: bool = True
    crowd: bool = False

    def __post_init__(self) -> None:
        """ValueError for a tenant that is spelled otherwise."""
        if not is_normalized("NFC", self.tenant):
            raise ValueError("a tenant is written in Unicode's form NFC")

    @property
    def label(self) -> str:
        """Who this is, for people who read a log or a history."""
        return self.name or self.user


Authorize = Callable[[Credentials, str], Awaitable[Grant | None]]

OURS = Grant(Level.ADMIN)
"""What this very program may do, and everybody where nobody asks."""


async def everybody(credentials: Credentials, document: str) -> Grant:
    """The hook of a hub that is open to all who can reach it."""
    return OURS


# A SyncStep2 is the answer to our question: it takes more only if there is anything new in it.
NEEDED: dict[type[Message | hocuspocus.Message | tiptap.Message], Level] = {
    SyncStep1: Level.READ,
    SyncStep2: Level.READ,
    SyncUpdate: Level.WRITE,
    AwarenessUpdate: Level.READ,
    QueryAwareness: Level.READ,
    Receipt: Level.READ,
    hocuspocus.Token: Level.NONE,  # says who may do more
    hocuspocus.Stateless: Level.READ,  # what it asks may take more:
    tiptap.CreateVersion: Level.COMMENT,
    tiptap.PreviewVersion: Level.READ,
    tiptap.Revert: Level.WRITE,
    hocuspocus.Leave: Level.NONE,
    hocuspocus.Pong: Level.NONE,
}


def needed(message: Message | hocuspocus.Message | tiptap.Message) -> Level:
    """The level that a message of a peer takes."""
    return NEEDED.get(type(message), Level.NOBODY)
