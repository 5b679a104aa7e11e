// The strip above the past: what is shown, whose it is, and what one can do with it.

import { h, icon, iconButton } from '../dom.js'
import { nameOf } from './authors.js'

/** Dots without names. */
const MOST = 6

const dot = (author, authors, tip = null) => {
  const element = h('span', { class: 'dot', 'data-tip': tip })
  element.style.setProperty('--by', authors.color(author))
  return element
}

/** Authors as dots, the first `most` of them with names; `words(author)` follow the name. */
export function people(list, authors, words = () => '', most = 3) {
  const named = list
    .slice(0, most)
    .map((author) =>
      h('span', { class: 'by' }, dot(author, authors), h('span', {}, nameOf(author), words(author)))
    )
  const rest = list.slice(most)
  if (rest.length === 0) return named
  const dots = rest.slice(0, MOST).map((one) => dot(one, authors, `${nameOf(one)}${words(one)}`))
  const more = h('span', { class: 'by' }, dots, h('span', {}, `+${rest.length}`))
  more.dataset.tip = rest.map((one) => `${nameOf(one)}${words(one)}`).join(', ')
  return [...named, more]
}

// A narrow page has room for the short word only.
const button = (name, [label, short], run, props = {}) =>
  h(
    'button',
    { type: 'button', class: 'button', onclick: run, 'aria-label': label, ...props },
    icon(name),
    h('span', { class: 'long' }, label),
    h('span', { class: 'short' }, short)
  )

export class Banner {
  element
  #title = h('h2', { class: 'past-title' })
  #by = h('p', { class: 'past-by' })
  #count = h('span', { class: 'past-count' })
  #steps
  #toggle
  #who
  #restore
  #fixed = false
  #versions
  #authors

  /**
   * `acts`: { step(by), toggle(), who(), restore(), copy(), versions(), close() }.
   */
  constructor(acts, authors) {
    this.#authors = authors
    this.#steps = h(
      'div',
      { class: 'past-steps', role: 'group', 'aria-label': 'Changes' },
      iconButton('up', 'Previous change', { onclick: () => acts.step(-1), 'data-keys': 'p' }),
      this.#count,
      iconButton('down', 'Next change', { onclick: () => acts.step(1), 'data-keys': 'n' })
    )
    this.#toggle = button('eye', ['Hide changes', 'Hide'], acts.toggle, { 'data-keys': 'c' })
    this.#who = button('person', ['Who wrote this', 'Who wrote'], acts.who, { 'data-keys': 'w' })
    this.#restore = button(
      'restore',
      ['Restore this version', 'Restore'],
      () => this.#fixed || acts.restore(),
      {
        class: 'button primary'
      }
    )
    this.#versions = iconButton('list', 'Versions', {
      onclick: acts.versions,
      class: 'icon-button narrow-only'
    })
    const icons = [
      acts.copy && iconButton('link', 'Copy link', { onclick: acts.copy }),
      this.#versions,
      iconButton('close', 'Back to the document', { onclick: acts.close, 'data-keys': 'Esc' })
    ]
    this.element = h(
      'section',
      { class: 'past-banner', 'aria-label': 'What is shown' },
      h('div', { class: 'past-what' }, this.#title, this.#by),
      h('div', { class: 'past-actions' }, this.#steps, this.#toggle, this.#who, this.#restore),
      h('div', { class: 'past-icons' }, icons)
    )
  }

  /**
   * Say what is shown: { title, star, people: [author], words(author), count, mode, here, why,
   * writes }. `count` of changes is null where none are shown; `here` says that this is the present;
   * `why` it cannot be restored; `writes` whether one may do that at all.
   */
  show({ title, star, people: list, words, count, mode, here, why, writes }) {
    this.element.classList.remove('blank')
    this.#title.replaceChildren(star ? icon('starred') : '', title)
    this.#by.replaceChildren(...people(list, this.#authors, words, 2))
    this.#steps.hidden = count === null
    this.#count.textContent = count === 1 ? '1 change' : `${count} changes`
    for (const step of this.#steps.querySelectorAll('button')) step.disabled = !count
    this.#word(mode === 'plain' ? 'Show' : 'Hide')
    this.#toggle.hidden = mode === 'who'
    this.#who.setAttribute('aria-pressed', String(mode === 'who'))
    const reason = here ? 'This is how the document is now' : why
    this.#fixed = Boolean(reason)
    this.#restore.hidden = !writes
    this.#restore.setAttribute('aria-disabled', String(this.#fixed))
    if (reason) this.#restore.dataset.tip = reason
    else delete this.#restore.dataset.tip
  }

  #word(word) {
    const [, long, short] = this.#toggle.childNodes
    long.textContent = `${word} changes`
    short.textContent = word
    this.#toggle.setAttribute('aria-label', long.textContent)
  }

  /** Where one is after the list was put away. */
  focus() {
    this.#versions.focus()
  }

  /** Nothing is shown that one could do anything with. */
  blank(title) {
    this.element.classList.add('blank')
    this.#title.replaceChildren(title)
    this.#by.replaceChildren()
  }

  busy(on) {
    this.#restore.setAttribute('aria-busy', String(on))
  }
}
