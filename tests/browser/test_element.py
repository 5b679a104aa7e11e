"""<quire-editor> in pages of another origin: two documents on one page, rights, events, looks."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from collab.access import Level
from collab.web.keys import add_key

from .conftest import Meet
from .harness import Person, Server, wait_for

POLICY = "default-src 'none'; script-src {0} 'self'; connect-src {0} {1}; style-src 'none'"
PAGE = """<!doctype html><html lang="en"><title>Elsewhere</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script type="module" src="{url}/client/quire-editor.js"></script>
<script src="/heard.js"></script><body>{body}</body></html>"""
HEARD = """self.heard = []
for (const type of ['ready', 'status', 'saved', 'change', 'error', 'people'])
  addEventListener(type, ({ target, detail }) =>
    heard.push([target.getAttribute('document'), type, detail]), true)"""


class Elsewhere(ThreadingHTTPServer):
    """A site of its own, with a strict policy: pages that are `body` and the element's script."""

    daemon_threads = True
    quire = ""
    body = ""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answering(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        script = self.path == "/heard.js"
        text = HEARD if script else PAGE.format(url=self.server.quire, body=self.server.body)
        url = self.server.quire
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html")
        policy = POLICY.format(url, url.replace("http", "ws", 1))
        self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[Elsewhere]:
    site = Elsewhere(("127.0.0.1", 0), Answering)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield site
    site.shutdown()
    site.server_close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, site: Elsewhere) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("element")
    keys = folder / "keys"
    add_key(keys)
    server = Server(folder / "quire.db", keys, "--origins", site.origin).start()
    site.quire = server.url
    yield server
    server.stop()


def tag(server: Server, document: str, level: Level = Level.WRITE, more: str = "") -> str:
    """The element for Una, who may do that."""
    token = server.token("una", {document: level}, name="Una")
    return f'<quire-editor document="{document}" token="{token}" {more}></quire-editor>'


def visit(person: Person, site: Elsewhere, *tags: str) -> Page:
    """A page of the other site with these elements."""
    site.body = "".join(tags)
    page = person.context.new_page()
    page.goto(site.origin)
    return page


@pytest.fixture(autouse=True)
def forgiving(ada: Person, ben: Person) -> Iterator[None]:
    """Browsers write every 404 into the console: that of a document that is not there yet."""
    yield
    for person in (ada, ben):
        person.forgive("404 (Not Found)")


def text_of(page: Page, document: str) -> Locator:
    return page.locator(f'quire-editor[document="{document}"]').locator(".prose, .cm-content")


def test_two_documents_on_a_page_of_another_site(
    server: Server, site: Elsewhere, ada: Person, ben: Person
) -> None:
    """Each is its own; both people see what is typed, and the other's caret; events tell of it."""
    tags = tag(server, "one"), tag(server, "two", more='kind="text"')
    mine, theirs = visit(ada, site, *tags), visit(ben, site, *tags)
    text_of(mine, "one").click()
    mine.keyboard.type("# First\nwords")
    text_of(mine, "two").click()
    mine.keyboard.type("Second")
    expect(text_of(theirs, "one").locator("h1")).to_have_text("First")
    expect(text_of(theirs, "two")).to_contain_text("Second")
    expect(text_of(theirs, "two").locator(".caret-name")).to_have_text("Una")
    expect(mine.locator("quire-editor").first.locator(".pill")).to_have_text("Saved")
    heard = mine.evaluate("heard.map(([document, type]) => `${document} ${type}`)")
    assert {f"{name} {what}" for name in ("one", "two") for what in ("ready", "saved")} <= set(
        heard
    )
    assert "two error" not in heard
    assert mine.evaluate("document.querySelector('quire-editor').text") == "First\n\nwords"
    assert mine.evaluate("document.querySelector('quire-editor').saved")


def test_menus_and_tools_work_in_it(server: Server, site: Elsewhere, ada: Person) -> None:
    """By mouse and by keys: what they open is inside of the element, too."""
    page = visit(ada, site, tag(server, "tools"))
    text_of(page, "tools").click()
    page.keyboard.type("Bold")
    page.keyboard.press("ControlOrMeta+a")
    page.get_by_role("button", name="Bold").click()
    expect(text_of(page, "tools").locator("strong")).to_have_text("Bold")
    tools = page.locator("quire-editor .toolbar")
    tools.get_by_role("button").first.focus()
    page.keyboard.press("ArrowRight")
    expect(tools.get_by_role("button").nth(1)).to_be_focused()
    tools.locator("[aria-haspopup=menu]").first.click()
    expect(page.locator("quire-editor .popover")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("quire-editor .popover")).to_have_count(0)
    text_of(page, "tools").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("ControlOrMeta+k")
    page.get_by_label("Link address").fill("example.com")
    page.keyboard.press("Enter")
    expect(text_of(page, "tools").locator("a")).to_have_attribute("href", "https://example.com/")


