// Tells everybody when somebody has deleted most of the document, and offers to take back just that.
// The server gives the moment before it a name by itself; this page only notices that it should look.

import { Y } from '../../vendor/editor.js'
import { h, icon, iconButton } from '../dom.js'
import { me, shownName } from '../identity.js'
import { toast } from '../toast.js'
import { nameOf } from './authors.js'
import { pointOf } from './moments.js'

/** How the server's names begin. */
const NAME = 'Before a mass deletion'
/** Smaller documents are written anew too easily. */
const SMALL = 200
/** The server names the moment once the edit is on its disk: look at these times, in ms. */
const LOOKS = [300, 1200, 3000, 6000]
/** What lies further back is over, in ms. */
const RECENT = 30_000

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** How many characters, and objects, there are in a shared type. */
function size(type) {
  let sum = 0
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted || !item.countable) continue
    sum += item.content instanceof Y.ContentType ? 1 + size(item.content.type) : item.length
  }
  return sum
}

// What of the old a transaction deleted, and what it added.
function changes({ deleteSet, beforeState, afterState }) {
  let [gone, come] = [0, 0]
  for (const [client, ranges] of deleteSet.clients)
    for (const { clock, len } of ranges)
      gone += Math.max(0, Math.min(len, (beforeState.get(client) ?? 0) - clock))
  for (const [client, clock] of afterState) come += clock - (beforeState.get(client) ?? 0)
  return { gone, come }
}

/**
 * Watch `root`; `look(target)` shows a difference of `past` in History, `writes()` says whether one
 * can undo.
 */
export function watchDeletions(root, past, look, writes) {
  const told = new Set()
  let bar = null
  root.doc.on('afterTransaction', (transaction) => {
    const { gone, come } = changes(transaction)
    if (gone + come < SMALL / 2) return
    const now = size(root)
    if (bar !== null && now >= bar.before * 0.9) bar = bar.remove()
    const before = now + gone - come
    if (before <= SMALL || gone <= before / 2) return
    find(past, told).then((version) => {
      if (version !== null) bar = show(version, before, past, look, bar, writes())
    })
  })
}

// The name that the server has just given, or null.
async function find(past, told) {
  for (const ms of LOOKS) {
    await after(ms)
    const { versions, stretches } = await past
      .latest()
      .catch(() => ({ versions: [], stretches: [] }))
    const fresh = versions.filter(
      ({ name, seq, time }) =>
        name.startsWith(NAME) && !told.has(seq) && stretches[0].ended - time < RECENT
    )
    if (fresh.length === 0) continue
    for (const { seq } of fresh) told.add(seq)
    return fresh.reduce((one, other) => (other.seq > one.seq ? other : one))
  }
  return null
}

function show({ seq, author, time }, before, past, look, old, writes) {
  old?.remove()
  const who = author === shownName() ? 'You' : nameOf(author)
  const edit = { first: seq + 1, last: seq + 1, author: me.name }
  const away = () => {
    element.remove()
    return null
  }
  const undo = async () => {
    away()
    try {
      await past.undo(edit)
      toast('What was deleted is back')
    } catch (error) {
      toast(`Not taken back: ${error.message}`)
    }
  }
  const element = h(
    'div',
    { class: 'guard', role: 'alert' },
    h('p', {}, icon('alert'), `${who} deleted most of this document at ${pointOf(time)}.`),
    writes &&
      h('button', { type: 'button', class: 'button primary', onclick: undo }, 'Undo just this'),
    h(
      'button',
      { type: 'button', class: 'button', onclick: () => look({ from: seq, to: seq + 1 }) },
      'Look'
    ),
    iconButton('close', 'Dismiss', { onclick: away, 'data-tip': null })
  )
  document.body.append(element)
  return { before, remove: away }
}
