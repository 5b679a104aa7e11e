// How many edits this browser keeps that no server has confirmed: one record { made, saved } per
// tab, in the same IndexedDB as the document's updates, so that a reload, a crash or a second tab
// can count them again.
//
// Both figures only grow. A record is written in a transaction that also spans the updates' store,
// opened after y-indexeddb's own: IndexedDB runs the two in that order, so what a record counts is
// really kept. Any tab may raise another tab's `saved`, once it has sent everything that IndexedDB
// held to the server and has its receipt.

const CUSTOM = 'custom'
const UPDATES = 'updates'
const RECORDS = IDBKeyRange.bound('edits:', 'edits;', false, true)
const token = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(36)).join('')

const finished = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = transaction.onerror = () =>
      reject(transaction.error ?? new Error('IndexedDB gave up'))
  })

const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

export class Ledger {
  /** Unconfirmed edits of other tabs and earlier visits. */
  others = 0
  /** How many of this tab's edits are in IndexedDB. */
  kept = 0
  /** IndexedDB refused a write (full, or taken away): edits are no longer kept. */
  broken = false
  #db
  #key = `edits:${token()}`
  #channel
  #changed
  #writing = false
  #written = '0/0'

  /**
   * `db` is y-indexeddb's open database, called `name`; `changed()` is called when a figure moved.
   */
  constructor(db, name, changed) {
    this.#db = db
    this.#changed = changed
    this.#channel = new BroadcastChannel(`quire:edits:${name}`)
    this.#channel.onmessage = () => this.readOthers()
  }

  /**
   * Bring this tab's record up to date with `counts` { made, saved }, asked again until nothing
   * moved meanwhile.
   */
  async write(counts) {
    if (this.#writing || this.broken) return
    this.#writing = true
    try {
      for (
        let { made, saved } = counts();
        `${made}/${saved}` !== this.#written;
        { made, saved } = counts()
      ) {
        const transaction = this.#db.transaction([CUSTOM, UPDATES], 'readwrite')
        const store = transaction.objectStore(CUSTOM)
        if (saved < made) store.put({ made, saved }, this.#key)
        else store.delete(this.#key)
        await finished(transaction)
        this.#written = `${made}/${saved}`
        this.kept = made
        this.#channel.postMessage('')
        this.#changed()
      }
    } catch {
      this.broken = true
      this.#changed()
    } finally {
      this.#writing = false
    }
  }

  /**
   * Read the other records: resolves to [[key, { made, saved }], ...], and `others` is their sum.
   */
  async readOthers() {
    try {
      const store = this.#db.transaction([CUSTOM], 'readonly').objectStore(CUSTOM)
      const [keys, values] = await Promise.all([
        result(store.getAllKeys(RECORDS)),
        result(store.getAll(RECORDS))
      ])
      const records = keys.map((key, at) => [key, values[at]]).filter(([key]) => key !== this.#key)
      this.others = records.reduce((sum, [, { made, saved }]) => sum + made - saved, 0)
      this.#changed()
      return records
    } catch {
      return []
    }
  }

  /** These records, as read before everything was sent, are on the server's disk now. */
  async settle(records) {
    if (records.length === 0) return
    const transaction = this.#db.transaction([CUSTOM], 'readwrite')
    const store = transaction.objectStore(CUSTOM)
    for (const [key, { made }] of records) {
      const now = await result(store.get(key))
      if (now === undefined) continue
      const saved = Math.max(now.saved, made)
      if (saved < now.made) store.put({ made: now.made, saved }, key)
      else store.delete(key)
    }
    await finished(transaction).catch(() => {})
    this.#channel.postMessage('')
    await this.readOthers()
  }
}
