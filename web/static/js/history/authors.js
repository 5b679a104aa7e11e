// The names and colours of those who wrote. The past tells names only: who is here now has the
// colour that everybody sees beside their caret, and keeps it in this browser; others get one that
// their name always gets.

import { COLORS, me, safeColor, shownName } from '../identity.js'
import { recall, remember } from '../memory.js'

const NOBODY = '#5b6472'
/** People whose colours this browser remembers. */
const MOST = 100

/** What an edit's author is called. */
export const nameOf = (author) => author || 'Somebody'

function hash(name) {
  let sum = 7
  for (const sign of name) sum = (sum * 31 + sign.codePointAt(0)) >>> 0
  return sum
}

export class Authors {
  #given = new Map()
  #seen

  /** `keeps`: whether this browser may remember them. */
  constructor(presence, keeps) {
    this.#seen = new Map(Object.entries((keeps && recall('colors')) || {}))
    const look = () => {
      const news = presence.people().filter(({ name, color }) => this.#seen.get(name) !== color)
      for (const { name, color } of news) {
        this.#seen.delete(name)
        this.#seen.set(name, color)
        this.#given.delete(name)
      }
      if (keeps && news.length > 0)
        remember('colors', Object.fromEntries([...this.#seen].slice(-MOST)))
    }
    presence.on('change', look)
    look()
  }

  /** The colour of an author; no two of a document have the same while there are enough. */
  color(author) {
    if (author === '') return NOBODY
    if (author === shownName()) return me.color
    if (!this.#given.has(author)) this.#given.set(author, this.#choose(author))
    return this.#given.get(author)
  }

  #choose(author) {
    if (this.#seen.has(author)) return safeColor(this.#seen.get(author))
    const taken = new Set([me.color, ...this.#given.values()])
    const start = hash(author) % COLORS.length
    // Neighbours in the list look alike, so the next try is some places further.
    const order = COLORS.map((_, at) => COLORS[(start + at * 5) % COLORS.length])
    return order.find((color) => !taken.has(color)) ?? order[0]
  }
}
