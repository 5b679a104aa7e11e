// Stories told by y-sweet's client and SDK, unmodified.
// usage: node ysweet.mjs http://HOST:PORT 'JSON of tokens' [blocked | slow]
// "blocked": the client's WebSocketPolyfill is QuireSocket; "slow": the server's disk takes SLOW ms.
// Tokens are those of servers: "admin" has it over everything, "other" is of another tenant.
import WebSocket from 'ws'
import * as Y from 'yjs'
import { createYjsProvider } from '@y-sweet/client'
import { DocConnection, DocumentManager } from '@y-sweet/sdk'
import { equal, tellAll, typeTogether, until } from './stories.mjs'

const [, , server, given = '{}', how] = process.argv
const [blocked, slow] = [how === 'blocked', how === 'slow']
const SLOW = 4000 // longer than a client waits for an answer
const WebSocketPolyfill = blocked ? (await import('./blocked.mjs')).Blocked : WebSocket
const tokens = JSON.parse(given)
const manager = token => new DocumentManager(server.replace('http://', token ? `ys://${encodeURIComponent(token)}@` : 'ys://') + '/y-sweet')
const sdk = manager(tokens.admin)
const open = new Set()
console.warn = () => {} // the client's word for all that happens to it

class Editor {
  /** `token`: what the SDK is asked for, or a function that gets the nth one by itself. */
  constructor (docId, token = {}, options = {}) {
    this.doc = new Y.Doc()
    this.text = this.doc.getText('content')
    this.asked = 0
    this.codes = []
    const auth = typeof token === 'function' ? token : () => sdk.getClientToken(docId, token)
    const next = () => open.has(this) ? auth(++this.asked) : new Promise(() => {}) // one that tries does not hear of a disconnect
    open.add(this)
    this.provider = createYjsProvider(this.doc, docId, next, { WebSocketPolyfill, showDebuggerLink: false, ...options })
    this.provider.on('connection-close', ({ code }) => this.codes.push(code))
  }

  get here () { return this.provider.awareness.getStates() }
  synced () { return until('synced', () => this.provider.status === 'connected') }
  saved () { return until('no local changes', () => this.provider.status === 'connected' && !this.provider.hasLocalChanges) }
  says (text) { return until(`"${text}"`, () => this.text.toString() === text) }
  sees (name) { return until(`presence of ${name}`, () => [...this.here.values()].some(({ user }) => user?.name?.startsWith(name))) }
  misses (client) { return until(`goodbye of ${client}`, () => !this.here.has(client), 5000) }
  show (name) { this.provider.awareness.setLocalStateField('user', { name }) }
  cut () { this.provider.websocket._socket.destroy() }
  leave () { open.delete(this); this.provider.disconnect(); this.provider.destroy(); this.doc.destroy() }
}

const fresh = async () => (await sdk.createDoc()).docId
const stored = async docId => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, await sdk.getDocAsUpdate(docId))
  return doc.getText('content').toString()
}
const pair = async () => {
  const docId = await fresh()
  const editors = [new Editor(docId), new Editor(docId)]
  for (const editor of editors) await editor.synced()
  return [...editors, docId]
}
const refused = async (asking, said) => {
  const error = await asking.then(() => null, caught => caught)
  if (!said.test(error?.message)) throw new Error(`${error} is not ${said}`)
}

