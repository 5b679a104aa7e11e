// Finds text that only changed its paragraph. To the editor, Enter in the middle of a paragraph
// deletes the rest and writes it anew, and a paragraph that becomes a heading is another one; to
// people the words are the same. Pure.

import { textOf } from './runs.js'

const textIn = (run) => textOf({ runs: [run] })
const settle = (run) => ({ ...run, state: 'kept', before: run.after })
const inner = (run) => (typeof run.value === 'string' ? undefined : run.value.at(-1)?.part)

/**
 * Whether two neighbours say the same in another form, such as a paragraph that became a heading:
 * one was deleted and the other inserted.
 */
function reshaped(one, other) {
  if (other === undefined || typeof one.value === 'string' || typeof other.value === 'string')
    return false
  const states = [one.state, other.state].sort().join()
  return states === 'deleted,inserted' && textIn(one) !== '' && textIn(one) === textIn(other)
}

// What a part was, without what was inserted, or is, without what was deleted.
function shape(part, without) {
  const there = (runs) => runs.filter(({ state }) => state !== without)
  const formats = ({ before, after }) => (without === 'deleted' ? after : before)
  return [
    part.tag,
    Object.entries(part.entries).map(([key, own]) => [key, there(own).map(({ value }) => value)]),
    there(part.runs).map((run) =>
      typeof run.value === 'string'
        ? [run.value, formats(run)]
        : run.value.map((one) => (one?.part ? shape(one.part, without) : one))
    )
  ]
}

// Whether what went and what came are alike in every way.
const alike = (gone, come) =>
  gone?.part !== undefined &&
  come?.part !== undefined &&
  JSON.stringify(shape(gone.part, 'inserted')) === JSON.stringify(shape(come.part, 'deleted'))

/** The runs of a text, in which what was deleted and written again at the same place is kept. */
export function withoutTwins(runs) {
  const found = []
  for (const run of runs) {
    const last = found.at(-1)
    const [gone, come] = last?.state === 'deleted' ? [last, run] : [run, last]
    const twins = gone.state === 'deleted' && come?.state === 'inserted'
    if (twins && typeof gone.value === 'string' && gone.value === come.value)
      found[found.length - 1] = { ...settle(come), before: gone.before }
    else found.push(run)
  }
  return found
}

/** A part as if its first `left.size` characters, and itself, had always been there. */
export function settled(part, left = { size: Infinity }) {
  const runs = part.runs.flatMap((run) => {
    if (typeof run.value !== 'string') {
      const value = run.value.map((one) => (one?.part ? { part: settled(one.part, left) } : one))
      return left.size === Infinity && run.state === 'deleted' ? [] : [{ ...settle(run), value }]
    }
    if (run.state === 'deleted') return left.size === Infinity ? [] : [run]
    const cut = Math.min(left.size, run.value.length)
    left.size -= cut
    const pieces = [
      { ...settle(run), value: run.value.slice(0, cut) },
      { ...run, value: run.value.slice(cut) }
    ]
    return pieces.filter(({ value }) => value !== '')
  })
  const entries = Object.entries(part.entries)
    .filter(([, own]) => own.at(-1).state !== 'deleted')
    .map(([key, own]) => [key, [settle(own.at(-1))]])
  return { ...part, runs, entries: Object.fromEntries(entries) }
}

// What came, or went, at the end of a part: its text, and the part with that settled, or without it.
function tail(part, state) {
  const runs = [...part.runs]
  const back = []
  let text = ''
  while (typeof runs.at(-1)?.value === 'string' && runs.at(-1).state === state) {
    const run = runs.pop()
    text = run.value + text
    if (state === 'inserted') back.unshift(settle(run))
  }
  const last = runs.at(-1)
  const deeper = last && back.length === 0 && text === '' ? inner(last) : undefined
  if (deeper) {
    const [more, cut] = tail(deeper, state)
    text = more
    runs[runs.length - 1] = { ...last, value: [...last.value.slice(0, -1), { part: cut }] }
  }
  return [text, { ...part, runs: [...runs, ...back] }]
}

// Two neighbours as one paragraph that was split, or two that were joined, or null.
function moved(one, other) {
  const [first, second] = [inner(one), inner(other)]
  if (one.state !== 'kept' || !first || second?.kind !== 'element') return null
  if (other.state === 'inserted') {
    const [text, rest] = tail(first, 'deleted')
    if (text.trim() === '' || !textOf(second).startsWith(text)) return null
    const part = settled(second, { size: text.length })
    const apart = {
      ...other,
      state: 'kept',
      value: [{ part }],
      turn: [other, 'began a new paragraph']
    }
    return [{ ...one, value: [{ part: rest }] }, apart]
  }
  if (other.state !== 'deleted') return null
  const [text, whole] = tail(first, 'inserted')
  if (text.trim() === '' || textOf(second, 'inserted') !== text) return null
  return [{ ...one, value: [{ part: whole }], turn: [other, 'joined two paragraphs'] }]
}

// Two neighbours, of which one was deleted and says the same, as what is there now.
function inNewForm(one, other) {
  const [gone, come] = one.state === 'deleted' ? [one, other] : [other, one]
  const paired = gone.value.length === come.value.length
  return come.value.map((value, at) => ({
    ...settle(come),
    value: [value?.part ? { part: settled(value.part) } : value],
    turn: paired && alike(gone.value[at], value) ? undefined : [come, 'gave it another form']
  }))
}

/**
 * The runs of a list, one value each, in which text that only moved is kept: `turn` [run, words] is
 * then whose doing it was.
 */
export function withoutMoves(runs) {
  const found = []
  for (let at = 0; at < runs.length; at++) {
    const run = runs[at]
    if (reshaped(run, runs[at + 1])) {
      found.push(...inNewForm(run, runs[++at]))
    } else if (typeof run.value === 'string') found.push(run)
    else found.push(...run.value.map((value) => ({ ...run, value: [value] })))
  }
  for (let at = 0; at + 1 < found.length; at++) {
    const better = moved(found[at], found[at + 1])
    if (better) found.splice(at, 2, ...better)
  }
  return found
}
