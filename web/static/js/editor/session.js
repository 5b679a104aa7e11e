// One document held open: the Yjs document, its copy in this browser, its connection to the server,
// and the facts that the state pill tells. Knows no editor and draws nothing.

import {
  fetchUpdates,
  IndexeddbPersistence,
  readVarUint,
  readVarUint8Array,
  WebsocketProvider,
  Y
} from '../../vendor/editor.js'
import { QuireSocket } from '../../client/quire-socket.js'
import { may } from '../access.js'
import { status } from '../api.js'
import { copyOf, owned, remember } from '../memory.js'
import { Ledger } from './ledger.js'
import { Receipts } from './receipts.js'

/** y-protocols' messages: edits, and that the server takes none of ours, and why. */
const SYNC = 0
const AUTH = 2

/** A receipt that takes longer than this is worth a word. */
const PATIENCE = 2000
/** A browser's database that does not open in this time is done without. */
const DATABASE_PATIENCE = 5000

/** How it ends for somebody who has no access, when they come: as the server would say it. */
const NO_ACCESS = { code: 4401, reason: '' }

/** Why somebody with only so much of a level cannot write. */
const ONLY = {
  none: 'Your access has ended.',
  read: 'You may read this document, not change it.',
  comment: 'You may read this document and name versions of it, not change it.'
}

/** A token as a subprotocol, for a browser sends no headers with a socket. */
const subprotocols = (token) => (token ? ['quire', `quire.token.${token}`] : [])

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Open a database of our own first: y-indexeddb has no answer for a browser that refuses. */
function canKeep() {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open('quire:probe')
      request.onsuccess = () => {
        request.result.close()
        resolve(true)
      }
      request.onerror = request.onblocked = (event) => {
        event.preventDefault()
        resolve(false)
      }
    } catch {
      resolve(false)
    }
  })
}

export class Session {
  doc = new Y.Doc()
  provider
  awareness
  /** Facts for saved.js; read-only outside. */
  facts = {
    connected: false,
    /** How: websocket or http. */
    transport: null,
    synced: false,
    everSynced: false,
    tried: false,
    closed: null,
    /** Why the server takes no edits; null while it does. */
    denied: null,
    /** What one may do: none, read, comment, write or admin. */
    level: 'admin',
    stuck: false,
    serverSaving: null,
    lastSaved: null
  }
  #name
  #listeners = new Set()
  #ledger = null
  #receipts
  #persistence = null
  #timer = null

  #own
  #ending = new AbortController()

  /**
   * `server` is the origin of another host's server, for a page that is not its own: then nothing
   * is kept in the browser, and the token goes along as a subprotocol.
   */
  constructor(name, level = 'admin', { server = null, token = '' } = {}) {
    this.#name = name
    this.#own = server === null
    this.facts.level = level
    const socket = `${(server ?? location.origin).replace(/^http/, 'ws')}/sync`
    // y-websocket puts the room into the URL as it is; encoded, every name is one path segment.
    this.provider = new WebsocketProvider(socket, encodeURIComponent(name), this.doc, {
      connect: false,
      WebSocketPolyfill: QuireSocket,
      protocols: subprotocols(token)
    })
    this.awareness = this.provider.awareness
  }

