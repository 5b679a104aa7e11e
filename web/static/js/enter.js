// The way into a page: signs in with the token of a link, finds out who one is, and says plainly
// what to do where nobody is let in. There is no password to ask for: one is invited by a link.

import {
  become,
  becomeAgain,
  forgetDocument,
  forgetDocuments,
  hasLeft,
  isRefusal,
  may,
  readInvitation,
  readSession,
  recallSession,
  signIn,
  takeToken
} from './access.js'
import { h, icon } from './dom.js'
import { onRecall, owned, recall } from './memory.js'

const SEND = 'Open the link that you were sent, or paste it here.'

/**
 * Who one is, for a document or ('') the list, as access.js says; null when the page says
 * something else instead. `level` is none for who has lost their access and has edits here.
 */
export async function enter(name = '') {
  addEventListener('quire:token', () => useToken(takeToken(), name))
  onRecall('left', (left) => left && location.reload())
  const token = takeToken()
  if (token !== null && !(await useToken(token, name, false))) return null
  let session
  try {
    session = await readSession(name)
  } catch {
    return becomeAgain(name) // out of reach, or no name: the page tells, when it asks for more
  }
  if (!session.users || may(session.level, 'read')) return become(session, name)
  return refused(session, name)
}

// Nobody is let in. What is known of an earlier session says what to tell.
async function refused(session, name) {
  const before = recallSession(name)
  if (hasLeft()) {
    await forgetDocuments()
    tellInvitation('You are signed out', `Your documents have left this browser. ${SEND}`)
  } else if (session.user) {
    const who = session.name ? `You are ${session.name} here, and may` : 'You may'
    tellInvitation('You cannot open this document', `${who} not see it. Ask for a link. ${SEND}`)
  } else if (before?.user) {
    becomeAgain(name)
    if (recall(owned(`unsent:${name}`))) return { ...before, level: 'none' }
    if (name !== '') await forgetDocument(name)
    tellInvitation('Your access has ended', `It has expired, or was taken back. ${SEND}`)
  } else tellInvitation('You need an invitation', SEND)
  return null
}

// Whether the token counts; if not, the page says so. `go` on to the page anew.
async function useToken(token, name, go = true) {
  try {
    await signIn(token)
    if (go) location.reload()
    return true
  } catch (error) {
    if (isRefusal(error)) {
      tellInvitation('This link does not count', `${error.message} ${SEND}`)
      goOnWithout(name)
    } else tellInvitation('You are not signed in yet', error.message, token)
    return false
  }
}

// A bad link takes nothing away from who is signed in.
async function goOnWithout(name) {
  const session = await readSession(name).catch(() => null)
  if (!session?.users || !may(session.level, 'read')) return
  const label = session.name ? `Go on as ${session.name}` : 'Go on without it'
  document
    .querySelector('.notice')
    .append(
      h('button', { type: 'button', class: 'button', onclick: () => location.reload() }, label)
    )
}

function tellInvitation(title, words, text = '') {
  const main = document.querySelector('main')
  main.setAttribute('aria-busy', 'false')
  main.replaceChildren(
    h(
      'section',
      { class: 'notice invitation' },
      h('span', { class: 'badge' }, icon('lock')),
      h('h1', {}, title),
      h('p', {}, words),
      invitationForm(text)
    )
  )
  document.title = `${title} - Quire`
}

/** A form that takes a link or a token, and goes where it leads, or else stays here. */
export function invitationForm(text = '') {
  const input = h('input', {
    class: 'input',
    value: text,
    'aria-label': 'Link or token',
    placeholder: 'Paste a link or a token',
    autocomplete: 'off',
    spellcheck: 'false'
  })
  const said = h('p', { class: 'wrong', role: 'alert' })
  const wrong = (words) => {
    said.textContent = words
    input.setAttribute('aria-invalid', 'true')
    input.select()
  }
  const use = async (event) => {
    event.preventDefault()
    const invitation = readInvitation(input.value)
    if (invitation === null) return wrong('That is neither a link nor a token.')
    try {
      await signIn(invitation.token)
    } catch (error) {
      return wrong(error.message)
    }
    // A link to the list is for all of one's documents: this one, too.
    if ((invitation.path ?? '/') === '/') location.reload()
    else location.assign(invitation.path)
  }
  return h(
    'form',
    {
      class: 'invitation-form',
      onsubmit: use,
      oninput: () => input.removeAttribute('aria-invalid')
    },
    h('div', {}, input, h('button', { class: 'button primary' }, 'Go on')),
    said
  )
}
