"""Documents that other editors made, and peers that send what the page does not expect."""

from playwright.sync_api import Page, expect

from .harness import Person, Server, agree, go_to_end, says, text_of, wait_for

PEER = """async ([name, work]) => {
    const { Y, WebsocketProvider } = await import('/static/vendor/editor.js')
    const doc = new Y.Doc()
    const url = location.origin.replace('http', 'ws') + '/sync'
    const provider = new WebsocketProvider(url, encodeURIComponent(name), doc, { disableBc: true })
    await new Promise((resolve) => provider.once('sync', resolve))
    window.peer = { Y, doc, provider }
    new Function('Y', 'doc', 'provider', work)(Y, doc, provider)
}"""


def peer(person: Person, server: Server, name: str, work: str) -> Page:
    """Another editor: plain Yjs in a page of its own, without our editor; `work` is JavaScript."""
    page = person.context.new_page()
    # The page's policy forbids `new Function`, which only this test wants.
    session = person.context.new_cdp_session(page)
    session.send("Page.setBypassCSP", {"enabled": True})
    page.goto(server.url)
    page.evaluate(PEER, [name, work])
    wait_for(lambda: name in {doc["name"] for doc in server.api("GET", "/documents")["documents"]})
    return page


def test_a_tree_of_what_is_in_it(server: Server, ada: Person, ben: Person) -> None:
    """Maps and arrays of somebody else's document are shown as a live tree, view only."""
    work = """
        const map = doc.getMap('board')
        map.set('title', 'Kanban <b>')
        map.set('cards', Y.Array.from([1, true, null, { deep: 'value' }]))
    """
    other = peer(ben, server, "board", work)
    page = ada.open("board")
    says(page, "View only")
    tree = page.locator(".tree")
    expect(tree).to_contain_text('"Kanban <b>"')
    tree.get_by_text("cards").click()
    expect(tree).to_contain_text("true")
    other.evaluate("peer.doc.getMap('board').set('title', 'renamed')")
    expect(tree).to_contain_text('"renamed"')
    expect(page.locator(".toolbar")).to_have_count(0)


def test_the_editor_that_suits(server: Server, ada: Person, ben: Person) -> None:
    """A lone Y.Text opens as text, a fitting "default" fragment as rich text, to be edited."""
    peer(ben, server, "lone-text", "doc.getText('body').insert(0, 'from afar')")
    page = ada.open("lone-text")
    expect(text_of(page)).to_contain_text("from afar")
    go_to_end(page)
    page.keyboard.type("!")
    says(page, "Saved")
    assert server.api("GET", "/documents/lone-text/content")["body"] == "from afar!"
    work = """
        const paragraph = new Y.XmlElement('paragraph')
        paragraph.insert(0, [new Y.XmlText('rich')])
        doc.getXmlFragment('default').insert(0, [paragraph])
    """
    peer(ben, server, "lone-rich", work)
    expect(ada.open("lone-rich").locator(".ProseMirror p")).to_have_text("rich")


def test_strange_nodes_are_not_destroyed(server: Server, ada: Person, ben: Person) -> None:
    """A node that we do not know turns the page view only, and stays in the document."""
    name = server.document("Strange", "rich")
    page = ada.open(name)
    page.keyboard.type("known")
    says(page, "Saved")
    work = "doc.getXmlFragment('default').insert(0, [new Y.XmlElement('hologram')])"
    other = peer(ben, server, name, work)
    expect(page.locator(".tree")).to_contain_text("<hologram>")
    says(page, "View only")
    page.reload()
    expect(page.locator(".tree")).to_contain_text("<hologram>")
    assert other.evaluate("peer.doc.getXmlFragment('default').length") == 2


def test_nonsense_in_awareness_hurts_nobody(server: Server, ada: Person, ben: Person) -> None:
    """Names, colours and carets of the wrong shape are mended or left out; editing goes on."""
    name = server.document("Nonsense", "rich")
    page, friend = ada.open(name), ben.open(name)
    work = """
        const evil = { user: { name: { toString: 1 }, color: 'red;position:fixed', id: 7 },
            cursor: { anchor: { item: { client: -1, clock: 'x' } }, head: 'y' } }
        provider.awareness.setLocalState(evil)
    """
    peer(ben, server, name, work)
    expect(page.locator("#people .avatar")).to_have_count(2)
    page.keyboard.type("all is well")
    assert agree(page, friend) == "all is well"


def test_a_text_with_objects_in_it(server: Server, ada: Person, ben: Person) -> None:
    """An embedded object would shift every position after it: such a text is view only."""
    name = server.document("Embeds", "text")
    page = ada.open(name)
    page.keyboard.type("plain")
    says(page, "Saved")
    peer(ben, server, name, "doc.getText('content').insertEmbed(2, { image: 'x.png' })")
    expect(page.locator(".tree")).to_be_visible()
    says(page, "View only")
