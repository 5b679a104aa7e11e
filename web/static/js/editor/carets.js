// Draws other people's carets, the same in every editor: a line in their colour with a name flag
// that shows while they move, on hover, and when one jumps to them. The editors place the elements;
// this file makes and refreshes them.

import { h } from '../dom.js'
import { inkOn } from '../identity.js'

const FLAG = 2600

export class Carets {
  #presence
  #fresh = new Map()
  #last = new Map()
  #around

  /** `around` is the document or the shadow root that the editor is in. */
  constructor(presence, around = document) {
    this.#presence = presence
    this.#around = around
    presence.on('change', ({ added, updated, removed }) => {
      for (const client of removed) this.#last.delete(client)
      const states = presence.getStates()
      for (const client of [...added, ...updated])
        if (client !== presence.clientID) this.#look(client, states.get(client))
    })
  }

  /** The element for a client's caret. */
  element({ client, name, color }) {
    const caret = h(
      'span',
      {
        class: this.#fresh.has(client) ? 'caret fresh' : 'caret',
        'data-client': client,
        contenteditable: 'false'
      },
      h('span', { class: 'caret-name' }, name)
    )
    paint(caret, color)
    return caret
  }

  /** Show the name flag for a moment. */
  flag(client) {
    clearTimeout(this.#fresh.get(client))
    this.#fresh.set(
      client,
      setTimeout(() => {
        this.#fresh.delete(client)
        this.#mark(client)
      }, FLAG)
    )
    // The editors redraw in this turn; their elements are there in the next frame.
    requestAnimationFrame(() => this.#mark(client))
  }

  #look(client, state) {
    const now = JSON.stringify(state?.cursor ?? null)
    if (this.#last.get(client) !== now && state?.cursor) this.flag(client)
    this.#last.set(client, now)
    for (const caret of this.#find(client)) {
      caret.firstChild.textContent = state?.user.name ?? ''
      if (state) paint(caret, state.user.color)
    }
  }

  #find(client) {
    return this.#around.querySelectorAll(`.caret[data-client="${client}"]`)
  }

  #mark(client) {
    for (const caret of this.#find(client)) {
      caret.classList.toggle('fresh', this.#fresh.has(client))
      caret.classList.toggle('flip', leavesPage(caret))
    }
  }
}

// At the right edge the flag hangs to the left.
function leavesPage(caret) {
  const box = caret.closest('.tableWrapper, .cm-scroller, .page')?.getBoundingClientRect()
  return (
    box !== undefined &&
    caret.getBoundingClientRect().left + caret.firstChild.offsetWidth > box.right
  )
}

function paint(caret, color) {
  caret.style.setProperty('--caret', color)
  caret.style.setProperty('--caret-ink', inkOn(color))
}
