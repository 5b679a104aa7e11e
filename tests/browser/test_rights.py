"""Users on the page: links that let in, levels that count at once, and what stays when it ends."""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page, expect

from collab.access import Level
from collab.errors import Unauthenticated
from collab.web.cli import main
from collab.web.keys import load_tokens

from .harness import Person, Server, content, go_to_end, open_history, says, text_of, wait_for

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ALL = {"*": Level.ADMIN}
MARKUP = "<img src=x onerror=alert(1)>"

# What Chromium itself says of a server that is away.
AWAY = ("net::ERR_", "WebSocket connection to")

Visit = Callable[..., Person]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("users")
    made = CliRunner().invoke(main, ["token", "key", "--keys", str(folder / "quire.keys")])
    assert made.exit_code == 0, made.output
    server = Server(folder / "quire.db", folder / "quire.keys").start()
    yield server
    server.stop()
    assert not any("Traceback" in line for line in server.errors), "".join(server.errors)


@pytest.fixture
def visit(chromium: Browser, server: Server) -> Iterator[Visit]:
    """visit("Ben") is somebody with a browser of their own who has no token yet."""
    met: list[Person] = []

    def come(name: str, **look: object) -> Person:
        met.append(Person(chromium, server, name, "#6741d9", **look))
        return met[-1]

    yield come
    complaints = [line for person in met for line in person.complaints]
    for person in met:
        person.context.close()
    # Chromium itself says so of every answer that refuses.
    assert not [line for line in complaints if "status of 40" not in line], complaints


def sign_in(person: Person, token: str, path: str = "/") -> Page:
    page = person.context.new_page()
    page.goto(f"{person.server.url}{path}#token={token}")
    return page


def opened(page: Page) -> Page:
    expect(page.locator("#page")).to_have_attribute("aria-busy", "false")
    expect(text_of(page)).to_be_visible()
    return page


