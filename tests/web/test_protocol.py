"""Each way to break RFC 6455, as literal bytes on a raw socket against a real server.

A client of ours masks with four zero bytes (ZERO), so that payloads can be read as they stand.
"""

import asyncio
import shutil
import socket
import ssl
import subprocess
import zlib
from asyncio import StreamReader, StreamWriter
from pathlib import Path
from typing import ClassVar

import pytest
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.web import Application

from collab.web import patrol
from collab.web.listening import ListeningStream, listening
from collab.web.protocol import SEND_BUFFER, HardenedWebSocket, max_frame, send_frames

ZERO = b"\x00\x00\x00\x00"
HELLO = b"\x82\x85" + ZERO + b"hello"
HELLO_ECHOED = b"\x82\x05hello"
LIMIT = 1_000_000

UPGRADE = (
    b"GET /?token=secret HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Echo(HardenedWebSocket):
    """Sends every message back, and remembers how its connections ended."""

    opened: ClassVar[list["Echo"]]
    closed: ClassVar["asyncio.Queue[tuple[int | None, str | None]]"]

    def open(self, *args: str, **kwargs: str) -> None:
        Echo.opened.append(self)
        self.drained = asyncio.Event()

    def on_message(self, message: str | bytes) -> None:
        if message == "raise":
            raise RuntimeError("an error in the handler")
        send_frames(self, [message.encode() if isinstance(message, str) else message])

    def on_drained(self) -> None:
        self.drained.set()

    def on_close(self) -> None:
        Echo.closed.put_nowait((self.close_code, self.close_reason))


class Deflating(Echo):
    """The same, with compression agreed on."""

    def get_compression_options(self) -> dict[str, int]:
        return {}


class Late(Echo):
    """Finds that its peer has gone, once it gets to work."""

    def prepare(self) -> None:
        self.request.connection.stream.close()


@pytest.fixture
def app() -> Application:
    """An echo server, its memory wiped."""
    Echo.opened = []
    Echo.closed = asyncio.Queue()
    rules = [("/", Echo), ("/deflate", Deflating), ("/late", Late)]
    return Application(rules, websocket_max_message_size=LIMIT)


async def connect(
    port: int, sent: bytes = b"", upgrade: bytes = UPGRADE, tls: ssl.SSLContext | None = None
) -> tuple[StreamReader, StreamWriter]:
    """A WebSocket on a raw socket, its handshake done; `sent` follows in the same packet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    writer.write(upgrade + sent)
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101 ")
    return reader, writer


async def answer_to(port: int, sent: bytes) -> bytes:
    """All that the server says to these bytes until it ends the connection."""
    reader, writer = await connect(port, sent)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def closed_with(answer: bytes) -> int:
    """The code of the close frame that `answer` consists of."""
    assert answer[0] == 0x88, answer
    assert len(answer) == 2 + answer[1]
    return int.from_bytes(answer[2:4])


@pytest.mark.gen_test
async def test_a_valid_close_is_echoed(http_server: HTTPServer, http_port: int) -> None:
    """Codes that may be sent come back as they are; no code comes back as none."""
    assert b"\x88\x00" == await answer_to(http_port, b"\x88\x80" + ZERO)
    for code in (1000, 1001, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999):
        payload = code.to_bytes(2)
        assert b"\x88\x02" + payload == await answer_to(http_port, b"\x88\x82" + ZERO + payload)
    bye = b"\x03\xe8bye \xe2\x9c\x8b"
    assert b"\x88\x02\x03\xe8" == await answer_to(http_port, b"\x88\x89" + ZERO + bye)


@pytest.mark.gen_test
@pytest.mark.expects_log(r"127\.0\.0\.1: closed with 1002: \d+ is no close code")
async def test_an_invalid_close_code_is_not_echoed(http_server: HTTPServer, http_port: int) -> None:
    """Reserved, never to be sent, unassigned or out of range: 1002."""
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        payload = code.to_bytes(2)
        assert 1002 == closed_with(await answer_to(http_port, b"\x88\x82" + ZERO + payload)), code


FAULTS = {
    "a close code of one byte": (b"\x88\x81" + ZERO + b"\x03", 1002),
    "a close reason that is not UTF-8": (b"\x88\x83" + ZERO + b"\x03\xe8\xff", 1007),
    "an unmasked message": (b"\x82\x05hello", 1002),
    "an unmasked ping": (b"\x89\x00", 1002),
    "an unmasked close": (b"\x88\x02\x03\xe8", 1002),
    "reserved bit 1 without an extension": (b"\xc2\x85" + ZERO + b"hello", 1002),
    "reserved bit 2": (b"\xa2\x85" + ZERO + b"hello", 1002),
    "reserved bit 3": (b"\x92\x85" + ZERO + b"hello", 1002),
    "a reserved bit on a ping": (b"\xc9\x80" + ZERO, 1002),
    "unknown data opcode": (b"\x83\x80" + ZERO, 1002),
    "unknown control opcode": (b"\x8b\x80" + ZERO, 1002),
    "a fragmented ping": (b"\x09\x80" + ZERO, 1002),
    "a ping of 126 bytes": (b"\x89\xfe\x00\x7e" + ZERO + b"p" * 126, 1002),
    "a close of 64 bits length": (b"\x88\xff" + b"\x00" * 7 + b"\x7e" + ZERO, 1002),
    "a continuation of nothing": (b"\x80\x85" + ZERO + b"hello", 1002),
    "a message inside another": (b"\x02\x81" + ZERO + b"a" + HELLO, 1002),
    "text that is not UTF-8": (b"\x81\x82" + ZERO + b"\xc3\x28", 1007),
    "text that ends inside a character": (b"\x81\x82" + ZERO + b"\xe2\x9c", 1007),
    "a surrogate": (b"\x81\x83" + ZERO + b"\xed\xa0\x80", 1007),
    "a header above the limit": (b"\x82\xff" + (LIMIT + 1).to_bytes(8), 1009),
    "a length above 2^63": (b"\x82\xff" + b"\xff" * 8, 1009),
    "fragments above the limit together": (
        b"\x02\xff" + LIMIT.to_bytes(8) + ZERO + bytes(LIMIT) + b"\x80\x81",
        1009,
    ),
    "1,025 fragments": (b"\x02\x80" + ZERO + (b"\x00\x80" + ZERO) * 1024, 1008),
}


@pytest.mark.gen_test
@pytest.mark.expects_log(r"127\.0\.0\.1: closed with 100[2789]: ")
@pytest.mark.parametrize("name", FAULTS)
async def test_faults_are_answered_with_their_code(
    http_server: HTTPServer, http_port: int, name: str
) -> None:
    """What came before the fault is answered, the fault by its code; the session ends at once."""
    sent, code = FAULTS[name]
    answer = await answer_to(http_port, HELLO + sent + HELLO)
    assert answer.startswith(HELLO_ECHOED)
    assert code == closed_with(answer[len(HELLO_ECHOED) :])
    assert code == (await Echo.closed.get())[0]


@pytest.mark.gen_test
async def test_what_is_unusual_but_right_is_taken(http_server: HTTPServer, http_port: int) -> None:
    """1,024 fragments, a ping between them, nothing, long length fields, the largest message."""
    reader, writer = await connect(http_port)
    fragments = b"\x02\x81" + ZERO + b"a" + (b"\x00\x81" + ZERO + b"a") * 1022
    writer.write(fragments + b"\x89\x81" + ZERO + b"!" + b"\x80\x81" + ZERO + b"a")
    assert b"\x8a\x01!" == await reader.readexactly(3)
    assert b"\x82\x7e\x04\x00" + b"a" * 1024 == await reader.readexactly(1028)

    writer.write(b"\x82\x80" + ZERO + b"\x82\xfe\x00\x01" + ZERO + b"b" + b"\x8a\x80" + ZERO)
    assert b"\x82\x00\x82\x01b" == await reader.readexactly(5)

    writer.write(b"\x82\xff" + LIMIT.to_bytes(8) + ZERO + b"c" * LIMIT)
    assert b"\x82\x7f" + LIMIT.to_bytes(8) + b"c" * LIMIT == await reader.readexactly(LIMIT + 10)
    writer.close()
    await writer.wait_closed()


@pytest.mark.gen_test
async def test_masks_are_taken_off(http_server: HTTPServer, http_port: int) -> None:
    """The example of RFC 6455 section 5.7: a masked "Hello"."""
    reader, writer = await connect(http_port, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")
    assert b"\x82\x05Hello" == await reader.readexactly(7)
    writer.close()
    await writer.wait_closed()


@pytest.mark.gen_test
@pytest.mark.expects_log(r"closed with 1009")
async def test_a_client_that_goes_on_sending_learns_why(
    http_server: HTTPServer, http_port: int
) -> None:
    """Bytes on the way when the fault is found are thrown away, so the close frame is not lost.

    A socket closed with unread bytes resets the connection, and the peer's kernel would throw
    the close frame away with it.
    """
    size = 40 * LIMIT
    reader, writer = await connect(http_port, b"\x82\xff" + size.to_bytes(8) + ZERO)
    for _ in range(40):
        writer.write(bytes(LIMIT))
        await writer.drain()
    assert 1009 == closed_with(await reader.read())
    writer.close()
    await writer.wait_closed()


@pytest.mark.gen_test
@pytest.mark.expects_log(r"ERROR web: /: an error of ours")
async def test_an_error_in_the_handler_is_1011(http_server: HTTPServer, http_port: int) -> None:
    """Only its own connection ends, and the log has the path without the query string."""
    other, other_writer = await connect(http_port)
    assert 1011 == closed_with(
        await answer_to(http_port, b"\x81\x85" + ZERO + b"raise" + HELLO + b"\x88\x80" + ZERO)
    )
    other_writer.write(HELLO)
    assert HELLO_ECHOED == await other.readexactly(7)
    other_writer.close()
    await other_writer.wait_closed()


@pytest.mark.gen_test
async def test_after_our_close_nothing_is_delivered(
    http_server: HTTPServer, http_port: int
) -> None:
    """The server closes; messages that were on the way are not handed over any more."""
    reader, writer = await connect(http_port, HELLO)
    assert HELLO_ECHOED == await reader.readexactly(7)
    Echo.opened[0].close(4404, "gone")
    assert b"\x88\x06\x11\x34gone" == await reader.readexactly(8)
    writer.write(HELLO + b"\x88\x82" + ZERO + b"\x11\x34")
    assert b"" == await reader.read()
    assert 4404 == (await Echo.closed.get())[0]
    writer.close()
    await writer.wait_closed()


@pytest.mark.gen_test
@pytest.mark.parametrize("version", [b"7", b"8", b"12", b""])
async def test_other_protocol_versions_are_refused(
    http_server: HTTPServer, http_port: int, version: bytes
) -> None:
    """RFC 6455 section 4.4: 426, and the version that there is."""
    reader, writer = await asyncio.open_connection("127.0.0.1", http_port)
    writer.write(UPGRADE.replace(b"Version: 13", b"Version: " + version))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 426 ")
    assert b"Sec-Websocket-Version: 13\r\n" in head
    writer.close()
    await writer.wait_closed()


async def fill(handler: Echo, payload: bytes) -> int:
    """Send until the transport is full; how many frames that took."""
    frames = 1
    while send_frames(handler, [payload]):
        frames += 1
    return frames


@pytest.mark.gen_test
async def test_a_stalled_reader_is_noticed_and_called_again(
    http_server: HTTPServer, http_port: int
) -> None:
    """send_frames says False after a bounded number of bytes; on_drained comes when they went."""
    reader, writer = await connect(http_port, HELLO)
    await reader.readexactly(7)
    handler = Echo.opened[0]
    payload = b"s" * 60_000
    client = writer.get_extra_info("socket")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)

    frames = await fill(handler, payload)
    # The kernel doubles SO_SNDBUF for its own bookkeeping; asyncio's reader takes in 128 KiB.
    assert frames * len(payload) < 2 * SEND_BUFFER + (8 << 20)
    assert not handler.drained.is_set()

    frame = b"\x82\x7e\xea\x60" + payload
    assert frame * frames == await reader.readexactly(len(frame) * frames)
    await handler.drained.wait()
    assert send_frames(handler, [b"on we go"])
    assert b"\x82\x08on we go" == await reader.readexactly(10)
    writer.close()
    await writer.wait_closed()


@pytest.mark.gen_test
async def test_a_reader_that_leaves_is_not_called_again(
    http_server: HTTPServer, http_port: int
) -> None:
    """A connection that goes while frames wait: on_close, no on_drained, nothing in the log."""
    reader, writer = await connect(http_port, HELLO)
    await reader.readexactly(7)
    handler = Echo.opened[0]
    await fill(handler, b"s" * 60_000)
    writer.transport.abort()
    await Echo.closed.get()
    assert not handler.drained.is_set()
    assert not send_frames(handler, [b"into the void"])


@pytest.mark.gen_test
async def test_frames_have_a_largest_size(http_server: HTTPServer, http_port: int) -> None:
    """The largest payload goes out whole to who reads; one byte more is our own mistake."""
    reader, writer = await connect(http_port, HELLO)
    await reader.readexactly(7)
    handler = Echo.opened[0]
    most = max_frame(handler)
    with pytest.raises(ValueError, match="too many for one frame"):
        send_frames(handler, [bytes(most + 1)])
    assert not send_frames(handler, [bytes(most)])
    handler.ping(b"?")
    assert b"\x82\x7f" + most.to_bytes(8) == await reader.readexactly(10)
    await reader.readexactly(most)
    assert b"\x89\x01?" == await reader.readexactly(3)
    writer.close()
    await writer.wait_closed()


@pytest.mark.gen_test
async def test_who_does_not_answer_pings_is_closed(
    app: Application, http_server: HTTPServer, http_port: int
) -> None:
    """A pong keeps the connection, a missing one ends it within two intervals."""
    app.settings["websocket_ping_interval"] = 0.5
    reader, writer = await connect(http_port)
    for _ in range(2):
        assert b"\x89\x00" == await reader.readexactly(2)
        writer.write(b"\x8a\x80" + ZERO)
    assert b"\x89\x00" == await reader.readexactly(2)
    assert b"\x88\x10\x03\xe8ping timed out" == await reader.readexactly(18)
    writer.write(b"\x88\x82" + ZERO + b"\x03\xe8")
    assert b"" == await reader.read()
    writer.close()
    await writer.wait_closed()


@pytest.mark.gen_test
async def test_nobody_is_hurried(
    app: Application, http_server: HTTPServer, http_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few connections there are: a ping comes no sooner than an interval after the last
    word, and an answer may take as long."""
    monkeypatch.setattr(patrol, "PAUSE", 0.02)
    app.settings["websocket_ping_interval"] = 0.5
    clock = asyncio.get_running_loop().time
    began = clock()
    reader, writer = await connect(http_port)
    assert b"\x89\x00" == await reader.readexactly(2)
    pinged = clock()
    assert pinged - began >= 0.5
    assert b"\x88\x10\x03\xe8ping timed out" == await reader.readexactly(18)
    assert clock() - began >= 1
    writer.close()
    await writer.wait_closed()


@pytest.mark.gen_test
async def test_who_goes_during_the_handshake_is_closed(
    http_server: HTTPServer, http_port: int
) -> None:
    """There is no socket to make settings of any more, which is nobody's fault."""
    _, writer = await asyncio.open_connection("127.0.0.1", http_port)
    writer.write(UPGRADE.replace(b"/?", b"/late?"))
    await Echo.closed.get()
    writer.close()
    await writer.wait_closed()


@pytest.mark.gen_test
async def test_who_waits_may_be_cancelled_as_the_peer_goes() -> None:
    """As when the server stops: the one does not stumble over the other."""
    ours, theirs = socket.socketpair()
    stream = listening(IOStream(ours))
    assert isinstance(stream, ListeningStream)
    waiting = asyncio.create_task(stream.listen(lambda data: None))
    await asyncio.sleep(0)
    stream.close()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    theirs.close()


INFLATES_TO_2_MB = zlib.compress(bytes(2 * LIMIT), wbits=-15)


@pytest.mark.gen_test
@pytest.mark.expects_log(r"closed with 100[79]: a compressed message cannot|inflated")
@pytest.mark.parametrize(
    ("name", "payload", "code"),
    [("a bomb", INFLATES_TO_2_MB, 1009), ("no deflate", b"\xff" * 9, 1007)],
)
async def test_hostile_compression(
    http_server: HTTPServer, http_port: int, name: str, payload: bytes, code: int
) -> None:
    """Where a handler turns compression on, the limit holds for what comes out of it."""
    offer = b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    upgrade = UPGRADE.replace(b"/?", b"/deflate?").replace(b"\r\n\r\n", offer)
    sent = b"\xc2\xfe" + len(payload).to_bytes(2) + ZERO + payload
    reader, writer = await connect(http_port, sent, upgrade)
    assert code == closed_with(await reader.read())
    writer.close()
    await writer.wait_closed()


@pytest.fixture
def ssl_options(tmp_path: Path) -> ssl.SSLContext:
    """A server's certificate, made for this test."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command to make a certificate")
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate")]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=here"]
    subprocess.run(make + files, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    return context


@pytest.mark.gen_test
@pytest.mark.expects_log(r"closed with 1002")
async def test_the_same_over_tls(https_server: HTTPServer, https_port: int) -> None:
    """Frames, a stalled reader and a fault, with the stream's own buffering below."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    reader, writer = await connect(https_port, HELLO, tls=trusting)
    assert HELLO_ECHOED == await reader.readexactly(7)
    handler = Echo.opened[0]
    payload = b"s" * 60_000
    frames = await fill(handler, payload)
    frame = b"\x82\x7e\xea\x60" + payload
    assert frame * frames == await reader.readexactly(len(frame) * frames)
    await handler.drained.wait()
    writer.write(b"\x82\x05hello")
    assert 1002 == closed_with(await reader.read())
    writer.close()
    await writer.wait_closed()
