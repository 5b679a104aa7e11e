"""A document as bytes: whatever the network does to its updates, what enters is the document."""

from random import Random

import pytest

from collab.fold import admit_in_worker
from collab.state import Admission, Head, News, State, merge
from collab.update import (
    MAX_CLOCK,
    Block,
    DeleteSet,
    encode_state_vector,
    read_update,
)
from tests.collab.genuine import (
    corpus,
    grouped,
    scattered,
    whole,
)

# Client 5 types "a" and "b" into root "t", deletes the "a"; client 7 puts "c" after the "b".
A = bytes.fromhex("01 01 05 00  04 01 01 74 01 61  00")
B = bytes.fromhex("01 01 05 01  84 05 00 01 62  00")
DELETE_A = bytes.fromhex("00  01 05 01 00 01")
C = bytes.fromhex("01 01 07 00  84 05 01 01 63  00")
AB = bytes.fromhex("01 01 05 00  04 01 01 74 02 6162  00")
NOTHING = Admission(None, {})


def state_of(*updates: bytes) -> State:
    """The document of these updates, each of which connects."""
    state = State()
    for update in updates:
        news = admit(state, update).news
        assert news is not None
        state.enter(news)
    return state


def admit(head: Head, update: bytes, partial: bool = False) -> Admission:
    """The head's answer; and it is the same from a worker process."""
    admission = head.admit(read_update(update), partial)
    parts = admit_in_worker(
        update, encode_state_vector(head.vector), head.deletes.encode(), partial, MAX_CLOCK
    )
    assert admission == Admission.load(parts)
    return admission


