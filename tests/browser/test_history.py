"""History in the page: who wrote what, any moment, names, links, and the way back."""

import re
import sqlite3

import pytest
from playwright.sync_api import Page, expect

from .conftest import Meet
from .harness import (
    Person,
    Server,
    agree,
    content,
    go_to_end,
    next_frame,
    open_history,
    past_of,
    says,
    text_of,
    wait_for,
)

# Remembers whose carets and which texts the past showed.
WATCH = """() => {
    window.seen = { carets: [], texts: [] }
    const view = document.querySelector('.past-view')
    new MutationObserver(() => {
        window.seen.carets.push(view.querySelector('.caret')?.textContent)
        window.seen.texts.push(view.querySelector('.prose')?.textContent)
    }).observe(view, { childList: true, subtree: true })
}"""
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def head(server: Server, name: str) -> int:
    """How many edits a document has."""
    edits: int = server.api("GET", f"/documents/{name}/history?limit=1")["head"]
    return edits


def button(page: Page, name: str) -> None:
    """Press a button of the page by its whole name."""
    page.get_by_role("button", name=name, exact=True).click()


def title(page: Page, words: str) -> None:
    """Wait until the banner says these words first."""
    expect(page.locator(".past-title")).to_have_text(re.compile(f"^{words}"))


def two_hands(server: Server, ada: Person, ben: Person, kind: str) -> tuple[str, Page, Page]:
    """A document of which Ada wrote the first sentence, a moment "Draft", and Ben the second."""
    name = server.document("Two hands", kind)
    one, two = ada.open(name), ben.open(name)
    one.keyboard.type("Ada begins. ")
    says(one, "Saved")
    version = {"name": "Draft", "author": "Ada Lovelace"}
    server.api("POST", f"/documents/{name}/versions", version)
    wait_for(lambda: content(two) == "Ada begins. ")
    go_to_end(two)
    for _ in range(len("begins. ")):
        two.keyboard.press("Backspace")
    two.keyboard.type("and Ben.")
    agree(one, two)
    return name, one, two


@pytest.mark.parametrize("kind", ["rich", "text", "markdown", "code"])
def test_who_wrote_what(server: Server, ada: Person, ben: Person, kind: str) -> None:
    """What came and what went, in place, with whose it is; the present by author; and plain."""
    _, page, _ = two_hands(server, ada, ben, kind)
    past = open_history(page)
    title(page, "Changes ")
    expect(page.locator(".past-by")).to_have_text("Ben Okri")
    expect(past.locator("del")).to_have_text("begins. ")
    expect(past.locator("ins")).to_have_text("and Ben.")
    expect(past.locator("ins")).to_have_css("--by", "#6741d9")
    past.locator("del").hover()
    expect(page.locator(".tooltip")).to_contain_text("Ben Okri deleted this")

    button(page, "Who wrote this")
    title(page, "Who wrote this")
    expect(past.locator("ins")).to_have_text(["Ada ", "and Ben."])
    expect(page.locator(".past-by")).to_contain_text("Ben Okri 67 %")
    button(page, "Who wrote this")

    button(page, "Hide changes")
    title(page, "As of ")
    expect(past.locator("ins, del")).to_have_count(0)
    expect(past).to_contain_text("Ada and Ben.")
    button(page, "Show changes")
    expect(past.locator("del")).to_have_text("begins. ")


def test_who_made_it_bold(server: Server, ada: Person, ben: Person) -> None:
    """Text that stayed and looks otherwise says how, and by whom."""
    name, _, page = two_hands(server, ada, ben, "rich")
    for _ in range(len("Ben.")):
        page.keyboard.press("Shift+ArrowLeft")
    next_frame(page)
    written = head(server, name)
    page.keyboard.press("Control+b")
    wait_for(lambda: head(server, name) > written)
    page = ada.open(f"{name}#rev={written}..{head(server, name)}")
    changed = page.locator(".past-view .restyled")
    expect(changed).to_have_text("Ben.")
    changed.hover()
    expect(page.locator(".tooltip")).to_contain_text("Ben Okri added bold")


