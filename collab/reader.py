"""lib0's primitives (varUint, varBytes, varString), read with bounds and written canonically.

Knows bytes and numbers; nothing of messages, updates or documents. The grammar is lib0's
(`encoding.js`, `decoding.js`): a varUint holds 7 bits per byte, least significant first, and bit 7
says that more follows; varBytes is varUint(length) and the bytes; varString is varBytes of UTF-8.
Over-long varUints are read as lib0 reads them, up to eight bytes.
"""

from typing import NoReturn

from collab.errors import ProtocolError

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer that JavaScript holds exactly: the largest varUint that anybody may send."""

_LONG = 8  # bytes hold 56 bits: a ninth is never needed for 53


def read_var_uint(data: bytes, at: int) -> tuple[int, int]:
    """The varUint at `data[at]`, and where the byte after it is.

    Raises ProtocolError above 2^53 - 1 and IndexError where the bytes end inside of it: who reads
    many of them translates that once (`Reader` and `read_update` do).
    """
    # Unrolled up to the client ids of 32 bits, for most of the time of reading an update goes by
    # here. What is subtracted is the continuation bits of the bytes before the last one.
    first = data[at]
    if first < 0x80:
        return first, at + 1
    second = data[at + 1]
    if second < 0x80:
        return first + (second << 7) - 0x80, at + 2
    third = data[at + 2]
    if third < 0x80:
        return first + (second << 7) + (third << 14) - 0x4080, at + 3
    fourth = data[at + 3]
    number = first + (second << 7) + (third << 14) + (fourth << 21)
    if fourth < 0x80:
        return number - 0x204080, at + 4
    fifth = data[at + 4]
    if fifth < 0x80:
        return number + (fifth << 28) - 0x10204080, at + 5
    return _read_long(data, at)


def _read_long(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place in range(_LONG):
        byte = data[at + place]
        number += (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    else:
        refuse("A number is longer than 53 bits.")
    if number > MAX_SAFE_INTEGER:
        refuse("A number is larger than 2^53 - 1.")
    return number, at + place + 1


def refuse(sentence: str) -> NoReturn:
    """Raise ProtocolError; an expression, so that the readers stay short."""
    raise ProtocolError(sentence)


def write_var_uint(buffer: bytearray, number: int) -> None:
    """Append a varUint; `number` is not negative."""
    while number > 0x7F:
        buffer.append(number & 0x7F | 0x80)
        number >>= 7
    buffer.append(number)


def write_var_bytes(buffer: bytearray, data: bytes) -> None:
    """Append varUint(length) and the bytes."""
    write_var_uint(buffer, len(data))
    buffer += data


def write_var_string(buffer: bytearray, text: str) -> None:
    """Append the text as UTF-8 with its length in bytes; UnicodeEncodeError on lone surrogates."""
    write_var_bytes(buffer, text.encode())


def var_uints(*numbers: int) -> bytes:
    """The numbers as varUints, one after the other."""
    buffer = bytearray()
    for number in numbers:
        write_var_uint(buffer, number)
    return bytes(buffer)


class Reader:
    """Reads one message from front to back. Every method raises ProtocolError, nothing else.

    `position` is the offset of the next byte. A length is checked against the bytes that are there
    before anything is copied.
    """

    __slots__ = ("data", "position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    @property
    def at_end(self) -> bool:
        """Whether everything has been read."""
        return self.position >= len(self.data)

    def u8(self) -> int:
        """One byte."""
        if self.position >= len(self.data):
            refuse("The message ends too early.")
        self.position += 1
        return self.data[self.position - 1]

    def var_uint(self, limit: int = MAX_SAFE_INTEGER) -> int:
        """A varUint of at most `limit`."""
        try:
            number, self.position = read_var_uint(self.data, self.position)
        except IndexError:
            raise ProtocolError("The message ends too early.") from None
        if number > limit:
            refuse("A number is larger than allowed.")
        return number

    def var_bytes(self, limit: int = MAX_SAFE_INTEGER) -> bytes:
        """As many bytes as the varUint before them says; at most `limit`."""
        size = self.var_uint(limit)
        start = self.position
        if size > len(self.data) - start:
            refuse("A length is larger than the message.")
        self.position = start + size
        return self.data[start : self.position]

    def var_string(self, limit: int = MAX_SAFE_INTEGER) -> str:
        """A string; `limit` counts its UTF-8 bytes."""
        try:
            return self.var_bytes(limit).decode()
        except UnicodeDecodeError:
            raise ProtocolError("A text is not UTF-8.") from None

    def end(self) -> None:
        """Refuse whatever follows."""
        if self.position < len(self.data):
            refuse("The message has bytes after its end.")
