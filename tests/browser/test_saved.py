"""The state pill tells the truth: through crashes, stalls, full disks, reloads and several tabs."""

import sqlite3
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from .harness import Person, Server, agree, content, go_to_end, says, text_of, wait_for

# What Chromium itself says of a server that is away.
AWAY = ("net::ERR_", "WebSocket connection to")


def write(page: Page, words: str) -> None:
    """Type at the end; every letter is one edit."""
    go_to_end(page)
    page.keyboard.type(words)


def keeps_itself(page: Page) -> None:
    """Wait until the page would open without its server."""
    wait_for(lambda: page.evaluate("navigator.serviceWorker.controller?.state === 'activated'"))


@pytest.mark.own_server
@pytest.mark.parametrize("kind", ["rich", "text"])
def test_offline_edits_are_counted_and_sent(
    server: Server, ada: Person, ben: Person, kind: str
) -> None:
    """Killed while somebody types: each edit is counted, and all arrive when the server is back."""
    name = server.document("Crash", kind)
    one = ada.open(name)
    write(one, "before ")
    says(one, "Saved")
    server.kill()
    says(one, "Offline")
    write(one, "x")
    says(one, "Offline, 1 edit kept here")
    write(one, "yz")
    says(one, "Offline, 3 edits kept here")
    server.start()
    says(one, "Saved")
    assert content(ben.open(name)) == content(one) == "before xyz"
    ada.forgive(*AWAY)


@pytest.mark.own_server
def test_killed_while_typing(server: Server, ada: Person, ben: Person) -> None:
    """SIGKILL in the middle of a sentence, three times: nothing is lost, nothing doubled."""
    name = server.document("Kill", "text")
    one, two = ada.open(name), ben.open(name)
    for round in range(3):
        write(one, f"before {round} ")
        server.kill()
        write(one, f"after {round} ")
        write(two, f"two {round} ")
        server.start()
    typed = "".join(f"before {round} after {round} two {round} " for round in range(3))
    assert sorted(agree(one, two)) == sorted(typed)
    # Cut again and again, a page goes on by HTTP, and its connection there dies with the server.
    for person in (ada, ben):
        person.forgive(*AWAY, "status of 404")


@pytest.mark.own_server
def test_a_reload_without_the_server(server: Server, ada: Person, ben: Person) -> None:
    """Offline edits and their number survive a reload, even of the whole page, and are sent."""
    name = server.document("Reload", "text")
    one = ada.open(name)
    write(one, "kept ")
    says(one, "Saved")
    keeps_itself(one)
    server.kill()
    says(one, "Offline")
    write(one, "12345")
    says(one, "Offline, 5 edits kept here")
    one.reload()
    says(one, "Offline, 5 edits kept here")
    assert content(one) == "kept 12345"
    write(one, "6")
    says(one, "Offline, 6 edits kept here")
    one.goto(server.url)
    expect(one.locator(".unsent")).to_contain_text("6 edits not sent yet")
    one.goto(f"{server.url}/d/{name}")
    says(one, "Offline, 6 edits kept here")
    server.start()
    says(one, "Saved")
    assert content(ben.open(name)) == "kept 123456"
    one.reload()
    says(one, "Saved")
    ada.forgive(*AWAY)


@pytest.mark.own_server
def test_two_tabs_of_one_browser(server: Server, ada: Person, ben: Person) -> None:
    """Both tabs show what the browser keeps; when one closes, the other sends for both."""
    name = server.document("Tabs", "text")
    one, two = ada.open(name), ada.open(name)
    write(one, "x")
    wait_for(lambda: content(two) == "x")
    says(one, "Saved")
    expect(one.locator("#people .avatar")).to_have_count(0)  # oneself twice is nobody else
    server.kill()
    says(one, "Offline")
    says(two, "Offline")
    write(one, "abc")
    write(two, "de")
    says(one, "Offline, 5 edits kept here")
    says(two, "Offline, 5 edits kept here")
    wait_for(lambda: content(one) == content(two))
    one.close()
    says(two, "Offline, 5 edits kept here")
    server.start()
    says(two, "Saved")
    assert sorted(content(ben.open(name))) == sorted("xabcde")
    two.reload()
    says(two, "Saved")
    ada.forgive(*AWAY)


@pytest.mark.own_server
def test_a_disk_that_is_full(server: Server, ada: Person, ben: Person) -> None:
    """Connected to a server that cannot write, the page says so, and heals by itself."""
    name = server.document("Full", "text")
    one = ada.open(name)
    write(one, "a")
    says(one, "Saved")
    server.fill_disk()
    write(one, "bcd")
    says(one, "Not saved yet: the server cannot write, 3 edits")
    server.free_disk()
    says(one, "Saved")
    assert content(ben.open(name)) == "abcd"


