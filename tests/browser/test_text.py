"""Text, Markdown and code."""

import pytest
from playwright.sync_api import expect

from .harness import Person, Server, agree, content, go_to_end, says, wait_for


@pytest.mark.parametrize("kind", ["text", "markdown", "code"])
def test_two_people_type_at_once(server: Server, ada: Person, ben: Person, kind: str) -> None:
    """Both type in their own line at the same time; both end equal, with every letter."""
    name = server.document(f"Lines of {kind}", kind)
    one, two = ada.open(name), ben.open(name)
    one.keyboard.type("a\n")
    wait_for(lambda: content(two) == "a\n")
    go_to_end(two)
    one.keyboard.press("Control+Home")
    for left, right in zip("one types up here", "two types down it", strict=True):
        one.keyboard.type(left)
        two.keyboard.type(right)
    assert agree(one, two) == "one types up herea\ntwo types down it"


def test_carets_and_selections(server: Server, ada: Person, ben: Person) -> None:
    """The other's caret carries the name, a selection the colour, and the avatar finds it."""
    name = server.document("server.py", "code")
    one, two = ada.open(name), ben.open(name)
    one.keyboard.insert_text("\n".join(f"line_{number} = {number}" for number in range(200)))
    one.keyboard.press("Shift+Home")
    says(one, "Saved")
    expect(two.locator("#foot")).to_contain_text("200 lines")
    expect(two.locator(".caret")).to_have_count(0)
    two.locator("#people .avatar").click()
    expect(two.locator(".caret")).to_have_text("Ada Lovelace")
    expect(two.locator(".remote-selection")).to_have_text("line_199 = 199")


def test_languages(server: Server, ada: Person, ben: Person) -> None:
    """The title's ending says the language; a choice is shared and remembered."""
    name = server.document("main.py", "code")
    one, two = ada.open(name), ben.open(name)
    one.keyboard.insert_text("def f(): return None")
    expect(two.locator(".tok-keyword").first).to_have_text("def")
    one.get_by_label("Language: Python").click()
    one.get_by_role("menuitemradio", name="JSON").click()
    expect(two.get_by_label("Language: JSON")).to_be_visible()
    expect(two.locator(".tok-keyword")).to_have_count(0)


def test_the_preview_shows_and_stays_harmless(server: Server, ada: Person) -> None:
    """Markdown becomes elements; scripts, handlers, foreign pictures and script links do not."""
    page = ada.open(server.document("notes.md", "markdown"))
    page.keyboard.insert_text(
        "# Title\n\n- [x] done\n\n```python\ndef f(): pass\n```\n\n"
        "<script>window.pwned = 1</script><b onclick='pwned()'>b</b>\n\n"
        "<div style='position:fixed' class='notice'>x</div>\n\n"
        "[bad](javascript:window.pwned=1) ![far](https://example.org/x.png) [good](https://example.org)\n"
    )
    preview = page.locator(".rendered .preview")
    expect(preview.locator("h1")).to_have_text("Title")
    expect(preview.locator("input[type=checkbox]")).to_be_checked()
    expect(preview.locator(".tok-keyword")).to_have_text(["def", "pass"])
    expect(preview.get_by_role("link", name="good")).to_have_attribute(
        "href", "https://example.org"
    )
    expect(preview.locator("script, img, [onclick], [style], .notice")).to_have_count(0)
    expect(preview.locator("a[href^=javascript]")).to_have_count(0)
    expect(preview).to_contain_text("<script>window.pwned = 1</script>")
    assert page.evaluate("window.pwned") is None
    page.get_by_label("Preview", exact=True).and_(page.locator("button")).click()
    expect(preview).to_be_hidden()


def test_markdown_tools(server: Server, ada: Person) -> None:
    """The tools write Markdown, and take it away again."""
    page = ada.open(server.document("tools.md", "markdown"))
    page.keyboard.insert_text("word")
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+b")
    wait_for(lambda: content(page) == "**word**")
    page.get_by_label("Bold", exact=True).click()
    wait_for(lambda: content(page) == "word")
    page.get_by_label("Task list", exact=True).click()
    wait_for(lambda: content(page) == "- [ ] word")
    page.get_by_label("Quote", exact=True).click()
    wait_for(lambda: content(page) == "> - [ ] word")
    page.get_by_label("Undo", exact=True).click()
    says(page, "Saved")


def test_foreign_line_ends_do_not_shift(server: Server, ada: Person, ben: Person) -> None:
    """Text that another client wrote with carriage returns is edited at the right place."""
    name = server.document("crlf", "text")
    one = ada.open(name)
    one.evaluate(
        """async (name) => {
            const { Y, WebsocketProvider } = await import('/static/vendor/editor.js')
            const doc = new Y.Doc()
            const url = location.origin.replace('http', 'ws') + '/sync'
            const provider = new WebsocketProvider(url, name, doc, { disableBc: true })
            await new Promise((resolve) => provider.once('sync', resolve))
            doc.getText('content').insert(0, 'a\\r\\nb\\r\\nc')
        }""",
        name,
    )
    two = ben.open(name)
    wait_for(lambda: "c" in content(two))
    go_to_end(two)
    two.keyboard.type("!")
    agree(one, two)
    assert server.api("GET", f"/documents/{name}/content")["content"] == "a\r\nb\r\nc!"
