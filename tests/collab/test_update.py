"""The gate reads whatever an honest Yjs client sends, and refuses the rest with ProtocolError."""

import contextlib
import time
from random import Random

import pytest

from collab.errors import ProtocolError, TooBig
from collab.limits import Limits
from collab.reader import var_uints
from collab.update import (
    Block,
    Link,
    encode_state_vector,
    read_state_vector,
    read_update,
)
from tests.collab.genuine import PLAIN, SOAK, corpus, fresh, whole, yrs

# Client 5 types "a" at the start of root "t": one client • one struct • client 5 • clock 0
# • info 4: a string without origins • parent: root "t" • "a"; no deletes.
TYPED = bytes.fromhex("01 01 05 00  04 01 01 74 01 61  00")
# Then "b", whose origin (0x80) is the "a".
TYPED_NEXT = bytes.fromhex("01 01 05 01  84 05 00 01 62  00")


def item(content: str, structs: int = 1) -> bytes:
    """An update of client 5 whose items stand in root "t": `content` begins with a ref."""
    ref, rest = bytes.fromhex(content)[:1], bytes.fromhex(content)[1:]
    return var_uints(1, structs, 5, 0) + ref + b"\x01\x01t" + rest + b"\x00"


def json(text: str) -> bytes:
    """An update with an embed, as JSON text."""
    return item("05" + (var_uints(len(text.encode())) + text.encode()).hex())


class TestReading:
    def test_a_typed_character(self) -> None:
        """An update tells its blocks, what they need of others, and its deletes."""
        changes = read_update(TYPED)

        assert [Block(5, 0, 1, 1, bytes.fromhex("0401017401 61"))] == changes.blocks
        assert changes.links == []
        assert not changes.deletes
        assert changes.plain
        assert changes.data is TYPED

    def test_what_structs_need_of_others(self) -> None:
        """A link says which clock of which client a struct needs; one need is told once."""
        left_of_7_2 = "84 07 02 01 61"
        changes = read_update(bytes.fromhex(f"01 02 05 03 {left_of_7_2} {left_of_7_2} 00"))

        assert [Link(client=5, clock=3, other=7, needed=3)] == changes.links

    def test_a_gap(self) -> None:
        """A Skip ends a block; the next one is linked with where it ended."""
        changes = read_update(bytes.fromhex("01 03 05 00  00 02  0a 03  00 01  00"))

        assert [Block(5, 0, 2, 1, b"\x00\x02"), Block(5, 5, 6, 1, b"\x00\x01")] == changes.blocks
        assert [Link(client=5, clock=2, other=5, needed=5)] == changes.links
        assert not changes.plain

    def test_a_gap_before_nothing_or_at_the_front(self) -> None:
        """A Skip that nothing follows, or that nothing precedes, says nothing about the rest."""
        after = read_update(bytes.fromhex("01 02 05 00  00 02  0a 03  00"))
        before = read_update(bytes.fromhex("01 02 05 00  0a 03  00 02  00"))

        assert after.links == []
        assert [Block(5, 3, 5, 1, b"\x00\x02")] == before.blocks

    def test_blocks_are_small(self) -> None:
        """However many structs a client has, a block holds at most 64 of them."""
        changes = read_update(b"\x01" + var_uints(150, 5, 0) + b"\x00\x01" * 150 + b"\x00")

        assert [block.count for block in changes.blocks] == [64, 64, 22]
        assert [(b.clock, b.end) for b in changes.blocks] == [(0, 64), (64, 128), (128, 150)]

    def test_lengths_count_utf16_units(self) -> None:
        """An emoji is two clock ticks, as in JavaScript."""
        assert read_update(item("04 04 f09f9880")).blocks[0].end == 2

    def test_deletes_written_unlike_yjs(self) -> None:
        """Ranges out of order, overlapping, or of a client named twice are read, but not passed on
        as they are: yrs would keep the last of two entries only."""
        twice = bytes.fromhex("00  03  05 01 04 02  06 02 04 02 01 04  05 01 00 01")
        changes = read_update(twice)

        assert changes.deletes.ranges(5) == [(0, 1), (4, 6)]
        assert changes.deletes.ranges(6) == [(1, 6)]
        assert not changes.plain

    def test_an_origin_that_is_the_right_origin(self) -> None:
        """Odd, but honest: Yjs's UndoManager writes one now and then (1 of 92,000 updates)."""
        read_update(bytes.fromhex("01 01 05 03 c4 05 02 05 02 01 61 00"))

    def test_real_updates_pass(self) -> None:
        """Not one update of real Yjs clients is refused."""
        for document in corpus():
            for update in document.updates + document.others:
                read_update(update)

    def test_twenty_thousand_real_updates_pass(self) -> None:
        """Nor of many more, made for this run; needs Node."""
        updates = [update for document in fresh() for update in document.updates + document.others]
        for update in updates:
            read_update(update)

        assert len(updates) >= min(20_000, 80 * SOAK or 20_000)

    def test_what_yrs_writes_passes(self) -> None:
        """A client on yrs (pycrdt, y-sweet ...) is as welcome: its update holds nothing unknown."""
        documents = [document for document in corpus() if document.kind in PLAIN]
        updates = yrs([document.updates for document in documents])

        for document, update in zip(documents, updates, strict=True):
            changes = read_update(update)
            news, missing = whole(document).admit(changes, partial=False)
            assert missing == {}, document
            assert news is None or not news.blocks, document