def test_words_that_two_type_at_once_stay_whole(server: Server, ada: Person, ben: Person) -> None:
    """Letter by letter in turns, and yet each one's words are one change."""
    name = server.document("In turns", "rich")
    one, two = ada.open(name), ben.open(name)
    one.keyboard.type("Ada: \nBen: ")
    wait_for(lambda: content(two) == "Ada: \nBen: ")
    go_to_end(two)
    one.keyboard.press("ArrowUp")
    next_frame(one)
    one.keyboard.press("End")
    next_frame(one)
    for left, right in zip("left", "righ", strict=True):
        one.keyboard.type(left)
        two.keyboard.type(right)
    agree(one, two)
    past = open_history(one)
    expect(past.locator("ins")).to_have_text(["Ada: left", "Ben: ", "righ"])
    expect(one.locator(".past-entry")).to_have_count(1)


def test_a_rich_past_looks_like_the_document(server: Server, ada: Person) -> None:
    """Headings, lists, tasks, quotes, code and tables are drawn as the editor draws them."""
    page = ada.open(server.document("All of it", "rich"))
    keys = page.keyboard
    keys.type(
        "# Title\nSome **bold** words\n[ ] a task\n\n- point\n\n> a quote\n\n```python\ndef f(): 1"
    )
    keys.press("ArrowDown")
    page.get_by_label("Table", exact=True).click()
    keys.type("cell")
    says(page, "Saved")
    live = page.locator(".ProseMirror")
    past = open_history(page).locator(".prose")
    button(page, "Hide changes")
    title(page, "As of ")
    for part in (
        "h1",
        "strong",
        "ul[data-type=taskList] li > div",
        "blockquote",
        "pre",
        "th >> nth=0",
    ):
        expect(past.locator(part)).to_have_text(live.locator(part).text_content() or "")
    expect(past.locator("pre .tok-keyword")).to_have_text("def")
    expect(past.locator("tr")).to_have_count(3)
    for part in ("h1", "pre", "blockquote"):
        one, other = (it.locator(part).bounding_box() for it in (live, past))
        assert one and other and one["height"] == other["height"], part


def test_another_form_is_no_new_text(server: Server, ada: Person) -> None:
    """A paragraph that became a heading is not shown as deleted and written again."""
    name = server.document("Form", "rich")
    page = ada.open(name)
    page.keyboard.type("words")
    says(page, "Saved")
    server.api("POST", f"/documents/{name}/versions", {"name": "Words"})
    page.keyboard.press("Control+Alt+2")
    says(page, "Saved")
    past = open_history(page)
    expect(past.locator("h2")).to_have_text("words")
    expect(past.locator("ins, del")).to_have_count(0)
    expect(past.locator("h2")).to_have_attribute("data-tip", re.compile("^Ada Lovelace gave it"))


def test_text_that_only_moved_is_kept(server: Server, ada: Person) -> None:
    """Enter in the middle of a paragraph, and Backspace at its beginning, write nothing anew."""
    name = server.document("Moves", "rich")
    page = ada.open(name)
    keys = page.keyboard
    keys.type("one and two")
    says(page, "Saved")
    server.api("POST", f"/documents/{name}/versions", {"name": "One line"})
    for _ in "two":
        keys.press("ArrowLeft")
        next_frame(page)
    keys.press("Enter")
    says(page, "Saved")
    server.api("POST", f"/documents/{name}/versions", {"name": "Two lines"})
    keys.press("Backspace")
    says(page, "Saved")
    past = open_history(page)
    for line, words in ((0, "joined two paragraphs"), (1, "began a new paragraph")):
        page.locator(".past-entry").nth(line).click()
        tip = re.compile(f"^Ada Lovelace {words}")
        expect(past.locator("p.change")).to_have_attribute("data-tip", tip)
        expect(past.locator("ins, del")).to_have_count(0)
        expect(past.locator("p")).to_have_text(
            ["one and two"] if line == 0 else ["one and ", "two"]
        )


def test_steps_through_time(server: Server, ada: Person, ben: Person) -> None:
    """Arrows go from stretch to stretch, with Shift from edit to edit; the slider to any moment."""
    name, page, _ = two_hands(server, ada, ben, "text")
    last = head(server, name)
    past = open_history(page)
    slider = page.get_by_label("Moment", exact=True)
    expect(slider).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_value("12")
    expect(past.locator("ins")).to_have_text("Ada begins. ")
    expect(page).to_have_url(re.compile(r"#rev=0\.\.12$"))
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    expect(slider).to_have_value("10")
    expect(past.locator("ins")).to_have_text("Ada begins")
    expect(past.locator(".caret")).to_have_text("Ada Lovelace")
    slider.fill("3")
    expect(past.locator("ins")).to_have_text("Ada")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(rf"^Ada.* edit 3 of {last}$"))
    button(page, "Later")
    expect(slider).to_have_value("12")


