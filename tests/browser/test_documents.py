"""The documents list."""

import pytest
from playwright.sync_api import Page, expect

from .harness import Person, Server, says, wait_for


def titles(page: Page) -> list[str]:
    return page.locator(".row[data-name] .title").all_inner_texts()


@pytest.mark.own_server
def test_from_nothing_to_a_document(server: Server, ada: Person) -> None:
    """An empty list invites; one press makes a document whose title waits to be typed."""
    page = ada.home()
    expect(page.get_by_role("heading", name="Write something together")).to_be_visible()
    page.get_by_role("button", name="Rich text").click()
    title = page.get_by_label("Title", exact=True)
    expect(title).to_be_focused()
    page.keyboard.type("Launch plan")
    page.keyboard.press("Enter")
    page.keyboard.type("Straight into the text.")
    says(page, "Saved")
    expect(page).to_have_title("Launch plan - Quire")
    page.get_by_label("All documents").click()
    row = page.locator(".row[data-name]")
    expect(row.locator(".title")).to_have_text("Launch plan")
    expect(row.locator(".edited")).to_have_text("just now")
    row.locator(".edited").hover()
    expect(page.locator(".tooltip")).to_contain_text("Edited ")


@pytest.mark.own_server
def test_rename_delete_and_undo(server: Server, ada: Person) -> None:
    """Each with its dialog; a deletion can be undone from the toast."""
    server.document("First", "text")
    server.document("Second", "rich")
    page = ada.home()
    expect(page.locator(".row[data-name] .title")).to_have_text(["Second", "First"])
    page.get_by_label("More for First").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("Title", exact=True).fill("Renamed")
    page.get_by_role("button", name="Rename").click()
    expect(page.locator(".row[data-name] .title")).to_have_text(["Second", "Renamed"])
    page.get_by_label("More for Second").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete “Second”?")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_label("More for Second").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".row[data-name] .title")).to_have_text(["Renamed"])
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".row[data-name]")).to_have_count(2)


@pytest.mark.own_server
def test_search_and_what_others_do(server: Server, ada: Person, ben: Person) -> None:
    """Search narrows at once; new documents and editors of others appear by themselves."""
    name = server.document("Apples", "text")
    server.document("Pears", "text")
    page = ada.home()
    page.keyboard.press("/")
    page.keyboard.type("appl")
    expect(page.locator(".row[data-name] .title")).to_have_text(["Apples"])
    ben.open(name)
    expect(page.locator(".row[data-name] .avatar")).to_have_text("BO")
    page.get_by_label("Search documents").fill("nothing like it")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.get_by_role("button", name="Clear the search").click()
    expect(page.locator(".row[data-name]")).to_have_count(2)
    server.document("Quinces", "rich")
    expect(page.locator(".row[data-name] .title").first).to_have_text("Quinces")


@pytest.mark.own_server
def test_long_lists_come_in_pages(server: Server, ada: Person) -> None:
    """Scrolling brings every document, each once, and a refresh keeps what was read."""
    names = {server.document(f"Document {number}", "text") for number in range(130)}
    page = ada.home()
    expect(page.locator(".row[data-name] .title").first).to_have_text("Document 129")
    rows = page.locator(".row[data-name]")

    def read_on() -> bool:
        page.mouse.wheel(0, 100_000)
        return rows.count() == 130

    wait_for(read_on)
    seen = rows.evaluate_all("rows => rows.map((row) => row.dataset.name)")
    assert set(seen) == names
    server.document("Newest", "text")
    expect(rows).to_have_count(131)
    expect(page.locator(".row[data-name] .title").first).to_have_text("Newest")


@pytest.mark.own_server
def test_without_a_mouse(server: Server, ada: Person) -> None:
    """From the list into a document, through its toolbar, menus and dialogs, and back, by keys."""
    server.document("Beta", "text")
    server.document("Alpha", "rich")
    page = ada.home()
    keys = page.keyboard
    expect(page.locator(".row[data-name]")).to_have_count(2)
    keys.press("?")
    expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    keys.press("Escape")
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    expect(page.locator(".row[data-name] .open").nth(1)).to_be_focused()
    keys.press("Delete")
    keys.press("Enter")
    expect(page.locator(".row[data-name] .title")).to_have_text(["Alpha"])
    expect(page.locator(".row[data-name] .open")).to_be_focused()
    keys.press("F2")
    expect(page.get_by_label("Title", exact=True)).to_be_focused()
    keys.type("Gamma")
    keys.press("Enter")
    expect(page.locator(".row[data-name] .title")).to_have_text(["Gamma"])
    keys.press("Enter")
    says(page, "Saved")
    keys.type("text")
    keys.press("Shift+Home")
    expect(page.locator("#foot")).to_have_text("1 word of 1 selected")
    keys.press("Alt+F10")
    expect(page.get_by_label("Undo", exact=True)).to_be_focused()
    for _ in range(3):
        keys.press("ArrowRight")
    expect(page.get_by_label("Bold", exact=True)).to_be_focused()
    keys.press("Enter")
    expect(page.locator(".prose strong")).to_have_text("text")
    keys.press("Control+Shift+o")
    expect(page).to_have_url(f"{server.url}/")
    expect(page.locator(".row[data-name]")).to_have_count(1)
    keys.press("n")
    keys.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Markdown")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_label("Title", exact=True)).to_be_focused()


@pytest.mark.own_server
@pytest.mark.parametrize("opener", ["?", "n"])
def test_keys_that_overtake_a_closing_dialog(server: Server, ada: Person, opener: str) -> None:
    """Until its next task a closed dialog or menu holds the focus, and a fast typist's next keys
    come before that: they move in the list all the same."""
    server.document("Beta", "text")
    server.document("Alpha", "rich")
    page = ada.home()
    expect(page.locator(".row[data-name]")).to_have_count(2)
    page.keyboard.press(opener)
    expect(page.locator("dialog[open], .menu:popover-open")).to_be_visible()
    page.evaluate(
        """() => {
            const down = { key: 'ArrowDown', bubbles: true, cancelable: true }
            const open = document.querySelector('dialog[open], .menu:popover-open')
            if (open.close) open.close()
            else open.hidePopover()
            for (const _ of [1, 2])
                document.activeElement.dispatchEvent(new KeyboardEvent('keydown', down))
        }"""
    )
    expect(page.locator(".row[data-name] .open").nth(1)).to_be_focused()


def test_titles_are_live(server: Server, ada: Person, ben: Person) -> None:
    """A rename by one shows in the other's bar and tab without a reload."""
    name = server.document("Old", "text")
    one, two = ada.open(name), ben.open(name)
    one.get_by_label("Title", exact=True).fill("New name")
    one.keyboard.press("Enter")
    expect(two.get_by_label("Title", exact=True)).to_have_value("New name")
    expect(two).to_have_title("New name - Quire")
    assert server.api("GET", f"/documents/{name}")["title"] == "New name"


@pytest.mark.own_server
def test_titles_are_only_text(server: Server, ada: Person) -> None:
    """A title full of markup is shown as it is written."""
    server.document("<img src=x onerror=alert(1)>", "rich")
    page = ada.home()
    expect(page.locator(".row[data-name] .title")).to_have_text("<img src=x onerror=alert(1)>")
    assert titles(page) == ["<img src=x onerror=alert(1)>"]
    assert page.locator(".row img").count() == 0
