"""The plugins of Teamtype, as their sources have it: what they start, how they reach it, and what
they send before they are answered. Neovim's own is run where TEAMTYPE_NVIM names a checkout of it:
it is in no package."""

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collab.client import Client
from tests.client.neovim import Teamtype, begin, needs_neovim, write_together
from tests.client.plugin import BRIDGE, Plugin, is_edit, place
from tests.client.stories import play, text
from tests.live import PATIENCE, Server, polls, until

SOCKET = Path(".teamtype", "socket")
README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is marked, and the current one: paths of sockets have to be short."""
    (tmp_path / "project" / ".teamtype").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@contextmanager
def daemon(*command: str, **extra) -> Iterator[subprocess.Popen]:
    """A program that listens, from then on; told to go, by somebody impatient, it leaves no socket
    and has nothing to complain of."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, **extra) as process:
        for _ in polls("a socket"):  # as JetBrains waits for it
            assert process.poll() is None, process.stderr.read()
            if SOCKET.exists():
                break
        yield process
        for _ in polls("its end"):
            process.terminate()
            if process.poll() is not None:
                break
        assert (0, b"") == (process.returncode, process.stderr.read())
        assert not SOCKET.exists()


def test_editors_at_a_socket(server: Server, project: Path) -> None:
    """Each in its own way, the same file. What they have written is on the server's disk when the
    program has ended."""
    uri = (project / "plan.md").as_uri()

    async def story(process: subprocess.Popen) -> None:
        kakoune = await Plugin.connect(str(SOCKET), lines=True)
        other = await Plugin.connect(str(SOCKET), lines=False)
        for editor in (kakoune, other):
            assert (await editor.ask("open", uri=uri, content="plan\n"))["result"]
        delta = [{"range": place(0, 4), "replacement": "!"}]
        assert (await kakoune.ask("edit", uri=uri, revision=0, delta=delta))["result"]
        told = (await other.hear(is_edit))["params"]
        assert (uri, 0, delta) == (told["uri"], told["revision"], told["delta"])
        delta = [{"range": place(0, 0), "replacement": "The "}]
        assert (await other.ask("edit", uri=uri, revision=1, delta=delta))["result"]
        assert delta == (await kakoune.hear(is_edit))["params"]["delta"]
        await other.hang_up()
        delta = [{"range": place(0, 9), "replacement": "!"}]
        assert (await kakoune.ask("edit", uri=uri, revision=1, delta=delta))["result"]
        process.terminate()
        await kakoune.reader.read()
        await kakoune.hang_up()

    async def after() -> None:
        async with Client(server.page("/"), "team/plan.md") as late:
            await late.synced()
            assert "The plan!!\n" == text(late)

    with daemon(*BRIDGE, "--listen", str(SOCKET), server.page("/"), "team/") as process:
        assert 0o600 == stat.S_IMODE(SOCKET.stat().st_mode)
        play(story(process))
    play(after())


@pytest.mark.parametrize("nonsense", [b"Content-Length: x\r\n\r\n", b"Content-Length: -1\r\n\r\n"])
def test_nonsense_at_a_socket(server: Server, project: Path, nonsense: bytes) -> None:
    """Whoever sends it is hung up on, and nobody else."""

    async def story() -> None:
        fine, broken = [await Plugin.connect(str(SOCKET), lines=True) for _ in range(2)]
        broken.writer.write(nonsense)
        assert b"" == await broken.reader.read()
        assert -32601 == (await fine.ask("save"))["error"]["code"]
        await broken.hang_up()
        await fine.hang_up()

    command = (*BRIDGE, "--listen", str(SOCKET), server.page("/"), "notes")
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        for _ in polls("a socket"):
            if SOCKET.exists():
                break
        play(story())
        process.send_signal(signal.SIGINT)
        assert b"hung up on" in process.stderr.read()


