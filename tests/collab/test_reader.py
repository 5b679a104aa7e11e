"""lib0's primitives: what is written is read again, and nothing is read beyond its bounds."""

from collections.abc import Callable

import pytest

from collab.errors import ProtocolError
from collab.reader import (
    MAX_SAFE_INTEGER,
    Reader,
    read_var_uint,
    var_uints,
    write_var_bytes,
    write_var_string,
    write_var_uint,
)


@pytest.mark.parametrize("bits", range(54))
def test_numbers(bits: int) -> None:
    """Every size of number is read as it was written, and where it ends is known."""
    for number in {max(0, (1 << bits) - 1), min(1 << bits, MAX_SAFE_INTEGER)}:
        buffer = bytearray(b"\xff")
        write_var_uint(buffer, number)
        buffer += b"\xff"
        assert read_var_uint(bytes(buffer), 1) == (number, len(buffer) - 1)
        assert var_uints(number) == buffer[1:-1]


def test_as_lib0_writes_them() -> None:
    """Seven bits a byte, the least significant first."""
    assert var_uints(0, 127, 128, 300, 2**53 - 1) == bytes.fromhex(
        "00 7f 8001 ac02 ffffffffffffff0f"
    )


def test_over_long_numbers() -> None:
    """A number may be written longer than it need be, up to eight bytes; lib0 reads it, too."""
    assert read_var_uint(bytes.fromhex("8500"), 0) == (5, 2)
    assert read_var_uint(bytes.fromhex("8580808080808000"), 0) == (5, 8)
    for too_long in ("858080808080808000", "ffffffffffffff1f", "ff" * 100):
        with pytest.raises(ProtocolError):
            read_var_uint(bytes.fromhex(too_long), 0)


def test_a_message() -> None:
    """A reader goes from front to back, and knows when it is through."""
    buffer = bytearray(b"\x07")
    write_var_uint(buffer, 300)
    write_var_bytes(buffer, b"\x00\xff")
    write_var_string(buffer, "na\u00efve \U0001f600")
    reader = Reader(bytes(buffer))

    assert reader.u8() == 7
    assert reader.var_uint() == 300
    assert not reader.at_end
    assert reader.var_bytes() == b"\x00\xff"
    assert reader.var_string() == "na\u00efve \U0001f600"
    assert reader.at_end
    reader.end()


@pytest.mark.parametrize(
    ("data", "read"),
    [
        ("", Reader.u8),
        ("", Reader.var_uint),
        ("80", Reader.var_uint),
        ("05", lambda reader: reader.var_uint(4)),
        ("02 00", Reader.var_bytes),
        ("ffffffffffffff0f 00", Reader.var_bytes),
        ("02 0000", lambda reader: reader.var_bytes(1)),
        ("02 c328", Reader.var_string),
        ("00", Reader.end),
    ],
)
def test_what_is_refused(data: str, read: Callable[[Reader], object]) -> None:
    """Too early an end, too large a number or a length, text that is not UTF-8, and a rest."""
    with pytest.raises(ProtocolError):
        read(Reader(bytes.fromhex(data)))
