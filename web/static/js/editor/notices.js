// What the editor page says instead of a document: it is new, was deleted, has an impossible name,
// cannot be reached.

import { may, who } from '../access.js'
import { createDocument, undeleteDocument } from '../api.js'
import { byId, count, h, icon } from '../dom.js'
import { KINDS } from '../kinds.js'
import { toast } from '../toast.js'

function notice(name, title, words, ...choices) {
  byId('tools').replaceChildren()
  byId('foot').textContent = ''
  byId('page').setAttribute('aria-busy', 'false')
  byId('page').replaceChildren(
    h(
      'section',
      { class: 'notice' },
      h('span', { class: 'badge' }, icon(name)),
      h('h1', {}, title),
      h('p', {}, words),
      h('div', { class: 'choices' }, choices)
    )
  )
  document.title = `${title} - Quire`
}

const home = () => h('a', { class: 'button primary', href: '/' }, 'All documents')
const again = () =>
  h('button', { type: 'button', class: 'button', onclick: () => location.reload() }, 'Try again')

/** Nobody has made this document: offer to. */
export function offerToMake(name) {
  if (!may(who.level, 'write'))
    return notice(
      'fileGone',
      `“${name}” does not exist`,
      'Nobody has written a document with this name, and you may not make one.',
      home()
    )
  const make = async (kind) => {
    try {
      await createDocument({ name, title: name, kind })
      location.reload()
    } catch (error) {
      toast(`It was not made: ${error.message}`)
    }
  }
  notice(
    'filePlus',
    `“${name}” does not exist yet`,
    'Nobody has written a document with this name. What should it be?',
    KINDS.map(({ kind, icon: sign, label }) =>
      h('button', { type: 'button', class: 'button', onclick: () => make(kind) }, icon(sign), label)
    )
  )
}

/**
 * It was deleted, before or while it was open; `unsaved` edits of ours did not reach the server.
 */
export function tellDeleted(name, unsaved = 0) {
  const restore = async () => {
    try {
      await undeleteDocument(name)
      location.reload()
    } catch (error) {
      toast(`Not restored: ${error.message}`)
    }
  }
  const bringBack = h(
    'button',
    { type: 'button', class: 'button', onclick: restore },
    icon('restore'),
    'Restore it'
  )
  const them = unsaved === 1 ? 'it' : 'them'
  const kept =
    `${count(unsaved, 'edit')} of yours came too late: ` +
    `this browser keeps ${them}, and sends ${them} if it is restored.`
  const words = 'Its contents are kept, so it can come back.'
  notice(
    'fileGone',
    'This document was deleted',
    unsaved > 0 ? `${words} ${kept}` : words,
    home(),
    may(who.level, 'admin') ? bringBack : []
  )
}

export const tellBadName = (name) =>
  notice(
    'alert',
    'This cannot be the name of a document',
    `The server refuses “${name}”. A name has 255 bytes at most, and no control characters.`,
    home()
  )
export const tellDenied = (reason) =>
  notice('lock', 'You cannot open this document', reason || 'The server has refused it.', home())
export const tellUnreachable = (message) =>
  notice(
    'offline',
    'This document cannot be opened just now',
    message,
    again(),
    h('a', { class: 'button quiet', href: '/' }, 'All documents')
  )
