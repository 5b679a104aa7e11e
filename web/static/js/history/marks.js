// Marks what came and went in a drawing of the past: in its author's colour, as <ins> and <del>, and
// on hover and focus in words, who and when. One Marks for one drawing.

import { h, showIn } from '../dom.js'
import { inkOn } from '../identity.js'
import { longSpan } from './moments.js'
import { nameOf } from './authors.js'

const DID = { inserted: 'wrote this', deleted: 'deleted this' }

/** A stretch longer than this is too coarse to say when: the single edits are asked for. */
const COARSE = 60_000

export class Marks {
  #stretches
  #authors
  #newest
  #drawn = false
  #rows

  /**
   * `stretches` are those of the difference; `newest` is the edit that gets a caret with its
   * author's name, or null; `rows(first, last)` tells of single edits.
   */
  constructor({ stretches = [], authors, newest = null, rows }) {
    this.#stretches = stretches
    this.#authors = authors
    this.#newest = newest
    this.#rows = rows
  }

  /** A key that two runs share, or things made of runs, if they look the same. */
  key(run) {
    return JSON.stringify(run, (name, value) => {
      if (name === 'by') return this.#stretches[value]?.author ?? value
      if (name === 'since') return undefined
      if (name === 'last') return value === this.#newest || undefined
      return value
    })
  }

  /** `nodes` of a run, as they came or went; as they are where they were kept. */
  change(run, nodes) {
    if (run.state === 'kept') return nodes
    const element = h(run.state === 'inserted' ? 'ins' : 'del', { class: 'change' }, nodes)
    element.dataset.run = `${run.state} ${run.first}`
    this.#say(element, run, run.state)
    return element
  }

  /** An element that came or went as a whole: `alone` if there is no text in it to say so. */
  block(run, element, alone) {
    if (run.state === 'kept') return element
    element.classList.add(run.state === 'inserted' ? 'came' : 'went')
    if (alone) {
      element.classList.add('change')
      this.#say(element, run, run.state)
    } else this.#paint(element, run)
    return element
  }

  /** An element that `run` made look otherwise; `what` in words, "turned Heading 1 to 2". */
  turned(run, element, what) {
    element.classList.add('turned', 'change')
    this.#say(element, run, what)
    return element
  }

  /** Text that `run` gave other formats; `what` in words, "added bold". */
  restyled(run, nodes, what) {
    const element = h('span', { class: 'restyled change' }, nodes)
    element.dataset.run = `restyled ${run.first}`
    this.#say(element, run, what)
    return element
  }

  /** The caret behind a run that holds the newest edit, else nothing. */
  caret(run) {
    if (this.#drawn || run.last !== this.#newest || run.state === 'kept') return null
    this.#drawn = true
    const { author } = this.#stretches[run.by]
    const name = h('span', { class: 'caret-name' }, nameOf(author))
    const caret = h('span', { class: 'caret fresh', 'aria-hidden': 'true' }, name)
    const color = this.#authors.color(author)
    caret.style.setProperty('--caret', color)
    caret.style.setProperty('--caret-ink', inkOn(color))
    return caret
  }

  #paint(element, run) {
    element.style.setProperty('--by', this.#authors.color(this.#stretches[run.by].author))
  }

  #say(element, run, did) {
    this.#paint(element, run)
    const { author, ended } = this.#stretches[run.by]
    const { began } = this.#stretches[run.since ?? run.by]
    const words = (from, to) => `${nameOf(author)} ${DID[did] ?? did} · ${longSpan(from, to)}`
    const tell = (tip) => {
      element.dataset.tip = tip
      element.setAttribute('aria-description', tip)
    }
    tell(words(began, ended))
    if (ended - began <= COARSE || run.last - run.first > 900) return
    const look = async () => {
      const rows = await this.#rows(run.first, run.last).catch(() => [])
      if (rows.length > 0) tell(words(rows[0].time, rows.at(-1).time))
    }
    for (const event of ['pointerenter', 'focus'])
      element.addEventListener(event, look, { once: true })
  }
}

/** The changes of a drawing, to go through by keyboard: one tab stop for all of them. */
export class Changes {
  all = []
  #at = -1
  #scroller

  /** `scroller` holds all drawings, and scrolls. */
  constructor(scroller) {
    this.#scroller = scroller
    // A finger does not hover.
    scroller.addEventListener('click', ({ target, pointerType }) => {
      const element = pointerType === 'touch' && target.closest('.change')
      if (!element) return
      element.blur()
      element.focus({ preventScroll: true, focusVisible: true })
    })
    scroller.addEventListener('focusin', ({ target }) => {
      const at = this.all.indexOf(target.closest('.change'))
      if (at >= 0) this.#stop(at)
    })
  }

  /** Look what changes there are now. A run in many lines is one. */
  refresh() {
    const run = (element) => element.dataset.run ?? element
    this.all = [...this.#scroller.querySelectorAll('.change')].filter(
      (element, at, list) =>
        element.parentElement.closest('.change') === null &&
        (at === 0 || run(list[at - 1]) !== run(element))
    )
    this.#at = this.all.indexOf(this.#scroller.getRootNode().activeElement)
    for (const element of this.all) element.tabIndex = -1
    if (this.all.length > 0) this.all[Math.max(0, this.#at)].tabIndex = 0
  }

  #stop(at) {
    this.all[Math.max(0, this.#at)].tabIndex = -1
    this.#at = at
    this.all[at].tabIndex = 0
  }

  /** Go to the next (1) or the previous (-1) change, round and round. */
  step(by) {
    if (this.all.length === 0) return
    const at = (this.#at < 0 && by < 0 ? 0 : this.#at) + by
    const next = (at + this.all.length) % this.all.length
    this.#stop(next)
    this.all[next].focus({ preventScroll: true, focusVisible: true })
    showIn(this.#scroller, this.all[next])
  }

  /** Scroll to the first change, unless one is to be seen. */
  reveal() {
    const box = this.#scroller.getBoundingClientRect()
    const seen = ({ top, bottom }) => bottom > box.top + 8 && top < box.bottom - 8
    if (this.all.some((element) => seen(element.getBoundingClientRect()))) return
    if (this.all.length > 0) showIn(this.#scroller, this.all[0])
  }
}
