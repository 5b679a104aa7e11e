// Who is here: reads what peers say in awareness, believing nothing. Peers can send any JSON, so
// names are cut, colours checked and carets rebuilt field by field before an editor or the page
// sees them.

import { GUEST, me, onIdentity, safeColor } from '../identity.js'

const NAME = 40

// However long a name is, its mark of a guest is not cut off.
function name(value) {
  const said = typeof value === 'string' ? value.trim() : ''
  if (said === '') return 'Somebody'
  return said.endsWith(GUEST)
    ? said.slice(0, -GUEST.length).slice(0, NAME) + GUEST
    : said.slice(0, NAME)
}

const id = (value) =>
  Number.isSafeInteger(value?.client) &&
  Number.isSafeInteger(value?.clock) &&
  value.client >= 0 &&
  value.clock >= 0
    ? { client: value.client, clock: value.clock }
    : null

function position(value) {
  if (value === null || typeof value !== 'object') return null
  return {
    type: id(value.type),
    tname: typeof value.tname === 'string' ? value.tname : null,
    item: id(value.item),
    assoc: value.assoc === -1 ? -1 : 0
  }
}

function cursor(value) {
  const anchor = position(value?.anchor)
  const head = position(value?.head)
  return anchor && head ? { anchor, head } : null
}

function clean(state, client) {
  const user = state?.user ?? {}
  return {
    user: {
      name: name(user.name),
      color: safeColor(user.color),
      id: typeof user.id === 'string' ? user.id.slice(0, NAME) : `client ${client}`,
      client
    },
    cursor: cursor(state?.cursor)
  }
}

/**
 * Stands in for y-protocols' Awareness wherever an editor asks for one: same names, clean states.
 */
export class Presence {
  #awareness
  // Awareness puts a new object in place of a state that changed.
  #cleaned = new WeakMap()

  constructor(awareness) {
    this.#awareness = awareness
    const introduce = ({ id, name, color }) =>
      awareness.setLocalState({ ...awareness.getLocalState(), user: { id, name, color } })
    introduce(me)
    onIdentity(introduce)
    // Tabs beside this one hear it leave at once, even when the server cannot tell them.
    addEventListener('pagehide', () => awareness.setLocalState(null))
    addEventListener('pageshow', (event) => {
      if (event.persisted) introduce(me)
    })
  }

  get clientID() {
    return this.#awareness.clientID
  }
  get doc() {
    return this.#awareness.doc
  }
  get states() {
    return this.getStates()
  }
  getLocalState() {
    return this.#awareness.getLocalState()
  }
  on(event, listener) {
    this.#awareness.on(event, listener)
  }
  off(event, listener) {
    this.#awareness.off(event, listener)
  }

  setLocalStateField(field, value) {
    // Only we say who we are; editors set carets. One that is left stays where it was, so that
    // others see where one works, and find it when they press the avatar.
    if (field !== 'user' && value !== null) this.#awareness.setLocalStateField(field, value)
  }

  getStates() {
    const states = [...this.#awareness.getStates()].filter(
      ([, state]) => state?.user || state?.cursor
    )
    return new Map(states.map(([client, state]) => [client, this.#clean(client, state)]))
  }

  #clean(client, state) {
    if (!this.#cleaned.has(state)) this.#cleaned.set(state, clean(state, client))
    return this.#cleaned.get(state)
  }

  /**
   * Everybody else: { id, name, color, clients: [client ids], caret: a client that has one, or
   * null }, one entry per person.
   */
  people() {
    const people = new Map()
    for (const [client, { user, cursor }] of this.getStates()) {
      if (client === this.clientID || user.id === me.id) continue
      const person = people.get(user.id) ?? {
        id: user.id,
        name: user.name,
        color: user.color,
        clients: [],
        caret: null
      }
      person.clients.push(client)
      if (cursor) person.caret = client
      people.set(user.id, person)
    }
    return [...people.values()].sort((a, b) => Math.min(...a.clients) - Math.min(...b.clients))
  }
}
