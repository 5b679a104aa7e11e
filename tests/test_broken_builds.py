"""Deliberately broken builds: for each a test fails that passes otherwise.

With QUIRE_SOAK all of them; else those that have to be, and those that the core's tests catch, in
seconds.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.broken import BUILDS, REQUIRED, Broken

ROOT = Path(__file__).parent.parent
FOLDERS = {"collab": "collab", "web": "collab/web", "storage": "collab/storage", "tests": "tests"}
LEFT = shutil.ignore_patterns("node_modules", "client", "__pycache__", "browser")
SECONDS = 600  # that the tests of one build may take
SOAK = "QUIRE_SOAK" in os.environ
SOME = {
    name: one
    for name, one in BUILDS.items()
    if SOAK or name in REQUIRED or one.tests.startswith("tests/collab/")
}
FAILED = 1  # pytest's exit code, and only that: 2 to 5 say that no test was run


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The sources and the tests, laid out as they are when installed."""
    root = tmp_path_factory.mktemp("build")
    for folder, place in FOLDERS.items():
        shutil.copytree(ROOT / folder, root / place, ignore=LEFT, dirs_exist_ok=True)
    shutil.copy(ROOT / "setup.cfg", root)
    return root


def run(root: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """The tests, in a process of its own that knows no other sources than the copy's."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    return subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def test_what_is_not_broken_passes(copy):
    """And the copy is what is tested."""
    done = run(copy, sorted({broken.tests for broken in SOME.values()}))
    assert 0 == done.returncode, done.stdout[-4000:]
    where = "import collab.door, collab.web.rights as r; print(collab.door.__file__, r.__file__)"
    told = subprocess.run([sys.executable, "-B", "-c", where], cwd=copy, capture_output=True)
    assert 2 == told.stdout.decode().count(str(copy))


@pytest.mark.parametrize("broken", SOME.values(), ids=SOME)
def test_a_broken_build_is_caught(broken: Broken, copy):
    """By the tests that are named there."""
    source = broken.apply(copy)
    try:
        done = run(copy, [broken.tests])
    finally:
        (copy / broken.file).write_text(source)
    assert FAILED == done.returncode, f"nobody noticed:\n{done.stdout[-4000:]}{done.stderr[-2000:]}"


def test_those_that_have_to_be_are_tried():
    """By every run."""
    assert set(REQUIRED) <= set(SOME)


@pytest.mark.parametrize("broken", BUILDS.values(), ids=BUILDS)
def test_every_broken_build_follows_the_source(broken: Broken, copy):
    """What it changes is there, once."""
    (copy / broken.file).write_text(broken.apply(copy))