const everybody = {
  async 'two type at once' () {
    await typeTogether(await pair())
  },

  async 'no local changes means that all is on disk' () {
    const [ann, , docId] = await pair()
    await ann.saved() // it takes itself for changed until it has been told for the first time
    const told = []
    ann.provider.on('local-changes', changes => told.push(changes))
    for (let i = 0; i < 100; i++) ann.text.insert(ann.text.length, 'x')
    equal(ann.provider.hasLocalChanges, true)
    await ann.saved()
    equal(await stored(docId), 'x'.repeat(100))
    equal(told.at(0), true)
    equal(told.at(-1), false)
  },

  async 'a late joiner has everything' () {
    const [ann, , docId] = await pair()
    for (const letter of 'slow and steady') ann.text.insert(ann.text.length, letter, { bold: letter > 'n' })
    ann.doc.getMap('m').set('nested', new Y.Array())
    await ann.saved()
    const late = new Editor(docId)
    await late.synced()
    await until('the map', () => late.doc.getMap('m').has('nested'))
    equal(late.text.toDelta(), ann.text.toDelta())
  },

  async 'offline and back' () {
    const [ann, bob] = await pair()
    ann.provider.disconnect()
    ann.text.insert(0, 'away')
    equal(ann.provider.hasLocalChanges, true)
    bob.text.insert(0, 'here ')
    ann.provider.connect()
    await until('both', () => ann.text.length === 9 && bob.text.length === 9)
    equal(ann.text.toString(), bob.text.toString())
    await ann.saved()
  },

  async 'who is cut off is back, with what it typed meanwhile' () {
    const [ann, bob] = await pair()
    ann.show('Ann')
    await bob.sees('Ann')
    ann.cut()
    ann.text.insert(0, 'still')
    await bob.says('still')
    await bob.sees('Ann')
    await ann.saved()
    equal(ann.asked, 1) // the same token
  },

  async 'they see each other, and see each other go' () {
    const [ann, bob, docId] = await pair()
    ann.show('Ann')
    bob.show('Bob')
    await bob.sees('Ann')
    await ann.sees('Bob')
    const late = new Editor(docId)
    await late.sees('Ann')
    ann.leave()
    await bob.misses(ann.doc.clientID)
    await late.misses(ann.doc.clientID)
    equal(late.here.has(bob.doc.clientID), true)
  },

  async 'documents are apart' () {
    const [ann, bob] = await pair()
    const [eve, dan, other] = await pair()
    ann.text.insert(0, 'ours')
    eve.text.insert(0, 'theirs')
    ann.show('Ann')
    await bob.says('ours')
    await dan.says('theirs')
    equal(await stored(other), 'theirs')
    equal(dan.here.has(ann.doc.clientID), false)
  },

  async 'a document of a few megabytes' () {
    const [ann, , docId] = await pair()
    const large = 'Quire '.repeat(20_000)
    for (let i = 0; i < 20; i++) ann.text.insert(0, large)
    await ann.saved()
    const late = new Editor(docId)
    await until('all', () => late.text.length === large.length * 20)
    await late.synced()
  },

  async 'an idle client stays, and is told so' () {
    const [ann, bob] = await pair()
    let beats = 0
    const receive = ann.provider.receiveMessage
    ann.provider.websocket.onmessage = event => { beats += new Uint8Array(event.data)[0] === 102; receive.call(ann.provider, event) }
    await until('two heartbeats', () => beats >= 2, 15_000)
    equal([ann.codes, bob.codes, ann.provider.hasLocalChanges], [[], [], false])
  },

  async 'a deleted document sends its editors away' () {
    const [ann, , docId] = await pair()
    ann.text.insert(0, 'x')
    await ann.saved()
    await fetch(`${server}/api/documents/${docId}`, { method: 'DELETE', headers: tokens.admin ? { Authorization: `Bearer ${tokens.admin}` } : {} })
    await until('the end', () => ann.codes.includes(4404))
    await refused(sdk.getClientToken(docId), /404/)
    await refused(sdk.createDoc(docId), /409/)
  },

  async 'what the SDK does' () {
    equal(await sdk.checkStore(), { ok: true })
    equal(await (await fetch(`${server}/y-sweet/ready`)).json(), { ok: true })
    const { docId } = await sdk.createDoc()
    equal(/^[A-Za-z0-9_-]{20}$/.test(docId), true)
    equal(await sdk.createDoc(docId), { docId }) // a second time nothing happens
    equal((await sdk.getDocAsUpdate(docId)).length, 2)
    const doc = new Y.Doc()
    doc.getText('content').insert(0, 'from the SDK')
    await sdk.updateDoc(docId, Y.encodeStateAsUpdate(doc))
    equal(await stored(docId), 'from the SDK')
    const editor = new Editor(docId)
    await editor.says('from the SDK')
    doc.getText('content').insert(0, 'More ')
    await sdk.updateDoc(docId, Y.encodeStateAsUpdate(doc))
    await editor.says('More from the SDK')
    const seeded = await sdk.createDocWithContent(Y.encodeStateAsUpdate(doc))
    equal(await stored(seeded.docId), 'More from the SDK')
  },

  async 'where a client goes, it says' () {
    const docId = `note_${Date.now()}-x`
    const { token, ...told } = await sdk.getOrCreateDocAndToken(docId)
    const where = `${server.slice('http'.length)}/y-sweet/d/${docId}`
    equal(told, { url: `ws${where}/ws`, baseUrl: `http${where}`, docId, authorization: 'full' })
    equal(typeof token, tokens.admin ? 'string' : 'undefined')
    equal((await new DocConnection({ ...told, token }).getAsUpdate()).length, 2)
  },

  async 'ids that cannot be' () {
    for (const docId of ['a b', 'a.b', 'ä', 'x'.repeat(300)]) await refused(sdk.createDoc(docId), /400/)
    await refused(sdk.getClientToken('a.b'), /400/)
    await refused(sdk.getClientToken('nobody-made-this'), /404/)
    await refused(sdk.getDocAsUpdate('nobody-made-this'), /404/)
    const docId = await fresh()
    await refused(sdk.getClientToken(docId, { validForSeconds: 1e12 }), /400/)
    await refused(sdk.getClientToken(docId, { authorization: 'all' }), /400/)
    await refused(sdk.updateDoc(docId, new Uint8Array([1, 2, 3])), /400/)
    const twisted = new Editor(docId, async () => ({ ...await sdk.getClientToken(docId), url: `${server}/y-sweet/d/other/ws`.replace('http', 'ws') }))
    await until('the refusal', () => twisted.codes.includes(4400) || twisted.codes.includes(4403))
  }
}

