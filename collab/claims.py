"""Whose each client id of a document is. Knows users and numbers, no sessions.

Yjs trusts that no two writers use one client id: the edits of the second one make those of the
first vanish for good. So an id belongs to the first user who wrote under it, or appeared under it
as its own, and nobody else's edits are taken under it. Who has edits of others, say from another
tab, hands them on in a SyncStep2: that claims nothing.
"""

from collections.abc import Iterable

from collab.errors import AccessDenied

Claim = tuple[int, str]
"""A client id and the user whose it is."""


class Claims:
    """Client id -> user, as far as anybody claimed them. `kept` are those that are written down."""

    def __init__(self, kept: Iterable[Claim] = ()) -> None:
        self._users = dict(kept)
        self._kept = set(self._users)

    def __len__(self) -> int:
        return len(self._users)

    def foreign(self, client: int, user: str) -> bool:
        """Whether a client id is somebody else's."""
        return self._users.get(client, user) != user

    def owns(self, client: int, user: str) -> bool:
        """Whether a client id is this user's."""
        return self._users.get(client) == user

    def claim(self, client: int, user: str) -> bool:
        """Makes it the user's, if it is nobody's; whether it is not somebody else's now."""
        if user:
            self._users.setdefault(client, user)
        return not self.foreign(client, user)

    def forget(self, client: int) -> None:
        """Nobody is there under this id any more: it is nobody's, unless that is written down."""
        if client not in self._kept:
            self._users.pop(client, None)

    def write(self, clients: Iterable[int], user: str, claiming: bool) -> tuple[Claim, ...]:
        """A user brings structs of these clients, and is claiming those that are nobody's; returns
        the claims that have to be written down with them. AccessDenied when one is somebody
        else's: nothing has been claimed then."""
        clients = set(clients)
        for client in clients:
            if self.foreign(client, user):
                raise AccessDenied(
                    "This edit was made under the client id of somebody else. Reload the page."
                )
        if not user:
            return ()
        if claiming:
            for client in clients:
                self._users.setdefault(client, user)
        fresh = [c for c in clients if c not in self._kept and c in self._users]
        self._kept.update(fresh)
        return tuple((client, user) for client in fresh)
