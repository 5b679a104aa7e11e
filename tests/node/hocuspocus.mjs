// Stories told by Hocuspocus' providers, unmodified.
// usage: node hocuspocus.mjs PACKAGE http://HOST:PORT 'JSON of tokens' [blocked]
// "blocked": their WebSocketPolyfill is QuireSocket.
import WebSocket from 'ws'
import * as Y from 'yjs'
import { equal, tellAll, typeTogether, until } from './stories.mjs'

const [, , packageName, server, given = '{}', blocked] = process.argv
const WebSocketPolyfill = blocked ? (await import('./blocked.mjs')).Blocked : WebSocket
const tokens = JSON.parse(given)
globalThis.WebSocket = WebSocket
const { HocuspocusProvider, HocuspocusProviderWebsocket } = await import(packageName)
const WebsocketProvider = (await import('yws3')).WebsocketProvider
const SYNC = server.replace('http', 'ws') + '/sync'
const open = new Set()
const old = packageName === 'hoc2'
const newest = packageName === 'hoc4'

class Editor {
  constructor (name, { socket, ...options } = {}) {
    this.doc = new Y.Doc()
    this.text = this.doc.getText('content')
    this.heard = []
    const token = tokens.write ?? (old ? null : '')
    // Version 2 hands the polyfill on to no socket that it makes by itself.
    this.own = old && blocked && !socket ? new HocuspocusProviderWebsocket({ url: SYNC, WebSocketPolyfill }) : null
    const through = socket ?? this.own
    const shared = through ? { websocketProvider: through } : { url: SYNC, WebSocketPolyfill }
    this.provider = new HocuspocusProvider({
      ...shared, name, document: this.doc, token, ...options,
      onAuthenticationFailed: ({ reason }) => this.heard.push(reason),
      onClose: ({ event }) => this.heard.push(event.code)
    })
    if (socket) this.provider.attach?.()
    open.add(this)
  }

  get here () { return this.provider.awareness.getStates() }
  get socket () { return this.provider.configuration.websocketProvider }
  synced () { return until('synced', () => this.provider.synced) }
  saved () { return until('all saved', () => this.provider.synced && !this.provider.hasUnsyncedChanges) }
  says (text) { return until(`"${text}"`, () => this.text.toString() === text) }
  sees (client) { return until(`presence of ${client}`, () => this.here.has(client)) }
  show (name) { this.provider.setAwarenessField('user', { name }) }
  cut () { this.socket.webSocket._socket.destroy() }
  leave () {
    open.delete(this)
    this.provider.destroy()
    this.own?.destroy()
    this.doc.destroy()
  }
}

class Other {
  constructor (name) {
    this.doc = new Y.Doc()
    this.text = this.doc.getText('content')
    const params = tokens.write ? { token: tokens.write } : {}
    this.provider = new WebsocketProvider(SYNC, name, this.doc, { WebSocketPolyfill, disableBc: true, params })
    open.add(this)
  }

  get here () { return this.provider.awareness.getStates() }
  says (text) { return until(`"${text}"`, () => this.text.toString() === text) }
  leave () { open.delete(this); this.provider.destroy(); this.doc.destroy() }
}

const socket = () => {
  const made = new HocuspocusProviderWebsocket({ url: SYNC, WebSocketPolyfill })
  open.add({ leave () { open.delete(this); made.destroy() } })
  return made
}

let number = 0
const fresh = () => `${packageName}-${Object.keys(tokens).length ? 'keys-' : ''}${++number}`
const content = async name => {
  const headers = tokens.write ? { Authorization: `Bearer ${tokens.write}` } : {}
  const answer = await fetch(`${server}/api/documents/${encodeURIComponent(name)}/content`, { headers: { Accept: 'text/plain', ...headers } })
  return answer.text()
}

const pair = async options => {
  const name = fresh()
  const editors = [new Editor(name, options), new Editor(name, options)]
  await Promise.all(editors.map(editor => editor.synced()))
  return editors
}