REFUSED = {
    "nothing at all": "",
    "no deletes": "00",
    "bytes after the end": TYPED.hex() + "00",
    "a number without end": "ff" * 20,
    "a number of 54 bits": "01 01 ffffffffffffff1f 00  00 01  00",
    "a count larger than the bytes": "ffff7f",
    "a count of structs larger than the bytes": "01 ffffff7f 05 00 00 01 00",
    "a clock of 2^31": "01 01 05 8080808008 00 01 00",
    "a clock that gets there": "01 01 05 ffffffff07 00 01 00",
    "an origin's clock of 2^31": "01 01 05 00 84 06 8080808008 01 61 00",
    "a client twice": "02 01 05 00 00 01 01 05 01 00 01 00",
    "a GC of length 0": "01 01 05 00 00 00 00",
    "a GC with an origin": "01 01 05 01 80 05 00 01 00",
    "a Skip of length 0": "01 01 05 00 0a 00 00",
    "a Skip with an origin": "01 01 05 01 8a 05 00 01 00",
    "deleted content of length 0": item("01 00").hex(),
    "an empty string": item("04 00").hex(),
    "an empty list of values": item("08 00").hex(),
    "a string longer than the bytes": item("04 05 6161").hex(),
    "a string that is not UTF-8": item("04 02 c328").hex(),
    "a surrogate in UTF-8": item("04 03 eda080").hex(),
    "a key that is not UTF-8": "01 01 05 00 28 01 01 74 01 ff 7e 00",
    "an origin that is the struct itself": "01 01 05 03 84 05 03 01 61 00",
    "an origin that comes later": "01 01 05 03 84 05 04 01 61 00",
    "a parent that is the struct itself": "01 01 05 00 04 00 05 00 01 61 00",
    "a parent that is neither a root nor an id": "01 01 05 00 04 02 05 00 01 61 00",
    "ContentJSON, which yrs misreads": item("02 01 01 31").hex(),
    "Move, which Yjs does not know": item("0b 00 05 00").hex(),
    "a content nobody knows": item("1f 01").hex(),
    "XmlHook": item("07 05 01 61").hex(),
    "a weak link": item("07 07 00 05 00").hex(),
    "a type nobody knows": item("07 0f").hex(),
    "a value of an unknown kind": item("08 01 73").hex(),
    "a number cut short": item("08 01 7b 0000").hex(),
    "a number of 54 bits among the values": item("08 01 7d ffffffffffffff7f").hex(),
    "an array larger than the bytes": item("08 01 75 ffff7f").hex(),
    "a subdocument without options": item("09 01 61 7e").hex(),
    "no JSON": json("nope").hex(),
    "JSON that is cut": json('{"a":').hex(),
    "NaN": json("NaN").hex(),
    "Infinity": json("[-Infinity]").hex(),
    "a number that is too large": json("1e999").hex(),
    "a number that is much too long": json("9" * 5000).hex(),
    "half a surrogate pair in JSON": json(r'{"a":"\ud83d"}').hex(),
    "a raw line feed in JSON": json('"\n"').hex(),
    "an empty delete": "00 01 05 01 00 00",
    "a delete beyond 2^31": "00 01 05 01 ffffffff07 01",
    "more deletes than bytes": "00 01 05 ffff7f 00 01",
    # What killed, froze or poisoned yrs 0.28 or Yjs 13 behind servers that let it through:
    "a panic of yrs, 16 bytes": "0101e1e8d2a10412a85cb85600017e00",
    "a client id of 2^64 - 1": "01 01 ffffffffffffffffff01 00 00 01 00",
    "a length of 2^32": "01 01 05 00 00 8080808010 00",
}


