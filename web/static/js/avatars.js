// Round badges for people: initials on their colour, and "+N" for those who do not fit.

import { h } from './dom.js'
import { initials, inkOn, safeColor } from './identity.js'

/**
 * One person; a button when `onclick` is given. Who steers by voice says what is to be seen, so the
 * initials belong to the name.
 */
export function avatar(person, { small = false, onclick = null, label = person.name } = {}) {
  const color = safeColor(person.color)
  const badge = h(
    onclick ? 'button' : 'span',
    {
      class: small ? 'avatar small' : 'avatar',
      type: onclick ? 'button' : null,
      role: onclick ? null : 'img',
      'aria-label': `${initials(person.name)}, ${label}`,
      'data-tip': label,
      onclick
    },
    h('span', { 'aria-hidden': 'true' }, initials(person.name))
  )
  badge.style.background = color
  badge.style.color = inkOn(color)
  return badge
}

/** At most `most` badges; the last one counts and names the rest. */
export function avatarRow(people, { most = 4, small = false, onclick = null } = {}) {
  const shown = people.length > most ? people.slice(0, most - 1) : people
  const rest = people.slice(shown.length)
  const badges = shown.map((person) =>
    avatar(person, { small, onclick: onclick && ((event) => onclick(person, event)) })
  )
  if (rest.length > 0) {
    const names = rest.map((person) => person.name).join(', ')
    badges.push(
      h(
        'span',
        {
          class: `avatar more${small ? ' small' : ''}`,
          role: 'img',
          'aria-label': names,
          'data-tip': names
        },
        h('span', { 'aria-hidden': 'true' }, `+${rest.length}`)
      )
    )
  }
  return badges
}
