// One person with one document in one editor, as the address says:
// ?editor=&client=&sync=&document=&user=&token=. What they see is `seen`, for the tests.
import * as Y from 'yjs'
import { clients } from './clients.js'
import { lines, looks } from './looks.js'

const query = Object.fromEntries(new URLSearchParams(location.search))
const { editor: kind, client, sync, document: name, token } = query
const style = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: `${kind}.css` })
await new Promise((resolve) => { // not every editor has one
  style.onload = style.onerror = resolve
  document.head.append(style)
})
const page = `./${kind}.js`
const { show } = await import(page)
const look = looks[kind]
const server = sync.replace(/^ws(.*)\/sync$/, 'http$1')
const heard = []
const doc = new Y.Doc()
const user = { name: query.user, color: '#0b7a6f' }
const provider = clients[client](sync, name, doc, token, heard, !look.connects)
provider.awareness.setLocalStateField('user', user)

let shown = false
let editor

window.seen = {
  heard,
  look,
  get synced () { return provider.synced },
  get unsaved () { return provider.hasUnsyncedChanges ?? provider.hasLocalChanges ?? null },
  get shown () { return shown && document.querySelector(look.content) !== null },
  get text () { return (look.text ? look.text(editor) : lines(look)).replace(/\n+$/, '').replace(/\u00A0/g, ' ') },
  get bold () { return [...document.querySelector(look.content).querySelectorAll('strong, b')].map((bold) => bold.textContent) },
  get carets () { return look.caret ? document.querySelectorAll(look.caret).length : null },
  get others () {
    const states = new Map(provider.awareness.getStates())
    states.delete(doc.clientID)
    return [...states.values()].map((state) => state.user?.name ?? state.name).sort() // Lexical has its own
  }
}

const begin = () => {
  if (shown) return
  shown = true
  editor = show(document.querySelector('#editor'), doc, provider, user, { server, document: name, token })
}
if (look.waits) ['sync', 'synced'].forEach((event) => provider.on(event, begin))
else begin()
