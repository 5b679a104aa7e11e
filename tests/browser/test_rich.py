"""Two people write one rich-text document."""

from playwright.sync_api import expect

from .harness import Person, Server, agree, content, go_to_end, says, wait_for

# Lets a story do something before the page takes in an edit of others.
BEFORE_EDITS = """
    window.WebSocket = class extends WebSocket {
        constructor(...given) {
            super(...given)
            this.addEventListener('message', ({ data }) => {
                const [kind, step] = new Uint8Array(data)
                if (kind === 0 && step === 2) window.beforeEdit?.()
            })
        }
    }
"""


def test_two_people_write_one_document(server: Server, ada: Person, ben: Person) -> None:
    """What both type at once ends the same in both, whole, and is there after a reload."""
    name = server.document("Launch plan", "rich")
    one, two = ada.open(name), ben.open(name)
    one.keyboard.type("# Launch plan\nAda begins.")
    expect(two.locator(".prose h1")).to_have_text("Launch plan")

    go_to_end(two)
    two.keyboard.press("Enter")
    for left, right in zip("first line of Ada", "first line of Ben", strict=True):
        one.keyboard.type(left)
        two.keyboard.type(right)

    both = agree(one, two)
    assert both == "Launch plan\nAda begins.first line of Ada\nfirst line of Ben"
    one.reload()
    says(one, "Saved")
    assert content(one) == both


def test_every_tool_reaches_the_other_side(server: Server, ada: Person, ben: Person) -> None:
    """Marks, lists, tasks, quotes, code, tables and links look the same for both."""
    name = server.document("All of it", "rich")
    one, two = ada.open(name), ben.open(name)
    keys = one.keyboard
    keys.type("Some ")
    one.get_by_label("Bold", exact=True).click()
    expect(one.get_by_label("Bold", exact=True)).to_have_attribute("aria-pressed", "true")
    keys.type("bold")
    keys.press("Control+b")
    keys.type(" words\n[ ] a task\n\n> a quote\n\n```python\ndef f(): pass")
    keys.press("ArrowDown")
    one.get_by_label("Table", exact=True).click()
    keys.type("cell")
    prose = two.locator(".prose")
    expect(prose.locator("strong")).to_have_text("bold")
    expect(prose.locator("ul[data-type=taskList] li > div")).to_have_text("a task")
    expect(prose.locator("blockquote")).to_have_text("a quote")
    expect(prose.locator("pre .tok-keyword").first).to_have_text("def")
    expect(prose.locator("table tr")).to_have_count(3)

    two.locator("li input[type=checkbox]").check()
    expect(one.locator(".prose li")).to_have_attribute("data-checked", "true")
    one.get_by_label("Row below", exact=True).click()
    expect(prose.locator("table tr")).to_have_count(4)


def test_carets_and_avatars(server: Server, ada: Person, ben: Person) -> None:
    """Each sees the other's caret with a name; the avatar jumps there; leaving takes both away."""
    name = server.document("Who is here", "rich")
    one, two = ada.open(name), ben.open(name)
    one.keyboard.insert_text("top")
    for _ in range(60):
        one.keyboard.press("Enter")
    one.keyboard.insert_text("bottom")
    wait_for(lambda: content(two).endswith("bottom"))
    caret = two.locator(".caret")
    expect(caret).to_have_text("Ada Lovelace")
    expect(two.locator("#people .avatar")).to_have_text("AL")
    expect(caret).not_to_be_in_viewport()
    two.locator("#people .avatar").click()
    expect(caret).to_be_in_viewport()

    one.locator("#me button").click()
    one.get_by_label("Your name").fill("Countess Ada")
    one.keyboard.press("Escape")
    expect(caret).to_have_text("Countess Ada")
    expect(two.locator("#people .avatar")).to_have_text("CA")
    assert one.evaluate("JSON.parse(localStorage['quire:me']).name") == "Countess Ada"

    one.close()
    expect(caret).to_have_count(0)
    expect(two.locator("#people .avatar")).to_have_count(0)


