// The list beside the past: by day, who wrote when and how much, and the named versions. Tells what
// was chosen, and asks for names; knows no server.

import { count, h, icon, iconButton, showIn } from '../dom.js'
import { openMenu } from '../menu.js'
import { clockRange, clockTime, dayName } from '../time.js'
import { people } from './banner.js'
import { entryAt, labelOf } from './moments.js'

const STEPS = { ArrowDown: 1, ArrowUp: -1 }

export class Panel {
  element
  /** Whether only named versions are listed. */
  onlyNamed = false
  #acts
  #authors
  #list = h('div', { class: 'past-list' })
  #only
  #naming
  #rights = null
  #shown = { entries: [], whole: true, seq: null, head: 0 }

  /**
   * `acts`: { choose(entry, far), filter(), more(), name(seq), rename(version), unname(version),
   * restore(seq), takeBack(entry, author), compare(entry), copy(entry), close() }.
   */
  constructor(acts, authors) {
    this.#acts = acts
    this.#authors = authors
    this.#only = h(
      'button',
      { type: 'button', class: 'switch', role: 'switch', 'aria-checked': 'false' },
      h('span', { class: 'knob' }),
      'Only named'
    )
    this.#only.addEventListener('click', () => {
      this.onlyNamed = !this.onlyNamed
      this.#only.setAttribute('aria-checked', String(this.onlyNamed))
      acts.filter()
    })
    const name = h(
      'button',
      { type: 'button', class: 'button', onclick: () => acts.name() },
      icon('star'),
      h('span', {}, 'Name this version')
    )
    this.element = h(
      'aside',
      { class: 'past-panel', 'aria-label': 'Versions' },
      h(
        'header',
        { class: 'past-head' },
        h('h2', {}, 'History'),
        this.#only,
        iconButton('close', 'Close the list', {
          class: 'icon-button narrow-only',
          onclick: acts.close
        })
      ),
      this.#list,
      (this.#naming = h('footer', { class: 'past-naming' }, name))
    )
    this.#list.addEventListener('keydown', (event) => this.#rove(event))
  }

  /** `rights.may(level)` says what is offered. */
  allow(rights) {
    this.#rights = rights
    this.#naming.hidden = !rights.may('comment')
  }

  /**
   * List entries (see moments.js), newest first; `whole` says that there are no older ones, `head`
   * is the last edit.
   */
  show(entries, whole, head) {
    const { activeElement } = this.#list.getRootNode()
    const focus = this.#list.contains(activeElement)
      ? activeElement.closest('[data-last]')?.dataset.last
      : null
    const top = this.#list.scrollTop
    const nodes = []
    let day = null
    for (const entry of entries) {
      const own = dayName(entry.ended)
      if (own !== day) {
        day = own
        nodes.push(h('h3', {}, day), h('ul', {}))
      }
      nodes.at(-1).append(this.#row(entry))
    }
    if (nodes.length === 0) nodes.push(this.#nothing())
    if (!whole && !this.onlyNamed) nodes.push(this.#older())
    this.#list.replaceChildren(...nodes)
    this.#list.scrollTop = top
    Object.assign(this.#shown, { entries, whole, head })
    this.mark(this.#shown.seq)
    if (focus !== null && focus !== undefined)
      this.#list.querySelector(`[data-last="${focus}"] .past-entry`)?.focus()
  }

  #nothing() {
    return h(
      'p',
      { class: 'past-none' },
      this.onlyNamed
        ? 'No version has a name yet. Names make a moment easy to find again.'
        : 'Nobody has written anything yet. Every edit will be listed here.'
    )
  }

  #older() {
    const button = h('button', { type: 'button', class: 'button quiet older' }, 'Show older')
    button.addEventListener('click', () => this.#acts.more())
    new IntersectionObserver(([{ isIntersecting }], observer) => {
      if (!isIntersecting) return
      observer.disconnect()
      if (button.isConnected) this.#acts.more()
    }).observe(button)
    return button
  }

  #row(entry) {
    const time = clockRange(entry.began, entry.ended)
    const named = entry.versions.length > 0
    const names = entry.versions.map(labelOf).join(', ')
    const edits = count(entry.last - entry.first + 1, 'edit')
    // With the mouse one goes somewhere, with the keys one only passes by.
    const choose = ({ detail }) => this.#acts.choose(entry, detail > 0)
    const button = h(
      'button',
      { type: 'button', class: 'past-entry', tabindex: '-1', onclick: choose },
      h('span', { class: 'when' }, named && icon('starred'), h('span', {}, named ? names : time)),
      h(
        'span',
        { class: 'whose' },
        named && h('span', {}, clockTime(entry.ended)),
        people(entry.authors, this.#authors),
        h('span', { class: 'edits' }, edits)
      )
    )
    const more = iconButton('more', `More about ${named ? names : time}`, {
      class: 'icon-button small',
      tabindex: '-1',
      'aria-haspopup': 'menu',
      'aria-expanded': 'false',
      'data-tip': null
    })
    more.addEventListener('click', () => openMenu(more, this.#menu(entry), 'Version'))
    return h('li', { class: named ? 'named' : null, 'data-last': String(entry.last) }, button, more)
  }

  #menu(entry) {
    const acts = this.#acts
    const own = entry.versions.flatMap((version) => [
      {
        icon: 'pencil',
        label: `Rename \u201c${labelOf(version)}\u201d`,
        run: () => acts.rename(version)
      },
      {
        icon: 'trash',
        label: `Take the name \u201c${labelOf(version)}\u201d away`,
        danger: true,
        run: () => acts.unname(version)
      }
    ])
    const naming = [
      { icon: 'star', label: 'Name this version', run: () => acts.name(entry.last) },
      ...own,
      null
    ]
    const over = [
      { icon: 'columns', label: 'Compare with now', run: () => acts.compare(entry) },
      { icon: 'restore', label: 'Restore this version', run: () => acts.restore(entry.last) }
    ]
    // What nobody signed is not undone by author: it may be of several.
    const undo = entry.authors.filter(Boolean).flatMap((name) => [
      {
        icon: 'undo',
        label: `Undo the edits of ${name}`,
        run: () => acts.takeBack(entry, name)
      },
      this.#hasMore(name, entry) && {
        icon: 'undo',
        label: `Undo all that ${name} ever did`,
        run: () => acts.takeBack({ first: 1, last: this.#shown.head }, name)
      }
    ])
    const may = (level) => this.#rights.may(level)
    const items = [
      ...(may('comment') ? naming : []),
      ...(entry.last < this.#shown.head ? over.slice(0, may('write') ? 2 : 1) : []),
      ...(may('write') ? undo : []),
      acts.copy && { icon: 'link', label: 'Copy link', run: () => acts.copy(entry) }
    ]
    return items.filter((item) => item !== false)
  }

  // Whether an author may have written outside of an entry, too: a run does not end with one.
  #hasMore(name, entry) {
    const { entries, whole } = this.#shown
    return !whole || entries.some((it) => it.last !== entry.last && it.authors.includes(name))
  }

  focus() {
    this.#list.querySelector('[tabindex="0"]')?.focus()
  }

  /** Mark the entry that a moment belongs to. */
  mark(seq) {
    this.#shown.seq = seq
    const entry = entryAt(this.#shown.entries, seq)
    const rows = [...this.#list.querySelectorAll('[data-last]')]
    const now = rows.find(({ dataset }) => dataset.last === String(entry?.last))
    for (const row of rows) {
      const [button] = row.children
      button.tabIndex = row === (now ?? rows[0]) ? 0 : -1
      row.lastChild.tabIndex = button.tabIndex
      if (row === now) button.setAttribute('aria-current', 'true')
      else button.removeAttribute('aria-current')
    }
    if (now) showIn(this.#list, now, true)
  }

  // Up and down go from entry to entry, and what one comes to is shown.
  #rove(event) {
    const rows = [...this.#list.querySelectorAll('.past-entry')]
    const at = rows.indexOf(this.#list.getRootNode().activeElement)
    const to = { Home: 0, End: rows.length - 1 }[event.key] ?? at + (STEPS[event.key] ?? NaN)
    if (at < 0 || !rows[to]) return
    event.preventDefault()
    rows[to].focus()
    rows[to].click()
  }
}
