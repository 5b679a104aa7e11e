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


def test_two_write_in_a_rich_text(
    server: Server, site: Elsewhere, ada: Person, ben: Person
) -> None:
    """Both have the focus, and each sees what the other types, as they type."""
    pages = visit(ada, site, tag(server, "both")), visit(ben, site, tag(server, "both"))
    says = "document.querySelector('quire-editor').text"
    typed = ""
    for page, words in zip(2 * pages, ("one ", "two ", "three ", "four "), strict=True):
        text_of(page, "both").press("ControlOrMeta+End")
        page.keyboard.type(words)
        typed += words
        for each in pages:
            wait_for(lambda each=each, all_=typed: each.evaluate(says) == all_)


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


def test_what_it_says_and_takes(server: Server, site: Elsewhere, ada: Person, ben: Person) -> None:
    """Its attributes, properties, events and parts, as the README lists them."""
    token = server.token("ola", {"told": Level.WRITE})
    page = visit(
        ada,
        site,
        f'<quire-editor document="told" token="{token}" server="{server.url}/" name="Ola" '
        'kind="text"></quire-editor>',
    )
    other = visit(ben, site, tag(server, "told", more='kind="text"'))
    text_of(page, "told").click()
    page.keyboard.type("mine")
    expect(text_of(other, "told").locator(".caret-name")).to_have_text("Ola (guest)")
    expect(text_of(other, "told")).to_contain_text("mine")
    text_of(other, "told").press("ControlOrMeta+End")
    other.keyboard.type(" yours")
    expect(text_of(page, "told")).to_contain_text("mine")
    wait_for(lambda: page.evaluate("document.querySelector('quire-editor').text") == "mine yours")
    element = "document.querySelector('quire-editor')"
    assert page.evaluate(f"{element}.doc.getText('content').toString()") == "mine yours"
    heard = page.evaluate("heard.map(([, type, detail]) => [type, detail])")
    assert ["change", {"local": True}] in heard and ["change", {"local": False}] in heard
    assert {"Saving", "Saved"} <= {detail["text"][:6] for type, detail in heard if type == "status"}
    people = [detail["people"] for type, detail in heard if type == "people"]
    assert any([person["name"] for person in each] == ["Una"] for each in people)
    parts = page.evaluate(
        f"[...{element}.shadowRoot.querySelectorAll('[part]')].map((it) => it.getAttribute('part'))"
    )
    listed = {"bar", "title", "pill", "avatars", "history", "tool-strip", "page", "foot"}
    assert listed <= set(parts)


def test_its_history(server: Server, site: Elsewhere, ada: Person, ben: Person) -> None:
    """Seen, named, restored and taken back, in the element alone; who may only read only looks."""
    page = visit(ada, site, tag(server, "past"))
    text_of(page, "past").click()
    page.keyboard.type("First")
    expect(page.locator("quire-editor .pill")).to_have_text("Saved")
    page.get_by_role("button", name="History", exact=True).click()
    past = page.locator("quire-editor .past-view")
    expect(past.locator("ins.change")).to_have_text("First")
    past.locator("ins.change").hover()
    expect(page.locator("quire-editor .tooltip")).to_contain_text("Una wrote this")
    page.get_by_role("button", name="Name this version").click()
    page.get_by_label("Name", exact=True).fill("Draft")
    page.get_by_role("button", name="Save name").click()
    expect(page.locator("quire-editor .past-list .named")).to_contain_text("Draft")
    page.keyboard.press("Escape")
    expect(past).to_have_count(0)
    text_of(page, "past").press("End")
    page.keyboard.type(" and second")
    expect(page.locator("quire-editor .pill")).to_have_text("Saved")
    page.keyboard.press("ControlOrMeta+Alt+Shift+KeyH")
    expect(past.locator("ins.change")).to_have_text(" and second")
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Restore this version").click()
    toast = page.locator("quire-editor .toast")
    expect(toast).to_contain_text("Restored to \u201cDraft\u201d")
    expect(text_of(page, "past")).to_have_text("First")
    toast.get_by_role("button", name="Undo").click()
    expect(text_of(page, "past")).to_have_text("First and second")
    assert page.url == f"{site.origin}/"
    assert page.evaluate("Object.keys(localStorage).filter((key) => key !== 'quire:me')") == []

    shown = visit(ben, site, tag(server, "past", more="readonly"))
    shown.get_by_role("button", name="History", exact=True).click()
    expect(shown.locator("quire-editor .past-view ins.change").first).to_be_visible()
    for name in ("Restore this version", "Name this version", "Copy link"):
        expect(shown.get_by_role("button", name=name)).to_have_count(0)
    listed = shown.locator("quire-editor .past-entry").first
    expect(listed).to_be_visible()
    shown.evaluate("document.querySelector('quire-editor').style.width = '420px'")
    expect(listed).to_be_hidden()  # it is narrow, in a page that is not
    shown.get_by_role("button", name="Versions", exact=True).click()
    expect(listed).to_be_in_viewport()
    shown.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    shown.get_by_role("button", name="Back to the document").click()
    expect(text_of(shown, "past")).to_be_visible()
    assert shown.evaluate("document.querySelector('quire-editor').text") == "First and second"


def test_nothing_typed_is_lost(server: Server, site: Elsewhere, ada: Person, ben: Person) -> None:
    """The server is away: with a new token, in another place of its page, and taken out of it."""
    page, reader = visit(ada, site, tag(server, "kept")), visit(ben, site, tag(server, "kept"))
    text_of(page, "kept").click()
    page.keyboard.type("before ")
    expect(text_of(reader, "kept")).to_contain_text("before")
    token = server.token("una", {"kept": Level.WRITE}, name="Una")
    typed = ""
    for what, act in {
        "renewed ": f"document.querySelector('quire-editor').setAttribute('token', '{token}')",
        "moved ": "document.body.prepend(document.querySelector('quire-editor'))",
        "removed ": "document.querySelector('quire-editor').remove()",
    }.items():
        server.kill()
        expect(page.locator("quire-editor .pill")).to_contain_text("Offline")
        page.keyboard.type(what)
        page.evaluate(act)
        server.start()
        typed += what
        expect(text_of(reader, "kept")).to_contain_text(f"before {typed}".rstrip())
        if what != "removed ":
            expect(page.locator("quire-editor .pill")).to_have_text("Saved")
            text_of(page, "kept").press("ControlOrMeta+End")
    wait_for(lambda: len(server.api("GET", "/documents/kept")["editors"]) == 1)
    for person in (ada, ben):
        person.forgive("net::ERR_", "WebSocket connection to")


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
    for sheet in ("tokens", "base", "editor", "prose", "code", "history", "element"):
        assert f"'{sheet}'" in script and (static / f"css/{sheet}.css").exists()
