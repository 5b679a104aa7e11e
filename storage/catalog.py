"""The list of documents that a store keeps: part of the `Store` contract."""

from __future__ import annotations

from abc import ABC, abstractmethod

from collab.storage.records import Document

TENANT = "\x1f"
"""Stands in a document's name behind the name of its tenant, if it has one."""


class Catalog(ABC):
    """The part of `Store` that lists documents; see there for what all methods have in common."""

    @abstractmethod
    async def find(self, name: str) -> Document | None:
        """Return the document, deleted or not, or None when nobody made it."""

    @abstractmethod
    async def create(self, name: str, title: str, kind: str, time: int) -> Document:
        """Make a document without rows; FileExistsError when the name is taken, even deleted."""

    @abstractmethod
    async def describe(
        self, name: str, *, title: str | None = None, kind: str | None = None
    ) -> Document:
        """Change what is given; LookupError for an unknown name, and an erased one."""

    @abstractmethod
    async def delete(self, name: str, time: int) -> Document:
        """Mark as deleted (the first time counts); rows stay. LookupError for an unknown name."""

    @abstractmethod
    async def undelete(self, name: str) -> Document:
        """Take the mark of `delete` away; LookupError for an unknown name, and an erased one."""

    @abstractmethod
    async def documents(
        self,
        search: str = "",
        after: str | None = None,
        limit: int = 100,
        deleted: bool = False,
        tenant: str | None = None,
    ) -> list[Document]:
        """Return a page of the documents, or of those that are deleted but not erased; newest
        edited or made first.

        `search` is looked for in titles and names, whatever the case; every character means
        itself. `after` is the name of the last document of the page before (LookupError when
        unknown); one that was edited since has moved to the front, and its page with it. `tenant`:
        only those whose names begin with it and TENANT, or, '', have no TENANT; None: all.
        """
