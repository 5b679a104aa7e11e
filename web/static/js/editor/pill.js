// The state pill: says at a glance whether the edits are safe, and on a press how it knows. Words
// come from saved.js.

import { byId, h, icon } from '../dom.js'
import { openPanel } from '../menu.js'
import { clockTime } from '../time.js'
import { describe } from './saved.js'

const ICONS = {
  opening: 'loader',
  saved: 'check',
  saving: 'loader',
  stuck: 'alert',
  offline: 'offline',
  view: 'lock',
  closed: 'lock'
}

/**
 * Good news may come a moment late, bad news may not: it keeps the pill calm while somebody types.
 */
const CALM = 350

// Screen readers hear changes of kind, not every number.
const SPOKEN = new Set(['offline', 'stuck', 'view', 'closed'])

export class Pill {
  #session
  #button = h('button', {
    type: 'button',
    class: 'pill',
    'aria-haspopup': 'dialog',
    'aria-expanded': 'false'
  })
  #shown = {}
  #timer = null
  #panel = null
  viewOnly = false

  constructor(session, place) {
    this.#session = session
    this.#button.addEventListener('click', () => this.#open())
    place.append(this.#button)
    session.onChange(() => this.update())
  }

  /** Show the state as it is now. */
  update() {
    const next = describe(this.#session, this.viewOnly)
    clearTimeout(this.#timer)
    if (next.state === 'saved' && this.#shown.state === 'saving')
      this.#timer = setTimeout(() => this.#draw(describe(this.#session, this.viewOnly)), CALM)
    else this.#draw(next)
  }

  #draw(next) {
    const before = this.#shown
    if (['text', 'state', 'detail', 'via'].every((part) => before[part] === next[part])) return
    this.#shown = next
    this.#button.dataset.state = next.state
    const sign = before.state === next.state ? this.#button.firstChild : icon(ICONS[next.state])
    if (ICONS[next.state] === 'loader') sign.classList.add('spin')
    this.#button.replaceChildren(
      sign,
      h('span', { class: 'long' }, next.text),
      h('span', { class: 'short', 'aria-hidden': 'true' }, next.short ?? next.text),
      next.via ? h('span', { class: 'via' }, `⇄ ${next.via}`) : ''
    )
    this.#button.setAttribute('aria-label', next.via ? `${next.text}, by ${next.via}` : next.text)
    if (next.reason) this.#button.dataset.tip = next.reason
    else delete this.#button.dataset.tip
    if (SPOKEN.has(next.state) || SPOKEN.has(before.state))
      byId('announce').textContent = next.reason ? `${next.text}. ${next.reason}` : next.text
    this.#panel?.element.querySelector('.pill-panel')?.replaceWith(this.#details())
  }

  #open() {
    this.#panel = openPanel(this.#button, this.#details(), {
      label: 'State of this document',
      focus: false,
      onclose: () => {
        this.#panel = null
      }
    })
  }

  #details() {
    const { state, text, detail, via } = this.#shown
    const { lastSaved } = this.#session.facts
    const retry = h(
      'button',
      { type: 'button', class: 'button', onclick: () => this.#session.retry() },
      icon('refresh'),
      'Try now'
    )
    return h(
      'div',
      { class: 'pill-panel' },
      h('h2', {}, text),
      h('p', {}, detail),
      via ? h('p', {}, 'WebSocket is blocked on the way to the server: edits go by HTTP.') : null,
      state === 'saved' && lastSaved ? h('p', {}, `Since ${clockTime(lastSaved)}.`) : null,
      state === 'offline' ? retry : null
    )
  }
}
