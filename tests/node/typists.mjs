// Typists with real Yjs and y-websocket 3.1, which ask for receipts (message 102) after each edit.
// Commands on stdin, one JSON line each, answered in order on stdout:
//   {"open": [[typist, document], ...], "url"}   connects them; {}
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
import { WebsocketProvider } from 'yws3'

const RECEIPT = 102

class Typist {
  constructor (name, url, document) {
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
    this.provider = new WebsocketProvider(url, document, this.doc, { WebSocketPolyfill: WebSocket, disableBc: true, maxBackoffTime: 300 })
    this.provider.messageHandlers[RECEIPT] = (_encoder, decoder) => {
      const body = decoding.createDecoder(decoding.readVarUint8Array(decoder))
      this.acked = Math.max(this.acked, decoding.readVarUint(body))
    }
    this.provider.on('sync', synced => { if (synced) this.ask() })
  }

  edit () {
    const token = `${this.name}.${this.made.length + 1}`
    this.made.push(token)
    this.doc.transact(() => {
      this.tokens.insert(Math.floor(Math.random() * (this.tokens.length + 1)), [token])
      this.text.insert(Math.floor(Math.random() * (this.text.length + 1)), 'x')
    })
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

let typists = []

const answer = (command) => {
  if (command.open) typists = command.open.map(([name, document]) => new Typist(name, command.url, document))
  if ('type' in command) for (const typist of typists) typist.type(command.type)
  if (command.report) return Object.fromEntries(typists.map(typist => [typist.name, typist.report()]))
  if (command.close) for (const typist of typists) typist.close()
  return {}
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + '\n')
}
