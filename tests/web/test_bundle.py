"""The page's files: what is committed is what the sources build, and nothing is missing."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "web" / "static"
VENDOR = STATIC / "vendor"

IMPORT = re.compile(r"(?:from|import) '(\.[^']+)'")


def modules(entry: str) -> set[str]:
    """The addresses of all modules that an entry imports, itself left out."""
    found: set[Path] = set()
    todo = [STATIC / entry]
    while todo:
        module = todo.pop()
        for name in IMPORT.findall(module.read_text()):
            imported = (module.parent / name).resolve()
            if imported not in found:
                found.add(imported)
                if imported.parent != VENDOR:
                    todo.append(imported)
    return {f"/static/{path.relative_to(STATIC)}" for path in found}


@pytest.mark.parametrize(
    ("page", "entry"),
    [("index.html", "js/documents/page.js"), ("document.html", "js/editor/page.js")],
)
def test_every_module_is_preloaded(page: str, entry: str) -> None:
    """A page names each module that it will import, so that none waits for another's arrival."""
    html = (STATIC / page).read_text()
    assert set(re.findall(r'rel="modulepreload" href="([^"]+)"', html)) == modules(entry)
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', html):
        assert (STATIC / address.removeprefix("/static/")).is_file(), address


def test_no_module_is_left_over() -> None:
    """Every module is reached from a page, or from the element for other pages."""
    own = ("js/documents/page.js", "js/editor/page.js", "js/element/quire-editor.js")
    reached = set[str]().union(*map(modules, own))
    entries = {"/static/js/boot.js", "/static/js/documents/page.js", "/static/js/editor/page.js"}
    entries |= {"/static/js/element/quire-editor.js", "/static/client/quire-editor.js"}
    entries |= {"/static/client/quire-versions.js"}  # for editors of others
    ours = [*(STATIC / "js").rglob("*.js"), *(STATIC / "client").glob("*.js")]
    there = {f"/static/{path.relative_to(STATIC)}" for path in ours}
    assert there == {path for path in reached if "/vendor/" not in path} | entries


def test_text_is_only_ever_set_as_text() -> None:
    """Our modules never turn a string into markup or code."""
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    for path in (STATIC / "js").rglob("*.js"):
        assert not re.search(forbidden, path.read_text()), path


def test_no_markup_has_styles_or_scripts_in_it() -> None:
    """The page's Content-Security-Policy allows none."""
    for page in STATIC.glob("*.html"):
        html = page.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", html), page


def test_the_bundle_is_one_copy_of_everything() -> None:
    """One Yjs, and a licence for every package."""
    bundle = (VENDOR / "editor.js").read_text()
    assert bundle.count("__ $YJS$ __") == 1
    licences = (VENDOR / "LICENSES.txt").read_text()
    for package in (
        "yjs",
        "y-websocket",
        "@tiptap/core",
        "@codemirror/view",
        "lucide",
        "dompurify",
    ):
        assert re.search(rf"^{re.escape(package)} \d", licences, re.MULTILINE), package


def test_the_lock_file_names_no_registry() -> None:
    """Packages come from wherever npm is told to get them."""
    lock = (ROOT / "web" / "client" / "package-lock.json").read_text()
    assert '"resolved"' not in lock


@pytest.mark.skipif(shutil.which("npm") is None, reason="building the bundle needs Node and npm")
def test_building_gives_the_committed_bytes(tmp_path: Path) -> None:
    """The committed bundle is what its sources and lock file say, byte for byte."""
    subprocess.run([ROOT / "scripts" / "build-client", tmp_path], check=True, timeout=300)
    for name in ("editor.js", "icons.js", "LICENSES.txt"):
        assert (tmp_path / name).read_bytes() == (VENDOR / name).read_bytes(), name
