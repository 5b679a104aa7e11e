"""The examples, each with two people in two browsers, as somebody meets them who is new here."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import Meet
from .harness import PATIENCE, Person, Server, wait_for

EXAMPLES = Path(__file__).parents[2] / "examples"
PAGES = ("chat", "ticker", "scores", "board", "document", "echo")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LINES = 80


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("examples") / "q.db", None, "--examples").start()
    yield server
    server.stop()
    loud = [line for line in server.errors if '"level": "info"' not in line]
    assert not loud, "".join(loud)


def visit(person: Person, example: str, room: str = "") -> Page:
    """The page of an example, connected."""
    page = person.context.new_page()
    page.goto(f"{person.server.url}/examples/{example}#{room}")
    expect(page.locator("#state")).to_have_text("Connected")
    return page


@pytest.mark.parametrize("example", PAGES)
def test_a_page_is_short(example: str) -> None:
    """Its HTML and its script together; what all share and the program, too."""
    files = [EXAMPLES / f"{example}.{kind}" for kind in ("html", "js")]
    assert sum(file.read_text().count("\n") for file in files) <= LINES
    for file in (EXAMPLES / "room.js", EXAMPLES / "ticker.py"):
        assert file.read_text().count("\n") <= LINES


def test_the_list_leads_to_all(ada: Person) -> None:
    """And from each back to it."""
    page = ada.context.new_page()
    page.goto(f"{ada.server.url}/examples")
    links = page.locator("main a")
    expect(links).to_have_count(len(PAGES))
    found = [link.get_attribute("href") for link in links.all()]
    assert found == [f"/examples/{example}" for example in PAGES]
    links.first.click()
    page.get_by_role("link", name="Examples").click()
    expect(links).to_have_count(len(PAGES))


def test_chat(ada: Person, ben: Person) -> None:
    """Both see what is said, by whom, and that somebody types; who comes later sees it, too."""
    one, other = visit(ada, "chat"), visit(ben, "chat")
    expect(one.locator("#empty")).to_be_visible()
    other.get_by_label("Message", exact=True).press_sequentially("Hi <b>")
    expect(one.locator("#typing")).to_contain_text("typing")
    other.keyboard.press("Enter")
    expect(one.locator("#messages li p")).to_have_text("Hi <b>")
    expect(one.locator("#typing")).to_have_text("")
    one.get_by_label("Message", exact=True).fill("Hello")
    one.get_by_role("button", name="Send").click()
    expect(other.locator("#messages li.mine p")).to_have_text("Hi <b>")
    expect(other.locator("#messages li p")).to_have_text(["Hi <b>", "Hello"])
    expect(visit(ben, "chat").locator("#messages li")).to_have_count(2)
    expect(visit(ben, "chat", "other").locator("#empty")).to_be_visible()


def test_ticker(ada: Person, ben: Person) -> None:
    """The program writes 20 prices a second, and both see them move."""
    pages = visit(ada, "ticker"), visit(ben, "ticker")
    command = pages[0].locator("#empty pre").inner_text().split()[1:]
    program = subprocess.Popen([sys.executable, EXAMPLES / Path(command[0]).name, *command[1:]])
    try:
        for page in pages:
            expect(page.locator("tbody tr")).to_have_count(5)
            expect(page.locator("#empty")).to_be_hidden()
            before = page.locator("tbody").inner_text()
            expect(page.locator("tbody")).not_to_have_text(before)
        history = "/documents/examples%2Fticker%2Flobby/history"
        wait_for(lambda: ada.server.api("GET", history)["head"] > 40)
        assert program.poll() is None
    finally:
        program.terminate()
        program.wait(PATIENCE)


def test_scores(ada: Person, ben: Person) -> None:
    """One keeps the score, the other sees it, and replays the match while it goes on."""
    one, other = visit(ada, "scores"), visit(ben, "scores")
    expect(other.locator("#empty")).to_be_visible()
    for number, team in enumerate(("Rovers", "Rovers", "United"), 1):
        one.get_by_role("button", name=f"Goal for {team}").click()
        expect(other.locator("#events li")).to_have_count(number)
    expect(other.locator("#home")).to_have_text("2")
    expect(other.locator("#away")).to_have_text("1")
    other.get_by_role("button", name="Replay").click()
    expect(other.locator("#empty")).to_be_visible()  # as it began
    one.get_by_role("button", name="Goal for United").click()
    expect(one.locator("#away")).to_have_text("2")
    expect(other.locator("#moment")).to_have_value("3")
    expect(other.locator("#away")).to_have_text("1")
    other.locator("#moment").focus()
    other.keyboard.press("ArrowLeft")
    expect(other.locator("#away")).to_have_text("0")
    other.get_by_role("button", name="Back to live").click()
    expect(other.locator("#away")).to_have_text("2")


def test_board(ada: Person, ben: Person) -> None:
    """A game by mouse and by keys; where the other one looks; a cheer, which nobody keeps."""
    one, other = visit(ada, "board"), visit(ben, "board")
    expect(one.locator("#empty")).to_be_visible()

    def square(page: Page, row: int, column: int) -> None:
        page.get_by_role("button", name=f"Row {row}, column {column}:").click()

    square(one, 1, 1)
    expect(other.locator("#board button").first).to_have_text("X")
    expect(other.locator("#board button").first.locator(".eyes")).to_be_visible()
    other.locator("#board button").first.focus()
    other.keyboard.press("ArrowDown")
    other.keyboard.press("Enter")
    expect(one.locator("#board button").nth(3)).to_have_text("O")
    for page, row, column in ((one, 1, 2), (other, 2, 2), (one, 1, 3)):
        square(page, row, column)
        told = page.locator("#board button").nth(3 * row + column - 4)
        for each in (one, other):
            expect(each.locator("#board button").nth(3 * row + column - 4)).to_have_text(
                told.inner_text()
            )
    expect(other.locator("#turn")).to_have_text("X has won")
    square(other, 3, 3)
    expect(other.locator("#board button").nth(8)).to_have_text("")
    one.get_by_role("button", name="Bravo!").click()
    expect(other.locator("#cheers")).to_contain_text("Bravo!")
    expect(visit(ben, "board").locator("#cheers")).to_have_text("")
    other.get_by_role("button", name="New game").click()
    expect(one.locator("#turn")).to_have_text("It is X\u2019s turn")


def test_one_document(ada: Person, ben: Person) -> None:
    """Both write in it, with carets, here and on Quire's own page."""
    one, other = visit(ada, "document"), visit(ben, "document")
    text = one.locator(".ProseMirror")
    expect(text).to_be_focused()
    one.keyboard.type("Together")
    expect(other.locator(".ProseMirror")).to_contain_text("Together")
    expect(other.locator(".caret .flag")).to_be_visible()
    other.get_by_role("link", name="own page").click()
    expect(other.locator(".ProseMirror")).to_contain_text("Together")


def test_echo(ada: Person) -> None:
    """What one says comes back."""
    page = visit(ada, "echo")
    expect(page.locator("#empty")).to_be_visible()
    page.get_by_label("Words").fill("Hello, server")
    page.keyboard.press("Enter")
    expect(page.locator("#said li.theirs")).to_have_text("Hello, server")


@pytest.mark.parametrize("example", ["", *PAGES])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(meet: Meet, example: str, scheme: str) -> None:
    """Nothing sticks out, in light and dark."""
    person = meet("Cleo Ma", color_scheme=scheme, **PHONE)
    page = person.context.new_page()
    page.goto(f"{person.server.url}/examples/{example}")
    expect(page.locator("h1")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, background[4:-1].split(","))) < 64) == (scheme == "dark")
