"""The y-websocket dialect: bytes of real clients, and bytes that no client sends."""

import pytest

from collab import wire
from collab.errors import ProtocolError
from collab.wire import (
    AwarenessUpdate,
    Denied,
    QueryAwareness,
    Receipt,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)
from tests.live import var_bytes

EMPTY_VECTOR = b"\x00"
EMPTY_UPDATE = b"\x00\x00"

FRAMES = [
    (b"\x00\x00\x01\x00", SyncStep1(EMPTY_VECTOR)),
    (b"\x00\x01\x02\x00\x00", SyncStep2(EMPTY_UPDATE)),
    (b"\x00\x02\x02\x00\x00", SyncUpdate(EMPTY_UPDATE)),
    (b"\x01\x06\x01\x4d\x00\x02{}", AwarenessUpdate(b"\x01\x4d\x00\x02{}")),
    (b"\x03", QueryAwareness()),
    (b"\x66\x01\x05", Receipt(5)),
    (b"\x66\x02\x80\x01", Receipt(128)),
]


@pytest.mark.parametrize(("frame", "message"), FRAMES)
def test_each_message_has_one_frame(frame, message):
    """What a client writes is read as the message, and the message is written so again."""
    assert list(wire.decode(frame)) == [message]
    assert wire.encode(message) == frame


def test_several_messages_in_one_frame():
    """We read as many as there are."""
    frame = b"".join(frame for frame, _ in FRAMES)

    assert list(wire.decode(frame)) == [message for _, message in FRAMES]


def test_many_queries_are_many():
    """None of them is taken for the presence behind another one."""
    assert len(list(wire.decode(b"\x03" * wire.MOST))) == wire.MOST
    with pytest.raises(ProtocolError):
        list(wire.decode(b"\x03" * (wire.MOST + 1)))


@pytest.mark.parametrize("state", [b"{}", b"null", b'"%s"' % (b"x" * 200)])
def test_a_query_may_bring_who_asks(state):
    """y-sweet's clients put their presence behind it, which was said before."""
    presence = b"\x01\x4d\x00" + var_bytes(state)

    assert list(wire.decode(b"\x03" + var_bytes(presence))) == [QueryAwareness()]


def test_denied_is_for_clients_only():
    """The server says it in UTF-8, with its length in bytes; no client may."""
    frame = b"\x02\x00\x07na\xc3\xafve!"

    assert wire.encode(Denied("naïve!")) == frame
    with pytest.raises(ProtocolError, match="type 2"):
        list(wire.decode(frame))


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00", id="no sync type"),
        pytest.param(b"\x00\x03\x00", id="unknown sync type"),
        pytest.param(b"\x00\x00", id="no length"),
        pytest.param(b"\x00\x00\x05\x00", id="length beyond the frame"),
        pytest.param(b"\x05", id="unknown type"),
        pytest.param(b"\x80", id="half a varint"),
        pytest.param(b"\xff" * 1000, id="endless varint"),
        pytest.param(b"\x66\x02\x01\x01", id="two numbers in a receipt"),
        pytest.param(b"\x66\x00", id="no number in a receipt"),
    ],
)
def test_malformed_frames_are_refused(frame):
    """ProtocolError and nothing else, at once."""
    with pytest.raises(ProtocolError):
        list(wire.decode(frame))


def test_what_came_before_a_malformed_message_counts():
    """Messages are read one by one, so the peer's good ones are not lost to its bad one."""
    messages = wire.decode(b"\x03\x05")

    assert next(messages) == QueryAwareness()
    with pytest.raises(ProtocolError):
        next(messages)
