"""The frame reader as a story of bytes, without socket and loop: see test_protocol.py for those."""

import random

import pytest

from collab.web.frames import BINARY, PING, TEXT, Fault, Message, MessageReader, binary_frame

MASK = b"\x01\x02\x03\x04"


def client_frame(first: int, payload: bytes = b"", mask: bytes = MASK) -> bytes:
    """A masked frame, its first byte given."""
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    length = len(payload)
    if length < 126:
        return bytes([first, 0x80 | length]) + mask + masked
    if length < 65536:
        return bytes([first, 0xFE]) + length.to_bytes(2) + mask + masked
    return bytes([first, 0xFF]) + length.to_bytes(8) + mask + masked


def read(data: bytes, limit: int = 1 << 20, fragments: int = 8) -> list[Message]:
    """All messages in `data`, fed at once."""
    reader = MessageReader(lambda size: limit, fragments)
    reader.feed(data)
    return list(iter(reader.next_message, None))


def test_the_pieces_in_which_bytes_arrive_do_not_matter(seed: int) -> None:
    """Fed in random pieces, down to single bytes, the reader gives the same messages."""
    random_ = random.Random(seed)
    sizes = [0, 1, 125, 126, 127, 65535, 65536, 70000]
    contents = [random_.randbytes(size) for size in sizes]
    stream = b"".join(client_frame(0x82, content) for content in contents)
    stream += client_frame(0x01, b"ab") + client_frame(0x89, b"?") + client_frame(0x80, b"c")
    expected = [Message(BINARY, content, False) for content in contents]
    expected += [Message(PING, b"?", False), Message(TEXT, b"abc", False)]

    reader = MessageReader(lambda size: 1 << 20, 8)
    messages = []
    while stream:
        size = random_.choice([1, 2, 5, 6, 7, 1000, 65536])
        reader.feed(stream[:size])
        stream = stream[size:]
        messages += list(iter(reader.next_message, None))

    assert expected == messages


def test_short_messages_in_any_pieces(seed: int) -> None:
    """What editors send: thousands of short messages, each with a mask of its own, some of them
    torn apart by the network, now and then a long one, a text or a ping between them."""
    random_ = random.Random(seed)
    kinds = random_.choices((BINARY, TEXT, PING), (20, 1, 1), k=3000)
    sent = [(kind, random_.randbytes(random_.choice((0, 1, 30, 31, 125, 126)))) for kind in kinds]
    sent = [(kind, content[:125] if kind == PING else content) for kind, content in sent]
    stream = b"".join(
        client_frame(0x80 | kind, content, random_.randbytes(4)) for kind, content in sent
    )
    reader = MessageReader(lambda size: 1 << 20, 8)
    messages: list[Message] = []
    while stream:
        size = random_.choice((1, 3, 6, 7, 36, 37, 500))
        reader.feed(stream[:size])
        stream = stream[size:]
        messages += iter(reader.next_message, None)
    assert messages == [Message(kind, content, False) for kind, content in sent]


def test_what_is_too_big_is_known_from_its_header() -> None:
    """Not one byte of the payload has to arrive, and a length beyond 2^63 is only a length."""
    for header in (b"\x82\xff\x00\x00\x00\x00\x00\x10\x00\x01", b"\x82\xff" + b"\xff" * 8):
        with pytest.raises(Fault, match="at most 1048576 bytes") as fault:
            read(header)
        assert 1009 == fault.value.code


def test_fragments_are_counted_together() -> None:
    """The limit is for the message: its last fragment is refused on its header too."""
    half = b"x" * 524_288
    assert [Message(BINARY, half + half, False)] == read(
        client_frame(2, half) + client_frame(0x80, half)
    )
    with pytest.raises(Fault, match="at most") as fault:
        read(client_frame(2, half + b"x") + client_frame(0x80, half)[:14])
    assert 1009 == fault.value.code


def test_control_frames_between_fragments_do_not_count() -> None:
    """A full-size message with a ping inside is a full-size message and a ping."""
    full = b"x" * (1 << 20)
    stream = client_frame(2, full) + client_frame(0x89, b"p" * 125) + client_frame(0x80)
    assert [Message(PING, b"p" * 125, False), Message(BINARY, full, False)] == read(stream)


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536])
def test_server_frames_have_the_shortest_header(length: int) -> None:
    """What a server sends is not masked, and its length takes as few bytes as it can."""
    frame = binary_frame(b"y" * length)
    assert frame.endswith(b"y" * length)
    header = frame[: len(frame) - length]
    expected = {
        0: b"\x82\x00",
        125: b"\x82\x7d",
        126: b"\x82\x7e\x00\x7e",
        65535: b"\x82\x7e\xff\xff",
        65536: b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
    }
    assert expected[length] == header
