// What the server says of a moment or a difference, brought into one shape for those who draw:
// parts with runs. Pure.

/** A run of what is there at a single moment. */
const kept = (value, formats = {}) => ({ state: 'kept', value, before: formats, after: formats })

/** A value of a moment's content as a Part, as if in a difference in which nothing changed. */
export function asPart(value) {
  if (typeof value === 'string') return { kind: 'text', tag: '', runs: [kept(value)], entries: {} }
  if (Array.isArray(value)) {
    const text = value.length > 0 && value.every((it) => it !== null && Object.hasOwn(it, 'insert'))
    if (text) return { kind: 'xmltext', tag: '', runs: value.map(delta), entries: {} }
    return { kind: 'fragment', tag: '', runs: [kept(value.map(inner))], entries: {} }
  }
  if (typeof value?.type === 'string' && Array.isArray(value.children)) {
    const entries = Object.entries(value.attributes).map(([key, one]) => [key, [kept([one])]])
    const runs = [kept(value.children.map(inner))]
    return { kind: 'element', tag: value.type, runs, entries: Object.fromEntries(entries) }
  }
  // A text with attributes of its own.
  if (Array.isArray(value?.children)) return inner(value.children).part
  return { kind: 'map', tag: '', runs: [], entries: {} }
}

const nothing = { kind: 'xmltext', tag: '', runs: [], entries: {} }

// In an element a list is a text, also an empty one.
function inner(value) {
  if (Array.isArray(value) && value.length === 0) return { part: nothing }
  return typeof value === 'object' && value !== null ? { part: asPart(value) } : value
}
const delta = ({ insert, attributes }) =>
  kept(typeof insert === 'string' ? insert : [insert], attributes ?? {})

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other)

// Whether two neighbours came, or went, by one author's hand, if not at one time.
const goOn = (one, other, stretches) =>
  one !== undefined &&
  one.state === other.state &&
  one.state !== 'kept' &&
  typeof one.value === typeof other.value &&
  stretches[one.by].author === stretches[other.by].author &&
  same([one.before, one.after], [other.before, other.after])

const asOne = (one, other) => ({
  ...one,
  value: typeof one.value === 'string' ? one.value + other.value : [...one.value, ...other.value],
  first: Math.min(one.first, other.first),
  last: Math.max(one.last, other.last),
  since: Math.min(one.since ?? one.by, other.by),
  by: Math.max(one.by, other.by)
})

/**
 * A part in which neighbours of one author are one run, `since` the stretch of the earliest: while
 * people type at once, their stretches are single letters.
 */
export function joined(part, stretches) {
  const runs = []
  for (const run of part.runs)
    if (goOn(runs.at(-1), run, stretches)) runs.push(asOne(runs.pop(), run))
    else runs.push(run)
  const deeper = (one) => (one?.part ? { part: joined(one.part, stretches) } : one)
  return {
    ...part,
    runs: runs.map((run) =>
      typeof run.value === 'string' ? run : { ...run, value: run.value.map(deeper) }
    )
  }
}

/** The value of an attribute, now or, if it is gone, then. */
export const valueOf = (part, key) => part.entries[key]?.at(-1)?.value[0]

/** The attributes that changed: [[key, old, new, run of the change], ...]. */
export const turns = (part) =>
  Object.entries(part.entries)
    .filter(([, runs]) => runs.some(({ state }) => state !== 'kept'))
    .map(([key, runs]) => {
      const [gone, come] = ['deleted', 'inserted'].map((state) =>
        runs.find((run) => run.state === state)
      )
      return [key, gone?.value[0], come?.value[0], come ?? gone]
    })
    .filter(([, old, now]) => (old ?? null) !== (now ?? null))

/** Author -> how many characters of a part are theirs. */
export function sharesOf(part, stretches, shares = new Map()) {
  for (const run of part.runs)
    if (typeof run.value !== 'string')
      for (const one of run.value) one?.part && sharesOf(one.part, stretches, shares)
    else if (run.state === 'inserted') {
      const { author } = stretches[run.by]
      shares.set(author, (shares.get(author) ?? 0) + run.value.length)
    }
  return shares
}

/** All text in a part; `without` is a state that does not count. */
export function textOf(part, without = '') {
  const text = (run) =>
    typeof run.value === 'string'
      ? run.value
      : run.value.map((one) => (one?.part ? textOf(one.part, without) : '')).join('')
  return part.runs
    .filter(({ state }) => state !== without)
    .map(text)
    .join('')
}
