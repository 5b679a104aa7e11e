"""Scripts as names, titles, texts, links and pastes: none runs, and the policy is never needed."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from .conftest import Meet
from .harness import Person, Server, open_history, text_of, wait_for
from .payloads import PAYLOADS, WRITERS, Intruder, unharmed, watch

pytestmark = pytest.mark.own_server


@pytest.fixture
def ada(meet: Meet) -> Person:
    """In whose browser nothing may run."""
    ada = meet("Ada Lovelace", color_scheme="dark")
    watch(ada.context)
    return ada


@pytest.fixture
def intrude(server: Server) -> Iterator[Any]:
    """intrude(document, write): somebody who writes with a program of their own, and stays."""
    intruders: list[Intruder] = []

    def intrude(name: str, write: Any = None) -> Intruder:
        intruders.append(Intruder(server, name))
        if write is not None:
            write(intruders[-1].doc)
            intruders[-1].write()
        return intruders[-1]

    yield intrude
    for intruder in intruders:
        intruder.close()


def printable(text: str) -> str:
    """As names may be: without control characters and directions."""
    return "".join(letter for letter in text if letter.isprintable())


def test_titles_and_names_are_text(server: Server, ada: Person) -> None:
    """In the list of documents and on the page of each."""
    titles = [" ".join(printable(payload).split()) for payload in PAYLOADS]
    made = [server.api("POST", "/documents", {"title": title}) for title in titles]
    for number, payload in enumerate(PAYLOADS):
        server.api("POST", "/documents", {"name": f"{number} {printable(payload)}"})
    home = ada.home()
    while (count := home.locator(".row[data-name]").count()) < 2 * len(PAYLOADS):
        home.locator(".row[data-name]").last.scroll_into_view_if_needed()
        home.mouse.wheel(0, 5_000)
        expect(home.locator(".row[data-name]").nth(count)).to_be_attached()
    shown = home.locator(".row[data-name] .title").all_text_contents()
    assert set(titles) <= {" ".join(title.split()) for title in shown}
    unharmed(home)
    home.close()
    for document in made[:: len(made) // 6]:
        page = ada.open(quote(document["name"], safe=""))
        expect(page.get_by_label("Title", exact=True)).to_have_value(document["title"])
        unharmed(page)
        page.close()


@pytest.mark.parametrize("kind", ["rich", "code"])
def test_people_are_text(server: Server, ada: Person, intrude: Any, kind: str) -> None:
    """Their names, colours, ids and carets: on the avatars, at the carets, where they are told."""
    name = server.document("Crowd", kind)
    intrude(name, WRITERS[kind])
    page = ada.open(name)
    user = '{"user":{"name":%s,"color":%s,"id":%s},"cursor":%s}'
    for start in range(0, len(PAYLOADS), 4):
        some = [json.dumps(payload) for payload in PAYLOADS[start : start + 4]]
        cursor = '{"anchor":{"tname":"content","type":null,"item":null},"head":%s}'
        intrude(name).appear([user % (word, word, word, cursor % word) for word in some])
    wait_for(lambda: page.evaluate("document.querySelectorAll('.avatar').length > 1"))
    page.locator(".avatar").last.hover()
    page.locator(".avatar").last.click()
    unharmed(page)


def click_links(page: Page) -> None:
    """Follows whatever looks like a link, by a real click; where it leads opens nothing here."""
    page.evaluate(
        """() => {
            const stop = (event) => event.preventDefault()
            const links = '.ProseMirror a, .preview a, .past-view a'
            document.querySelectorAll(links).forEach((link) => {
                if (/^(https?|mailto|tel):/.test(link.protocol)) addEventListener('click', stop)
                link.click()
                removeEventListener('click', stop)
            })
        }"""
    )


@pytest.mark.parametrize("kind", WRITERS)
def test_what_others_wrote_is_text(server: Server, ada: Person, intrude: Any, kind: str) -> None:
    """By whichever program, with whatever marks and attributes: in the editor, the preview, and
    the past, under versions that are called so."""
    name = server.document("Raw", "rich" if kind == "strange" else kind)
    intrude(name, WRITERS[kind])
    for number, payload in enumerate(PAYLOADS):
        label = f"{number} {printable(payload)}"
        server.api("POST", f"/documents/{name}/versions", {"name": label, "author": label})
    page = ada.open(name)
    expect(page.locator("#page")).to_contain_text("pwn")
    assert (text_of(page).count() == 0) == (kind == "strange")
    click_links(page)
    unharmed(page)
    past = open_history(page)
    expect(past).to_contain_text("pwn")
    expect(page.locator("body")).to_contain_text("0 <script>pwn()</script>")
    click_links(page)
    unharmed(page)


@pytest.mark.parametrize("kind", ["rich", "markdown"])
def test_what_is_pasted_is_text(server: Server, ada: Person, kind: str) -> None:
    """As HTML and as words; every payload for itself, since one may hide another."""
    page = ada.open(server.document("Paste", kind))
    text_of(page).click()
    for payload in PAYLOADS:
        page.evaluate(
            """(html) => {
                const clipboardData = new DataTransfer()
                clipboardData.setData('text/html', `<p style="color: red">pasted ${html}</p>`)
                clipboardData.setData('text/plain', html)
                const paste = { clipboardData, bubbles: true, cancelable: true }
                document.activeElement.dispatchEvent(new ClipboardEvent('paste', paste))
            }""",
            payload,
        )
    expect(text_of(page)).to_contain_text("javascript:pwn()")
    click_links(page)
    unharmed(page)


def test_styles_of_office_programs_are_understood(server: Server, ada: Person) -> None:
    """They write bold and italic as styles, which the policy does not let a browser apply."""
    page = ada.open(server.document("Office", "rich"))
    text_of(page).click()
    page.evaluate(
        """() => {
            const clipboardData = new DataTransfer()
            clipboardData.setData('text/html', `<meta charset="utf-8"><style>p {}</style>
                <b style="font-weight:normal;"><p title="a>b" style='line-height:1.38'>
                <span style="font-size:11pt;font-weight:700">bold</span>
                <span style="font-style:italic" onclick="pwn()">italic</span> plain</p></b>`)
            const paste = { clipboardData, bubbles: true, cancelable: true }
            document.activeElement.dispatchEvent(new ClipboardEvent('paste', paste))
        }"""
    )
    expect(text_of(page).locator("strong")).to_have_text("bold")
    expect(text_of(page).locator("em")).to_have_text("italic")
    expect(text_of(page)).to_have_text(re.compile("plain"))
    unharmed(page)
