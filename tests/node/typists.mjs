// Typists with real Yjs and y-websocket 3.1, which ask for receipts (message 102) after each edit, or
// with y-sweet's client, which does so by itself.
// Commands on stdin, one JSON line each, answered in order on stdout:
//   {"open": [[typist, document, client], ...], "url", "blocked"}   connects them; {}
//       "client": "yws3" or "ysweet"; "blocked": WebSocket is, so they have QuireSocket
//   {"type": true | false}                       all begin or stop to type; {}
//   {"report": true}      {typist: {"made", "acked", "seen", "tokens", "letters", "synced"}}
//   {"close": true}                              disconnects them all; {}
// An edit is one transaction: a token that is never used again goes into an array, at a random place,
// and a letter into a text.
import * as readline from 'node:readline'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import WebSocket from 'ws'
import { createYjsProvider } from '@y-sweet/client'
import { WebsocketProvider } from 'yws3'
import { Blocked } from './blocked.mjs'
import { editAnywhere } from './stories.mjs'

const RECEIPT = 102
console.warn = () => {} // y-sweet's word for all that happens to it; stdout is for answers

class Typist {
  constructor (name, url, document, WebSocketPolyfill) {
    this.name = name
    this.made = []
    this.acked = 0
    this.seen = new Set()
    this.timer = null
    this.doc = new Y.Doc()
    this.tokens = this.doc.getArray('tokens')
    this.text = this.doc.getText('text')
    this.tokens.observe(event => {
      if (event.transaction.origin === this.provider) {
        for (const { insert } of event.delta) for (const token of insert ?? []) this.seen.add(token)
      }
    })
    this.connect(url, document, WebSocketPolyfill)
  }

  connect (url, document, WebSocketPolyfill) {
    this.provider = new WebsocketProvider(`${url}/sync`, document, this.doc, { WebSocketPolyfill, disableBc: true, maxBackoffTime: 300 })
    this.provider.messageHandlers[RECEIPT] = (_encoder, decoder) => {
      const body = decoding.createDecoder(decoding.readVarUint8Array(decoder))
      this.acked = Math.max(this.acked, decoding.readVarUint(body))
    }
    this.provider.on('sync', synced => { if (synced) this.ask() })
  }

  edit () {
    editAnywhere(this)
    this.ask()
  }

  /** "Up to which of my edits is everything on disk?" */
  ask () {
    if (!this.provider.wsconnected) return
    const body = encoding.createEncoder()
    encoding.writeVarUint(body, this.made.length)
    const frame = encoding.createEncoder()
    encoding.writeVarUint(frame, RECEIPT)
    encoding.writeVarUint8Array(frame, encoding.toUint8Array(body))
    this.provider.ws.send(encoding.toUint8Array(frame))
  }

  type (on) {
    clearTimeout(this.timer)
    if (on) this.timer = setTimeout(() => { this.edit(); this.type(true) }, Math.random() * 10)
  }

  report () {
    return { made: this.made, acked: this.acked, seen: [...this.seen], tokens: this.tokens.toArray(), letters: this.text.length, synced: this.provider.synced }
  }

  close () {
    this.type(false)
    this.provider.destroy()
    this.doc.destroy()
  }
}

/** `hasLocalChanges` compares the count of its edits with that of those that are acknowledged. */
class YSweetTypist extends Typist {
  connect (url, docId, WebSocketPolyfill) {
    const token = async () => this.closed ? new Promise(() => {}) : { docId, url: `${url}/y-sweet/d/${docId}/ws` }
    this.provider = createYjsProvider(this.doc, docId, token, { WebSocketPolyfill, showDebuggerLink: false })
  }

  ask () {}
  report () { return { ...super.report(), acked: Math.max(this.provider.ackedVersion, 0) } }

  close () {
    this.closed = true // while it tries to connect it does not hear of the end
    this.provider.disconnect()
    super.close()
  }
}

const CLIENTS = { yws3: Typist, ysweet: YSweetTypist }
let typists = []

const answer = (command) => {
  if (command.open) typists = command.open.map(([name, document, client]) => new CLIENTS[client](name, command.url, document, command.blocked ? Blocked : WebSocket))
  if ('type' in command) for (const typist of typists) typist.type(command.type)
  if (command.report) return Object.fromEntries(typists.map(typist => [typist.name, typist.report()]))
  if (command.close) for (const typist of typists) typist.close()
  return {}
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + '\n')
}
