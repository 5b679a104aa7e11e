// What the banner says of a moment or a difference. Pure.

import { longSpan, pointOf } from './moments.js'

const TITLES = {
  changes: (name, began, ended) => `${name ? `${name} · ` : 'Changes '}${longSpan(began, ended)}`,
  plain: (name, _began, ended) => `${name ? `${name} · ` : 'As of '}${pointOf(ended)}`,
  who: (name, _began, ended) => `Who wrote this · ${name ? `${name} · ` : ''}${pointOf(ended)}`
}

/**
 * { title, star, people, words } for what the server `said` (see Past) and the `shares` of its
 * authors; `names` are those of the moment.
 */
export function captionOf({ mode, said, shares, names }) {
  const stretches = said.stretches ?? []
  const ended = said.time ?? stretches.at(-1)?.ended ?? Date.now()
  const title = TITLES[mode](names.join(', '), stretches[0]?.began ?? ended, ended)
  const total = [...shares.values()].reduce((sum, size) => sum + size, 0)
  const percent = (author) => Math.round((100 * shares.get(author)) / Math.max(1, total))
  const largest = [...shares.keys()].sort((one, other) => shares.get(other) - shares.get(one))
  const wrote = said.stretches ? stretches.map(({ author }) => author) : [said.author]
  return {
    title,
    star: names.length > 0,
    people: mode === 'who' ? largest : [...new Set(wrote)],
    words: mode === 'who' ? (author) => ` ${percent(author)} %` : () => ''
  }
}
