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
import { status } from '../api.js'
import { remember } from '../memory.js'
import { Ledger } from './ledger.js'
import { Receipts } from './receipts.js'

/** y-protocols' messages: edits, and that the server takes none of ours, and why. */
const SYNC = 0
const AUTH = 2

/** A receipt that takes longer than this is worth a word. */
const PATIENCE = 2000
/** A browser's database that does not open in this time is done without. */
const DATABASE_PATIENCE = 5000

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
    synced: false,
    everSynced: false,
    tried: false,
    closed: null,
    /** Why the server takes no edits; null while it does. */
    denied: null,
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

  constructor(name) {
    this.#name = name
    const server = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/sync`
    // y-websocket puts the room into the URL as it is; encoded, every name is one path segment.
    this.provider = new WebsocketProvider(server, encodeURIComponent(name), this.doc, {
      connect: false
    })
    this.awareness = this.provider.awareness
  }

  /**
   * Load what this browser keeps, then connect. Resolves when the kept content is in the document.
   */
  async open() {
    if (await canKeep()) await this.#load()
    this.#receipts = new Receipts(this.doc, this.provider, {
      changed: () => this.#moved(),
      oncover: () => this.#cover()
    })
    this.provider.on('status', ({ status }) => this.#set({ connected: status === 'connected' }))
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
    addEventListener('online', () => this.retry())
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.retry()
    })
    addEventListener('beforeunload', (event) => {
      if (this.wouldLose()) event.preventDefault()
    })
    this.provider.connect()
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
    this.#persistence = new IndexeddbPersistence(`quire/${this.#name}`, this.doc)
    await Promise.race([this.#persistence.whenSynced, after(DATABASE_PATIENCE)])
    if (!this.#persistence.synced) return
    this.#ledger = new Ledger(this.#persistence.db, this.#name, () => this.#changed())
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
    remember(`unsent:${this.#name}`, this.unsaved || null)
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
    const answer = await status().catch(() => null)
    if (this.facts.stuck) this.#set({ serverSaving: answer?.saving ?? null })
  }
}
