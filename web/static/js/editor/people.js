// The people in a document, in the bar: the others (a press jumps to their caret) and oneself (a
// press changes the name).

import { accountButton } from '../account.js'
import { avatarRow } from '../avatars.js'
import { openMenu } from '../menu.js'
import { h } from '../dom.js'

const narrow = matchMedia('(max-width: 720px)')

/** Keep `row` and `own` current; `jump(client)` goes to a caret and says whether there was one. */
export function showPeople({ presence, row, own, jump }) {
  let shape = ''
  const draw = () => {
    const people = presence.people()
    const now = JSON.stringify([
      people.map(({ id, name, color }) => [id, name, color]),
      narrow.matches
    ])
    if (now === shape) return
    shape = now
    row.replaceChildren(...badges(people, presence, jump))
  }
  presence.on('change', draw)
  narrow.addEventListener('change', draw)
  draw()
  accountButton(own)
}

function badges(people, presence, jump) {
  const most = narrow.matches ? 2 : 5
  const find = (person) => presence.people().find(({ id }) => id === person.id)?.caret ?? null
  const go = (person) => {
    const client = find(person)
    if (client !== null) jump(client)
  }
  if (people.length <= most) return avatarRow(people, { most, onclick: go })
  const shown = people.slice(0, most - 1)
  const rest = people.slice(most - 1)
  const more = h(
    'button',
    {
      type: 'button',
      class: 'avatar more',
      'aria-label': `+${rest.length} more`,
      'data-tip': rest.map(({ name }) => name).join(', '),
      'aria-haspopup': 'menu'
    },
    `+${rest.length}`
  )
  more.addEventListener('click', () =>
    openMenu(
      more,
      rest.map((person) => ({ label: person.name, run: () => go(person) })),
      'More people'
    )
  )
  return [...avatarRow(shown, { onclick: go }), more]
}
