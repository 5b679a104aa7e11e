// The drawing of a moment or a difference in the page, instead of the live editor: asks the past
// for it, one at a time and always the latest that is wanted, and draws it.

import { h, icon, showIn } from '../dom.js'
import { drawRich } from './draw-rich.js'
import { drawText } from './draw-text.js'
import { Changes, Marks } from './marks.js'
import { patch } from './rows.js'
import { asPart, joined, sharesOf, textOf } from './runs.js'

export class View {
  element = h('main', {
    class: 'past-view',
    'aria-busy': 'true',
    'aria-label': 'The document as it was',
    tabindex: '-1'
  })
  changes = new Changes(this.element)
  #past
  #authors
  #look
  #page = null
  #holder
  #rows = []
  #wanted = null
  #chase = null

  /** `look`: { kind, root, language() } of the document: see drawText(). */
  constructor(past, authors, look) {
    this.#past = past
    this.#authors = authors
    this.#look = look
  }

  /**
   * Draw a target { from, to, mode, newest }; resolves to what the server said of the last one
   * that was wanted, as { said, shares }, or throws what it threw. `shares` are those of the authors.
   */
  async show(target) {
    this.#wanted = target
    this.#chase ??= this.#follow().finally(() => {
      this.#chase = null
    })
    return this.#chase
  }

  async #follow() {
    let said = null
    let target = null
    while (target !== this.#wanted) {
      target = this.#wanted
      const { from, to } = target
      const slow = setTimeout(() => this.element.setAttribute('aria-busy', 'true'), 250)
      try {
        said = await (from === null ? this.#past.moment(to) : this.#past.difference(from, to))
      } catch (error) {
        if (target === this.#wanted) throw error
      } finally {
        clearTimeout(slow)
      }
    }
    this.element.setAttribute('aria-busy', 'false')
    return { said, shares: this.#draw(target, said) }
  }

  #draw(target, said) {
    const marks = new Marks({
      stretches: said.stretches,
      authors: this.#authors,
      newest: target.newest ? target.to : null,
      rows: (first, last) => this.#past.rows(first, last)
    })
    const { kind, root, language } = this.#look
    const { roots, stretches } = said
    const part = roots?.[root] ? joined(roots[root], stretches) : asPart(said.content?.[root] ?? '')
    const rows =
      kind === 'rich' ? drawRich(part, marks) : drawText(part, marks, language(textOf(part)))
    this.#put(rows, target)
    this.changes.refresh()
    const caret = target.newest ? this.#page.querySelector('.caret') : null
    if (caret) showIn(this.element, caret, true)
    else if (!target.newest && target.mode === 'changes') this.changes.reveal()
    return sharesOf(part, stretches)
  }

  // Draw the rows where the last drawing is another one.
  #put(rows, { mode }) {
    const { kind } = this.#look
    if (this.#page === null) {
      this.#holder = h('div', { class: kind === 'rich' ? 'prose' : `past-lines ${kind}` })
      this.#page = h('div', {}, this.#holder)
      this.#rows = []
      const top = this.element.scrollTop
      this.element.replaceChildren(this.#page)
      this.element.scrollTop = top
    }
    this.#page.className = `sheet past ${kind} ${mode}`
    this.#rows = patch(this.#holder, this.#rows, rows)
    const text = this.#holder.textContent !== ''
    const empty = !text && !this.#holder.querySelector('hr, table, li, .change')
    this.#holder.hidden = empty
    this.#page.querySelector('.nothing')?.remove()
    if (empty) this.#page.append(blank())
  }

  /** Say something instead of a drawing. */
  tell(name, title, words, ...choices) {
    this.#page = null
    this.changes.all = []
    this.element.setAttribute('aria-busy', 'false')
    this.element.replaceChildren(
      h(
        'section',
        { class: 'notice' },
        h('span', { class: 'badge' }, icon(name)),
        h('h2', {}, title),
        h('p', {}, words),
        h('div', { class: 'choices' }, choices)
      )
    )
  }

  /** Paper without words, until something comes. */
  wait() {
    this.#page = null
    this.element.setAttribute('aria-busy', 'true')
    this.element.replaceChildren(
      h(
        'div',
        { class: 'sheet opening', 'aria-hidden': 'true' },
        h('span'),
        h('span'),
        h('span'),
        h('span')
      )
    )
  }
}

const blank = () => h('p', { class: 'nothing' }, 'Nothing was in it at this moment.')
