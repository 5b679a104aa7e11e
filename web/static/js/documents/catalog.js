// What the list knows: the documents read so far, in order. Reads pages, refreshes, remembers the
// last list for when the server cannot be reached. Knows nothing of the DOM: it calls
// `changed(catalog)` and the page draws.

import { listDocuments } from '../api.js'
import { owned, recall, recallAll, remember } from '../memory.js'

const PAGE = 50
const MOST = 200

// For when the server cannot be reached: the last list, and whatever has edits that wait here.
function remembered() {
  const { at, documents } = recall(owned('list')) ?? { at: null, documents: [] }
  const listed = new Set(documents.map((doc) => doc.name))
  const waiting = recallAll(owned('unsent:'))
    .filter((name) => !listed.has(name))
    .map((name) => recall(owned(`meta:${name}`)))
    .filter(Boolean)
  return {
    at,
    documents: [...waiting, ...documents].map((doc) => ({
      created: null,
      edited: null,
      ...doc,
      editors: []
    }))
  }
}

export class Catalog {
  documents = []
  search = ''
  next = null
  error = null
  /** 'loading' until the first answer, then 'ready'. */
  state = 'loading'
  /** When the shown list was read, if it is a remembered one; null while it is fresh. */
  asOf = null
  #changed
  #turn = 0
  #reading = false

  constructor(changed) {
    this.#changed = changed
  }

  /** Read from the top, as much as is shown now. */
  async refresh() {
    const turn = ++this.#turn
    const pages = Math.max(1, Math.ceil(this.documents.length / PAGE))
    try {
      const page = await listDocuments({ search: this.search, limit: Math.min(MOST, pages * PAGE) })
      if (turn !== this.#turn) return
      const fresh = new Set(page.documents.map((doc) => doc.name))
      const last = this.documents.findIndex((doc) => doc.name === page.documents.at(-1)?.name)
      // What was read beyond these pages stays, unless it has come forward.
      const beyond =
        page.next === null || last < 0
          ? []
          : this.documents.slice(last + 1).filter((doc) => !fresh.has(doc.name))
      this.documents = [...page.documents, ...beyond]
      if (beyond.length === 0) this.next = page.next
      this.#settle(null)
    } catch (error) {
      if (turn === this.#turn) this.#settle(error)
    }
  }

  /** Search anew; the old rows stay until the answer is there. */
  find(search) {
    if (search === this.search) return Promise.resolve()
    this.search = search
    this.documents = this.documents.slice(0, PAGE)
    this.next = null
    return this.refresh()
  }

  /** Read the next page, if there is one. */
  async more() {
    if (this.next === null || this.#reading) return
    this.#reading = true
    const turn = this.#turn
    try {
      const page = await listDocuments({ search: this.search, after: this.next, limit: PAGE })
      if (turn !== this.#turn) return
      const known = new Set(this.documents.map((doc) => doc.name))
      this.documents.push(...page.documents.filter((doc) => !known.has(doc.name)))
      this.next = page.next
      this.#settle(null)
    } catch (error) {
      this.#settle(error)
    } finally {
      this.#reading = false
    }
  }

  /** Show a change of ours at once; the next refresh confirms it. */
  patch(name, fields) {
    this.documents = this.documents.map((doc) => (doc.name === name ? { ...doc, ...fields } : doc))
    this.#changed(this)
  }

  drop(name) {
    this.#turn++
    this.documents = this.documents.filter((doc) => doc.name !== name)
    this.#changed(this)
  }

  #settle(error) {
    this.error = error
    if (error === null) {
      this.asOf = null
      if (this.search === '')
        remember(owned('list'), { at: Date.now(), documents: this.documents.slice(0, PAGE) })
    } else if (this.state === 'loading') {
      const kept = remembered()
      this.documents = kept.documents
      this.asOf = kept.at
    }
    this.state = 'ready'
    this.#changed(this)
  }
}
