// Who one is here and what one may do, as the server says it: the session, its token, its levels.
// What this browser keeps of documents is kept apart for each user, so that nobody reads or sends
// what somebody else left here, and goes when one signs out. Draws nothing.

import { ApiError, request, send } from './api.js'
import { assume } from './identity.js'
import { copyOf, forgetAll, owned, ownedBy, recall, recallAll, remember } from './memory.js'

const LEVELS = ['none', 'read', 'comment', 'write', 'admin']
const OPEN = { user: null, name: '', color: '', tenant: '', level: 'admin', users: false }

/** Copies are dropped at once, unless another tab holds them open; it is given this long, in ms. */
const PATIENCE = 3000

/** Whether a level is enough for what takes `needed`. */
export const may = (level, needed) => LEVELS.indexOf(level) >= LEVELS.indexOf(needed)

/** Whether links can be given out; an application with users of its own does that itself. */
export const shares = (level) => may(level, 'admin') && (who.users || !who.user)

/** { user, name, color, tenant, level, users }: of this page's document, or of the list. */
export let who = OPEN

/** The token that the address had, once; null without. */
export function takeToken() {
  const token = self.quireToken ?? null
  self.quireToken = null
  return token
}

/** { token, path } of what somebody pastes: a link, or its token alone; null if it is neither. */
export function readInvitation(text) {
  const [link, token] = text.trim().split('#token=')
  if (token === undefined) return /^[\w.-]+$/.test(link) ? { token: link, path: null } : null
  const url = URL.canParse(link) ? new URL(link) : null
  return { token, path: url?.origin === location.origin ? url.pathname : null }
}

/** Exchange a token for a session. Throws ApiError when it does not count. */
export const signIn = (token) => send('POST', '/session', { token })

/** The session's answer for a document, '' for the list. Throws ApiError. */
export const readSession = (name = '') =>
  request(`/session?${new URLSearchParams(name === '' ? {} : { document: name })}`)

/** What this browser last heard of the session for a document; null if nothing. */
export const recallSession = (name = '') => recall(`session:${name}`)

/** From now on this is who one is, and was the last time when the server is out of reach. */
export function become(session, name = '') {
  remember(`session:${name}`, session)
  if (session.user) remember('left', null)
  return take(session)
}

/** Take up who one was the last time; who may do all, where the server was never reached. */
export const becomeAgain = (name = '') => take(recallSession(name) ?? OPEN)

function take(session) {
  who = session
  const { tenant, user } = session
  ownedBy(user ? `@${encodeURIComponent(tenant)}/${encodeURIComponent(user)}/` : '')
  assume(session)
  return session
}

/** Edits that are nowhere but in this browser, of all documents. */
export const unsentEdits = () =>
  recallAll(owned('unsent:'))
    .map((name) => recall(owned(`unsent:${name}`)) ?? 0)
    .reduce((sum, number) => sum + number, 0)

/** Sign out and go to the list, which drops what this browser keeps. Throws ApiError. */
export async function signOut() {
  await request('/session', { method: 'DELETE', headers: { 'Content-Type': 'application/json' } })
  remember('left', true)
  location.assign('/')
}

/** Whether somebody has signed out here, and nobody has signed in since. */
export const hasLeft = () => recall('left') !== null

/** Drop all that this browser keeps of documents of users. */
export async function forgetDocuments() {
  const databases = (await indexedDB.databases?.().catch(() => [])) ?? []
  const copies = databases.map(({ name }) => name).filter((name) => name.startsWith('quire@'))
  await Promise.all(copies.map(drop))
  for (const prefix of ['@', 'session:', 'colors']) forgetAll(prefix)
}

/** Drop the copy of one document. */
export async function forgetDocument(name) {
  await drop(copyOf(name))
  for (const key of [owned(`meta:${name}`), `session:${name}`]) remember(key, null)
}

const drop = (name) =>
  new Promise((resolve) => {
    setTimeout(resolve, PATIENCE)
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = request.onerror = resolve
  })

/** Whether an error says that the server does not know or let in whoever asks. */
export const isRefusal = (error) => error instanceof ApiError && [401, 403].includes(error.status)