def shows(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", name=title)).to_be_visible()


def counts(server: Server, token: str) -> bool:
    """Whether the token lets anybody in yet."""
    try:
        load_tokens(str(server.keys)).verify(token)
    except Unauthenticated:
        return False
    return True


def renew(page: Page, token: str) -> None:
    """Show the server another token of the same user, as another tab would."""
    answer = page.evaluate(
        """(token) => fetch('/api/session', {
            method: 'POST', body: JSON.stringify({ token }),
            headers: { 'Content-Type': 'application/json' }
        }).then((answer) => answer.json())""",
        token,
    )
    assert answer["renewed"] == 1, answer


def kept(page: Page) -> list[str]:
    """The copies of documents that this browser keeps."""
    names: list[str] = page.evaluate(
        "indexedDB.databases().then((all) => all.map(({ name }) => name))"
    )
    return [name for name in names if name.startswith("quire@")]


def test_in_by_a_link_and_out_again(server: Server, visit: Visit) -> None:
    """The token leaves the address at once; signing out takes the documents out of the browser."""
    name = server.document("Plan", "text")
    token = server.token("ann", ALL, name="Ann Lee", color="#0b7a6f")
    ann = visit("Somebody")
    page = opened(sign_in(ann, token, f"/d/{name}"))
    assert page.url == f"{server.url}/d/{name}"
    assert token not in page.evaluate(
        "JSON.stringify([history.state, localStorage, document.cookie])"
    )
    page.keyboard.type("secret plan")
    says(page, "Saved")
    assert kept(page) == [f"quire@/ann/{name}"]
    other = ann.home()
    expect(other.locator(".row[data-name]").first).to_be_visible()

    page.get_by_label("you are Ann Lee").click()
    panel = page.get_by_label("Who you are")
    expect(panel).to_contain_text("Your name and colour come with your invitation")
    expect(panel.get_by_label("Your name")).to_have_count(0)
    panel.get_by_role("button", name="Sign out").click()
    shows(page, "You are signed out")
    assert page.url == f"{server.url}/"
    shows(other, "You are signed out")
    assert kept(page) == []
    assert "Plan" not in page.evaluate("JSON.stringify(localStorage)")
    page.goto(f"{server.url}/d/{name}")
    shows(page, "You are signed out")
    expect(page.locator("body")).not_to_contain_text("secret plan")

    wait_for(lambda: page.evaluate("navigator.serviceWorker.controller?.state === 'activated'"))
    server.kill()
    page.goto(f"{server.url}/d/{name}")
    shows(page, "This document cannot be opened just now")
    page.goto(server.url)
    shows(page, "The documents cannot be read")
    server.start()
    ann.forgive(*AWAY)


def test_without_an_invitation(server: Server, visit: Visit) -> None:
    """A plain page, also on a document's address; a pasted link or token leads on to it."""
    name = server.document("Plan", "text")
    page = visit("Somebody").context.new_page()
    page.goto(f"{server.url}/d/{name}")
    shows(page, "You need an invitation")
    expect(page.locator("input[type=password]")).to_have_count(0)
    field = page.get_by_label("Link or token")
    field.fill("what is this?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That is neither a link nor a token.")
    field.fill("eyJ.wrong.token")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Your token does not count here.")
    field.fill(f"  {server.url}/#token={server.token('ann', ALL, name='Ann')} ")
    page.keyboard.press("Enter")
    opened(page)
    assert page.url == f"{server.url}/d/{name}"


def test_a_link_that_does_not_count(server: Server, visit: Visit) -> None:
    """It says so, and takes nothing away from who is signed in."""
    ann = visit("Somebody")
    shows(sign_in(ann, "eyJ.wrong.token"), "This link does not count")
    sign_in(ann, server.token("ann", ALL, name="Ann"))
    page = sign_in(ann, server.token("ann", ALL, seconds=-60, name="Ann"))
    expect(page.locator(".notice")).to_contain_text("Your access has expired")
    page.get_by_role("button", name="Go on as Ann").click()
    expect(page.get_by_label("you are Ann")).to_be_visible()


def test_a_document_that_one_may_not_see(server: Server, visit: Visit) -> None:
    """It tells who one is, not whether there is such a document."""
    name = server.document("Secret", "text")
    ann = visit("Somebody")
    page = sign_in(ann, server.token("ann", {"elsewhere": Level.WRITE}, name="Ann"), f"/d/{name}")
    shows(page, "You cannot open this document")
    expect(page.locator(".notice")).to_contain_text("You are Ann here, and may not see it.")
    page.goto(f"{server.url}/d/nowhere")
    expect(page.locator(".notice")).to_contain_text("You are Ann here, and may not see it.")
    page.goto(server.url)
    shows(page, "Nothing is shared with you now")
    expect(page.locator("#new")).to_be_hidden()


def test_a_link_is_given_and_taken_back(server: Server, visit: Visit) -> None:
    """The share dialog from end to end, with a guest who is sent away while typing."""
    name = server.document("Plan", "rich")
    ann, ben = visit("Somebody"), visit("Ben Okri")
    page = opened(sign_in(ann, server.token("ann", ALL, name="Ann"), f"/d/{name}"))
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share “Plan”")
    expect(dialog).to_contain_text("None yet.")
    dialog.get_by_label("What one may do").select_option("can edit")
    dialog.get_by_label("How long").select_option("for 7 days")
    dialog.get_by_label("For whom").fill(MARKUP)
    dialog.get_by_role("button", name="Create link").click()
    link = dialog.get_by_label("The new link").input_value()
    row = dialog.get_by_role("listitem")
    expect(row).to_contain_text(MARKUP)
    expect(row).to_contain_text("can edit · by Ann · until ")
    expect(dialog.locator("img")).to_have_count(0)

    guest = ben.context.new_page()
    guest.goto(link)
    opened(guest)
    expect(guest.get_by_role("button", name="Share")).to_be_hidden()
    expect(guest.get_by_label("you are Ben Okri (guest)")).to_be_visible()
    go_to_end(guest)
    guest.keyboard.type("from a guest")
    says(guest, "Saved")
    expect(page.locator("#people .avatar")).to_have_attribute("aria-label", "BO, Ben Okri (guest)")
    again = ben.context.new_page()
    again.goto(link)  # the same guest, not another one
    opened(again)
    expect(again.locator("#people .avatar")).to_have_count(1)
    again.close()
    listed = ben.home()
    expect(listed.locator(".row[data-name] .title")).to_have_text(["Plan"])

    dialog.get_by_role("button", name=f"Revoke {MARKUP}").click()
    sure = page.get_by_role("dialog", name="Revoke “")
    sure.get_by_role("button", name="Revoke").click()
    expect(guest.locator(".ended")).to_contain_text("Your access has ended.", timeout=5000)
    says(guest, "Access ended")
    guest.keyboard.type("x")
    assert content(guest) == "from a guest"
    expect(dialog.get_by_role("listitem")).to_have_count(0)
    shows(listed, "Your access has ended")
    guest.reload()
    shows(guest, "Your access has ended")
    wait_for(lambda: kept(guest) == [])


@pytest.mark.parametrize("kind", ["rich", "text"])
def test_a_reader_cannot_type(server: Server, visit: Visit, kind: str) -> None:
    """Not merely refused: nothing on the page changes the document, its title or its past."""
    name = server.document("Plan", kind)
    ann, ray = visit("Somebody"), visit("Ray")
    page = opened(sign_in(ann, server.token("ann", ALL, name="Ann"), f"/d/{name}"))
    page.keyboard.type("as it is")
    says(page, "Saved")
    token = server.token("ray", {name: Level.READ}, name="Ray")
    reader = opened(sign_in(ray, token, f"/d/{name}"))
    says(reader, "View only")
    expect(text_of(reader)).to_have_attribute("aria-readonly", "true")
    expect(reader.locator(".toolbar")).to_be_hidden()
    expect(reader.get_by_label("Title", exact=True)).not_to_be_editable()
    text_of(reader).click()
    for key in ("x", "Enter", "Backspace", "Control+z", "Control+b", "Control+v"):
        reader.keyboard.press(key)
    assert content(reader) == "as it is"
    says(reader, "View only")
    reader.get_by_role("button", name="More", exact=True).click()
    expect(reader.get_by_role("menuitem", name="Copy link")).to_be_visible()
    expect(reader.get_by_role("menuitem", name="Delete")).to_have_count(0)
    reader.keyboard.press("Escape")
    reader.get_by_role("button", name="History", exact=True).click()
    expect(reader.locator(".past-entry").first).to_be_visible()
    for label in ("Restore this version", "Name this version"):
        expect(reader.get_by_role("button", name=label)).to_be_hidden()
    reader.goto(server.url)
    reader.get_by_label("More for Plan").click()
    expect(reader.get_by_role("menuitem")).to_have_text(["Open in new tab"])


def test_who_may_comment_names_versions(server: Server, visit: Visit) -> None:
    """Names, not edits."""
    name = server.document("Plan", "text")
    ann, cleo = visit("Somebody"), visit("Cleo")
    page = opened(sign_in(ann, server.token("ann", ALL, name="Ann"), f"/d/{name}"))
    page.keyboard.type("as it is")
    says(page, "Saved")
    token = server.token("cleo", {name: Level.COMMENT}, name="Cleo")
    other = opened(sign_in(cleo, token, f"/d/{name}"))
    says(other, "View only")
    open_history(other)
    other.get_by_role("button", name="Name this version").click()
    other.get_by_label("Name", exact=True).fill("Draft")
    other.get_by_role("button", name="Save name").click()
    expect(other.locator(".past-entry").first).to_contain_text("Draft")
    expect(other.get_by_role("button", name="Restore this version")).to_be_hidden()
    (version,) = server.api("GET", f"/documents/{name}/versions")["versions"]
    assert (version["name"], version["author"]) == ("Draft", "Cleo")


def test_less_and_more_while_typing(server: Server, visit: Visit) -> None:
    """Downgraded, the editor stops and tells of what was not taken; upgraded, that is sent."""
    name = server.document("Plan", "text")
    ben = visit("Ben")
    page = opened(sign_in(ben, server.token("ben", {name: Level.WRITE}, name="Ben"), f"/d/{name}"))
    page.keyboard.type("taken ")
    says(page, "Saved")
    renew(page, server.token("ben", {name: Level.READ}, name="Ben"))
    page.keyboard.type("x")
    says(page, "View only, 1 edit kept here")
    expect(text_of(page)).to_have_attribute("aria-readonly", "true")
    page.keyboard.type("nothing")
    assert content(page) == "taken x"
    page.reload()
    says(page, "View only, 1 edit kept here")
    renew(page, server.token("ben", {name: Level.WRITE}, name="Ben"))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    says(page, "Saved")
    go_to_end(page)
    page.keyboard.type("!")
    says(page, "Saved")
    assert server.api("GET", f"/documents/{name}/content")["content"] == "taken x!"


def test_access_that_expires(server: Server, visit: Visit) -> None:
    """Told at once; what was typed meanwhile stays, over a reload too, until one is back."""
    name = server.document("Plan", "text")
    ben = visit("Ben")
    ben.context.grant_permissions(["clipboard-read", "clipboard-write"])
    token = server.token("ben", {name: Level.WRITE}, seconds=2, name="Ben")
    page = opened(sign_in(ben, token, f"/d/{name}"))
    page.keyboard.type("taken ")
    says(page, "Saved")
    server.kill()
    says(page, "Offline")
    page.keyboard.type("late")
    says(page, "Offline, 4 edits kept here")
    wait_for(lambda: not counts(server, token))
    server.start()
    expect(page.locator(".ended")).to_contain_text("Your access has ended.")
    expect(page.locator(".ended")).to_contain_text("4 edits of yours were not taken.")
    says(page, "Access ended, 4 edits kept here")
    page.reload()
    expect(page.locator(".ended")).to_contain_text("Your access has ended.")
    assert content(page) == "taken late"
    page.get_by_role("button", name="Copy the text").click()
    wait_for(lambda: page.evaluate("navigator.clipboard.readText()") == "taken late")
    page.get_by_role("button", name="Use an invitation").click()
    page.get_by_label("Link or token").fill(server.token("ben", {name: Level.WRITE}, name="Ben"))
    page.keyboard.press("Enter")
    says(page, "Saved")
    assert server.api("GET", f"/documents/{name}/content")["content"] == "taken late"
    ben.forgive(*AWAY)


def test_signing_out_with_edits_that_were_not_sent(server: Server, visit: Visit) -> None:
    """It asks before it loses them."""
    name = server.document("Plan", "text")
    ben = visit("Ben")
    page = opened(sign_in(ben, server.token("ben", {name: Level.WRITE}, name="Ben"), f"/d/{name}"))
    renew(page, server.token("ben", {name: Level.READ}, name="Ben"))
    page.keyboard.type("x")
    says(page, "View only, 1 edit kept here")
    page.get_by_label("you are Ben").click()
    page.get_by_role("button", name="Sign out").click()
    shows(page, "Sign out and lose 1 edit?")
    page.get_by_role("button", name="Cancel").click()
    says(page, "View only, 1 edit kept here")
    page.get_by_label("you are Ben").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("dialog", name="Sign out and").get_by_role("button", name="Sign out").click()
    shows(page, "You are signed out")
    assert kept(page) == []


def test_names_are_text_and_guests_are_marked(server: Server, visit: Visit) -> None:
    """Whatever a token or a guest calls itself; a long name does not push the mark away."""
    name = server.document("Plan", "text")
    ann, eve = visit("Somebody"), visit("Eve")
    page = opened(sign_in(ann, server.token("ann", ALL, name=MARKUP), f"/d/{name}"))
    expect(page.get_by_label(f"you are {MARKUP}")).to_be_visible()
    me = json.dumps(json.dumps({"id": "eve", "name": "Ann" + "n" * 60, "color": "red"}))
    eve.context.add_init_script(f"try {{ localStorage['quire:me'] = {me} }} catch {{}}")
    made = server.api("POST", f"/documents/{name}/links", {"level": "write", "label": ""})
    guest = eve.context.new_page()
    guest.goto(server.url + made["path"])
    opened(guest)
    expect(page.locator("#people .avatar")).to_have_attribute("data-tip", re.compile(r"\(guest\)$"))
    expect(guest.locator("#people .avatar")).to_have_attribute("data-tip", MARKUP)
    assert page.locator("body img[src=x]").count() == guest.locator("img[src=x]").count() == 0


def test_sharing_by_keyboard_and_on_a_phone(server: Server, visit: Visit) -> None:
    """Every step by keys; on 390 pixels nothing sticks out."""
    name = server.document("A title that goes on and on until no phone can show it", "text")
    ann = visit("Somebody", **PHONE)
    page = opened(sign_in(ann, server.token("ann", ALL, name="Ann"), f"/d/{name}"))
    page.get_by_role("button", name="More", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Share")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.share")
    page.get_by_label("For whom").focus()
    page.keyboard.type("Ben")
    page.keyboard.press("Enter")
    expect(dialog.get_by_label("The new link")).to_be_visible()
    expect(dialog.get_by_role("button", name="Copy", exact=True)).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    box = dialog.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Revoke Ben")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("listitem")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.goto(server.url)
    expect(page.get_by_label("you are Ann")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
