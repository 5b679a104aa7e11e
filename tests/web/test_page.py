"""The page's files over HTTP: compressed once, never stale; and what is said where nothing is."""

import gzip
import json
import os
from html.parser import HTMLParser

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from collab import Hub
from collab.storage import open_store
from collab.web import page, routes
from collab.web.page import STATIC, NothingHandler

EDITOR = "/static/vendor/editor.js"
GZIP = {"Accept-Encoding": "gzip, deflate, br, zstd"}
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def hub():
    return Hub(open_store(":memory:"))


@pytest.fixture
def app(hub):
    return Application(routes(hub), default_handler_class=NothingHandler)


@pytest.fixture
def get(http_client, http_server, base_url):
    """await get(path, headers): the answer as it came over the wire, whatever its status."""

    async def get(path, headers=None, method="GET"):
        return await http_client.fetch(
            base_url + path,
            method=method,
            headers=headers or {},
            decompress_response=False,
            follow_redirects=False,
            raise_error=False,
        )

    return get


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("path", "name"),
    [(EDITOR, "vendor/editor.js"), ("/", "index.html"), ("/d/any/thing", "document.html")],
)
async def test_a_file_comes_gzipped_to_whoever_takes_that(get, path, name):
    """And as it stands to others; caches are told that it depends on the asking."""
    file = (STATIC / name).read_bytes()

    small, plain = await get(path, GZIP), await get(path)

    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.body) == file
    assert len(small.body) < len(file) / 2
    assert "Content-Encoding" not in plain.headers and plain.body == file
    for answer in (small, plain):
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Content-Length"] == str(len(answer.body))
        assert answer.headers["Cache-Control"] == "no-cache"
    assert small.headers["Etag"] != plain.headers["Etag"]


@pytest.mark.gen_test
@pytest.mark.parametrize("wanted", ["", "br", "identity", "gzip;q=0", "gzip; q=0.0, br", "xgzipx"])
async def test_who_does_not_want_gzip_gets_none(get, wanted):
    """Not naming it and naming it with the weight 0 mean the same."""
    assert "Content-Encoding" not in (await get(EDITOR, {"Accept-Encoding": wanted})).headers


@pytest.mark.gen_test
async def test_each_encoding_is_told_by_its_own_etag(get):
    """304 for what the browser has; the whole file for what it has not, or has otherwise."""
    small, plain = await get(EDITOR, GZIP), await get(EDITOR)

    for answer, headers in ((small, GZIP), (plain, {})):
        again = await get(EDITOR, {**headers, "If-None-Match": answer.headers["Etag"]})
        assert (again.code, again.body) == (304, b"")
        assert again.headers["Etag"] == answer.headers["Etag"]
        assert again.headers["Vary"] == "Accept-Encoding"
    assert (await get(EDITOR, {"If-None-Match": small.headers["Etag"]})).code == 200


@pytest.mark.gen_test
async def test_head_says_what_get_would(get):
    """The same headers, without the body."""
    for headers in (GZIP, {}):
        whole, head = await get(EDITOR, headers), await get(EDITOR, headers, "HEAD")
        assert (head.code, head.body) == (200, b"")
        for name in ("Content-Length", "Content-Encoding", "Content-Type", "Etag", "Vary"):
            assert head.headers.get(name) == whole.headers.get(name)


def test_a_file_is_compressed_once_for_each_change(tmp_path, monkeypatch):
    """However often it is asked for; a changed file is seen at once."""
    file = tmp_path / "a.js"
    compressed = []
    compress = gzip.compress
    monkeypatch.setattr(gzip, "compress", lambda *a, **k: compressed.append(1) or compress(*a, **k))
    file.write_text("old " * 100)

    old = [page.load(file) for _ in range(3)]
    file.write_text("new " * 100)
    os.utime(file, ns=(0, 1))
    new = page.load(file)

    assert len(compressed) == 2
    assert old[0] is old[1] is old[2]
    assert new.digest != old[0].digest and new.content.startswith(b"new")


def test_what_gzip_would_make_larger_stays_as_it_is(tmp_path):
    """A few bytes are not worth it."""
    (tmp_path / "a.txt").write_text("short")
    assert page.load(tmp_path / "a.txt").gzipped is None


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/js",
        "/static/nothing.js",
        "/static/../page.py",
        "/static/%2e%2e/page.py",
        "/static//etc/passwd",
        "/static/vendor/%00.js",
    ],
)
async def test_nothing_but_the_page_is_served(get, path):
    """Neither folders, nor what is not there, nor what lies elsewhere."""
    assert (await get(path)).code == 404


@pytest.mark.gen_test
async def test_browsers_that_look_for_an_icon_find_one(get):
    """They ask for /favicon.ico by themselves."""
    answer = await get("/favicon.ico")
    assert (answer.code, answer.body) == (200, (STATIC / "favicon.svg").read_bytes())
    assert answer.headers["Content-Type"].startswith("image/svg+xml")


class Links(HTMLParser):
    """Where the links and files of a page are."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("href", "src")]


@pytest.mark.gen_test
@pytest.mark.parametrize("path", ["/nowhere", "/d/", "/doc", "/index.html", "/apia"])
async def test_a_path_that_is_nobodys_has_a_page_for_people(get, path):
    """It leads to the documents, and all that it is made of is there."""
    answer = await get(path, HTML)

    assert answer.code == 404
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    links = Links(answer.body.decode()).found
    assert "/" in links
    for link in links:
        assert (await get(link)).code == 200


@pytest.mark.gen_test
async def test_programs_are_told_in_json(get):
    """Whoever takes JSON rather than HTML, and everybody below /api, by any method."""
    for path, headers in (("/nowhere", {"Accept": "application/json"}), ("/api", HTML)):
        answer = await get(path, headers)
        assert answer.code == 404
        assert json.loads(answer.body) == {
            "error": {"status": 404, "code": "not-found", "message": "Not Found."}
        }
    assert (await get("/nowhere", HTML, "DELETE")).code == 404
    assert (await get("/nowhere", HTML, "HEAD")).body == b""


class Mine(RequestHandler):
    """What an embedding application says where nothing is."""

    def prepare(self):
        self.set_status(404)
        self.finish("mine")


@pytest.mark.gen_test
async def test_an_application_keeps_its_own_404(http_client, io_loop, hub):
    """`routes` answers for no path but its own."""
    [listener] = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application(routes(hub), default_handler_class=Mine))
    server.add_socket(listener)
    nowhere = f"http://127.0.0.1:{listener.getsockname()[1]}/nowhere"

    answer = await http_client.fetch(nowhere, raise_error=False)

    assert (answer.code, answer.body) == (404, b"mine")
    server.stop()