class TestAdmitting:
    def test_typing(self) -> None:
        """What is new as a whole enters as the very bytes that came."""
        news, missing = admit(State(), A)

        assert news is not None
        assert news.data == A
        assert (Block(5, 0, 1, 1, bytes.fromhex("04 01 01 74 01 61")),) == news.blocks
        assert missing == {}
        update = bytes(A)
        own = State().admit(read_update(update), partial=False).news
        assert own is not None
        assert own.data is update

    def test_once_is_enough(self) -> None:
        """What is known already is no news: structs, deletes, an empty update."""
        state = state_of(A, B, DELETE_A)

        for update in (A, B, AB, DELETE_A, b"\x00\x00"):
            assert admit(state, update) == NOTHING
            assert admit(state, update, partial=True) == NOTHING

    @pytest.mark.parametrize(
        ("update", "missing"),
        [(B, {5: 1}), (C, {5: 2}), (DELETE_A, {5: 1})],
        ids=["a gap", "an origin", "a delete"],
    )
    def test_what_does_not_connect(self, update: bytes, missing: dict[int, int]) -> None:
        """Nothing of it enters, and the answer says what was missing."""
        assert (None, missing) == admit(State(), update)
        assert (None, missing) == admit(State(), update, partial=True)

    def test_in_part(self) -> None:
        """The answer of a peer that waits for something itself enters as far as it connects."""
        # Client 7's second item needs client 5's clock 1, its deletes reach to clock 2.
        update = bytes.fromhex(
            "02  02 07 00  04 01 01 74 01 78  84 05 01 01 63"
            "    01 05 00  04 01 01 74 01 61  01 05 01 00 03"
        )
        state = State()
        assert admit(state, update) == (None, {5: 3})
        news, missing = admit(state, update, partial=True)

        assert missing == {5: 3}
        assert news is not None
        assert (
            bytes.fromhex(
                "02  01 07 00 04 01 01 74 01 78  01 05 00 04 01 01 74 01 61  01 05 01 00 01"
            )
            == news.data
        )

    def test_a_struct_that_is_known_in_part_and_waits(self) -> None:
        """Of what is known its beginning enters no more of it while it waits for somebody else."""
        state = state_of(A)
        # Client 5's "ab" after client 9's clock 0, which nobody has.
        update = bytes.fromhex("01 01 05 00 84 09 00 02 6162 00")

        assert admit(state, update, partial=True) == (None, {9: 1})

    def test_those_who_wait_for_each_other(self) -> None:
        """Two structs that each need the other are never integrated, by nobody."""
        update = bytes.fromhex("02  01 07 00 84 05 00 01 63  01 05 00 84 07 00 01 61  00")

        assert admit(State(), update) == (None, {5: 1, 7: 1})
        assert admit(State(), update, partial=True) == (None, {5: 1, 7: 1})

    def test_to_and_fro(self) -> None:
        """Two clients that answered each other a hundred times connect, whoever comes first."""
        turns = 100
        five = b"\x04\x01\x01t\x01a" + b"".join(
            b"\x84\x07" + bytes([n]) + b"\x01a" for n in range(turns)
        )
        seven = b"".join(b"\x84\x05" + bytes([n]) + b"\x01b" for n in range(turns))
        for first, second in (((5, five), (7, seven)), ((7, seven), (5, five))):
            update = b"\x02"
            for client, structs in (first, second):
                update += bytes([turns + (client == 5), client, 0]) + structs
            news, missing = admit(State(), update + b"\x00")
            assert missing == {}
            assert news is not None
            assert news.data == update + b"\x00"

    def test_gaps_are_not_passed_on(self) -> None:
        """A Skip over what is known is no hindrance, but does not enter itself."""
        skipping = bytes.fromhex("01 02 05 00  0a 02  84 05 01 01 63  00")

        assert admit(State(), skipping) == (None, {5: 2})
        news, missing = admit(state_of(A, B), skipping)
        assert missing == {}
        assert news is not None
        assert news.data == bytes.fromhex("01 01 05 02  84 05 01 01 63  00")

    def test_strange_deletes_are_written_anew(self) -> None:
        """A client named twice in the deletes is not passed on: yrs would lose one of the two."""
        twice = bytes.fromhex("00  02 05 01 01 01  05 01 00 01")
        news, _ = admit(state_of(AB), twice)

        assert news is not None
        assert news.data == bytes.fromhex("00 01 05 01 00 02")

    @pytest.mark.parametrize(
        ("known", "content", "rest"),
        [
            (1, "04 0101 74 03 616263", "84 0500 02 6263"),
            (2, "04 0101 74 05 61 f09f9880", "84 0501 03 efbfbd"),  # as Yjs does: U+FFFD
            (1, "c4 0600 0601 03 616263", "c4 0500 0601 02 6263"),
            (2, "08 0101 74 03 7d01 7a0000000000000001 7b8000000000000000",
             "88 0501 01 7b8000000000000000"),
            (1, "21 0101 74 01 6b 03", "a1 0500 02"),
            (2, "00 05", "00 03"),
        ],
        ids=["text", "half an emoji", "a right origin", "values", "a deleted key", "GC"],
    )  # fmt: skip
    def test_half_of_a_struct(self, known: int, content: str, rest: str) -> None:
        """Of a struct that is known in part, the rest enters: its origin is the unit before."""
        head = Head({5: known, 6: 9})
        news, missing = admit(head, b"\x01\x01\x05\x00" + bytes.fromhex(content) + b"\x00")

        assert missing == {}
        assert news is not None
        assert b"\x01\x01\x05" + bytes([known]) + bytes.fromhex(rest) + b"\x00" == news.data

    def test_asking_changes_nothing(self) -> None:
        """`admit` only judges; `enter` is what moves the document on."""
        state = state_of(A)
        first, second = admit(state, B), admit(state, B)

        assert first == second
        assert state.vector == {5: 1}


class TestMerging:
    def test_a_single_one(self) -> None:
        """One news is returned as it is."""
        news = admit(State(), A).news
        assert news is not None
        assert merge([news]) is news

    def test_typing(self) -> None:
        """What one client typed becomes one run of structs, and deletes unite."""
        state, all_news = State(), []
        for update in (A, B, C, DELETE_A):
            news = admit(state, update).news
            assert news is not None
            state.enter(news)
            all_news.append(news)
        merged = merge(all_news)

        assert merged.data == bytes.fromhex(
            "02  01 07 00 84 05 01 01 63"
            "    02 05 00 04 01 01 74 01 61 84 05 00 01 62  01 05 01 00 01"
        )
        assert merged.data == state.encode()
        assert merged == admit(State(), merged.data).news