class TestRefusing:
    @pytest.mark.parametrize("update", REFUSED.values(), ids=REFUSED.keys())
    def test_malformed(self, update: str) -> None:
        """What no correct client sends is refused."""
        with pytest.raises(ProtocolError):
            read_update(bytes.fromhex(update))

    def test_the_limits_of_depth(self) -> None:
        """Values and JSON may nest 64 deep, no deeper; 100,000 deep is refused as calmly."""
        read_update(item("08 01" + "7501" * 63 + "7500"))
        read_update(json("[" * 64 + "]" * 64))
        read_update(json('"' + "[" * 100 + '"'))
        for depth in (65, 500, 100_000):
            with pytest.raises(ProtocolError):
                read_update(item("08 01" + "7501" * (depth - 1) + "7500"))
            with pytest.raises(ProtocolError):
                read_update(json("[" * depth + "]" * depth))
            with pytest.raises(ProtocolError):
                read_update(json('{"a":' * depth + "1" + "}" * depth))

    def test_the_limits_of_number(self) -> None:
        """An update holds at most so many structs and clients."""
        two = bytes.fromhex("02 01 06 00 00 01 02 05 00 00 01 00 01 00")
        read_update(two, Limits(update_structs=3, update_clients=2))
        for limit, most in (("update_structs", 2), ("update_clients", 1)):
            with pytest.raises(TooBig) as error:
                read_update(two, Limits(**{limit: most}))
            assert limit == error.value.limit

    def test_the_limit_of_nesting(self) -> None:
        """It counts arrays, objects and JSON alike, for this update and no other one."""
        for value in (b"\x75\x01" * 3 + b"\x7e", b"\x76\x01\x01a" * 3 + b"\x7e"):
            update = b"\x01\x01\x05\x00\x08\x01\x01a\x01" + value + b"\x00"
            read_update(update, Limits(update_nesting=3))
            with pytest.raises(ProtocolError) as error:
                read_update(update, Limits(update_nesting=2))
            assert error.value.limit == "update_nesting"
            read_update(update)
        embed = b"\x01\x01\x05\x00\x05\x01\x01a" + b"\x06[[[]]]" + b"\x00"
        read_update(embed, Limits(update_nesting=3))
        with pytest.raises(ProtocolError, match="deep"):
            read_update(embed, Limits(update_nesting=2))

    def test_every_truncation(self) -> None:
        """A real update that ends early is refused, wherever it ends."""
        for document in corpus():
            for update in document.updates[:20]:
                for size in range(min(len(update), 300)):
                    with pytest.raises(ProtocolError):
                        read_update(update[:size])

    def test_damaged_updates(self, seed: int) -> None:
        """Real updates with flipped, foreign, doubled and missing bytes are read or refused; there
        is no other end, and soon."""
        random = Random(seed)
        accepted = 0
        for document in corpus():
            for update in random.sample(document.updates + document.others, 20):
                for _ in range(10 + SOAK // 10):
                    damaged = damage(update, document.updates, random)
                    with contextlib.suppress(ProtocolError):
                        accepted += bool(read_update(damaged))
        assert accepted

    @pytest.mark.parametrize("shape", ["up", "down", "again", "clients", "skips", "values"])
    def test_large_and_odd(self, shape: str) -> None:
        """No shape of an update takes more than linear time; this is 300 KB."""
        n = 50_000
        update = {
            "up": b"\x00\x01" + var_uints(5, n) + b"".join(var_uints(2 * i, 1) for i in range(n)),
            "down": b"\x00\x01"
            + var_uints(5, n, *(x for i in range(n, 0, -1) for x in (2 * i, 1))),
            "again": b"\x00" + var_uints(n) + b"".join(var_uints(5, 1, 2 * i, 1) for i in range(n)),
            "clients": b"\x00" + var_uints(n) + b"".join(var_uints(i, 1, 0, 1) for i in range(n)),
            "skips": var_uints(1, 2 * n, 5, 0) + b"\x0a\x01\x00\x01" * n + b"\x00",
            "values": item("08" + var_uints(4 * n).hex() + "7e" * 4 * n),
        }[shape]

        start = time.process_time()
        read_update(update)
        assert time.process_time() - start < 5


def damage(update: bytes, others: list[bytes], random: Random) -> bytes:
    """The update with one to four accidents."""
    data = bytearray(update)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        at = random.randrange(len(data) + 1)
        match random.randrange(4):
            case 0:
                data[at : at + 1] = bytes(
                    byte ^ 1 << random.randrange(8) for byte in data[at : at + 1]
                )
            case 1:
                data[at : at + 1] = random.choice(
                    (b"\x00", b"\x01", b"\x7f", b"\x80", b"\xff", b"\x75")
                )
            case 2:
                del data[at : at + random.randrange(1, 6)]
            case _:
                other = random.choice(others)
                start = random.randrange(len(other))
                data[at:at] = other[start : start + random.randrange(20)]
    return bytes(data)


class TestStateVector:
    def test_round_trip(self) -> None:
        """What is encoded is read again; higher client ids come first, as Yjs writes them."""
        vector = {5: 3, 2**53 - 1: 2**31 - 1, 7: 0}

        assert vector == read_state_vector(encode_state_vector(vector))
        assert encode_state_vector({5: 3, 7: 1}) == b"\x02\x07\x01\x05\x03"
        assert read_state_vector(b"\x00") == {}

    @pytest.mark.parametrize(
        "data",
        ["", "01", "01 05", "01 05 01 00", "02 05 01 05 02", "01 05 8080808008", "ffffff7f",
         "01 8080808080808020 00"],
    )  # fmt: skip
    def test_malformed(self, data: str) -> None:
        """Cut, too long, a client twice, a clock of 2^31, too large a count, an id of 2^53."""
        with pytest.raises(ProtocolError):
            read_state_vector(bytes.fromhex(data))
