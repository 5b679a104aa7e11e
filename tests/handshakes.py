"""Handshakes that are none: what a WebSocket's upgrade request can have wrong, as bytes."""

from collections.abc import Iterator

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HEADERS = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}
JUNK = (
    "", " ", "0", "-1", "x", "null", "\xff\xfe", "a" * 5_000, "a,b,c", "%00", "\x7f", "1e9", "13.0",
    "()", '"', "<script>", "../..", "\t", "\u20ac".encode().decode("latin-1"), "=;=;",
    "99999999999",
)  # fmt: skip
NO_HOSTS = ("a b", "a/b", "\xff", "a\x00b", "<x>", "a@b", "x" * 40_000)
LINES = (
    "GET", "GET /sync/x", "GET  /sync/x HTTP/1.1", "get /sync/x HTTP/1.1", "POST /sync/x HTTP/1.1",
    "HEAD /sync/x HTTP/1.1", "PUT /sync/x HTTP/1.1", "OPTIONS /sync/x HTTP/1.1",
    "PATCH /sync/x HTTP/1.1", "CONNECT /sync/x HTTP/1.1", "GET /sync/x HTTP/1.0.0",
    "GET /sync/x HTTP/2.0", "GET /sync/x HTTP/0.9", "GET /sync/x HTTP/", "GET /sync/x HTTP/9.9",
    "GET /sync/x FTP/1.1", "GET sync/x HTTP/1.1", "GET /syncx HTTP/1.1", "GET /syn HTTP/1.1",
    "GET //sync/x HTTP/1.1", "GET /../sync/x HTTP/1.1", "GET /SYNC/x HTTP/1.1", "\x00",
    "GET /sync/x\x00 HTTP/1.1", "GET /sync/x y HTTP/1.1", "FROB /sync/x HTTP/1.1", "PRI * HTTP/2.0",
    "GET * HTTP/1.1", "GET /" + "a" * 40_000 + " HTTP/1.1", "\x16\x03\x01\x02\x00\x01\x00",
    "GET /sync/x HTTP/1.1\r\n folded", "TRACE /sync/x HTTP/1.1", "DELETE /sync/x HTTP/1.1",
)  # fmt: skip
ALSO = (
    "no colon", ": no name", "Bad Name: x", "Host: other", "Content-Length: -1",
    "Content-Length: x",
    "Content-Length: 1, 2", "Content-Length: 99999999999999999999", "Content-Length: 2000000",
    "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: gzip",
    "Transfer-Encoding: chunked, chunked", "X: a\x00b", "X\x00: b", "X: " + "y" * 40_000,
    "Content-Length: +5", "Content-Length: 0x5",
)  # fmt: skip


def upgrade(more: str = "", line: str = "GET /sync/x HTTP/1.1", **headers: str | None) -> bytes:
    """An upgrade request; `headers` replace those of the same name, with _ for -, None: without;
    `more` are whole lines."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    values = {**HEADERS, **changed}
    lines = [f"{name}: {value}\r\n" for name, value in values.items() if value is not None]
    return f"{line}\r\n{''.join(lines)}{more}\r\n".encode("latin-1")


UPGRADE = upgrade()


def malformed() -> Iterator[bytes]:
    """Requests that no correct client sends."""
    for name in HEADERS:
        field = name.replace("-", "_")
        yield upgrade(**{field: None})
        if name != "Connection":  # which is a list
            yield upgrade(f"{name}: {HEADERS[name]}x\r\n")
        for other in HEADERS:
            yield upgrade(**{field: None, other.replace("-", "_"): "\x01"})
        for junk in JUNK if name != "Host" else NO_HOSTS:
            yield upgrade(**{field: junk})
    for version in (*range(13), *range(14, 75)):
        yield upgrade(Sec_WebSocket_Version=str(version))
    for line in LINES:
        yield upgrade(line=line)
        if not line.startswith("POST"):  # that is no handshake, and opens a connection over HTTP
            yield upgrade(line=line, Upgrade=None)
    for also in ALSO:
        yield upgrade(also + "\r\n")
        yield upgrade(also + "\r\n", "POST /sync/x HTTP/1.1")
    for size in range(1, len(UPGRADE) - 4, 3):
        yield UPGRADE[:size] + b"\0\r\n\r\n"
