"""What replay and bench share: a server of their own on a core of its own, and its bill.

With two cores or more the server (and its workers) gets the first one and this program the second,
so that neither measures the other.
"""

import os
import platform
import signal
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

import click
import psutil

START = 60  # seconds in which a server has to start, and to stop
RATES = ("edits_per_second", "bytes_per_second", "presence_per_second")
FAST = ("--limit", ",".join(f"{rate}={1 << 40}" for rate in RATES))
"""One socket stands for many editors here, and sends as fast as it can."""

CORES = sorted(os.sched_getaffinity(0))
# Everybody comes from one address here.
ROOMY = ("--limit", "connections=100_000,address_connections=100_000,document_connections=100_000")


class Server:
    """`quire serve` on a store, in a process of its own. Use it as a context manager; `stop` and
    `start` it in between as you like."""

    def __init__(self, store: Path, *options: str) -> None:
        self.store = store
        self.options = options
        self.log = store.with_suffix(".log")
        self.start()

    def start(self) -> None:
        """Returns when the server listens; RuntimeError with its last words when it does not."""
        command = [sys.executable, "-P", "-m", "collab.web", "serve", "--port", "0", *FAST]
        os.sched_setaffinity(0, CORES[:1])  # inherited
        try:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [*command, "--store", str(self.store), *ROOMY, *self.options],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                )
        finally:
            os.sched_setaffinity(0, CORES[-1:])
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        if "http://" not in line:
            self.stop()
            raise RuntimeError(f"the server did not start: {line}{self.log.read_text()[-2000:]}")
        self.url = "http://" + line.partition("http://")[2].split()[0].rstrip("/")
        self.port = int(self.url.rpartition(":")[2])
        self.meter = Meter(self.process.pid)

    def stop(self, kill: bool = False) -> None:
        """Ends the server with SIGTERM, or SIGKILL."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            self.process.wait(START)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            assert self.process.stdout is not None
            self.process.stdout.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def bytes_on_disk(self) -> int:
        """Of all files of the store."""
        files = self.store.parent.glob(self.store.name + "*")
        return sum(file.stat().st_size for file in files)


class Meter:
    """What a process and its children have cost."""

    def __init__(self, pid: int) -> None:
        self.process = psutil.Process(pid)

    def cpu(self) -> tuple[float, float]:
        """Seconds of the process that holds the sockets, and of its workers."""
        own = self.process.cpu_times()
        workers = own.children_user + own.children_system
        for child in self.process.children(recursive=True):
            times = child.cpu_times()
            workers += times.user + times.system
        return own.user + own.system, workers

    def memory(self) -> int:
        """RSS of the process that holds the sockets, in bytes."""
        return int(self.process.memory_info().rss)


def text_of(url: str, document: str) -> str:
    """A document as the server renders it."""
    path = f"{url}/api/documents/{document}/content"
    request = urllib.request.Request(path, headers={"Accept": "text/plain"})
    with urllib.request.urlopen(request, timeout=120) as response:
        return str(response.read().decode())


class Place:
    """Where the stores go: on the disk that the checkout is on, unless told otherwise."""

    parent = Path(__file__).resolve().parents[1] / "build"

    @classmethod
    def fresh(cls) -> "tempfile.TemporaryDirectory[str]":
        """A new folder, which goes when its context ends."""
        cls.parent.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix="load-", dir=cls.parent)

    @classmethod
    def choose(cls, context: object, option: object, folder: Path | None) -> None:
        """For click: takes the option `--folder`."""
        cls.parent = folder or cls.parent


folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    callback=Place.choose,
    expose_value=False,
    help="Where the store goes, say in memory, to leave the disk out. [default: build]",
)


def machine() -> str:
    """What the figures were measured on."""
    packages = " ".join(f"{name} {version(name)}" for name in ("quire", "tornado", "pycrdt"))
    return (
        f"{platform.machine()}, {len(CORES)} cores, {psutil.virtual_memory().total >> 30} GiB, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values are; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def middle(values: Sequence[float]) -> float:
    """The median; 0 for none."""
    return median(values) if values else 0.0


def table(rows: Sequence[Sequence[str]]) -> str:
    """Names and figures in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)
