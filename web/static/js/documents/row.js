// One row of the documents list: made once per document, updated in place so that focus and hover
// survive a refresh.

import { documentUrl } from '../api.js'
import { avatarRow } from '../avatars.js'
import { count, h, icon, iconButton } from '../dom.js'
import { kindOf, titleOf } from '../kinds.js'
import { owned, recall } from '../memory.js'
import { exactTime, relativeTime } from '../time.js'

/** Several tabs of one person are one editor here. */
function people(editors) {
  const seen = new Map()
  for (const editor of editors ?? []) seen.set(`${editor.name} ${editor.color}`, editor)
  return [...seen.values()]
}

function subline(doc, time) {
  const unsent = recall(owned(`unsent:${doc.name}`))
  return [
    unsent && h('span', { class: 'unsent' }, `${count(unsent, 'edit')} not sent yet · `),
    h('span', { class: 'sub-kind' }, kindOf(doc.kind).label),
    time && h('span', { class: 'sub-time' }, ` · ${relativeTime(time)}`)
  ].filter(Boolean)
}

/** A <li>; `onmenu(doc, button)` opens its menu. The document it shows is `row.doc`. */
export function makeRow(doc, onmenu) {
  const more = iconButton('more', '', {
    'aria-haspopup': 'menu',
    'aria-expanded': 'false',
    tabindex: '-1'
  })
  const row = h(
    'li',
    { class: 'row', 'data-name': doc.name },
    h('span', { class: 'tile' }),
    h(
      'a',
      { class: 'open', href: documentUrl(doc.name), draggable: 'false' },
      h('span', { class: 'title' }),
      h('span', { class: 'sub' })
    ),
    h('span', { class: 'who avatars' }),
    h('time', { class: 'edited' }),
    more
  )
  more.addEventListener('click', () => onmenu(row.doc, more))
  updateRow(row, doc)
  return row
}

/** Show the document as it is now. */
export function updateRow(row, doc) {
  const part = (name) => row.querySelector(name)
  const time = doc.edited ?? doc.created
  const kind = kindOf(doc.kind)
  const tile = part('.tile')
  if (tile.dataset.kind !== doc.kind) {
    tile.dataset.kind = doc.kind
    tile.replaceChildren(icon(kind.icon))
  }
  part('.title').textContent = titleOf(doc)
  part('.sub').replaceChildren(...subline(doc, time))
  part('.edited').textContent = time ? relativeTime(time) : ''
  if (time) {
    part('.edited').dateTime = new Date(time).toISOString()
    part('.edited').dataset.tip = `${doc.edited ? 'Edited' : 'Created'} ${exactTime(time)}`
  }
  const editors = people(doc.editors)
  const shape = JSON.stringify(editors)
  if (row.dataset.editors !== shape) {
    row.dataset.editors = shape
    part('.who').replaceChildren(...avatarRow(editors, { small: true }))
  }
  const label = `More for ${titleOf(doc)}`
  part('.icon-button').setAttribute('aria-label', label)
  row.doc = doc
}

/** Grey rows while the first page is on its way. */
export const ghostRows = (number) =>
  Array.from({ length: number }, () =>
    h(
      'li',
      { class: 'row ghost', 'aria-hidden': 'true' },
      h('span', { class: 'tile' }),
      h('div', {}, h('span', { class: 'title' }), h('span', { class: 'sub' })),
      h('div'),
      h('span', { class: 'edited' })
    )
  )