def test_a_moved_caret_is_not_put_back(server: Server, ada: Person, ben: Person) -> None:
    """Others' letters that arrive between a key and what the browser tells of it, a frame later,
    do not undo where the caret went."""
    name = server.document("In between", "rich")
    ada.context.add_init_script(BEFORE_EDITS)
    one, two = ada.open(name), ben.open(name)
    one.keyboard.type("Ada: \nBen: ")
    wait_for(lambda: content(two) == "Ada: \nBen: ")
    go_to_end(two)
    one.evaluate("""() => {
        const line = document.querySelector('.ProseMirror p')
        window.beforeEdit = () => {
            window.beforeEdit = null
            getSelection().collapse(line.firstChild, 'Ada: '.length)
        }
    }""")
    two.keyboard.type("hello")
    wait_for(lambda: content(one).endswith("hello"))
    one.keyboard.type("hi")
    agree(one, two)
    assert content(one) == "Ada: hi\nBen: hello"


def test_nor_by_their_carets(server: Server, ada: Person, ben: Person) -> None:
    """They are drawn a moment after the news of them; a key may come in between."""
    name = server.document("In between, too", "rich")
    one, two = ada.open(name), ben.open(name)
    one.keyboard.type("Ada: \nBen: ")
    wait_for(lambda: content(two) == "Ada: \nBen: ")
    one.evaluate("""() => {
        const line = document.querySelector('.ProseMirror p')
        const { view } = document.querySelector('.ProseMirror').editor
        const dispatch = view.dispatch
        view.dispatch = (transaction) => {
            if (transaction.getMeta('yjs-cursor$') && !window.moved) {
                window.moved = true
                const words = [...line.childNodes].find((node) => node.nodeType === 3)
                getSelection().collapse(words, 'Ada: '.length)
            }
            dispatch(transaction)
        }
    }""")
    go_to_end(two)
    wait_for(lambda: one.evaluate("window.moved === true"))
    one.keyboard.type("hi")
    agree(one, two)
    assert content(one) == "Ada: hi\nBen: "


def test_opening_is_not_an_edit(server: Server, ada: Person, ben: Person) -> None:
    """Reading a document, even one that ends in a code block, writes nothing into it."""
    name = server.document("Only read", "rich")
    one = ada.open(name)
    one.keyboard.type("```js\nlet x = 1")
    says(one, "Saved")
    head = server.api("GET", f"/documents/{name}")["head"]
    two = ben.open(name)
    says(two, "Saved")
    two.reload()
    says(two, "Saved")
    assert server.api("GET", f"/documents/{name}")["head"] == head


def test_links_are_safe(server: Server, ada: Person) -> None:
    """A link can be made, shown and taken away by keyboard; a script is no link."""
    page = ada.open(server.document("Links", "rich"))
    page.keyboard.type("see here")
    page.keyboard.press("Control+Shift+ArrowLeft")
    expect(page.locator("#foot")).to_have_text("1 word of 2 selected")
    page.keyboard.press("Control+k")
    field = page.get_by_label("Link address")
    field.fill("javascript:alert(1)")
    page.keyboard.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("example.org/page")
    page.keyboard.press("Enter")
    link = page.locator(".prose a")
    expect(link).to_have_attribute("href", "https://example.org/page")
    expect(link).to_have_text("here")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".link-bubble a")).to_have_text("example.org/page")
    page.get_by_label("Remove link").click()
    expect(link).to_have_count(0)


def test_undo_is_ones_own(server: Server, ada: Person, ben: Person) -> None:
    """Undo takes back what I typed, never what the other did meanwhile."""
    name = server.document("Undo", "rich")
    one, two = ada.open(name), ben.open(name)
    one.keyboard.type("mine ")
    wait_for(lambda: content(two) == "mine ")
    go_to_end(two)
    two.keyboard.type("yours")
    wait_for(lambda: content(one) == "mine yours")
    one.get_by_label("Undo", exact=True).click()
    assert agree(one, two) == "yours"
