"""The `quire` command as people meet it: real processes, their output and their exit codes."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from collab.storage import Entry, open_store

QUIRE = [sys.executable, "-m", "collab.web"]

# Y.Doc with getText("content") = "hello", client 1, as Yjs encodes it.
HELLO = bytes.fromhex("010101000401 07 636f6e74656e74 05 68656c6c6f 00")


def environment(**extra: str) -> dict[str, str]:
    """Ours without what may be set here, and with output that is not held back."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUIRE_")}
    return {**kept, **extra}


def quire(
    folder: Path, *arguments: str, stdin: str = "", **extra: str
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        QUIRE + list(arguments),
        cwd=folder,
        env=environment(**extra),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


@contextmanager
def serving(
    folder: Path, *arguments: str, errors: int = subprocess.PIPE
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that listens, and its URL; ended afterwards if it has not been."""
    process = subprocess.Popen(
        [*QUIRE, "serve", "--port", "0", *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        found = re.fullmatch(r"Quire is at (https?://\S+/) \(documents in (.+)\)\n", first)
        assert found, first + (process.stderr.read() if process.stderr else "")
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


def write_document(path: Path, name: str = "notes", title: str = "") -> None:
    """A store with one document that says hello."""

    async def write() -> None:
        async with open_store(str(path)) as store:
            await store.append([Entry(name, 1_700_000_000_000, "", HELLO)])
            await store.describe(name, title=title)

    asyncio.run(write())


def get(url: str) -> bytes:
    """The body of what is there."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        content: bytes = answer.read()
        return content


def test_serve_says_where_it_is_and_serves_the_page(tmp_path: Path) -> None:
    """One line with the URL, one about who may come; the page and the API are there."""
    with serving(tmp_path, "--store", "here.db") as (process, url):
        assert process.stdout is not None
        second = process.stdout.readline()
        assert "It is open to everybody who can reach this address.\n" == second
        assert b"<!doctype html>" in get(url).lower()
        assert json.loads(get(url + "api/status"))["saving"] is True
        assert (tmp_path / "here.db").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_closes_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """On a signal it ends with 0, with an editor connected; store and port are free at once."""
    with serving(tmp_path) as (process, url):
        port = int(url.rsplit(":", 1)[1].rstrip("/"))
        editor = socket.create_connection(("127.0.0.1", port), timeout=10)
        editor.sendall(
            b"GET /sync/notes HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b" 101 " in editor.recv(1000)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
        assert 0 == process.returncode
        assert "Traceback" not in errors and '"error"' not in errors, errors
        editor.close()
    with serving(tmp_path):
        pass


def test_what_was_written_is_there_after_kill_9(tmp_path: Path) -> None:
    """A store that nobody closed opens again, without a word about locks."""
    with serving(tmp_path) as (process, url):
        body = b'{"title": "Kept", "kind": "text"}'
        made = urllib.request.Request(
            url + "api/documents", body, {"Content-Type": "application/json"}
        )
        name = json.loads(urllib.request.urlopen(made, timeout=10).read())["name"]
        process.kill()
        process.wait()
    listed = quire(tmp_path, "list")
    assert 0 == listed.returncode
    assert f"{name}  Kept" in listed.stdout


def test_a_child_outlives_no_server(tmp_path: Path) -> None:
    """The engine's workers go with the server."""
    write_document(tmp_path / "a.db")
    with serving(tmp_path, "--store", "a.db") as (process, url):
        get(url + "api/documents/notes/content")
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.communicate(timeout=20)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert [] == alive


REFUSED = [
    (["--port", "http"], 2, "--port must be a whole number from 0 to 65535, not 'http'."),
    (["--host", "0.0.0.0"], 2, "0.0.0.0 can be reached from other machines"),
    (["--store", "text.db"], 1, "text.db is not a SQLite database; nothing was changed in it."),
    (["--store", "text.db/under/it.db"], 1, "text.db"),
    (["--store", "postgresql://host/db"], 1, "is no store: give a path"),
    (["--host", "192.0.2.1", "--open"], 1, "192.0.2.1 port 4700 is no address of this machine."),
]


@pytest.mark.parametrize(("arguments", "code", "sentence"), REFUSED)
def test_what_cannot_be_served_is_said_in_a_sentence(
    tmp_path: Path, arguments: list[str], code: int, sentence: str
) -> None:
    """One line on stderr, an exit code, and no traceback."""
    (tmp_path / "text.db").write_text("this is no database\n" * 100)
    ended = quire(tmp_path, "serve", *arguments)
    assert (code, "") == (ended.returncode, ended.stdout)
    assert re.fullmatch(r"Error: .+\.\n", ended.stderr), ended.stderr
    assert sentence in ended.stderr


def test_a_second_server_is_refused(tmp_path: Path) -> None:
    """On the same port, and on the same store at another port."""
    with serving(tmp_path) as (_, url):
        port = url.rsplit(":", 1)[1].rstrip("/")
        same_port = quire(tmp_path, "serve", "--store", "other.db", "--port", port)
        same_store = quire(tmp_path, "serve", "--port", "0")
        reading = quire(tmp_path, "list")
        assert b"<!doctype html>" in get(url).lower()
    assert [1, 1, 1] == [same_port.returncode, same_store.returncode, reading.returncode]
    assert f"port {port} is taken" in same_port.stderr
    assert "is already open in this or another Quire" in same_store.stderr
    assert same_store.stderr == reading.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """Said with the folder's name."""
    tmp_path.chmod(0o500)
    ended = quire(tmp_path, "serve")
    tmp_path.chmod(0o700)
    assert 1 == ended.returncode
    assert re.fullmatch(r"Error: \S*quire-data: Permission denied\.\n", ended.stderr)


def test_show_config_says_where_values_come_from(tmp_path: Path) -> None:
    """Every setting, its value and its source; nothing is started."""
    (tmp_path / "quire.toml").write_text("ping_interval = 9\n")
    limits = ("--limit", "connections=9", "--limit", "idle_seconds=8")
    shown = quire(tmp_path, "serve", "--show-config", "--open", *limits, QUIRE_PORT="8080")
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert ["port", "8080", "QUIRE_PORT"] in lines
    assert ["open", "true", "--open"] in lines
    assert ["ping_interval", "9", "quire.toml"] in lines
    assert ["host", "127.0.0.1", "default"] in lines
    assert ["limits.connections", "9", "--limit"] in lines
    assert ["limits.idle_seconds", "8", "--limit"] in lines
    assert ["limits.body_seconds", "10", "default"] in lines
    assert not (tmp_path / "quire-data").exists()


def test_list_and_show(tmp_path: Path) -> None:
    """What there is, and what is in it, as text and as JSON; titles cannot steer a terminal."""
    write_document(tmp_path / "quire.db", "a/b", "\x1b[31mRed")
    listed = quire(tmp_path, "list", QUIRE_STORE="quire.db")
    assert re.fullmatch(
        r"2023-11-1\d \d\d:\d\d +1  a/b  \N{REPLACEMENT CHARACTER}\[31mRed\n", listed.stdout
    )
    text = quire(tmp_path, "show", "a/b", "--store", "quire.db")
    assert (0, "hello\n") == (text.returncode, text.stdout), text.stderr
    shown = quire(tmp_path, "show", "a/b", "--json", "--store", "sqlite:///quire.db")
    assert {"content": "hello"} == json.loads(shown.stdout)


def test_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    """Reading commands say that there is nothing, and leave nothing behind."""
    for arguments in (["list"], ["show", "notes"], ["verify"]):
        ended = quire(tmp_path, *arguments)
        assert 1 == ended.returncode
        assert ended.stderr.startswith("Error: There is no store at quire-data/quire.db.")
    assert [] == list(tmp_path.iterdir())
    write_document(tmp_path / "quire.db")
    ended = quire(tmp_path, "show", "other", "--store", "quire.db")
    assert (1, "Error: There is no document 'other'.\n") == (ended.returncode, ended.stderr)


def test_verify_finds_one_changed_byte(tmp_path: Path) -> None:
    """Exit code 0 and a sentence on a good store; 1 and the place on a damaged one."""
    store = tmp_path / "quire.db"
    write_document(store)
    good = quire(tmp_path, "verify", "--store", "quire.db")
    assert (0, "Everything is as it was written: 1 document.\n") == (good.returncode, good.stdout)

    content = store.read_bytes()
    assert 1 == content.count(HELLO)
    store.write_bytes(content.replace(HELLO, HELLO[:-2] + b"\x00\x00"))
    damaged = quire(tmp_path, "verify", "--store", "quire.db")
    assert 1 == damaged.returncode
    assert damaged.stdout.startswith("document 'notes', edit 1: ")
    assert "Error: 1 problem in 1 document.\n" == damaged.stderr


def test_repair_makes_a_damaged_document_editable(tmp_path: Path) -> None:
    """It says what it would put aside, asks, and does it; then verify finds nothing."""
    store = tmp_path / "quire.db"
    write_document(store)
    store.write_bytes(store.read_bytes().replace(HELLO, HELLO[:-2] + b"\x00\x00"))

    asked = quire(tmp_path, "repair", "notes", "--store", "quire.db", stdin="n\n")
    assert "edit 1: it does not match its checksum\n" in asked.stdout
    assert 1 == asked.returncode
    assert 1 == quire(tmp_path, "verify", "--store", "quire.db").returncode

    done = quire(tmp_path, "repair", "notes", "--yes", "--store", "quire.db")
    assert "Document 'notes' can be edited again.\n" in done.stdout
    assert 0 == quire(tmp_path, "verify", "--store", "quire.db").returncode
    again = quire(tmp_path, "repair", "notes", "--store", "quire.db")
    assert "Nothing keeps document 'notes' from being edited.\n" == again.stdout


def test_the_log_has_no_query_strings(tmp_path: Path) -> None:
    """A token in a URL that failed is in no line; the lines are JSON when nobody looks on."""
    with serving(tmp_path) as (process, url):
        for path in ("api/documents/none?token=secret", "nothing?token=secret"):
            with pytest.raises(urllib.error.HTTPError):
                get(url + path)
        with socket.create_connection(("127.0.0.1", int(url.split(":")[2].rstrip("/")))) as raw:
            raw.sendall(b"GET /?token=secret\r\n\r\n")  # malformed: Tornado logs it
            raw.recv(1000)
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert "secret" not in errors
    messages = [json.loads(line)["message"] for line in errors.splitlines()]
    assert "404 127.0.0.1 GET /api/documents/none" in messages


def test_help_and_version(tmp_path: Path) -> None:
    """Every command explains itself, with examples."""
    assert quire(tmp_path, "--version").stdout.startswith("quire ")
    overview = quire(tmp_path, "--help").stdout
    for command in ("serve", "verify", "repair", "list", "show"):
        assert f"\n  {command} " in overview
        explained = quire(tmp_path, command, "--help").stdout
        assert re.search(rf"^  quire {command}", explained, re.MULTILINE), command


def test_a_row_in_quarantine(tmp_path: Path) -> None:
    """Verify tells of it, the document shows what was before, and repair explains and mends."""
    more = bytes.fromhex("01 01 01 05 84 01 04 01 21 00")  # Client 1 adds "!".

    async def write() -> None:
        async with open_store(tmp_path / "documents.db") as store:
            await store.append(
                [Entry("notes", n, "Ann", data) for n, data in ((1, HELLO), (2, more))]
            )
            await store.quarantine("notes", 2, "two workers that read it died")

    (tmp_path / "quire.toml").write_text('store = "documents.db"\n')
    asyncio.run(write())
    ended = quire(tmp_path, "verify")
    assert ended.returncode == 1
    assert ended.stdout == "document 'notes', edit 2: two workers that read it died\n"
    assert quire(tmp_path, "show", "notes").stdout == "hello\n"
    ended = quire(tmp_path, "repair", "notes", "--yes")
    assert "edit 2: it is in quarantine: two workers that read it died\n" in ended.stdout
    assert quire(tmp_path, "verify").returncode == 0
    assert quire(tmp_path, "repair", "notes").stdout.startswith("Nothing keeps")
