"""Quire's own page where WebSocket is blocked."""

from playwright.sync_api import expect

from tests.proxy import Proxy

from .harness import content, says, text_of, wait_for


def test_the_page_goes_on_by_http_and_says_so(server, meet):
    """Both type, both see who is there; the pill says how the edits go."""
    name = server.document("Blocked", "rich")
    with Proxy(server.port, "forbids") as proxy:
        ada, ben = meet("Ada Lovelace"), meet("Ben Okri")
        one = ada.open(name, at=proxy.page(""))
        two = ben.open(name)
        expect(one.locator(".pill .via")).to_have_text("⇄ HTTP")
        expect(two.locator(".pill .via")).to_have_count(0)
        text_of(one).press_sequentially("By HTTP. ")
        says(one, "Saved, by HTTP")
        expect(text_of(two)).to_contain_text("By HTTP.")
        text_of(two).press_sequentially("By WebSocket.")
        expect(text_of(one)).to_contain_text("By WebSocket.")
        expect(text_of(two)).to_contain_text("Ada Lovelace")  # at her caret
        wait_for(lambda: content(one) == content(two))
        one.close()
        ada.forgive("WebSocket connection to")


def test_more_tabs_than_connections_go_on(server, meet):
    """A browser has six connections to a host, for all of its tabs: each of seven saves."""
    names = [server.document(f"Tab {n}", "text") for n in range(7)]
    with Proxy(server.port, "forbids") as proxy:
        ada = meet("Ada Lovelace")
        pages = [ada.open(name, at=proxy.page("")) for name in names]
        for page in pages:
            text_of(page).press_sequentially("By HTTP.")
            says(page, "Saved, by HTTP")
        for page in pages:
            page.close()
        ada.forgive("WebSocket connection to")
