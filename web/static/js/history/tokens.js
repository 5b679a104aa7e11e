// Cuts the runs of a text where the highlighting of its language changes, so that old source is as
// colourful as the live one. Pure.

import { highlight } from '../editor/highlight.js'

/** A text longer than this stays plain: it is drawn many times while one plays it. */
const LONGEST = 60_000

const OBJECT = '\ufffc'

/** What a run of a text shows: an object in it is one sign. */
const signs = ({ value }) => (typeof value === 'string' ? value : OBJECT.repeat(value.length))

function* cut(text, start, tokens) {
  let from = 0
  while (from < text.length) {
    while (tokens.length > 0 && tokens[0][1] <= start + from) tokens.shift()
    const [begin, end, name] = tokens[0] ?? [Infinity, Infinity, '']
    const inside = begin <= start + from
    const to = Math.min(text.length, (inside ? end : begin) - start)
    yield { text: text.slice(from, to), name: inside ? name : '' }
    from = to
  }
}

/**
 * [{ run, pieces: [{ text, name }] }]: the runs of a text with the classes of their tokens.
 * `language` as in highlight(), null for none. What was deleted has no colours.
 */
export function coloured(runs, language) {
  const there = runs
    .filter(({ state }) => state !== 'deleted')
    .map(signs)
    .join('')
  const known = language !== null && there.length <= LONGEST
  const tokens = known ? highlight(there, language) : []
  let at = 0
  return runs.map((run) => {
    const text = signs(run)
    if (run.state === 'deleted') return { run, pieces: [{ text, name: '' }] }
    const pieces = [...cut(text, at, tokens)]
    at += text.length
    return { run, pieces }
  })
}
