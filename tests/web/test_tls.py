"""HTTPS and wss by Quire itself: a real server, real certificates, and new ones while it runs."""

import asyncio
import contextlib
import json
import signal
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from collab.web import tls
from collab.wire import Receipt, SyncStep1, SyncStep2, SyncUpdate, decode, encode
from tests.live import polls
from tests.web.test_cli import quire, serving


def make(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, as openssl makes them."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@contextmanager
def secure(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str, Path]]:
    """A server with TLS, its URL, and the certificate that it has."""
    certificate, key = make(folder, "now")
    with serving(folder, "--certificate", str(certificate), "--key", str(key)) as (process, url):
        yield process, url, certificate


def trusting(certificate: Path) -> ssl.SSLContext:
    """Of a client that knows this certificate and no other."""
    return ssl.create_default_context(cafile=str(certificate))


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1].rstrip("/"))


def shown(port: int) -> str:
    """The certificate that a new connection is shown."""
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=10)


async def editor(url: str, certificate: Path) -> WebSocketClientConnection:
    """Somebody who edits over wss."""
    request = HTTPRequest(
        url.replace("https", "wss") + "sync/notes", ssl_options=trusting(certificate)
    )
    return await websocket_connect(request)


async def hear(peer: WebSocketClientConnection, kind: Any) -> SyncStep2 | SyncUpdate | Receipt:
    while isinstance(frame := await peer.read_message(), bytes):
        for message in decode(frame):
            if isinstance(message, kind):
                assert isinstance(message, SyncStep2 | SyncUpdate | Receipt)
                return message
    raise AssertionError(f"hung up: {peer.close_code} {peer.close_reason}")


async def leave(*peers: WebSocketClientConnection) -> None:
    """All close, and wait until their sockets are closed."""
    for peer in peers:
        peer.close()
        while await peer.read_message() is not None:
            pass


async def write(peer: WebSocketClientConnection, words: str, number: int) -> None:
    """Types at the end, and waits until it is on disk."""
    doc: Doc[str] = Doc(client_id=number)
    text = doc.get("content", type=Text)
    text += words
    for message in (SyncStep1(b"\x00"), SyncStep2(doc.get_update()), Receipt(number)):
        await peer.write_message(encode(message), binary=True)
    while await hear(peer, Receipt) != Receipt(number):
        pass


def test_pages_and_sockets_come_over_tls(tmp_path: Path) -> None:
    """Whole: megabytes in both directions; with HSTS; and nothing older than TLS 1.2."""

    async def story(url: str, certificate: Path) -> str:
        one = await editor(url, certificate)
        await write(one, "x" * 3_000_000, 1)
        two = await editor(url, certificate)
        await two.write_message(encode(SyncStep1(b"\x00")), binary=True)
        doc: Doc[str] = Doc()
        text = doc.get("content", type=Text)
        while len(text) < 3_000_000:  # it comes in parts
            state = await hear(two, SyncStep2 | SyncUpdate)
            assert isinstance(state, SyncStep2 | SyncUpdate)
            doc.apply_update(state.update)
        await leave(one, two)
        return str(text)

    with secure(tmp_path) as (process, url, certificate):
        assert url.startswith("https://")
        context = trusting(certificate)
        with urllib.request.urlopen(url, timeout=10, context=context) as answer:
            assert "max-age=31536000" == answer.headers["Strict-Transport-Security"]
        assert "x" * 3_000_000 == asyncio.run(asyncio.wait_for(story(url, certificate), 50))

        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", port_of(url))) as raw, pytest.raises(OSError):
            old.wrap_socket(raw)
        with socket.create_connection(("127.0.0.1", port_of(url)), 10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert not plain.recv(100).startswith(b"HTTP")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert {"info"} == {json.loads(line)["level"] for line in errors.splitlines()}, errors


def test_a_new_certificate_is_taken_while_people_edit(tmp_path: Path) -> None:
    """SIGHUP: who comes gets the new one, who is there stays. A bad one changes nothing."""

    async def story(process: "subprocess.Popen[str]", url: str, certificate: Path) -> None:
        port = port_of(url)
        peer = await editor(url, certificate)
        await write(peer, "before", 1)
        renewed, new_key = make(tmp_path, "renewed")
        certificate.write_text(renewed.read_text())
        certificate.with_suffix(".key").write_text(new_key.read_text())
        assert shown(port) != renewed.read_text()
        process.send_signal(signal.SIGHUP)
        for _ in polls("the new certificate"):
            if shown(port) == renewed.read_text():
                break
        await write(peer, "after", 2)

        certificate.with_suffix(".key").write_text(make(tmp_path, "other")[1].read_text())
        process.send_signal(signal.SIGHUP)
        log = tmp_path / "log"
        for _ in polls("the complaint"):
            if "is not that of" in log.read_text():
                break
        assert shown(port) == renewed.read_text()
        await write(peer, "in spite of it", 3)
        newcomer = await editor(url, renewed)
        await write(newcomer, "hello", 4)
        await leave(peer, newcomer)

    certificate, key = make(tmp_path, "now")
    with (tmp_path / "log").open("w") as log, serving(
        tmp_path, "--certificate", str(certificate), "--key", str(key), errors=log.fileno()
    ) as (process, url):  # fmt: skip
        asyncio.run(asyncio.wait_for(story(process, url, certificate), 50))
        process.terminate()
        process.wait(20)
    levels = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    [error] = [line["message"] for line in levels if line["level"] != "info"]
    assert error.startswith("the certificate could not be read again, the old one stays: The key")
    assert 1 == sum(line["message"] == "the certificate was read again" for line in levels)


def test_what_cannot_be_served_is_said(tmp_path: Path) -> None:
    """Which of the files, and what is wrong with it; nothing is served then."""
    certificate, key = make(tmp_path, "now")
    other = make(tmp_path, "other")[1]
    locked = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "ec", "-in", key, "-out", locked, "-aes256", "-passout", "pass:secret"],
        check=True,
        capture_output=True,
    )
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for one, two, sentence in [
        (certificate, other, f"The key in {other} is not that of {certificate}."),
        (key, key, f"There is no certificate in {key}: it must be a PEM file."),
        (certificate, certificate, f"There is no private key in {certificate}: it must be a PEM"),
        (certificate, locked, f"The key in {locked} is encrypted: nobody is here to decrypt it."),
        (broken, key, f"{broken} and {key} are damaged: "),
    ]:
        with pytest.raises(ValueError, match=r"\.$") as caught:
            tls.context(str(one), str(two))
        assert sentence in str(caught.value)
    missing = quire(tmp_path, "serve", "--certificate", "none.pem", "--key", str(key))
    assert (1, "Error: none.pem: No such file or directory.\n") == (
        missing.returncode,
        missing.stderr,
    )
    half = quire(tmp_path, "serve", "--certificate", str(certificate))
    assert (2, "Error: --key is missing: a certificate and its key come together.\n") == (
        half.returncode,
        half.stderr,
    )