def test_a_socket_is_of_one(server: Server, project: Path) -> None:
    """Who comes second is told so; what somebody left who crashed is replaced; no other file is."""
    command = (*BRIDGE, "--listen", str(SOCKET), server.page("/"), "notes")

    def refused() -> str:
        run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert 1 == run.returncode
        return run.stderr

    with daemon(*command):
        assert f"Error: Somebody listens at {SOCKET} already.\n" == refused()
    with subprocess.Popen(command) as crashed:
        for _ in polls("a socket"):
            if SOCKET.exists():
                break
        crashed.kill()
    assert SOCKET.exists()

    async def story() -> None:
        await (await Plugin.connect(str(SOCKET), lines=True)).hang_up()

    with daemon(*command):
        for _ in polls("the new one"):
            try:
                play(story())
                break
            except (ConnectionRefusedError, FileNotFoundError):
                pass
    SOCKET.write_text("mine")
    assert f"Error: {SOCKET}: Address already in use.\n" == refused()
    assert "mine" == SOCKET.read_text()
    SOCKET.unlink()
    SOCKET.parent.rmdir()
    assert f"Error: {SOCKET}: No such file or directory.\n" == refused()


@pytest.fixture
def path(server: Server, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has done what the README says."""
    [script] = re.findall(r"```sh\n(#!/bin/sh\n.*?)```", README.read_text(), re.DOTALL)
    assert "https://quire.example.com" in script
    (tmp_path / "bin").mkdir()
    for name, words in (
        ("quire", f'#!/bin/sh\nexec {sys.executable} -m collab.web "$@"\n'),
        ("teamtype", script.replace("https://quire.example.com", server.page("/"))),
    ):
        program = tmp_path / "bin" / name
        program.write_text(words)
        program.chmod(0o755)
    (tmp_path / ".quire-token").touch()
    folders = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    return {**os.environ, "PATH": folders, "HOME": str(tmp_path)}


@needs_neovim
@pytest.mark.skipif("TEAMTYPE_NVIM" not in os.environ, reason="TEAMTYPE_NVIM names no plugin")
def test_neovim(
    server: Server, project: Path, path: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is as it is, and starts what the README says."""
    for name in ("PATH", "HOME"):
        monkeypatch.setenv(name, path[name])
    (project / "plan.md").write_text("from the disk\n")

    async def story() -> None:
        async with Client(server.page("/"), "team/plan.md", user={"name": "Ann"}) as ann:
            await begin(ann)
            folder = os.environ["TEAMTYPE_NVIM"]
            with Teamtype(project, "plan.md", "--cmd", f"set rtp+={folder}") as vi:
                await write_together(ann, vi)
            await until("Vi to go", lambda: not ann.others)

    play(story())


@pytest.mark.parametrize("arguments", [("share",), ("join", "3-blue-cows")], ids=" ".join)
def test_jetbrains(
    server: Server, project: Path, path: dict[str, str], arguments: tuple[str, ...]
) -> None:
    """It starts a daemon, waits for its socket, and starts a client, to which it speaks."""
    uri = f"file://{project}/plan 1.md"

    async def story() -> None:
        async with Client(server.page("/"), "team/plan 1.md") as ann:
            editor = await Plugin.start(project, "client", command=["teamtype"], env=path)
            assert (await editor.ask("open", uri=uri, content="plan\n"))["result"]
            delta = [{"range": place(0, 4), "replacement": "!"}]
            assert (await editor.ask("edit", uri=uri, revision=0, delta=delta))["result"]
            await until("the edit", lambda: text(ann) == "plan!\n")
            editor.process.terminate()
            async with asyncio.timeout(PATIENCE):
                assert 0 == await editor.process.wait()
            editor.writer.close()

    with daemon("teamtype", *arguments, env=path):
        play(story())


def test_kakoune(server: Server, project: Path, path: dict[str, str]) -> None:
    """It finds a socket in its folder, waits for no answer, ends with the first error, and moves
    its caret in files that are not open, too."""
    uri, scratch = f"file://{project}/plan.md", "file://*scratch*"
    edit = {"range": place(0, 4), "replacement": "!"}

    async def story() -> None:
        async with Client(server.page("/"), "team/plan.md") as ann:
            editor = await Plugin.connect(str(SOCKET), lines=True)
            asked = [
                editor.send("cursor", uri=scratch, ranges=[place(0, 0)]),
                editor.send("open", uri=uri, content="plan\n"),
                editor.send("edit", uri=uri, revision=0, delta=[edit]),
                editor.send("cursor", uri=uri, ranges=[place(0, 5)]),
            ]
            answers = [await editor.hear(lambda message: "id" in message) for _ in asked]
            assert sorted(asked) == sorted(answer["id"] for answer in answers)
            assert {"success"} == {answer.get("result") for answer in answers}
            await until("the edit", lambda: text(ann) == "plan!\n")
            await editor.hang_up()

    with daemon("teamtype", "share", env=path):
        play(story())