const everybody = {
  async 'two type at once' () {
    await typeTogether(await pair())
  },

  async 'saved is on disk, and no edit is forgotten in the count' () {
    const [ann] = await pair()
    for (let i = 0; i < 300; i++) ann.text.insert(ann.text.length, 'x')
    equal(ann.provider.hasUnsyncedChanges, true)
    await ann.saved()
    equal(await content(ann.provider.configuration.name), 'x'.repeat(300))
    for (const letter of 'abc') ann.text.insert(0, letter)
    await ann.saved()
    equal(ann.provider.unsyncedChanges, 0)
  },

  async 'who is here' () {
    const [ann, bob] = await pair()
    ann.show('Ann')
    await bob.sees(ann.doc.clientID)
    bob.show('Bob')
    await ann.sees(bob.doc.clientID)
    const late = new Editor(ann.provider.configuration.name)
    await late.sees(ann.doc.clientID)
    ann.leave()
    await until('goodbye', () => !bob.here.has(ann.doc.clientID), 5000)
  },

  async 'offline and back' () {
    const [ann, bob] = await pair()
    ann.socket.disconnect()
    await until('offline', () => ann.socket.status === 'disconnected')
    ann.text.insert(0, 'away')
    bob.text.insert(0, 'here ')
    ann.socket.connect()
    await until('both', () => ann.text.length === 9 && bob.text.length === 9)
    equal(ann.text.toString(), bob.text.toString())
    await ann.saved()
  },

  async 'who is cut off is back, and its presence' () {
    const [ann, bob] = await pair()
    ann.show('Ann')
    await bob.sees(ann.doc.clientID)
    ann.cut()
    ann.text.insert(0, 'still')
    await bob.says('still')
    await bob.sees(ann.doc.clientID)
  },

  async 'a large document comes in parts' () {
    const [ann] = await pair()
    const large = 'Quire '.repeat(20_000)
    for (let i = 0; i < 20; i++) ann.text.insert(0, large)
    await ann.saved()
    const late = new Editor(ann.provider.configuration.name)
    await until('all', () => late.text.length === large.length * 20)
    await late.synced()
  },

  async 'one of each dialect in one document' () {
    const [ann, bob] = await pair()
    const other = new Other(ann.provider.configuration.name)
    ann.text.insert(0, 'Hello')
    await other.says('Hello')
    other.text.insert(5, ' from y-websocket')
    await bob.says('Hello from y-websocket')
    ann.show('Ann')
    await until('presence', () => other.here.has(ann.doc.clientID))
  },

  async 'names of any kind' () {
    for (const name of ['a/b/c', 'Übersicht/世界 🌍', '__proto__', '100%25']) {
      const room = name + fresh()
      const [ann, bob] = [new Editor(room), new Editor(room)]
      await ann.synced()
      ann.text.insert(0, name)
      await bob.says(name)
    }
  },

  async 'several documents on one socket' () {
    const shared = socket()
    const names = [fresh(), fresh(), fresh()]
    const mine = names.map(name => new Editor(name, { socket: shared }))
    const theirs = names.map(name => new Editor(name))
    for (const editor of [...mine, ...theirs]) await editor.synced()
    mine.forEach((editor, i) => editor.text.insert(0, `document ${i}`))
    for (const [i, editor] of theirs.entries()) await editor.says(`document ${i}`)
    const [gone, ...rest] = mine
    gone.show('Gone')
    await theirs[0].sees(gone.doc.clientID)
    gone.leave()
    if (!old) await until('goodbye', () => !theirs[0].here.has(gone.doc.clientID), 5000)
    theirs[1].text.insert(0, 'still ')
    await rest[0].says('still document 1')
    const back = new Editor(names[0], { socket: shared })
    await back.says('document 0')
  },

  async 'a document that is left is opened again at once' () {
    const shared = socket()
    const name = fresh()
    const gone = new Editor(name, { socket: shared })
    gone.text.insert(0, 'first ')
    await gone.saved()
    gone.leave()
    const back = new Editor(name, { socket: shared })
    back.text.insert(0, 'second ')
    await until('both', () => back.text.length === 13)
    await back.saved()
    equal(back.heard, [])
  },

  async 'a name that cannot be is refused, and the others on the socket go on' () {
    const shared = socket()
    const fine = new Editor(fresh(), { socket: shared })
    await fine.synced()
    const wrong = new Editor('x'.repeat(300), { socket: shared, token: tokens.write ?? 'any' })
    await until('the reason', () => wrong.heard.some(said => /name/.test(said)))
    fine.text.insert(0, 'fine')
    await fine.saved()
  }
}

