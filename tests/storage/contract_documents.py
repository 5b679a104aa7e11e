"""The part of every store's contract that is about the list of documents.

Knows the contract only (`collab.storage`), never how a store keeps what it keeps.
"""

import asyncio

import pytest

from collab.storage import Document, Entry, Loaded, Store, Update, open_store
from tests.storage.contract import NAMES, entries, story


class DocumentsContract:
    """Names, titles, deletion, paging and search."""

    @story
    async def test_appending_makes_the_document(self, store: Store) -> None:
        """A document not seen before has neither title nor kind; each append moves its head."""
        await store.append(entries("notes:5", "notes:7"))
        assert await store.find("notes") == Document("notes", "", "", 5, 7, 2, None)

        await store.append(entries("notes:9"))
        assert await store.find("notes") == Document("notes", "", "", 5, 9, 3, None)

    @pytest.mark.parametrize("name", NAMES)
    def test_names_are_only_names(self, url: str, name: str) -> None:
        """No character of a name means anything, and names are compared exactly."""

        async def tell() -> None:
            async with open_store(url) as store:
                await store.append(entries(*(f"{other}:1" for other in NAMES if other != name)))
                assert await store.find(name) is None

                await store.create(name, name, name, 7)
                assert await store.append([Entry(name, 8, name, b"x")]) == [1]

                assert await store.find(name) == Document(name, name, name, 7, 8, 1, None)
                assert await store.updates(name) == [Update(name, 1, 8, name, b"x")]
                assert name in [document.name for document in await store.documents(name)]
                assert len(await store.documents()) == len(NAMES)

        asyncio.run(tell())

    @pytest.mark.parametrize("text", ["", "nul\0", "\ud800"], ids=["empty", "NUL", "surrogate"])
    def test_names_that_no_store_keeps(self, url: str, text: str) -> None:
        """A name is not empty and has no NUL and no lone surrogate: nothing of it is kept."""

        async def tell() -> None:
            async with open_store(url) as store:
                with pytest.raises(ValueError):
                    await store.append([*entries("a:1"), Entry(text, 1, "al", b"x")])
                with pytest.raises(ValueError):
                    await store.create(text, "", "", 1)
                if text:
                    with pytest.raises(ValueError):
                        await store.append([*entries("a:1"), Entry("b", 1, text, b"x")])
                    with pytest.raises(ValueError):
                        await store.create("b", text, "", 1)
                    await store.create("c", "", "", 1)
                    with pytest.raises(ValueError):
                        await store.describe("c", title=text)
                    await store.delete("c", 2)

                assert await store.documents() == []
                assert await store.append(entries("a:1")) == [1]

        asyncio.run(tell())

    @story
    async def test_create(self, store: Store) -> None:
        """A document may be made before anybody edits it, once, and by its first edit too."""
        made = Document("plan", "The Plan", "rich", 3, None, 0, None)
        assert await store.create("plan", "The Plan", "rich", 3) == made
        assert await store.find("plan") == made
        assert await store.load("plan") == Loaded(None, [], None)

        await store.append(entries("notes:4"))
        await store.delete("plan", 9)
        for taken in ("plan", "notes"):
            with pytest.raises(FileExistsError):
                await store.create(taken, "other", "text", 5)
        assert await store.find("plan") == made._replace(deleted=9)
        assert await store.append(entries("plan:6")) == [1]

    @story
    async def test_describe(self, store: Store) -> None:
        """What is given is changed, the empty text too; the rest stays."""
        await store.append(entries("notes:1"))

        assert (await store.describe("notes", title="Notes", kind="text")).title == "Notes"
        assert (await store.describe("notes", title="")).kind == "text"
        assert await store.describe("notes", kind="rich") == await store.find("notes")
        assert await store.find("notes") == Document("notes", "", "rich", 1, 1, 1, None)
        with pytest.raises(LookupError):
            await store.describe("nobody", title="x")

    @story
    async def test_delete_and_undelete(self, store: Store) -> None:
        """Deleting hides a document and keeps its rows; both may be said twice."""
        await store.append(entries("a:1", "b:1"))

        assert (await store.delete("a", 5)).deleted == 5
        assert (await store.delete("a", 6)).deleted == 5
        assert [document.name for document in await store.documents()] == ["b"]
        assert [document.name for document in await store.documents(deleted=True)] == ["a"]
        assert len((await store.load("a")).updates) == 1
        assert await store.append(entries("a:7")) == [2]
        assert (await store.undelete("a")).deleted is None
        assert (await store.undelete("a")).head == 2
        assert [document.name for document in await store.documents()] == ["a", "b"]
        with pytest.raises(LookupError):
            await store.delete("nobody", 1)
        with pytest.raises(LookupError):
            await store.undelete("nobody")

    @story
    async def test_documents_newest_first_in_pages(self, store: Store) -> None:
        """Sorted by the last edit, or by when it was made; names decide between equals."""
        for n in range(25):
            await store.create(f"d{n:02}", "", "", n // 5)  # five at a time are equally old
        await store.append(entries("d03:100", "d20:50"))

        everything = [document.name for document in await store.documents()]
        assert everything[:4] == ["d03", "d20", "d21", "d22"]
        assert everything[-4:] == ["d00", "d01", "d02", "d04"]

        pages: list[str] = []
        while page := await store.documents(after=pages[-1] if pages else None, limit=4):
            pages += [document.name for document in page]
        assert pages == everything
        assert await store.documents(limit=0) == []
        with pytest.raises(LookupError):
            await store.documents(after="nobody")

    @story
    async def test_search(self, store: Store) -> None:
        """In titles and names, whatever the case in whatever script; no character is special."""
        await store.create("Straße", "", "", 9)
        await store.create("two", "ÉTÉ 100% o_o", "", 8)
        await store.create("three", "ΣΟΦΟΣ * [a]", "", 7)
        await store.create("four", "été 1000 oXo \\", "", 6)

        async def found(search: str) -> list[str]:
            return [document.name for document in await store.documents(search)]

        assert await found("STRASSE") == ["Straße"]
        assert await found("e\u0301te\u0301") == ["two", "four"]  # accents spelt apart
        assert await found("σοφος") == ["three"]
        assert await found("100%") == ["two"]
        assert await found("o_o") == ["two"]
        assert await found("\\") == ["four"]
        assert await found("[A]") == ["three"]
        assert await found("*") == ["three"]
        assert await found("%") == ["two"]
        assert await found("thr") == ["three"]
        assert await found("") == ["Straße", "two", "three", "four"]
        assert await found("twoÉ") == await found("nobody") == []
        assert [document.name for document in await store.documents("t", "two", 1)] == ["three"]
