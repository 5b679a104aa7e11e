// Two who type all the time over HTTP, until WebSocket works again; a third looks on.
// usage: node climbing.mjs http://PROXY http://SERVER SEED
// Says "by HTTP" when both do, waits for a line, and tells then what became of it: one line of JSON.
import * as readline from 'node:readline'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { WebsocketProvider } from 'yws3'
import { Blocked } from './blocked.mjs'
import { Dice } from './editing.mjs'
import { editAnywhere, until } from './stories.mjs'

const [, , proxy, server, seed] = process.argv
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const Climbing = Blocked.with({ climb: 300, climbMost: 600, hold: 300, calm: 60 })
const dice = new Dice(Number(seed))

class Editor {
  constructor (name, origin, WebSocketPolyfill) {
    this.name = name
    this.made = []
    this.gone = [] // clients whose goodbye came from the server
    this.typing = null
    this.doc = new Y.Doc()
    this.tokens = this.doc.getArray('tokens')
    this.text = this.doc.getText('content')
    this.provider = new WebsocketProvider(origin.replace('http', 'ws') + '/sync', 'climbing', this.doc, { WebSocketPolyfill, disableBc: true })
    const { awareness } = this.provider
    awareness.setLocalStateField('user', { name })
    awareness.on('change', ({ removed }) => { if (this.provider.wsconnected) this.gone.push(...removed) })
  }

  get transport () { return this.provider.wsconnected && this.provider.ws.transport }
  get sees () { return [...this.provider.awareness.getStates().values()].map(({ user }) => user?.name).sort() }

  edit () {
    editAnywhere(this, most => dice.below(most))
  }

  /** A few letters, and now and then a moment to think. */
  type () {
    this.edit()
    this.typing = setTimeout(() => this.type(), dice.chance(0.2) ? 100 + dice.below(300) : dice.below(60))
  }

  more (count) {
    const enough = this.made.length + count
    return until(`${count} more edits`, () => this.made.length >= enough)
  }
}

const [ann, bob] = ['Ann', 'Bob'].map(name => new Editor(name, proxy, Climbing))
const eve = new Editor('Eve', server, WebSocket)
const all = [ann, bob, eve]
const typists = [ann, bob]
for (const typist of typists) typist.type()
await until('both by HTTP', () => typists.every(({ transport }) => transport === 'http'))
await Promise.all(typists.map(typist => typist.more(20)))
const everybody = ['Ann', 'Bob', 'Eve']
await until('all see all', () => all.every(({ sees }) => String(sees) === String(everybody)))
console.log('by HTTP')
await lines.next()
await until('both by WebSocket', () => typists.every(({ transport }) => transport === 'websocket'), 30_000)
await Promise.all(typists.map(typist => typist.more(20)))
for (const typist of typists) clearTimeout(typist.typing)
const made = typists.flatMap(typist => typist.made).sort()
const complete = ({ tokens, text }) => tokens.length === made.length && text.length === made.length
let error = null
try {
  await until('all of it', () => all.every(complete))
  await until('all see all again', () => all.every(({ sees }) => String(sees) === String(everybody)))
} catch (caught) { error = String(caught) }
const report = ({ name, tokens, text, sees, gone }) => ({ name, tokens: tokens.toArray(), letters: text.length, sees, gone: gone.length })
console.log(JSON.stringify({ made, error, editors: all.map(report) }))
process.exit(0)