const sessionAware = {
  async 'several editors of one document on one socket' () {
    if (!newest) return
    const shared = socket()
    const name = fresh()
    const [ann, bob] = [1, 2].map(() => new Editor(name, { socket: shared, sessionAwareness: true }))
    for (const editor of [ann, bob]) await editor.synced()
    ann.text.insert(0, 'Hello')
    await bob.says('Hello')
    bob.show('Bob')
    await ann.sees(bob.doc.clientID)
    bob.leave()
    await until('goodbye', () => !ann.here.has(bob.doc.clientID), 5000)
    ann.text.insert(5, '!')
    await ann.saved()
  }
}

const withKeys = {
  async 'a reader sees, and changes nothing' () {
    const [ann] = await pair()
    ann.text.insert(0, 'Hello')
    const reader = new Editor(ann.provider.configuration.name, { token: tokens.read })
    await reader.says('Hello')
    equal(reader.provider.authorizedScope ?? 'readonly', 'readonly')
    reader.text.insert(0, 'NO ')
    ann.text.insert(5, '!')
    await until('news', () => reader.text.toString().endsWith('!'))
    equal(ann.text.toString(), 'Hello!')
    equal(await content(ann.provider.configuration.name), 'Hello!')
    if (!old) equal(reader.provider.hasUnsyncedChanges, true)
  },

  async 'a wrong token is refused, and a right one counts then' () {
    let token = 'wrong'
    const shared = socket()
    const fine = new Editor(fresh(), { socket: shared })
    await fine.synced()
    const editor = new Editor(fresh(), { socket: shared, token: () => token })
    await until('the refusal', () => editor.heard.length > 0)
    equal(editor.provider.synced, false)
    token = tokens.write
    if (!old) { // version 2 has no way to try again
      await editor.provider.sendToken()
      await until('let in', () => editor.provider.isAuthenticated)
      editor.provider.startSync()
      await editor.synced()
      editor.text.insert(0, 'in')
      await editor.saved()
    }
    fine.text.insert(0, 'fine')
    await fine.saved()
    equal(fine.heard, [])
  },

  async 'a token is refreshed without a new connection' () {
    if (!newest && packageName !== 'hoc3') return
    let token = tokens.read
    const editor = new Editor(fresh(), { token: () => token })
    await until('let in', () => editor.provider.authorizedScope === 'readonly')
    const before = editor.socket.webSocket
    token = tokens.write
    await editor.provider.sendToken()
    await until('may write', () => editor.provider.authorizedScope === 'read-write')
    editor.text.insert(0, 'now')
    await until('on disk', () => !editor.provider.hasUnsyncedChanges)
    equal(await content(editor.provider.configuration.name), 'now')
    equal(editor.socket.webSocket === before, true)
  },

  async 'whose token counts no more goes on with another one, on the same socket' () {
    if (old) return
    let token = tokens.write
    const shared = socket()
    const [ann, bob] = [new Editor(fresh(), { socket: shared, token: () => token }), new Editor(fresh(), { socket: shared })]
    for (const editor of [ann, bob]) await editor.saved()
    const before = ann.socket.webSocket
    token = 'wrong'
    await ann.provider.sendToken()
    await until('the refusal', () => ann.heard.length > 0)
    for (const letter of 'away') ann.text.insert(ann.text.length, letter)
    token = tokens.write
    await ann.provider.sendToken()
    await until('on disk', () => !ann.provider.hasUnsyncedChanges)
    equal(await content(ann.provider.configuration.name), 'away')
    bob.text.insert(0, 'fine')
    await bob.saved()
    equal([ann.socket.webSocket === before, bob.heard], [true, []])
  },

  async 'who shows no token is not let in' () {
    const editor = new Editor(fresh(), { token: null })
    await until('the refusal', () => editor.heard.length > 0)
    equal(editor.provider.synced, false)
  },

  async 'a deleted document is closed, and the others on the socket go on' () {
    const shared = socket()
    const [ann, bob] = [new Editor(fresh(), { socket: shared }), new Editor(fresh(), { socket: shared })]
    for (const editor of [ann, bob]) { editor.text.insert(0, 'x'); await editor.saved() }
    const headers = { Authorization: `Bearer ${tokens.admin}` }
    await fetch(`${server}/api/documents/${ann.provider.configuration.name}`, { method: 'DELETE', headers })
    await until('the end', () => ann.heard.length > 0)
    bob.text.insert(0, 'y')
    await bob.saved()
    if (newest) equal(bob.heard, [])
  }
}

await tellAll({ ...everybody, ...sessionAware, ...(tokens.write ? withKeys : {}) }, open)
