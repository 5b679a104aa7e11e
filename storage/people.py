"""What a store keeps of people rather than of documents: the tokens that let them in.

Part of the `Store` contract; knows nothing of what a token is but its id.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple


class Token(NamedTuple):
    """A token that was given out, or taken back; times in milliseconds since the epoch.

    `document` is the one that it is for, '' when it is for several; `level` what it allows at the
    most, 0 once it is revoked; `label` what people call it. After `expires` it is of no use and
    may be forgotten.
    """

    id: str
    document: str
    level: int
    label: str
    author: str
    created: int
    expires: int


class People(ABC):
    """The part of `Store` that is about people; see there for what all methods have in common."""

    @abstractmethod
    async def save_token(self, token: Token) -> None:
        """Keep a token; one of the same id is replaced, but never by one that allows more."""

    @abstractmethod
    async def tokens(self, now: int, document: str | None = None) -> list[Token]:
        """Return the tokens that have not expired, of one document or all, oldest first."""