def test_view_only(server: Server, site: Elsewhere, ada: Person, ben: Person) -> None:
    """By the attribute, which may go, and by the token, which decides."""
    writer = visit(ada, site, tag(server, "seen"))
    text_of(writer, "seen").click()
    writer.keyboard.type("Look")
    expect(writer.locator("quire-editor .pill")).to_have_text("Saved")
    page = visit(ben, site, tag(server, "seen", more="readonly"))
    expect(text_of(page, "seen")).to_have_attribute("contenteditable", "false")
    page.evaluate("document.querySelector('quire-editor').removeAttribute('readonly')")
    expect(text_of(page, "seen")).to_have_attribute("contenteditable", "true")
    reader = visit(ben, site, tag(server, "seen", Level.READ))
    expect(reader.locator("quire-editor .pill")).to_have_text("View only")
    expect(text_of(reader, "seen")).to_have_attribute("contenteditable", "false")
    expect(text_of(reader, "seen")).to_contain_text("Look")


def test_what_is_refused_is_said(server: Server, site: Elsewhere, ada: Person) -> None:
    """No token, and a document that is not in it: in the element, and as an event."""
    other = tag(server, "mine").replace('document="mine"', 'document="theirs"')
    page = visit(ada, site, '<quire-editor document="none"></quire-editor>', other)
    for element in page.locator("quire-editor").all():
        expect(element.get_by_role("alert")).not_to_be_empty()
    wait_for(lambda: page.evaluate("heard.filter(([, type]) => type === 'error').length") == 2)
    ada.forgive("401 (Unauthorized)", "403 (Forbidden)")


def test_a_site_that_is_not_allowed(server: Server, meet: Meet, ada: Person) -> None:
    """Its browser does not even give it the module."""
    stranger = Elsewhere(("127.0.0.1", 0), Answering)
    stranger.quire = server.url
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    page = visit(ada, stranger, tag(server, "mine"))
    wait_for(lambda: any("CORS" in line for line in ada.complaints))
    assert page.evaluate("customElements.get('quire-editor') === undefined")
    ada.forgive("CORS", "net::ERR_FAILED")
    stranger.shutdown()
    stranger.server_close()


def test_it_looks_as_its_page_says(server: Server, site: Elsewhere, meet: Meet) -> None:
    """Dark by its attribute, any colour by a property, and it goes and comes without a trace."""
    person = meet("Cleo Ma", viewport={"width": 390, "height": 844})
    page = visit(person, site, tag(server, "looks", more='theme="dark"'))
    text_of(page, "looks").wait_for()
    color = "getComputedStyle(document.querySelector('quire-editor').shadowRoot.querySelector({}))"
    page.evaluate(f"void (self.at = (part) => {color.format('part')}.backgroundColor)")
    assert page.evaluate("at('.frame')") == "rgb(18, 20, 24)"
    page.evaluate("document.querySelector('quire-editor').style.setProperty('--desk', '#123456')")
    assert page.evaluate("at('.frame')") == "rgb(18, 52, 86)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.evaluate("document.body.append(document.querySelector('quire-editor'))")
    text_of(page, "looks").click()
    page.keyboard.type("Still here")
    expect(page.locator("quire-editor .pill")).to_have_text("Saved")
    person.forgive("404 (Not Found)")
    page.evaluate("document.querySelector('quire-editor').remove()")
    wait_for(lambda: server.api("GET", "/documents/looks")["editors"] == [])
    assert page.evaluate("Object.keys(localStorage).filter((key) => key !== 'quire:me')") == []


def test_the_files_are_there() -> None:
    """What the element fetches is what the page has, and one sheet of its own."""
    static = Path(__file__).parents[2] / "web" / "static"
    script = (static / "js/element/styles.js").read_text()
    for sheet in ("tokens", "base", "editor", "prose", "code", "element"):
        assert f"'{sheet}'" in script and (static / f"css/{sheet}.css").exists()