def test_plays(server: Server, ada: Person, ben: Person) -> None:
    """Playing shows everything being written, to the end, at the speed that was chosen."""
    name, page, _ = two_hands(server, ada, ben, "rich")
    past = open_history(page)
    page.evaluate(WATCH)
    button(page, "4 times")
    button(page, "Play")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    last = head(server, name)
    expect(page.get_by_label("Moment", exact=True)).to_have_value(str(last))
    expect(past.locator("ins")).to_contain_text("and Ben.")
    seen = page.evaluate("window.seen")
    assert {"Ada Lovelace", "Ben Okri"} <= set(seen["carets"])
    assert len(set(seen["texts"])) >= 3


def test_names(server: Server, ada: Person, ben: Person) -> None:
    """A version gets a name, another one, and none; the others see it; no name is given twice."""
    _, page, other = two_hands(server, ada, ben, "rich")
    open_history(page)
    open_history(other)
    entries = page.locator(".past-entry")
    expect(entries).to_have_count(2)
    button(page, "Name this version")
    page.get_by_label("Name", exact=True).fill("Draft")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Not named: There is a version 'Draft' already.")
    button(page, "Dismiss")
    button(page, "Name this version")
    page.get_by_label("Name", exact=True).fill("Final")
    page.keyboard.press("Enter")
    expect(entries.first).to_contain_text("Final")
    title(page, "Final")
    expect(other.locator(".past-entry").first).to_contain_text("Final")
    expect(page.locator(".past-star")).to_have_count(2)

    page.get_by_role("switch", name="Only named").click()
    expect(entries.locator(".when")).to_have_text(["Final", "Draft"])
    button(page, "More about Final")
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("Name", exact=True).fill("Really final")
    page.keyboard.press("Enter")
    expect(entries.locator(".when")).to_have_text(["Really final", "Draft"])
    button(page, "More about Draft")
    page.get_by_role("menuitem", name="Take the name").click()
    button(page, "Take it away")
    expect(entries.locator(".when")).to_have_text(["Really final"])
    ada.forgive("409")


def bot_writes(server: Server, name: str, words: str) -> int:
    """An edit of an agent's seventh run; its seq."""
    edits = {"edits": [{"insert": words, "at": 0}], "author": "Bot", "run": "7"}
    seq: int = server.api("POST", f"/documents/{name}/edits", edits)["seq"]
    return seq


def test_what_one_did_is_taken_back(server: Server, ada: Person) -> None:
    """All that an agent did in its run, at once, and nothing else; and that again."""
    name = server.document("Agents", "text")
    page = ada.open(name)
    page.keyboard.type("Ada begins. ")
    says(page, "Saved")
    for words in ("One ", "Two "):
        bot_writes(server, name, words)
    page.keyboard.type("Ada goes on.")
    mine, all_ = "Ada begins. Ada goes on.", "Two One Ada begins. Ada goes on."
    wait_for(lambda: content(page) == all_)
    says(page, "Saved")
    open_history(page)
    page.locator(".past-panel li .icon-button").first.click()
    page.get_by_role("menuitem", name="Undo the edits of Bot (7)").click()
    expect(page.locator(".toast")).to_contain_text("The edits of Bot (7) were taken back")
    wait_for(lambda: content(page) == mine)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("The edits of Bot (7) are there again")
    wait_for(lambda: content(page) == all_)


