// Stories told by y-websocket itself, unmodified. usage: node clients.mjs PACKAGE http://HOST:PORT [blocked]
// "blocked": its WebSocketPolyfill is QuireSocket.
// One line of JSON a story: {"story", "ok", "error"}.
import WebSocket from 'ws'
import { equal, tellAll, until, yWebsocket } from './stories.mjs'

const [, , packageName, server, blocked] = process.argv
const WebSocketPolyfill = blocked ? (await import('./blocked.mjs')).Blocked : WebSocket
globalThis.WebSocket = WebSocket // the provider's resync looks for the browser's
const Y = await yWebsocket(packageName)
const SYNC = server.replace('http', 'ws') + '/sync'
const open = new Set()

class Editor {
  constructor (name, options = {}) {
    this.doc = new Y.Doc()
    this.text = this.doc.getText('content')
    this.provider = new Y.WebsocketProvider(SYNC, name, this.doc, { WebSocketPolyfill, disableBc: true, ...options })
    open.add(this)
  }

  get here () { return this.provider.awareness.getStates() }
  synced () { return until('synced', () => this.provider.synced) }
  says (text) { return until(`"${text}"`, () => this.text.toString() === text) }
  sees (client) { return until(`presence of ${client}`, () => this.here.has(client)) }
  show (name) { this.provider.awareness.setLocalStateField('user', { name }) }
  leave () { open.delete(this); this.provider.destroy(); this.doc.destroy() }
}

let number = 0
const fresh = () => `${packageName}-${++number}`

const pair = async (options) => {
  const name = fresh()
  const editors = [new Editor(name, options), new Editor(name, options)]
  await Promise.all(editors.map(editor => editor.synced()))
  return editors
}

const stories = {
  async 'names of any kind' () {
    for (const name of ['a/b/c', 'a b+c', 'Übersicht/世界 🌍', '__proto__', 'constructor', '100%25', 'dots/..x']) {
      const room = name + fresh()
      const [ann, bob] = [new Editor(room), new Editor(room)]
      ann.text.insert(0, 'Hello')
      await bob.says('Hello')
      ann.leave(); bob.leave()
    }
  },

  async 'both type, both read' () {
    const [ann, bob] = await pair()
    ann.text.insert(0, 'Hello')
    await bob.says('Hello')
    bob.text.insert(5, ' world')
    await ann.says('Hello world')
  },

  async 'a late joiner has everything' () {
    const [ann, bob] = await pair()
    for (const letter of 'slow and steady') ann.text.insert(ann.text.length, letter, { bold: letter > 'n' })
    ann.doc.getMap('m').set('nested', new Y.Array())
    await bob.says('slow and steady')
    const late = new Editor(ann.provider.roomname)
    await late.synced()
    equal(late.text.toDelta(), ann.text.toDelta())
    await until('the map', () => late.doc.getMap('m').has('nested'))
  },

  async 'edits made offline come along' () {
    const [ann, bob] = await pair()
    ann.text.insert(0, '1')
    await bob.says('1')
    ann.provider.disconnect()
    ann.text.insert(1, '2')
    bob.text.insert(0, '0')
    ann.provider.connect()
    await ann.says('012')
    await bob.says('012')
  },

  async 'nothing is lost when connections break while typing' () {
    const [ann, bob] = await pair()
    ann.text.insert(0, '|')
    await bob.says('|')
    for (let i = 0; i < 60; i++) {
      ann.text.insert(0, 'a')
      bob.text.insert(bob.text.length, 'b')
      if (i % 20 === 10) { ann.provider.ws?.terminate(); bob.provider.ws?.terminate() }
      await new Promise(resolve => setImmediate(resolve))
    }
    await ann.says('a'.repeat(60) + '|' + 'b'.repeat(60))
    await bob.says('a'.repeat(60) + '|' + 'b'.repeat(60))
  },

  async 'asking again and again does no harm' () {
    const [ann, bob] = await pair({ resyncInterval: 20 })
    for (const letter of 'resync') ann.text.insert(ann.text.length, letter)
    await bob.says('resync')
    let heard = 0
    bob.provider.ws.addEventListener('message', () => heard++)
    await until('answers', () => heard > 10)
    await bob.says('resync')
  },

  async 'they see each other, and see each other go' () {
    const [ann, bob] = await pair()
    ann.show('Ann')
    bob.show('Bob')
    await until('names', () => ann.here.get(bob.doc.clientID)?.user?.name === 'Bob' && bob.here.get(ann.doc.clientID)?.user?.name === 'Ann')
    ann.leave()
    await until('goodbye', () => !bob.here.has(ann.doc.clientID), 1000)
  },

  async 'several tabs of one browser' () {
    const name = fresh()
    const tabs = [1, 2, 3].map(() => new Editor(name, { disableBc: false }))
    const other = new Editor(name)
    for (const tab of tabs) await tab.synced()
    tabs.forEach((tab, i) => { tab.text.insert(0, 'x'); tab.show(`tab ${i}`) })
    await other.says('xxx')
    for (const tab of tabs) await other.sees(tab.doc.clientID)
    const [gone] = tabs.splice(0, 1)
    gone.leave()
    await until('the closed tab to go', () => !other.here.has(gone.doc.clientID), 5000)
    for (const tab of tabs) equal(other.here.has(tab.doc.clientID), true)
  },

  async 'who is cut off is back within a second' () {
    const [ann, bob] = await pair()
    ann.show('Ann')
    await bob.sees(ann.doc.clientID)
    ann.provider.disconnect()
    await until('goodbye', () => !bob.here.has(ann.doc.clientID), 5000)
    ann.provider.connect()
    await until('connected', () => ann.provider.wsconnected)
    await until('back', () => bob.here.has(ann.doc.clientID), 1000)
    await until('the other', () => ann.here.has(bob.doc.clientID), 1000)
  },

  async 'who dies is gone within five seconds' () {
    const [ann, bob] = await pair()
    ann.show('Ann')
    await bob.sees(ann.doc.clientID)
    ann.provider.shouldConnect = false
    ann.provider.ws._socket.destroy()
    await until('gone', () => !bob.here.has(ann.doc.clientID), 5000)
  },

  async 'a deleted document sends its editors away for good' () {
    const [ann] = await pair()
    ann.text.insert(0, 'x')
    const late = new Editor(ann.provider.roomname)
    await late.says('x')
    const codes = []
    ann.provider.on('connection-close', event => codes.push(event.code))
    await fetch(`${server}/api/documents/${encodeURIComponent(ann.provider.roomname)}`, { method: 'DELETE' })
    await until('the end', () => codes.includes(4404))
    if (packageName === 'yws3') await until('giving up', () => !ann.provider.shouldConnect)
  },

  async 'a name that cannot be is refused for good' () {
    const editor = new Editor('%00' + fresh())
    const codes = []
    editor.provider.on('connection-close', event => codes.push(event.code))
    await until('the end', () => codes.includes(4400))
    if (packageName === 'yws3') await until('giving up', () => !editor.provider.shouldConnect)
  }
}

await tellAll(stories, open)