class TestWholeDocuments:
    def test_any_order_makes_the_same_document(self) -> None:
        """Updates out of order, twice, or from others' answers: the document is the same."""
        for document in corpus():
            expected = whole(document)
            state, log = scattered(document, document.random())

            assert expected.vector == state.vector, document
            assert not expected.deletes.subtract(state.deletes), document
            entered = State()
            for news in log:
                assert read_update(news.data).plain, document
                entered.enter(news)
            assert state.encode() == entered.encode(), document

    def test_merged_news_make_the_same_document(self) -> None:
        """So do news that were put together, however many at a time."""
        for document in corpus():
            state, log = scattered(document, document.random())
            merged = State()
            for news in grouped(log, document.random(1)):
                admitted = admit(merged, news.data).news
                assert admitted is not None, document
                assert admitted.data == news.data, document
                merged.enter(news)
            assert state.encode() == merged.encode(), document
            assert state.structs == merged.structs
            assert state.size == merged.size

    def test_cut(self) -> None:
        """A peer is sent what it lacks, no less and no more, and the deletes."""
        for document in corpus():
            random = document.random(2)
            state, log = scattered(document, document.random())
            for known in sorted(random.choices(range(len(log) + 1), k=3)):
                peer = Head()
                for news in log[:known]:
                    peer.enter(news)
                changes = read_update(state.cut(peer.vector))
                for block in changes.blocks:
                    assert block.clock >= peer.vector.get(block.client, 0), document
                rest, missing = peer.admit(changes, partial=False)
                assert missing == {}, document
                if rest is not None:
                    peer.enter(rest)
                assert (state.vector, state.deletes) == (peer.vector, peer.deletes), document

    def test_a_small_tail_of_a_large_document(self) -> None:
        """Blocks stay small however a document came about, so that cutting is quick."""
        state = State()
        for clock in range(1000):
            structs = b"\x00\x01" if clock % 3 else b"\x04\x01\x01t\x01a"
            news = News((Block(5, clock, clock + 1, 1, structs),), DeleteSet(), b"")
            state.enter(news)

        assert state.structs == 1000
        assert all(block.count <= 64 for block in state.blocks[5])
        assert len(state.blocks[5]) < 20
        assert bytes.fromhex("01 01 05 e707  04 01 01 74 01 61  00") == state.cut({5: 999})
        assert b"\x00\x00" == state.cut({5: 1000}) == state.cut({5: 2000})


class TestLoading:
    def test_round_trip(self) -> None:
        """A document is read back from its bytes and their index, ready to go on."""
        for document in corpus():
            state = whole(document)
            loaded = State.load(state.encode(), state.index())
            assert vars(state) == vars(loaded), document
            assert state.encode() == loaded.encode()
            assert state.index() == loaded.index()

    def test_an_empty_document(self) -> None:
        """Nothing at all is a document as well."""
        state = State.load(State().encode(), State().index())
        assert state.encode() == b"\x00\x00"

    def test_nonsense(self, seed: int) -> None:
        """An index of something else, or a damaged one, is a ValueError, never a wrong document of
        another size, and never anything else."""
        random = Random(seed)
        for document in corpus()[:20]:
            state = whole(document)
            data, index = state.encode(), state.index()
            for _ in range(100):
                other = bytearray(index)
                at = random.randrange(len(other))
                other[at] ^= 1 << random.randrange(8)
                try:
                    loaded = State.load(data, bytes(other))
                except ValueError:
                    continue
                assert loaded.structs == state.structs
                assert loaded.encode() == data
            for size in random.sample(range(len(index)), min(len(index), 20)):
                with pytest.raises(ValueError, match=r"index|bytes|together"):
                    State.load(data, index[:size])
            with pytest.raises(ValueError, match=r"index|bytes|together"):
                State.load(data[:-1], index)
            with pytest.raises(ValueError, match=r"index|bytes|together"):
                State.load(data + b"\x00", index)