def test_a_run_is_taken_back_as_a_whole(server: Server, ada: Person) -> None:
    """What ends an entry, a version's name or a mass deletion, does not end it."""
    name = server.document("Run", "text")
    page = ada.open(name)
    page.keyboard.type("Ada. ")
    says(page, "Saved")
    for words in ("One ", "Two "):
        seq = bot_writes(server, name, words)
        version = {"name": words, "at": str(seq), "author": "Ada"}
        server.api("POST", f"/documents/{name}/versions", version)
    wait_for(lambda: content(page) == "Two One Ada. ")
    open_history(page)
    page.locator(".past-panel li .icon-button").first.click()
    page.get_by_role("menuitem", name="Undo all that Bot (7) ever did").click()
    expect(page.locator(".toast")).to_contain_text("The edits of Bot (7) were taken back")
    wait_for(lambda: content(page) == "Ada. ")
    page.locator(".past-panel li .icon-button").last.click()
    expect(page.get_by_role("menuitem", name="Undo the edits of Ada Lovelace")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Undo all that Ada")).to_have_count(0)


def test_links(server: Server, ada: Person, ben: Person) -> None:
    """A copied link opens just that for somebody else; Back and Esc lead to the live document."""
    name, page, _ = two_hands(server, ada, ben, "text")
    ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_history(page)
    page.locator(".past-entry").last.click()
    title(page, "Draft")
    button(page, "Copy link")
    expect(page.locator(".toast")).to_contain_text("Link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == f"{server.url}/d/{name}#rev=0..12"
    page.go_back()
    title(page, "Changes ")
    page.go_back()
    expect(page.locator(".past-view")).to_have_count(0)
    page.go_forward()
    title(page, "Changes ")

    other = ben.context.new_page()
    other.goto(link)
    expect(past_of(other)).to_have_text("Ada begins. ")
    title(other, "Draft")
    other.goto(f"{server.url}/d/{name}#rev=3")
    expect(other.locator(".past-view")).to_have_text("Ada")
    title(other, "As of ")
    other.keyboard.press("Escape")
    expect(other.locator(".past-view")).to_have_count(0)
    expect(other).to_have_url(f"{server.url}/d/{name}")


@pytest.mark.parametrize("kind", ["rich", "text"])
def test_restores_and_takes_it_back(server: Server, ada: Person, ben: Person, kind: str) -> None:
    """Restoring is an edit that merges with what somebody types meanwhile; so is its undo."""
    _, one, two = two_hands(server, ada, ben, kind)
    past = open_history(one)
    one.locator(".past-entry").last.click()
    expect(past).to_contain_text("Ada begins.")
    go_to_end(two)
    two.keyboard.type(" More")
    button(one, "Restore this version")
    two.keyboard.type(" words.")
    expect(one.locator(".past-view")).to_have_count(0)
    expect(one.locator(".toast")).to_contain_text("Restored")
    wait_for(lambda: "begins." in content(two))
    go_to_end(two)
    two.keyboard.type(" After.")
    assert re.fullmatch(r"Ada begins\. .* After\.", agree(one, two))
    one.locator(".toast").get_by_role("button", name="Undo").click()
    wait_for(lambda: "and Ben." in content(two))
    assert agree(one, two) == "Ada and Ben. More words. After."


def test_the_document_goes_on_behind(server: Server, ada: Person, ben: Person) -> None:
    """While somebody looks at the past, others write; the list grows, and nothing is lost."""
    _, one, two = two_hands(server, ada, ben, "rich")
    open_history(one)
    expect(one.locator(".past-entry").first).to_contain_text("16 edits")
    two.keyboard.type(" Still here.")
    expect(one.locator(".past-entry").first).to_contain_text("28 edits")
    expect(one.locator(".past-view ins")).to_have_text("and Ben.")
    one.keyboard.type("xyz")
    one.keyboard.press("Escape")
    expect(one.locator(".ProseMirror")).to_be_focused()
    assert agree(one, two) == "Ada and Ben. Still here."
    one.keyboard.press("Control+End")
    next_frame(one)
    one.keyboard.type("!")
    assert agree(one, two) == "Ada and Ben. Still here.!"


def test_by_keyboard_alone(server: Server, ada: Person, ben: Person) -> None:
    """Open, go through the changes, the list and the modes, and close, without a mouse."""
    _, page, _ = two_hands(server, ada, ben, "rich")
    keys = page.keyboard
    keys.press("Control+Alt+Shift+h")
    past = past_of(page)
    keys.press("n")
    expect(past.locator("del")).to_be_focused()
    expect(page.locator(".tooltip")).to_contain_text("Ben Okri deleted this")
    keys.press("n")
    expect(past.locator("ins")).to_be_focused()
    keys.press("p")
    expect(past.locator("del")).to_be_focused()
    keys.press("c")
    title(page, "As of")
    keys.press("c")
    keys.press("w")
    title(page, "Who wrote this")
    keys.press("w")
    page.locator(".past-entry[aria-current]").focus()
    keys.press("ArrowDown")
    title(page, "Draft")
    keys.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Stretch by stretch")
    keys.press("Escape")
    expect(page.locator(".past-view")).to_be_visible()
    keys.press("Escape")
    expect(page.locator(".past-view")).to_have_count(0)
    expect(page.locator(".ProseMirror")).to_be_focused()


def test_phone_width(server: Server, meet: Meet, ada: Person, ben: Person) -> None:
    """390 pixels: nothing sticks out, the list comes up from below and goes away again."""
    name, _, _ = two_hands(server, ada, ben, "rich")
    page = meet("Cleo Ma", **PHONE).open(name)
    open_history(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.evaluate(  # also while it saves
        "() => Object.assign(document.querySelector('.pill').dataset, { state: 'saving' })"
        " && (document.querySelector('.pill .short').textContent = 'Saving 12')"
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for part in (".past-icons", ".past-actions", ".past-track", ".past-speeds"):
        box = page.locator(part).bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390, part
    expect(page.locator(".past-panel")).to_be_hidden()
    button(page, "Versions")
    page.locator(".past-entry").last.click()
    expect(page.locator(".past-panel")).to_be_hidden()
    title(page, "Draft")
    button(page, "Versions")
    page.keyboard.press("Escape")
    expect(page.locator(".past-panel")).to_be_hidden()
    button(page, "Back to the document")
    expect(page.locator(".past-view")).to_have_count(0)


def test_nothing_to_show(server: Server, ada: Person) -> None:
    """A document without edits, and a link to a moment that is not there, say so."""
    name = server.document("Empty", "rich")
    page = ada.open(name)
    button(page, "History")
    expect(page.get_by_role("heading", name="No edits yet")).to_be_visible()
    expect(page.locator(".past-player")).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.type("x")
    says(page, "Saved")
    page.goto(f"{server.url}/d/{name}#rev=999")
    expect(page.get_by_role("heading", name="There is no such moment")).to_be_visible()
    button(page, "Latest changes")
    expect(past_of(page).locator("ins")).to_have_text("x")
    button(page, "Back to the document")
    page.keyboard.press("Backspace")
    says(page, "Saved")
    open_history(page)
    button(page, "Hide changes")
    expect(page.locator(".past-view")).to_have_text("Nothing was in it at this moment.")


@pytest.mark.own_server
def test_without_the_server(server: Server, ada: Person) -> None:
    """Offline the past cannot be asked for, which is said, and tried again."""
    page = ada.open(server.document("Away", "text"))
    page.keyboard.type("x")
    says(page, "Saved")
    server.kill()
    says(page, "Offline")
    button(page, "History")
    expect(page.get_by_role("heading", name="This cannot be shown just now")).to_be_visible()
    server.start()
    says(page, "Saved")
    button(page, "Try again")
    expect(past_of(page).locator("ins")).to_have_text("x")
    ada.forgive("net::ERR_", "WebSocket connection to")


@pytest.mark.parametrize("kind", ["rich", "text"])
def test_who_deletes_most_of_it(server: Server, ada: Person, ben: Person, kind: str) -> None:
    """Everybody is told who did, can look at it, and can take back just that."""
    name = server.document("Careful", kind)
    one, two = ada.open(name), ben.open(name)
    words = "Ada wrote all of this, and it was a good afternoon. " * 6
    one.keyboard.insert_text(words)
    wait_for(lambda: content(two) == words)
    text_of(two).click()
    two.keyboard.press("Control+a")
    two.keyboard.press("Delete")
    bar = one.get_by_role("alert")
    expect(bar).to_contain_text("Ben Okri deleted most of this document at")
    expect(two.get_by_role("alert")).to_contain_text("You deleted most of this document at")
    two.keyboard.type("Oh.")
    bar.get_by_role("button", name="Look").click()
    expect(past_of(one).locator("del")).to_have_text(words)
    one.keyboard.press("Escape")
    bar.get_by_role("button", name="Undo just this").click()
    wait_for(lambda: words in content(one))
    assert "Oh." in agree(one, two)
    expect(two.get_by_role("alert")).to_have_count(0)
    expect(one.get_by_role("alert")).to_have_count(0)


@pytest.mark.own_server
def test_a_document_that_can_only_be_read(server: Server, ada: Person) -> None:
    """Its past can be looked at; to restore it is refused, with the reason."""
    name = server.document("Damaged", "text")
    page = ada.open(name)
    page.keyboard.type("whole")
    says(page, "Saved")
    server.stop()
    says(page, "Offline")
    with sqlite3.connect(server.store) as database:
        database.execute(
            "UPDATE updates SET data = x'01' WHERE seq = (SELECT max(seq) FROM updates)"
        )
    database.close()
    server.start()
    says(page, "View only")
    page.goto(f"{server.url}/d/{name}#rev=2")
    expect(past_of(page)).to_have_text("wh")
    restore = page.get_by_role("button", name="Restore this version")
    expect(restore).to_have_attribute("aria-disabled", "true")
    expect(restore).to_have_attribute("data-tip", re.compile("^This document is damaged"))
    ada.forgive("net::ERR_", "WebSocket connection to")
