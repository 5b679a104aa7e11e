// A document's past as the server tells it: who edited when, the named versions, moments and
// differences. What was is for ever, so it is kept once it has been asked for. Draws nothing.

import { at, here } from '../api.js'

/** Stretches asked for at once, and moments kept. */
const PAGE = 200
const KEPT = 120

const newestFirst = (one, other) => other.seq - one.seq

export class Past {
  /** The last edit: moments are 0 (nothing yet) to head. */
  head = 0
  /** [{ first, last, author, began, ended }], newest first, as far as they have been loaded. */
  stretches = []
  /** [{ name, seq, author, time }], newest moment first; time is when the name was given. */
  versions = []
  /** Whether all stretches are here. */
  whole = false
  #server
  #path
  #next = null
  #kept = new Map()
  #times = new Map()

  /** Of the document `name` of a Server. */
  constructor(name, server = here) {
    this.#server = server
    this.#path = at(name)
  }

  /** Look what is new. */
  async refresh() {
    const page = await this.#server.request(`${this.#path}/history?limit=${PAGE}`)
    const oldest = page.stretches.at(-1)?.first ?? 0
    const known = this.stretches.filter(({ last }) => last < oldest)
    const joins = known.length > 0 && known[0].last === oldest - 1
    this.stretches = joins ? [...page.stretches, ...known] : page.stretches
    if (!joins) this.#next = page.next
    this.whole = this.#next === null
    this.head = page.head
    this.versions = page.versions.sort(newestFirst)
    await this.#learn()
  }

  // The times of versions that are named in the middle of a stretch.
  async #learn() {
    const unknown = this.versions.filter(({ seq }) => seq > 0 && this.timeOf(seq) === null)
    await Promise.all(
      unknown.map(async ({ seq }) => {
        const [row] = await this.rows(seq, seq).catch(() => [])
        if (row) this.#times.set(seq, row.time)
      })
    )
  }

  /** When an edit was made that ends a stretch or has a name; null of others. */
  timeOf(seq) {
    return this.stretches.find(({ last }) => last === seq)?.ended ?? this.#times.get(seq) ?? null
  }

  /** { head, stretches: [the last], versions }: how it stands, without a look at the rest. */
  latest() {
    return this.#server.request(`${this.#path}/history?limit=1`)
  }

  /** Load older stretches. */
  async more() {
    if (this.#next === null) return
    const query = `before=${this.#next}&limit=${PAGE}`
    const page = await this.#server.request(`${this.#path}/history?${query}`)
    const oldest = this.stretches.at(-1)?.first ?? Infinity
    this.stretches.push(...page.stretches.filter(({ last }) => last < oldest))
    this.#next = page.next
    this.whole = this.#next === null
  }

  /** Load until `seq` is in a stretch that is here. */
  async reach(seq) {
    while (!this.whole && (this.stretches.at(-1)?.first ?? 0) > seq) await this.more()
  }

  /** { seq, time, author, content: { root: value } } */
  moment(seq) {
    return this.#keep(`${this.#path}/history/${seq}`)
  }

  /** { from, to, stretches, roots: { name: Part } }: what changed. */
  difference(from, to) {
    return this.#keep(`${this.#path}/history/${from}..${to}`)
  }

  /** [{ seq, time, author }] of single edits, 1,000 at most. */
  async rows(first, last) {
    return (await this.#keep(`${this.#path}/history/rows?first=${first}&last=${last}`)).rows
  }

  #keep(path) {
    let answer = this.#kept.get(path)
    if (answer === undefined) {
      answer = this.#server.request(path)
      answer.catch(() => this.#kept.delete(path))
    }
    this.#kept.delete(path)
    this.#kept.set(path, answer)
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value)
    return answer
  }

  /**
   * Bring the moment back as one edit by `author`, whom the server writes down as `by`. Resolves to
   * what takes it back, undo() of it, or to null when there was nothing to change.
   */
  restore(seq, author, by) {
    return this.#edit('restore', { to: String(seq), author }, by)
  }

  /** Take back edits { first, last, by?, author }, and nothing else; the rest is as in restore(). */
  undo(edits, by) {
    return this.#edit('undo', edits, by)
  }

  async #edit(what, body, by) {
    const { head } = await this.latest()
    const done = await this.#server.send('POST', `${this.#path}/${what}`, body)
    if (!done.changed) return null
    // Others may have typed in between: only what this author did is to be taken back.
    return { first: head + 1, last: done.seq, by, author: body.author }
  }

  name(name, seq, author) {
    return this.#server.send('POST', `${this.#path}/versions`, { name, at: String(seq), author })
  }

  rename(name, wanted) {
    return this.#server.send('PATCH', `${this.#path}/versions/${encodeURIComponent(name)}`, { name: wanted })
  }

  unname(name) {
    return this.#server.request(`${this.#path}/versions/${encodeURIComponent(name)}`, { method: 'DELETE' })
  }
}