const withKeys = {
  async 'a reader sees, and changes nothing' () {
    const [ann, , docId] = await pair()
    ann.text.insert(0, 'Hello')
    ann.show('Ann')
    await ann.saved()
    const reader = new Editor(docId, { authorization: 'read-only' })
    await reader.says('Hello')
    await reader.sees('Ann')
    reader.text.insert(0, 'NO ')
    ann.text.insert(5, '!')
    await until('news', () => reader.text.toString().endsWith('!'))
    await ann.saved()
    equal(ann.text.toString(), 'Hello!')
    equal(await stored(docId), 'Hello!')
    equal(reader.provider.hasLocalChanges, true)
    const client = await sdk.getClientToken(docId, { authorization: 'read-only' })
    equal(client.authorization, 'read-only')
    await refused(new DocConnection(client).updateDoc(new Uint8Array([0, 0])), /403/)
  },

  async 'a reader of what nobody has open' () {
    const { docId } = await sdk.createDocWithContent(Y.encodeStateAsUpdate((() => {
      const doc = new Y.Doc()
      doc.getText('content').insert(0, 'asleep')
      return doc
    })()))
    const reader = new Editor(docId, { authorization: 'read-only' })
    await reader.says('asleep')
    await reader.saved()
  },

  async 'a wrong token is refused, and another one asked for' () {
    const docId = await fresh()
    const editor = new Editor(docId, async time => ({ ...await sdk.getClientToken(docId), ...(time === 1 ? { token: 'wrong' } : {}) }))
    editor.text.insert(0, 'in')
    await editor.saved()
    equal(editor.codes, [4401, 4401, 4401])
    equal(editor.asked, 2)
    await refused(manager('wrong').createDoc(), /InvalidAuth/)
    await refused(manager('').createDoc(), /NoAuth/)
  },

  async 'an expired token is asked for anew, and who had it goes on' () {
    const docId = await fresh()
    const editor = new Editor(docId, time => sdk.getClientToken(docId, { validForSeconds: time === 1 ? 1 : 3600 }))
    editor.text.insert(0, 'before')
    await editor.saved()
    await until('the end of the first', () => editor.codes.includes(4401))
    editor.text.insert(6, ' and after')
    await editor.saved()
    equal(editor.asked, 2)
    equal(await stored(docId), 'before and after')
  },

  async 'a token is for one document, and its tenant' () {
    const [docId, other] = [await fresh(), await fresh()]
    const { token } = await sdk.getClientToken(docId)
    const thief = new Editor(other, async () => ({ ...await sdk.getClientToken(other), token }))
    await until('the refusal', () => thief.codes.includes(4403))
    await refused(new DocConnection({ baseUrl: `${server}/y-sweet/d/${other}`, docId: other, token }).getAsUpdate(), /403/)
    await refused(manager(token).getClientToken(docId), /403/) // nor does it give out others
    await refused(manager(tokens.other).getClientToken(docId), /404/)
    equal(await manager(tokens.other).createDoc(docId), { docId }) // another one of that id
    await refused(manager(tokens.other).getClientToken('a*'), /400/)
  },

  async 'whom the SDK names is that user' () {
    const docId = await fresh()
    const [ann, bob] = ['ann', 'bob'].map(userId => new Editor(docId, { userId }))
    ann.show('Ann')
    await bob.sees('Ann')
    equal(bob.here.get(ann.doc.clientID).user.id, 'ann')
    const { user } = await (await fetch(`${server}/api/session?document=${docId}`, { headers: { Authorization: `Bearer ${ann.provider.clientToken.token}` } })).json()
    equal(user, 'ann')
  },

  async 'more of whom it names none than one user may be' () {
    if (blocked) return // by HTTP so many take more connections than one address has
    const docId = await fresh()
    const many = Array.from({ length: 60 }, () => new Editor(docId))
    for (const editor of many) await editor.synced()
    many[0].text.insert(0, 'all')
    for (const editor of many) await editor.says('all')
    equal(many.flatMap(({ codes }) => codes), [])
  }
}

const onSlowDisk = {
  async 'while the disk is busy nothing is called saved, and nobody hangs up' () {
    const [ann, bob] = await pair()
    const begin = performance.now()
    ann.text.insert(0, 'soon')
    ann.show('Ann')
    await bob.sees('Ann')
    equal(bob.text.toString(), '')
    await ann.saved()
    if (performance.now() - begin < SLOW) throw new Error('it was called saved before it was on disk')
    await bob.says('soon')
    equal([ann.codes, bob.codes], [[], []])
  }
}

await tellAll(slow ? onSlowDisk : { ...everybody, ...(tokens.admin ? withKeys : {}) }, open)
