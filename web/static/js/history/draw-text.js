// Draws a moment of a text, or a difference, line by line as the text editor shows it: numbered
// where that one numbers, with the colours of its language.

import { h } from '../dom.js'
import { withoutTwins } from './moves.js'
import { coloured } from './tokens.js'

const RETURN = '\u21b5'

/** Gathers lines as rows: see rows.js. */
class Lines {
  rows = []
  #parts = []
  #number = 1
  #shown = false
  #there = false
  #marks

  constructor(marks) {
    this.#marks = marks
  }

  /** The part of a run that is in one line; `pieces` may be none. */
  add(run, pieces) {
    this.#parts.push({ run, pieces })
    if (run.state !== 'deleted' && pieces.length > 0) this.#there = true
  }

  /** The line is over; `stays` if its end is there now, and not only before. */
  end(stays, last = false) {
    const counts = !this.#shown && (this.#there || stays || last)
    const [parts, number] = [this.#parts, counts ? String(this.#number) : '']
    this.rows.push({
      key: parts.map(({ run, pieces }) => this.#marks.key([run, pieces])).join(),
      make: () => [this.#line(parts)],
      place: ([line]) => line.firstChild.setAttribute('data-number', number)
    })
    if (counts) this.#shown = true
    if (stays) {
      this.#number++
      this.#shown = false
    }
    this.#parts = []
    this.#there = false
  }

  #line(parts) {
    const number = h('span', { class: 'past-number' })
    return h(
      'div',
      { class: 'past-line' },
      number,
      h(
        'span',
        { class: 'past-words' },
        parts.map((part) => this.#part(part))
      )
    )
  }

  #part({ run, pieces }) {
    const nodes = pieces.map(({ text, name }) => (name ? h('span', { class: name }, text) : text))
    const drawn = this.#marks.change(run, nodes)
    return [drawn, run.ends ? this.#marks.caret(run) : null]
  }
}

// The pieces of a run, line by line: [[piece, ...], ...].
function linesOf(pieces) {
  const lines = [[]]
  for (const { text, name } of pieces)
    text.split('\n').forEach((words, at) => {
      if (at > 0) lines.push([])
      if (words !== '') lines.at(-1).push({ text: words, name })
    })
  return lines
}

// What a key says of a run: not its text, which the pieces have.
const bare = ({ value: _, ...run }, ends) => ({ ...run, ends })

/** A text as rows, line by line. `language` is one of highlight(), or null. */
export function drawText(part, marks, language) {
  const lines = new Lines(marks)
  for (const { run, pieces } of coloured(withoutTwins(part?.runs ?? []), language)) {
    const own = linesOf(pieces)
    own.forEach((words, at) => {
      const ends = at < own.length - 1
      const gone = ends && run.state === 'deleted'
      if (gone) words = [...words, { text: RETURN, name: 'sign' }]
      const shown = words.length > 0 || (ends && run.state === 'inserted')
      if (shown || (!ends && run.state !== 'kept')) lines.add(bare(run, !ends), words)
      if (ends) lines.end(!gone)
    })
  }
  lines.end(false, true)
  return lines.rows
}