@pytest.mark.own_server
def test_a_server_that_does_not_answer(server: Server, ada: Person) -> None:
    """A frozen server gives no receipts: never "Saved", but how many edits wait."""
    name = server.document("Frozen", "text")
    one = ada.open(name)
    write(one, "a")
    says(one, "Saved")
    server.freeze()
    write(one, "bc")
    says(one, "Not saved yet: no receipt from the server, 2 edits")
    server.thaw()
    says(one, "Saved")


def test_a_document_deleted_under_ones_hands(server: Server, ada: Person, ben: Person) -> None:
    """Deleted by somebody else: a clear page, a way back to the list, and a way to restore it."""
    name = server.document("Doomed", "text")
    one = ada.open(name)
    write(one, "precious")
    says(one, "Saved")
    server.api("DELETE", f"/documents/{name}")
    expect(one.get_by_role("heading", name="This document was deleted")).to_be_visible()
    expect(one.get_by_role("link", name="All documents").last).to_have_attribute("href", "/")
    late = ben.context.new_page()
    late.goto(f"{server.url}/d/{name}")
    expect(late.get_by_role("heading", name="This document was deleted")).to_be_visible()
    one.get_by_role("button", name="Restore it").click()
    says(one, "Saved")
    assert content(one) == "precious"
    ben.forgive("404")


def test_a_name_that_nobody_has(server: Server, ada: Person) -> None:
    """The page of an unknown name offers to make it; of an impossible one, says so."""
    page = ada.context.new_page()
    page.goto(f"{server.url}/d/team%2Fnotes%20%C3%A9")
    expect(page.get_by_role("heading", name="“team/notes é” does not exist yet")).to_be_visible()
    page.get_by_role("button", name="Markdown").click()
    says(page, "Saved")
    write(page, "hello")
    says(page, "Saved")
    assert server.api("GET", "/documents/team%2Fnotes%20%C3%A9")["kind"] == "markdown"
    page.goto(f"{server.url}/d/{'x' * 300}")
    expect(page.get_by_role("heading", name="cannot be the name")).to_be_visible()
    ada.forgive("404", "400")


@pytest.mark.own_server
@pytest.mark.parametrize("kind", ["rich", "text"])
def test_a_document_that_can_only_be_read(
    server: Server, ada: Person, ben: Person, kind: str
) -> None:
    """Damaged on the disk, it is view only, with the reason; edits of ours stay in the browser,
    and bring back what was lost once it is repaired."""
    name = server.document("Damaged", kind)
    one = ada.open(name)
    write(one, "whole ")
    says(one, "Saved")
    server.stop()
    says(one, "Offline")
    write(one, "ab")
    says(one, "Offline, 2 edits kept here")
    with sqlite3.connect(server.store) as database:
        database.execute(
            "UPDATE updates SET data = x'01' WHERE seq = (SELECT max(seq) FROM updates)"
        )
    database.close()

    server.start()
    says(one, "View only, 2 edits kept here")
    reason = "This document is damaged at edit 6 and can only be read."
    expect(one.locator(".pill")).to_have_attribute("data-tip", reason)
    expect(one.locator("#announce")).to_have_text(f"View only, 2 edits kept here. {reason}")
    expect(text_of(one)).to_have_attribute("aria-readonly", "true")
    expect(one.locator(".toolbar")).to_be_hidden()
    text_of(one).click()
    for key in ("x", "Enter", "Backspace", "Control+z", "Control+b", "Control+v"):
        one.keyboard.press(key)
    assert content(one) == "whole ab"
    two = ben.open(name)
    says(two, "View only")
    assert content(two) == "whole"
    one.reload()
    says(one, "View only, 2 edits kept here")
    assert content(one) == "whole ab"

    server.stop()
    command = [sys.executable, "-m", "collab.web", "repair", name, "--yes", "--store"]
    subprocess.run([*command, server.store], check=True, timeout=60, capture_output=True)
    server.start()
    says(one, "Saved")
    says(two, "Saved")
    expect(text_of(one)).not_to_have_attribute("aria-readonly", "true")
    write(two, "!")
    assert agree(one, two) == "whole ab!"
    for person in (ada, ben):
        person.forgive(*AWAY)


@pytest.mark.own_server
def test_a_browser_that_keeps_nothing(server: Server, ada: Person) -> None:
    """Without IndexedDB the page says that edits are only in the tab, and warns when it closes."""
    ada.context.add_init_script(
        "Object.defineProperty(window, 'indexedDB', { get () { throw new Error('off') } })"
    )
    page = ada.open(server.document("Private", "text"))
    write(page, "a")
    says(page, "Saved")
    server.kill()
    says(page, "Offline")
    write(page, "bc")
    says(page, "Offline, 2 edits only in this tab")
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    server.start()
    says(page, "Saved")
    ada.forgive(*AWAY)
