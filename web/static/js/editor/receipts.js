// Counts this tab's edits and learns from the server's receipts which of them are on its disk.
//
// An edit is one local Yjs transaction that changed something. After each we send message 102 with
// a rising number on the same socket; the server sends the number back when everything that came
// before it is on disk. On a new socket the server knows nothing until our SyncStep2 has brought it
// what it lacked, so the first number follows that.

import {
  createEncoder,
  readVarUint,
  readVarUint8Array,
  createDecoder,
  toUint8Array,
  writeVarUint,
  writeVarUint8Array
} from '../../vendor/editor.js'

const SYNC = 0
const RECEIPT = 102
const STEP1 = 0

function frame(number) {
  const inner = createEncoder()
  writeVarUint(inner, number)
  const outer = createEncoder()
  writeVarUint(outer, RECEIPT)
  writeVarUint8Array(outer, toUint8Array(inner))
  return toUint8Array(outer)
}

export class Receipts {
  /** Edits made in this tab, and how many of them the server has on disk. */
  made = 0
  saved = 0
  /** Whether everything this tab held when the present socket synced is on the server's disk. */
  covered = false
  /**
   * Since when we wait without any progress (performance.now() ms); null when no receipt is due.
   */
  waitingSince = null
  #provider
  #changed
  #number = 0
  #asked = []
  #open = false

  /**
   * `changed()` is called whenever a figure moved; `oncover()` once per connection, after SyncStep2
   * went out: it may load more into the document and then call ask() with what to do when all of
   * that is on disk.
   */
  constructor(doc, provider, { changed, oncover }) {
    this.#provider = provider
    this.#changed = changed
    doc.on('update', (update, origin, _doc, transaction) => {
      if (transaction.local) this.#edit()
    })
    provider.on('status', ({ status }) => {
      if (status !== 'connected') this.#closed()
    })
    this.#listen(oncover)
  }

  /** Ask for a receipt for everything sent so far; `done` runs when it comes. */
  ask(done = null) {
    if (!this.#open) return
    this.#asked.push({ number: ++this.#number, made: this.made, done })
    this.waitingSince ??= performance.now()
    this.#provider.ws.send(frame(this.#number))
  }

  #edit() {
    this.made++
    this.ask()
    this.#changed()
  }

  #listen(oncover) {
    const handlers = this.#provider.messageHandlers
    const sync = handlers[SYNC]
    handlers[SYNC] = (encoder, decoder, provider, fromServer, type) => {
      const asksForAll = fromServer && decoder.arr[decoder.pos] === STEP1
      sync(encoder, decoder, provider, fromServer, type)
      // The provider sends the SyncStep2 when this handler returns; the number must follow it.
      if (asksForAll) queueMicrotask(() => this.#synced(oncover))
    }
    handlers[RECEIPT] = (_encoder, decoder, _provider, fromServer) => {
      const number = readVarUint(createDecoder(readVarUint8Array(decoder)))
      if (fromServer) this.#receipt(number)
    }
  }

  #synced(oncover) {
    if (this.#provider.ws?.readyState !== WebSocket.OPEN) return
    const first = !this.#open
    this.#open = true
    this.ask(() => {
      this.covered = true
    })
    if (first) oncover()
  }

  #receipt(number) {
    let moved = false
    while (this.#asked.length > 0 && this.#asked[0].number <= number) {
      const { made, done } = this.#asked.shift()
      this.saved = Math.max(this.saved, made)
      done?.()
      moved = true
    }
    if (!moved) return
    this.waitingSince = this.#asked.length > 0 ? performance.now() : null
    this.#changed()
  }

  #closed() {
    this.#open = false
    this.#asked = []
    this.covered = false
    this.waitingSince = null
  }
}
