"""Dark mode, phone width, print: on every page, without a scroll bar where none belongs."""

import pytest
from playwright.sync_api import Page, expect

from .conftest import Meet
from .harness import Person, Server, says

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LONG = "A title that goes on and on until no phone can show it on a single line any more"


def background(page: Page) -> list[int]:
    """The page's background as red, green and blue."""
    rgb: list[int] = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)"
    )
    return rgb


def dark(page: Page) -> bool:
    return max(background(page)) < 64


def test_dark_mode(server: Server, meet: Meet) -> None:
    """Dark as the system is; the button steps through system, light and dark, and is remembered."""
    ada = meet("Ada Lovelace", color_scheme="dark")
    page = ada.open(server.document("Night", "rich"))
    assert dark(page)
    page.get_by_label("Theme: as the system").click()
    expect(page.get_by_label("Theme: light")).to_be_visible()
    assert not dark(page)
    page.reload()
    says(page, "Saved")
    assert not dark(page)
    page.get_by_label("Theme: light").click()
    page.emulate_media(color_scheme="light")
    assert dark(page)
    assert dark(ada.home())


@pytest.mark.parametrize("kind", ["rich", "text", "markdown", "code"])
def test_phone_width(server: Server, meet: Meet, kind: str) -> None:
    """390 pixels: nothing sticks out, the tools scroll, and one can type."""
    cleo = meet("Cleo Ma", **PHONE)
    page = cleo.open(server.document(LONG, kind))
    page.locator(".ProseMirror, .cm-content").click()
    page.keyboard.insert_text("word " * 60)
    says(page, "Saved")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for part in (".bar", "#me button", ".pill", "[aria-label=More]"):
        box = page.locator(part).bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390, part


def test_phone_list(server: Server, meet: Meet) -> None:
    """The list on a phone: no sideways scrolling, menus within the screen."""
    cleo = meet("Cleo Ma", **PHONE)
    server.document(LONG, "rich")
    page = cleo.home()
    expect(page.locator(".row[data-name]").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="New", exact=True).click()
    box = page.get_by_role("menu").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390


@pytest.mark.parametrize("kind", ["text", "markdown", "code"])
def test_print_of_what_is_out_of_view(server: Server, ada: Person, kind: str) -> None:
    """CodeMirror draws only what is in view; paper gets every line."""
    page = ada.open(server.document("Long", kind))
    page.keyboard.insert_text("\n".join(f"line {number}" for number in range(500)))
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator(".panes")).to_be_hidden()
    expect(page.locator(".print-copy")).to_contain_text("line 499")


def test_print(server: Server, ada: Person) -> None:
    """On paper there is the text alone."""
    page = ada.open(server.document("Paper", "rich"))
    page.keyboard.type("printed words")
    page.emulate_media(media="print")
    for part in (".bar", ".tool-strip", ".foot"):
        expect(page.locator(part)).to_be_hidden()
    expect(page.locator(".prose")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).overflow") == "visible"
