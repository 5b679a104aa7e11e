"""What `pip install` gives people: a wheel that works where there is no checkout."""

import re
import shutil
import signal
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOT_SOURCES = shutil.ignore_patterns(
    ".*", "node_modules", "build", "dist", "tests", "*.egg-info", "__pycache__", "quire-data"
)


def pip(*arguments: str | Path, python: str | Path = sys.executable) -> None:
    """Run pip, quietly unless it fails."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert 0 == run.returncode, run.stdout + run.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made from a copy of the sources: a build leaves things behind."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "quire", ignore=NOT_SOURCES)
    pip("wheel", "--no-deps", "--wheel-dir", folder, folder / "quire")
    [made] = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The `quire` command of a fresh virtual environment."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip("install", wheel, python=folder / "bin" / "python")
    yield folder / "bin" / "quire"
    shutil.rmtree(folder)


def test_the_wheel_contains_the_page_and_the_types(wheel: Path) -> None:
    """Everything that is served, the licences, py.typed; no sources of the bundle, no tests."""
    names = set(zipfile.ZipFile(wheel).namelist())
    static = ROOT / "web" / "static"
    served = {path.relative_to(static) for path in static.rglob("*") if path.is_file()}
    assert {Path("index.html"), Path("vendor/editor.js")} <= served
    assert {f"collab/web/static/{path}" for path in served} <= names
    assert {f"collab/{package}py.typed" for package in ("", "client/", "web/", "storage/")} <= names
    for folder in ("collab", "client", "storage", "web"):
        package = "" if folder == "collab" else f"{folder}/"
        assert {f"collab/{package}{path.name}" for path in (ROOT / folder).glob("*.py")} <= names
    examples = {f"collab/examples/{path.name}" for path in (ROOT / "examples").glob("*.*")}
    assert examples <= names
    licences = {name.split("/licenses/")[1] for name in names if "/licenses/" in name}
    assert {"LICENSE", "web/static/vendor/LICENSES.txt"} == licences
    outside = {name for name in names if not name.startswith(("collab/", "quire-"))}
    assert set() == outside
    assert not any("/web/client/" in name or "/tests/" in name for name in names)


def test_the_installed_command_serves(installed: Path, tmp_path: Path) -> None:
    """`quire --help`, and `quire serve --port 0 --store FILE --open` with the page."""
    shown = subprocess.run([installed, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert 0 == shown.returncode
    assert "quire serve" in shown.stdout

    process = subprocess.Popen(
        [installed, "serve", "--port", "0", "--store", "documents.db", "--open"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.fullmatch(r"Quire is at (http://\S+/) \(documents in documents\.db\)\n", first)
        assert found, first
        for path in ("", "d/any/document", "static/vendor/editor.js", "api/status"):
            with urllib.request.urlopen(found[1] + path, timeout=10) as answer:
                assert 200 == answer.status
                assert answer.read()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        assert (0, "") == (process.returncode, errors)
    finally:
        process.kill()
        process.communicate()
    assert (tmp_path / "documents.db").exists()
