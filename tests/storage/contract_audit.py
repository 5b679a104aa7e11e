"""The part of every store's contract that is about who did what, and about rows that kill.

Knows the contract only (`collab.storage`), never how a store keeps what it keeps.
"""

import pytest

from collab.storage import AuditLine, Damaged, Loaded, Past, Snapshot, Store, Update
from collab.storage.audit import MAX_TEXT
from tests.storage.contract import entries, numbered, story

ANN = AuditLine(1000, "notes", "ann", "10.0.0.1", "connect", "")
BOB = AuditLine(2000, "acme\x1fnotes", "bob", "10.0.0.2", "restore", "to edit 7", 3)
NOBODY = AuditLine(1500, "", "", "::1", "refuse", "the token has expired")
TENANT = AuditLine(3000, "acme\x1f", "eve", "", "grant", "")


class AuditContract:
    """The audit log."""

    @story
    async def test_who_did_what(self, store: Store) -> None:
        """The newest first, numbered in the order in which they came, whatever their times."""
        await store.record([ANN, BOB])
        await store.record([])
        await store.record([NOBODY._replace(id=99)])

        lines = await store.audit()

        assert [line._replace(id=0) for line in lines] == [NOBODY, BOB, ANN]
        assert lines[0].id > lines[1].id > lines[2].id > 0
        assert await store.find("notes") is None

    @story
    async def test_asked_for_some(self, store: Store) -> None:
        """All that is given has to fit, exactly."""
        await store.record([ANN, BOB, NOBODY, TENANT])

        async def found(**wanted: str | int) -> list[AuditLine]:
            return [line._replace(id=0) for line in await store.audit(**wanted)]  # type: ignore

        assert await found(document="notes") == [ANN]
        assert await found(document="") == [NOBODY]
        assert await found(document="acme\x1fnotes") == [BOB]
        assert await found(user="bob") == await found(action="restore") == [BOB]
        assert await found(user="ann", action="restore") == []
        assert await found(user="an_") == await found(document="note%") == []
        assert await found(since=2000) == [TENANT, BOB]
        assert await found(tenant="acme") == [TENANT, BOB]
        assert await found(tenant="acme", document="notes") == await found(tenant="acm") == []
        assert await found(tenant="") == [NOBODY, ANN]

    @story
    async def test_page_by_page(self, store: Store) -> None:
        """Each goes on where the one before ended, whatever is added meanwhile."""
        await store.record([ANN._replace(time=n) for n in range(250)])
        seen: list[int] = []
        before = None
        while page := await store.audit(before=before, limit=100):
            assert len(page) <= 100
            seen += [line.time for line in page]
            before = page[-1].id
            await store.record([BOB])
        assert seen == list(range(249, -1, -1))
        assert await store.audit(limit=0) == await store.audit(before=0) == []

    @story
    async def test_what_is_no_line(self, store: Store) -> None:
        """Nothing of a batch with one is recorded."""
        for wrong in (
            ANN._replace(detail="a\nb"),
            ANN._replace(user="\x1b[2J"),
            ANN._replace(address="\x85"),
            ANN._replace(user="acme\x1fann"),
            ANN._replace(document="a\x1fb\x1fc"),
            ANN._replace(document="\0"),
            ANN._replace(user="\ud800"),
            ANN._replace(detail="x" * (MAX_TEXT + 1)),
            ANN._replace(times=0),
        ):
            with pytest.raises(ValueError):
                await store.record([BOB, wrong])
        assert await store.audit() == []
        await store.record([ANN._replace(detail="ä" * MAX_TEXT)])
        assert len(await store.audit()) == 1

    @story
    async def test_erasing_leaves_the_audit_log(self, store: Store) -> None:
        """That a document was erased must be known as long as anything is."""
        await store.append(entries("notes:1"))
        await store.record([ANN, ANN._replace(action="erase")])
        await store.erase("notes")
        await store.compact()
        assert [line.action for line in await store.audit()] == ["erase", "connect"]


