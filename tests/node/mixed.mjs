// One person on each client of JavaScript's, in one document.
// usage: node mixed.mjs http://SERVER http://PROXY 'JSON: token by name, and "sdk"'
// Commands on stdin, one JSON line each, answered in order on stdout:
//   {"type": true | false}   all begin or stop to type; {}
//   {"leave": name}          that one goes; {}
//   {"report": true}         {name: {"made", "tokens", "letters", "saved", "sees"}}; "sees" are the
//                            names of all whose presence it has, its own too
// An edit is one transaction: a token that is never used again goes into an array, at a random place,
// and a letter into a text.
import * as readline from 'node:readline'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { createYjsProvider } from '@y-sweet/client'
import { DocumentManager } from '@y-sweet/sdk'
import { Blocked } from './blocked.mjs'
import { editAnywhere, yWebsocket as version } from './stories.mjs'

const [, , server, proxy, given] = process.argv
const tokens = JSON.parse(given)
const DOCUMENT = 'mixed'
const PACE = 120 // ms between two edits of one, at most
const GUEST = ' (guest)' // stands behind the names of those whose tokens have none
globalThis.WebSocket = WebSocket
console.warn = () => {} // y-sweet's word for all that happens to it; stdout is for answers
const sdk = new DocumentManager(`${server.replace('http://', `ys://${tokens.sdk}@`)}/y-sweet`)
await sdk.createDoc(DOCUMENT)

const { Doc } = await version('yws4')
const sync = origin => origin.replace('http', 'ws') + '/sync'

const yWebsocket = packageName => async ({ doc, name }) => {
  const { WebsocketProvider } = await version(packageName)
  return new WebsocketProvider(sync(server), DOCUMENT, doc, { WebSocketPolyfill: WebSocket, disableBc: true, params: { token: tokens[name] } })
}

const yWebsocketByHttp = async ({ doc, name }) => {
  const { WebsocketProvider } = await import('yws3')
  return new WebsocketProvider(sync(proxy), DOCUMENT, doc, { WebSocketPolyfill: Blocked, disableBc: true, params: { token: tokens[name] } })
}

const hocuspocus = packageName => async ({ doc, name }) => {
  const { HocuspocusProvider } = await import(packageName)
  return new HocuspocusProvider({ url: sync(server), WebSocketPolyfill: WebSocket, name: DOCUMENT, document: doc, token: tokens[name] })
}

let shared
const sessionAware = async ({ doc, name }) => {
  const { HocuspocusProvider, HocuspocusProviderWebsocket } = await import('hoc4')
  shared ??= new HocuspocusProviderWebsocket({ url: sync(server), WebSocketPolyfill: WebSocket })
  const provider = new HocuspocusProvider({ websocketProvider: shared, name: DOCUMENT, document: doc, token: tokens[name], sessionAwareness: true })
  provider.attach()
  return provider
}

const ySweet = async ({ doc, name }) =>
  createYjsProvider(doc, DOCUMENT, () => sdk.getClientToken(DOCUMENT, { userId: name }), { WebSocketPolyfill: WebSocket, showDebuggerLink: false })

const CLIENTS = {
  'y-websocket 1': yWebsocket('yws1'),
  'y-websocket 2': yWebsocket('yws2'),
  'y-websocket 3': yWebsocket('yws3'),
  'y-websocket 4': yWebsocket('yws4'),
  'y-websocket by HTTP': yWebsocketByHttp,
  'Hocuspocus 2': hocuspocus('hoc2'),
  'Hocuspocus 3': hocuspocus('hoc3'),
  'Hocuspocus 4': hocuspocus('hoc4'),
  'Hocuspocus 4, one of two': sessionAware,
  'Hocuspocus 4, the other': sessionAware,
  'y-sweet': ySweet
}

class Person {
  constructor (name) {
    this.name = name
    this.made = []
    this.timer = null
    this.doc = name === 'y-websocket 4' ? new Doc() : new Y.Doc()
    this.tokens = this.doc.getArray('tokens')
    this.text = this.doc.getText('text')
  }

  async enter () {
    this.provider = await CLIENTS[this.name](this)
    this.provider.awareness.setLocalStateField('user', { name: this.name })
    return this
  }

  type (on) {
    clearTimeout(this.timer)
    if (on) this.timer = setTimeout(() => { this.edit(); this.type(true) }, Math.random() * PACE)
  }

  edit () {
    editAnywhere(this)
  }

  report () {
    const { synced, hasUnsyncedChanges, hasLocalChanges, awareness } = this.provider
    const names = [...awareness.getStates().values()].map(({ user }) => String(user?.name).replace(GUEST, ''))
    return { made: this.made, tokens: this.tokens.toArray(), letters: this.text.length, saved: synced && !hasUnsyncedChanges && !hasLocalChanges, sees: names.sort() }
  }

  leave () {
    this.type(false)
    this.provider.disconnect?.()
    this.provider.destroy()
  }
}

const people = new Map()
for (const name of Object.keys(CLIENTS)) people.set(name, await new Person(name).enter())

const answer = command => {
  if ('type' in command) for (const person of people.values()) person.type(command.type)
  if (command.leave) {
    people.get(command.leave).leave()
    people.delete(command.leave)
  }
  return command.report ? Object.fromEntries([...people].map(([name, person]) => [name, person.report()])) : {}
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + '\n')
}
process.exit(0)