  /**
   * Load what this browser keeps, then connect. Resolves when the kept content is in the document.
   */
  async open() {
    if (this.#own && (await canKeep())) await this.#load()
    this.#receipts = new Receipts(this.doc, this.provider, {
      changed: () => this.#moved(),
      oncover: () => this.#cover()
    })
    this.provider.on('status', ({ status }) =>
      this.#set({ connected: status === 'connected', transport: this.provider.ws?.transport })
    )
    this.provider.on('connection-close', () => this.#set({ tried: true }))
    this.provider.on('sync', (synced) =>
      this.#set({ synced, everSynced: this.facts.everSynced || synced })
    )
    this.provider.on('closed', (closed) => this.#set({ closed }))
    this.#announce()
    this.provider.messageHandlers[AUTH] = (_encoder, decoder) => {
      readVarUint(decoder) // 0, permission denied: the only one there is
      this.#set({ denied: new TextDecoder().decode(readVarUint8Array(decoder)) })
    }
    const { signal } = this.#ending
    addEventListener('online', () => this.retry(), { signal })
    const seen = () => document.hidden || this.retry()
    document.addEventListener('visibilitychange', seen, { signal })
    const leaving = (event) => this.wouldLose() && event.preventDefault()
    addEventListener('beforeunload', leaving, { signal })
    if (this.may('read')) this.provider.connect()
    else this.#set({ closed: NO_ACCESS })
  }

  /** Let go of the document. */
  close() {
    clearTimeout(this.#timer)
    this.#ending.abort()
    this.#listeners.clear()
    this.provider.destroy()
    this.doc.destroy()
  }

  /** Let go of it once all that was typed is on the server, and be seen no more. */
  leave() {
    this.#listeners.clear()
    this.awareness.setLocalState(null)
    this.onChange(() => {
      if (this.unsaved > 0 && this.facts.closed === null) return
      this.#listeners.clear()
      setTimeout(() => this.close())
    })
  }

  /** Go on with another token of the same person: nothing that was typed goes. */
  renew(token) {
    this.provider.protocols = subprotocols(token)
    this.provider.disconnect()
    this.facts.denied = null
    this.reopen()
  }

  // The document says 'news' before it takes in what others, or other tabs, did.
  #announce() {
    const handlers = this.provider.messageHandlers
    const sync = handlers[SYNC]
    handlers[SYNC] = (...message) => {
      this.doc.emit('news', [])
      sync(...message)
    }
  }

  async #load() {
    const copy = copyOf(this.#name)
    this.#persistence = new IndexeddbPersistence(copy, this.doc)
    await Promise.race([this.#persistence.whenSynced, after(DATABASE_PATIENCE)])
    if (!this.#persistence.synced) return
    this.#ledger = new Ledger(this.#persistence.db, copy, () => this.#changed())
    await this.#ledger.readOthers()
  }

  /** Call listener(session) after every change of the facts, and once now. */
  onChange(listener) {
    this.#listeners.add(listener)
    listener(this)
  }

  /** Unconfirmed edits of this browser, all tabs and visits together. */
  get unsaved() {
    return this.#receipts
      ? this.#receipts.made - this.#receipts.saved + (this.#ledger?.others ?? 0)
      : (this.#ledger?.others ?? 0)
  }

  /** Whether unconfirmed edits would survive a reload. */
  get keeps() {
    return this.#ledger !== null && !this.#ledger.broken
  }

  /** Whether everything that this tab holds is on the server's disk. */
  get saved() {
    return this.facts.synced && this.#receipts.covered && this.unsaved === 0
  }

  /** Whether every unconfirmed edit has come to IndexedDB's disk. */
  get kept() {
    return this.keeps && (!this.#receipts || this.#ledger.kept === this.#receipts.made)
  }

  /** Whether one may do what takes the level `needed`. */
  may(needed) {
    return may(this.facts.level, needed)
  }

  /** Why one cannot write in it; null where one can. */
  get forbids() {
    return (this.may('write') ? this.facts.denied : ONLY[this.facts.level]) ?? null
  }

  /** Whether one may not be here any more. */
  get ended() {
    return [4401, 4403].includes(this.facts.closed?.code)
  }

  /** Somebody has found out more. */
  learn(facts) {
    if (Object.keys(facts).some((fact) => facts[fact] !== this.facts[fact])) this.#set(facts)
  }

  /** Connect once more after the server has closed. */
  reopen() {
    this.#set({ closed: null })
    this.provider.connect()
  }

  /** Whether leaving now would lose edits: neither on the server nor in IndexedDB. */
  wouldLose() {
    const { made, saved } = this.#receipts
    return saved < made && !this.kept
  }

  /** Try to connect now instead of at the next turn of the back-off. */
  retry() {
    if (this.facts.closed === null) this.provider.connect()
  }

  // After SyncStep2: take in what other tabs and visits left in IndexedDB, and settle it when that
  // is on disk, too.
  async #cover() {
    if (!this.keeps) return
    const records = await this.#ledger.readOthers()
    if (records.length === 0) return
    await fetchUpdates(this.#persistence)
    this.#receipts.ask(() => this.#ledger.settle(records))
  }

  #moved() {
    this.#ledger?.write(() => this.#receipts)
    this.#changed()
  }

  #set(facts) {
    Object.assign(this.facts, facts)
    this.#changed()
  }

  #changed() {
    if (this.#own) remember(owned(`unsent:${this.#name}`), this.unsaved || null)
    this.#watch()
    // A receipt for all that we hold: whatever forbade writing is over.
    if (this.saved) this.facts.denied = null
    if (this.saved && this.facts.lastSaved === null) this.facts.lastSaved = Date.now()
    if (!this.saved) this.facts.lastSaved = null
    for (const listener of this.#listeners) listener(this)
  }

  // While receipts are late, ask the server why, once per PATIENCE.
  #watch() {
    clearTimeout(this.#timer)
    const { connected, denied } = this.facts
    const since = connected && denied === null ? (this.#receipts?.waitingSince ?? null) : null
    if (since === null) {
      Object.assign(this.facts, { stuck: false, serverSaving: null })
      return
    }
    const waited = performance.now() - since
    if (waited < PATIENCE) this.facts.stuck = false
    this.#timer = setTimeout(
      () => this.#late(),
      waited < PATIENCE ? PATIENCE - waited + 20 : PATIENCE
    )
  }

  async #late() {
    this.#set({ stuck: true })
    const answer = this.#own ? await status().catch(() => null) : null
    if (this.facts.stuck) this.#set({ serverSaving: answer?.saving ?? null })
  }
}