class QuarantineContract:
    """Rows that must not be read again."""

    @story
    async def test_a_quarantined_row_is_not_handed_out(self, store: Store) -> None:
        """As if it could not be read, and with the reason."""
        await store.append(entries("doc:1", "doc:2", "doc:3", "other:1"))
        rows = (await store.load("doc")).updates

        await store.quarantine("doc", 2, "it kills")
        await store.quarantine("doc", 2, "it kills, again")

        assert await store.load("doc") == Loaded(None, rows[:1], 2, "it kills")
        assert await store.updates("doc", 0, 1) == rows[:1]
        assert await store.updates("doc", 2) == rows[2:]
        with pytest.raises(Damaged, match="row 2 of document 'doc' is quarantined: it kills"):
            await store.updates("doc", 1)
        found = [problem async for problem in store.verify()]
        assert found == [("doc", 2, "it kills")]
        assert (await store.load("other")).damaged is None

    @story
    async def test_what_is_derived_from_it_is_forgotten(self, store: Store) -> None:
        """And is not saved by somebody who began before."""
        await store.append(entries(*(f"doc:{n}" for n in range(1, 10))))
        for seq in (3, 6):
            await store.save_snapshot("doc", Snapshot(seq, b"state", b"index"))
        await store.save_past("doc", Past(9, b"past"))

        await store.quarantine("doc", 6, "it kills")

        loaded = await store.load("doc")
        assert loaded.snapshot == Snapshot(3, b"state", b"index")
        assert [row.seq for row in loaded.updates] == [4, 5] and loaded.damaged == 6
        assert await store.load_past("doc") is None
        with pytest.raises(ValueError, match="quarantined"):
            await store.save_snapshot("doc", Snapshot(7, b"state", b"index"))
        with pytest.raises(ValueError, match="quarantined"):
            await store.save_past("doc", Past(9, b"past"))
        await store.save_snapshot("doc", Snapshot(5, b"state", b"index"))

    @story
    async def test_rejecting_ends_it(self, store: Store) -> None:
        """The document is whole again, but for that row; those after it were appended meanwhile."""
        await store.append(entries("doc:1", "doc:2", "doc:3"))
        rows = (await store.load("doc")).updates
        await store.quarantine("doc", 2, "it kills")
        assert await store.append(entries("doc:4")) == [4]

        await store.reject("doc", {2: "it kills"}, b"nothing")

        (last,) = entries("doc:4")
        whole = [rows[0], Update("doc", 2, 0, "", b"nothing"), rows[2], numbered(4, last)]
        assert await store.load("doc") == Loaded(None, whole, None)
        assert [problem async for problem in store.verify()] == []

    @story
    async def test_packed_rows_too(self, store: Store) -> None:
        """Whether a row is packed before or after."""
        await store.append(entries(*(f"doc:{n}" for n in range(1, 5001))))
        rows = (await store.load("doc")).updates
        await store.quarantine("doc", 4321, "it kills")
        while await store.pack("doc", 5000):
            pass
        await store.quarantine("doc", 1234, "it kills")

        assert await store.load("doc") == Loaded(None, rows[:1233], 1234, "it kills")
        assert [problem.seq async for problem in store.verify()] == [1234, 4321]
        with pytest.raises(Damaged):
            await store.thin("doc", 1, 2000, [rows[1999]])
        await store.reject("doc", {1234: "it kills", 4321: "it kills"}, b"nothing")
        loaded = await store.load("doc")
        kept = [row for row in loaded.updates if row.data != b"nothing"]
        assert kept == [row for row in rows if row.seq not in (1234, 4321)]
        assert loaded.damaged is None

    @story
    async def test_rows_that_there_are_not(self, store: Store) -> None:
        """Nothing is marked."""
        with pytest.raises(LookupError):
            await store.quarantine("doc", 1, "it kills")
        await store.append(entries("doc:1"))
        for seq in (0, 2, -1):
            with pytest.raises(ValueError):
                await store.quarantine("doc", seq, "it kills")
        assert (await store.load("doc")).damaged is None
        await store.quarantine("doc", 1, "it kills")
        await store.erase("doc")
        assert [problem async for problem in store.verify()] == []
