"""What a store keeps of people: the part of the contract that is about tokens and client ids."""

from collab.storage import Entry, Store, Token
from tests.storage.contract import entries, story

LINK = Token("link-1", "notes", 3, "for the team", "Ann", 1000, 9000)


class PeopleContract:
    """See `tests.storage.contract`."""

    @story
    async def test_tokens_come_back_until_they_expire(self, store: Store) -> None:
        """Those of one document, or all, oldest first."""
        other = LINK._replace(id="link-2", document="plan", created=2000, expires=3000)
        await store.save_token(other)
        await store.save_token(LINK)

        assert [LINK, other] == await store.tokens(2500)
        assert [LINK] == await store.tokens(2500, "notes")
        assert [LINK] == await store.tokens(3001)
        assert [] == await store.tokens(9001)

    @story
    async def test_what_was_taken_back_stays_so(self, store: Store) -> None:
        """A token never allows more than it once did."""
        await store.save_token(LINK)
        await store.save_token(LINK._replace(level=0))
        await store.save_token(LINK._replace(level=4))

        assert [LINK._replace(level=0)] == await store.tokens(2000)

    @story
    async def test_the_first_user_of_a_client_id_stays(self, store: Store) -> None:
        """Claims come with rows, of one document each, and go when it is erased."""
        await store.append([Entry("notes", 1, "Ann", b"1", ((7, "ann"), (1 << 52, "ann")))])
        await store.append([Entry("notes", 2, "Bob", b"2", ((7, "bob"), (8, "bob")))])

        assert {7: "ann", 1 << 52: "ann", 8: "bob"} == (await store.load("notes")).claims
        assert {} == (await store.load("plan")).claims
        await store.erase("notes")
        assert {} == (await store.load("notes")).claims

    @story
    async def test_tenants_see_their_own_documents(self, store: Store) -> None:
        """Neither a list nor a search shows those of others, nor finds the tenant's own name."""
        await store.append(entries("notes:1", "acme\x1fnotes:2", "ac\x1facme:3"))

        async def listed(tenant: str | None, search: str = "") -> list[str]:
            page = await store.documents(search, tenant=tenant)
            return [document.name for document in page]

        assert ["notes"] == await listed("")
        assert ["acme\x1fnotes"] == await listed("acme")
        assert [] == await listed("acme", "acme")
        assert ["ac\x1facme"] == await listed("ac", "ACME")
        assert [] == await listed("a")
        assert 3 == len(await listed(None))
