// Moments: how they are written in the address, said to people, and gathered into what the panel
// lists. Pure: knows neither the server nor the page.

import { clockRange, clockTime, dayName } from '../time.js'

/** A pause that ends an entry of the panel, and the longest that one goes on without any. */
const PAUSE = 10 * 60_000
const LONGEST = 3 * 60 * 60_000

/** "#rev=225" or "#rev=201..225" as { from, to }, from null for a single moment; or null. */
export function readAddress(hash) {
  const found = hash.match(/^#rev=(\d{1,15})(?:\.\.(\d{1,15}))?$/)
  if (found === null) return null
  const [one, other] = [Number(found[1]), found[2] === undefined ? null : Number(found[2])]
  return other === null ? { from: null, to: one } : { from: one, to: other }
}

export const writeAddress = ({ from, to }) => `#rev=${from === null ? to : `${from}..${to}`}`

// Of today the clock says enough.
const inside = (time) =>
  dayName(time)
    .replace(/^Today$/, '')
    .replace(/^Y/, 'y')

/** "19:09", "yesterday, 19:09", "Saturday, 21 November, 19:09". */
export const pointOf = (time) => [inside(time), clockTime(time)].filter(Boolean).join(', ')

/** "18:10-19:09", "yesterday, 18:10-19:09", "Saturday, 21 November, 18:10 to 09:12". */
export const longSpan = (began, ended) =>
  dayName(began) === dayName(ended)
    ? [inside(ended), clockRange(began, ended)].filter(Boolean).join(', ')
    : `${pointOf(began)} to ${dayName(ended) === 'Today' ? 'today, ' : ''}${pointOf(ended)}`

// A stretch as pieces that end where a version was named.
function* pieces({ first, last, author, began, ended }, seqs, past) {
  let at = first
  let time = began
  for (const seq of [...seqs.filter((one) => one >= first && one < last), last]) {
    const stop = seq === last ? ended : (past.timeOf(seq) ?? ended)
    yield { first: at, last: seq, author, began: time, ended: stop }
    at = seq + 1
    time = stop
  }
}

const goesOn = (entry, piece) =>
  entry !== undefined &&
  entry.versions.length === 0 &&
  piece.began - entry.ended < PAUSE &&
  piece.ended - entry.began < LONGEST &&
  dayName(entry.ended) === dayName(piece.began)

const entryOf = (piece, versions) => ({
  first: piece.first,
  last: piece.last,
  began: piece.began,
  ended: piece.ended,
  authors: [piece.author],
  versions
})

function extend(entry, piece) {
  entry.last = piece.last
  entry.ended = piece.ended
  if (!entry.authors.includes(piece.author)) entry.authors.push(piece.author)
}

/**
 * What the panel lists, newest first: { first, last, began, ended, authors, versions }, edits of
 * some people without a long pause. A named version always ends an entry. `past` is a Past.
 */
export function entriesOf(past) {
  const { stretches, versions } = past
  const seqs = [...new Set(versions.map(({ seq }) => seq))].sort((a, b) => a - b)
  const entries = []
  for (const stretch of stretches.toReversed())
    for (const piece of pieces(stretch, seqs, past)) {
      const named = versions.filter(({ seq }) => seq === piece.last)
      const last = entries.at(-1)
      if (!goesOn(last, piece)) entries.push(entryOf(piece, named))
      else {
        extend(last, piece)
        last.versions = named
      }
    }
  return entries.reverse()
}

/** The same for "only named": each from the version before it. */
export function namedEntries(past) {
  const { stretches, versions } = past
  const entries = []
  for (const version of versions.toReversed()) {
    const before = entries.at(-1)
    if (before?.last === version.seq) before.versions.push(version)
    else {
      const first = (before?.last ?? 0) + 1
      const inside = stretches.filter((it) => it.last >= first && it.first <= version.seq)
      const time = past.timeOf(version.seq) ?? version.time
      entries.push({
        first,
        last: version.seq,
        began: before?.ended ?? inside.at(-1)?.began ?? time,
        ended: time,
        authors: [...new Set(inside.map(({ author }) => author))],
        versions: [version]
      })
    }
  }
  return entries.reverse()
}

/** A version's name as people need it: the server's own names repeat the time. */
export const labelOf = ({ name }) => name.replace(/^(Before a mass deletion), .* UTC$/, '$1')

/** The one of some entries, newest first, that a moment belongs to. */
export const entryAt = (entries, seq) =>
  entries.find(({ first, last }) => first <= seq && seq <= last)
