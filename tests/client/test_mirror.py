"""`quire mirror` as people meet it: a process, a file, a server, and a real Neovim that saves."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pycrdt import Text

from collab.client import Client, disk
from collab.client import mirror as within
from collab.errors import Conflict
from tests.client.neovim import Neovim, needs_neovim
from tests.client.stories import play, quire, text
from tests.live import PATIENCE, Server, until

MIRROR = (sys.executable, "-m", "collab.web", "mirror")


class Mirror:
    """`with Mirror(server, "notes", file) as mirror:` keeps both equal; `kill` is a crash."""

    def __init__(self, server: Server, document: str, file: Path, *options: str) -> None:
        self.command = [*MIRROR, server.page("/"), document, str(file), *options]
        self.log = file.with_name("mirror.log")
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Mirror":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """The exit code after a goodbye."""
        assert self.process is not None
        if self.process.poll() is None:
            while b"mirrors" not in self.log.read_bytes():  # it cannot be told before
                time.sleep(0.02)
            self.process.send_signal(how)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)

    @property
    def told(self) -> str:
        return self.log.read_text()


def ended(server: Server, document: str, file: Path, *options: str) -> str:
    """What a mirror says that ends by itself."""
    mirror = Mirror(server, document, file, *options)
    mirror.start()
    assert mirror.process is not None
    assert 1 == mirror.process.wait(PATIENCE), mirror.told
    return mirror.told


def content(server: Server, document: str = "notes") -> str:
    """What the server has on disk."""
    request = urllib.request.Request(
        server.page(f"/api/documents/{document}/content"), headers={"Accept": "text/plain"}
    )
    with urllib.request.urlopen(request) as answer:
        return str(answer.read().decode())


def by_rename(file: Path, words: str) -> None:
    """As Vim and Emacs save."""
    new = file.with_name("4913")
    new.write_text(words)
    os.replace(new, file)


def in_place(file: Path, words: str) -> None:
    """As most others save."""
    file.write_text(words)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "desk"
    folder.mkdir()
    return folder / "notes.md"


@pytest.mark.parametrize("save", [by_rename, in_place])
def test_a_file_and_a_document_are_equal(
    server: Server, file: Path, save: Callable[[Path, str], None]
) -> None:
    """Both ways, at once, letters of all sizes; the file stays what it was otherwise."""
    file.write_text("Grüße 😀\n")
    file.chmod(0o640)
    link = file.with_name("link.md")
    link.symlink_to(file)

    async def story() -> None:
        async with Client(server.page("/"), "notes") as ann:
            with Mirror(server, "notes", link) as mirror:
                await until("the file's text", lambda: text(ann) == "Grüße 😀\n")
                words = ann.doc.get("content", type=Text)
                words += "unten\n"
                await until("the edit in the file", lambda: "unten" in file.read_text())
                save(file, "oben\n" + file.read_text())
                words += "ganz unten\n"
                whole = "oben\nGrüße 😀\nunten\nganz unten\n"
                await until("both", lambda: text(ann) == whole == file.read_text())
                assert 0 == mirror.stop(signal.SIGTERM)
        assert 0o640 == file.stat().st_mode & 0o777 or save is by_rename
        assert link.is_symlink()
        assert whole == content(server) == file.read_text()

    play(story())


def test_what_both_did_while_apart_is_merged(server: Server, file: Path) -> None:
    """The mirror was down, or the server: nothing is lost, and nothing there twice."""
    file.write_text("one\ntwo\nthree\n")

    async def story() -> None:
        async with Client(server.page("/"), "notes") as ann:
            words = ann.doc.get("content", type=Text)
            mirror = Mirror(server, "notes", file)
            with mirror:
                await until("the text", lambda: text(ann) == "one\ntwo\nthree\n")
            file.write_text("ONE\ntwo\nthree\n")
            words += "four\n"
            await ann.saved()
            with mirror:
                merged = "ONE\ntwo\nthree\nfour\n"
                await until("both", lambda: text(ann) == merged == file.read_text())
                server.kill()
                await until("Ann to notice", lambda: not ann.online)
                file.write_text(merged.replace("two", "2"))
                await asyncio.sleep(1)
            file.write_text(file.read_text().replace("three", "3"))
            words += "five\n"
            with mirror:
                await until("it to be said", lambda: "cannot be reached" in mirror.told)
                server.start()
                merged = "ONE\n2\n3\nfour\nfive\n"
                await until("both", lambda: text(ann) == merged == file.read_text())

    play(story())


def test_a_crash_at_any_moment_loses_and_doubles_nothing(
    server: Server, file: Path, seed: int
) -> None:
    """Lines are written here and there while the mirror is killed: each is there once."""
    random = Random(seed)
    file.write_text("begin\n")
    rounds = 40 if os.environ.get("QUIRE_SOAK") else 6

    async def story() -> None:
        async with Client(server.page("/"), "notes") as ann:
            words = ann.doc.get("content", type=Text)
            mirror = Mirror(server, "notes", file)
            with mirror:
                await until("the text", lambda: text(ann) == "begin\n")
            marks = ["begin"]
            for _ in range(rounds):
                mirror.start()
                await until("it to begin", lambda: "mirrors" in mirror.told)
                for _ in range(random.randrange(1, 4)):
                    marks += [f"here {len(marks)}", f"there {len(marks)}"]
                    save = random.choice([by_rename, in_place])
                    lines = file.read_text().splitlines(True)
                    lines.insert(random.randint(0, len(lines)), f"{marks[-2]}\n")
                    save(file, "".join(lines))
                    places = [0, *(at + 1 for at, c in enumerate(text(ann)) if c == "\n")]
                    words.insert(random.choice(places), f"{marks[-1]}\n")
                    await asyncio.sleep(random.random())
                mirror.kill()
                assert 1 == len(mirror.told.splitlines()), mirror.told
            with mirror:
                await until("both", lambda: text(ann) == file.read_text() and "begin" in text(ann))
                await until("all", lambda: len(text(ann).splitlines()) >= len(marks))
                await until("both", lambda: text(ann) == file.read_text())
            assert sorted(marks) == sorted(text(ann).splitlines())

    play(story(), 600)


class Crash(BaseException):
    """The process is gone."""


FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize("number", range(1, 4))
@pytest.mark.parametrize(
    "fault, after",
    [(Crash(), False), (Crash(), True), (FULL, False)],
    ids=["before", "after", "full"],
)
def test_a_fault_at_every_write(
    server: Server,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
    number: int,
    after: bool,
) -> None:
    """A crash just before it, just after, or a full disk: no line is lost, or is there twice."""
    file.write_text("begin\n")
    written = iter(range(1, 100))
    replace = disk.replace
    told: list[str] = []

    def break_down(*arguments: Any) -> None:
        now = next(written) == number
        if now and not after:
            raise fault
        replace(*arguments)
        if now:
            raise fault

    async def mirroring(wanted: Callable[[], bool]) -> None:
        client = Client(server.page("/"), "notes")
        run = within.Mirror(client, file, "content", "notes", told.append).run()
        mirror = asyncio.create_task(run)
        try:
            await until("both", lambda: mirror.done() or wanted())
        finally:
            mirror.cancel()
            with contextlib.suppress(asyncio.CancelledError, Crash):
                await mirror

    async def story() -> None:
        async with Client(server.page("/"), "notes") as ann:
            await mirroring(lambda: text(ann) == file.read_text() == "begin\n")
            words = ann.doc.get("content", type=Text)
            words.insert(0, "there\n")
            await ann.saved()
            file.write_text("begin\nhere\n")
            merged = "there\nbegin\nhere\n"
            monkeypatch.setattr(disk, "replace", break_down)
            await mirroring(lambda: text(ann) == file.read_text() == merged)
            monkeypatch.undo()
            assert next(written) > number
            file.write_text(file.read_text() + "end\n")
            merged += "end\n"
            await mirroring(lambda: text(ann) == file.read_text() == merged)
            assert merged == text(ann) == file.read_text()
            assert (fault is FULL) == any("No space left" in sentence for sentence in told)

    play(story())


def test_a_file_that_is_empty_for_a_moment_empties_nothing(server: Server, file: Path) -> None:
    """Nor one that is away for a moment; one that is emptied is."""
    file.write_text("one\n")

    async def story() -> None:
        async with Client(server.page("/"), "notes") as ann:
            with Mirror(server, "notes", file):
                await until("the text", lambda: text(ann) == "one\n")
                words, seen = ann.doc.get("content", type=Text), []
                told = words.observe(lambda event: seen.append(event.delta[0]))
                file.write_text("")
                await asyncio.sleep(0.4)
                file.write_text("one\nmore\n")
                await until("more", lambda: text(ann) == "one\nmore\n")
                file.unlink()
                await asyncio.sleep(0.4)
                file.write_text("one\n")
                await until("less", lambda: text(ann) == "one\n")
                assert [{"retain": 4}, {"retain": 4}] == seen  # the first line was never touched
                words.unobserve(told)
                file.write_text("")
                await until("nothing", lambda: text(ann) == "")

    play(story())


def test_a_goodbye_in_the_middle_of_a_save(server: Server, file: Path) -> None:
    """Half a file is no edit: the other half is waited for."""
    file.write_text("one\ntwo\n")

    async def story() -> None:
        async with Client(server.page("/"), "notes") as ann:
            client = Client(server.page("/"), "notes")
            run = within.Mirror(client, file, "content", "notes", lambda _: None).run()
            mirror = asyncio.create_task(run)
            await until("the text", lambda: text(ann) == "one\ntwo\n")
            words, seen = ann.doc.get("content", type=Text), []
            told = words.observe(lambda event: seen.extend(event.delta))
            file.write_text("one\n")
            mirror.cancel()
            for _ in range(9):  # turns in which it could have taken that
                await asyncio.sleep(0)
            file.write_text("one\ntwo\nthree\n")
            with contextlib.suppress(asyncio.CancelledError):
                await mirror
            await until("all", lambda: text(ann) == "one\ntwo\nthree\n")
            assert [{"retain": 8}, {"insert": "three\n"}] == seen
            words.unobserve(told)

    play(story())


def test_a_file_that_is_deleted_ends_the_mirror(server: Server, file: Path) -> None:
    """It says so; the document stays, and is in the file again when the mirror comes back."""
    file.write_text("one\n")

    async def story() -> None:
        async with Client(server.page("/"), "notes") as ann:
            mirror = Mirror(server, "notes", file)
            with mirror:
                await until("the text", lambda: text(ann) == "one\n")
                file.unlink()
                assert mirror.process is not None
                assert 1 == await asyncio.to_thread(mirror.process.wait, PATIENCE)
                assert "is gone. The document stays" in mirror.told
            with mirror:
                await until("the file", lambda: file.exists() and file.read_text() == "one\n")
            assert "one\n" == text(ann)

    play(story())


def test_at_first_nothing_is_guessed(server: Server, file: Path) -> None:
    """One of both has a text, or both have the same; else it is refused, and both stay."""

    async def story() -> None:
        async with Client(server.page("/"), "notes") as ann:
            words = ann.doc.get("content", type=Text)
            words += "theirs\n"
            await ann.saved()
            file.write_text("mine\n")
            told = await asyncio.to_thread(ended, server, "notes", file)
            assert "different texts" in told
            assert ("mine\n", "theirs\n") == (file.read_text(), text(ann))
            file.write_text("")
            mirror = Mirror(server, "notes", file)
            with mirror:
                await until("the file", lambda: file.read_text() == "theirs\n")
                second = await asyncio.to_thread(ended, server, "notes", file)
                assert "mirrored already" in second
            other = await asyncio.to_thread(ended, server, "other", file)
            assert "is the mirror of content of" in other
            memory = file.with_name(".notes.md.quire")
            assert 0o600 == memory.stat().st_mode & 0o777
            memory.write_bytes(memory.read_bytes()[:-1])
            damaged = await asyncio.to_thread(ended, server, "notes", file)
            assert "damaged" in damaged
            memory.unlink()
            with mirror:
                await until("it to be remembered", memory.exists)
                words += "more\n"
                await until("the file", lambda: file.read_text() == "theirs\nmore\n")

    play(story())


def test_what_is_no_text_is_left_alone(server: Server, file: Path) -> None:
    """At first it is refused; later it is waited for. Folders and pipes are no files."""
    for data, why in ((b"caf\xe9\n", "not UTF-8"), (b"\0\1", "null byte")):
        file.write_bytes(data)
        assert why in ended(server, "notes", file)
        assert data == file.read_bytes()
    file.unlink()
    os.mkfifo(file)
    assert "is no file" in ended(server, "notes", file)
    file.unlink()

    async def story() -> None:
        async with Client(server.page("/"), "notes") as ann:
            await ann.synced()
            words = ann.doc.get("content", type=Text)
            file.write_text("one\n")
            with Mirror(server, "notes", file) as mirror:
                await until("the text", lambda: text(ann) == "one\n")
                file.write_bytes(b"caf\xe9\n")
                await until("it to be said", lambda: "not UTF-8 now" in mirror.told)
                words += "two\n"
                await ann.saved()
                await asyncio.sleep(0.5)
                assert b"caf\xe9\n" == file.read_bytes()
                file.write_text("café\n")
                await until("both", lambda: text(ann) == file.read_text() == "café\ntwo\n")

    play(story())


def test_the_files_form_stays(server: Server, file: Path) -> None:
    """Lines end as they did; documents have line feeds."""
    file.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")

    async def story() -> None:
        async with Client(server.page("/"), "notes") as ann:
            words = ann.doc.get("content", type=Text)
            mirror = Mirror(server, "notes", file)
            with mirror:
                await until("the text", lambda: text(ann) == "one\ntwo\n")
                words += "three\n"
                await until("it", lambda: file.read_bytes().endswith(b"three\r\n"))
            with mirror:
                words += "four\n"
                await until("it", lambda: file.read_bytes().endswith(b"four\r\n"))
            assert b"\xef\xbb\xbfone\r\ntwo\r\nthree\r\nfour\r\n" == file.read_bytes()
            assert "one\ntwo\nthree\nfour\n" == text(ann)

    play(story())


def test_who_may_only_read_is_told(guarded, file: Path) -> None:
    """What they write stays in the file; what others write comes into it."""
    server, keys = guarded
    token = file.with_name("token")
    token.write_text(quire("token", "new", "bob", "--read", "*", "--keys", str(keys)))
    writer = quire("token", "new", "ann", "--write", "*", "--keys", str(keys))

    async def story() -> None:
        async with Client(server.page("/"), "notes", token=writer) as ann:
            words = ann.doc.get("content", type=Text)
            words += "theirs\n"
            await ann.saved()
            with Mirror(server, "notes", file, "--token-file", str(token)) as mirror:
                await until("the file", lambda: file.exists() and file.read_text() == "theirs\n")
                file.write_text("mine\ntheirs\n")
                await until("it to be said", lambda: "is not sent" in mirror.told)
                words += "more\n"
                await until("both", lambda: file.read_text() == "mine\ntheirs\nmore\n")
                assert "theirs\nmore\n" == text(ann)
                assert 1 == mirror.told.count("is not sent")
                assert 1 == mirror.stop()
            assert token.read_text() not in mirror.told

    play(story())


@needs_neovim
def test_neovim_saves(server: Server, file: Path) -> None:
    """Its own way, and reads again what came from others."""
    file.write_text("one\n")

    async def story() -> None:
        async with Client(server.page("/"), "notes") as ann:
            words = ann.doc.get("content", type=Text)
            with Mirror(server, "notes", file), Neovim(file.parent, file.name) as vi:
                await until("the text", lambda: text(ann) == "one\n")
                for way in ("yes", "no"):
                    vi.type(f":set autoread backupcopy={way}<CR>Go{way} 世<Esc>:w<CR>")
                    await until("Neovim's edit", partial(has, ann, f"{way} 世\n"))
                    words += "two\n"
                    await until("ours", lambda: file.read_text() == text(ann))
                    vi.type(":checktime<CR>")
                    await until("Neovim to see it", lambda: lines(vi) == text(ann).splitlines())

    def has(client: Client, words: str) -> bool:
        return words in text(client)

    def lines(vi: Neovim) -> object:
        return json.loads(vi.run("vim.json.encode(vim.api.nvim_buf_get_lines(0, 0, -1, true))"))

    play(story())


def test_a_file_that_changes_is_not_replaced(file: Path) -> None:
    """Nor one that has come, or gone; and who wrote into what was replaced is heard."""
    assert disk.exchange(file, None, b"one") is None
    assert b"one" == file.read_bytes()
    for before in (None, b"other"):
        with pytest.raises(disk.Changed):
            disk.exchange(file, before, b"two")
    writer = file.open("r+b")
    old = disk.exchange(file, b"one", b"two")
    assert old is not None
    with writer:
        writer.write(b"late")
    old.seek(0)
    assert (b"late", b"two") == (old.read(), file.read_bytes())
    old.close()
    file.unlink()
    with pytest.raises(disk.Changed):
        disk.exchange(file, b"two", b"three")
    assert not file.exists()


def test_every_text_survives_every_form(seed: int) -> None:
    """What is written is read as the same, whatever a document has in it."""
    random = Random(seed)
    for form in [disk.Form(bom, crlf) for bom in (False, True) for crlf in (False, True)]:
        for _ in range(200):
            words = "".join(random.choices(f"a\r\n{disk.BOM}é😀", k=random.randrange(9)))
            assert words == form.read(form.write(words))
    with pytest.raises(Conflict):
        disk.Form.of(b"\xff")
