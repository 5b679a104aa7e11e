// The editor page: reads which document it is, opens a session, and puts the editor that suits its
// kind into the page.

import { isRefusal, may } from '../access.js'
import { ApiError, getDocument } from '../api.js'
import { byId, iconButton, typing } from '../dom.js'
import { shortcutsDialog } from '../dialogs.js'
import { deleteDialog } from '../documents/actions.js'
import { enter } from '../enter.js'
import { watchDeletions } from '../history/guard.js'
import { HISTORY_KEYS } from '../history/keys.js'
import { openPast } from '../history/open.js'
import { openMenu } from '../menu.js'
import { owned, recall } from '../memory.js'
import { keepForOffline } from '../offline.js'
import { shareButton, shareDialog } from '../share.js'
import { themeButton } from '../theme.js'
import { toast } from '../toast.js'
import { startTooltips } from '../tooltip.js'
import { Carets } from './carets.js'
import { showEnded } from './ended.js'
import { offerToMake, tellBadName, tellDeleted, tellDenied, tellUnreachable } from './notices.js'
import { showPeople } from './people.js'
import { Pill } from './pill.js'
import { Presence } from './presence.js'
import { followRights } from './rights.js'
import { openEditor } from './open.js'
import { RICH_KEYS } from './rich-tools.js'
import { Session } from './session.js'
import { CODE_KEYS, MARKDOWN_KEYS, TEXT_KEYS } from './text-tools.js'
import { TitleField } from './title.js'

const KEYS = {
  rich: RICH_KEYS,
  text: TEXT_KEYS,
  markdown: [...MARKDOWN_KEYS, ...TEXT_KEYS],
  code: [...CODE_KEYS, ...TEXT_KEYS],
  '': []
}
const ANYWHERE = [
  'Anywhere',
  [
    ['Toolbar', 'Alt-F10'],
    ['All documents', 'Mod-Shift-o'],
    ['This help', '?']
  ]
]

const place = {
  root: document,
  frame: document.body,
  tools: byId('tools'),
  page: byId('page'),
  foot: byId('foot'),
  announce: (words) => (byId('announce').textContent = words),
  toast,
  own: true
}

function nameFromUrl() {
  const raw = location.pathname.replace(/^\/d\//, '')
  try {
    return decodeURIComponent(raw)
  } catch {
    return raw
  }
}

/**
 * The document's title and kind; what we remember of it when the server cannot be reached; null
 * when a notice is shown.
 */
async function readMeta(name, level) {
  const known = recall(owned(`meta:${name}`))
  if (!may(level, 'read')) return known
  try {
    const meta = await getDocument(name)
    if (!meta.deleted) return meta
    tellDeleted(name, recall(owned(`unsent:${name}`)) ?? 0)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if ((error.status === 0 || error.status >= 500) && known) return known
    if (error.status === 404) offerToMake(name)
    else if (error.status === 400) tellBadName(name)
    else if (isRefusal(error)) tellDenied(error.message)
    else tellUnreachable(error.message)
  }
  return null
}

function onClosed(session, name) {
  const { code, reason } = session.facts.closed
  for (const id of ['title', 'pill', 'people', 'me', 'actions']) byId(id).hidden = true
  if (code === 4404) tellDeleted(name, session.unsaved)
  else if (code === 4400) tellBadName(name)
  else tellDenied(reason)
}

// The past, and a watch over what somebody might delete.
function pastOf(session, presence, meta, editor) {
  const past = openPast({ place, session, presence, meta, editor })
  const type = past && session.doc.share.get(past.root)
  if (type)
    watchDeletions(
      type,
      past.past,
      (target) => past.show(target, !past.open),
      () => session.forbids === null
    )
  return past
}

function actions(meta, editor, past, session) {
  const help = () => [...KEYS[editor.kind], ...(past ? [HISTORY_KEYS] : []), ANYWHERE]
  const keys = () => shortcutsDialog(help())
  const more = iconButton('more', 'More', { 'aria-haspopup': 'menu', 'aria-expanded': 'false' })
  const remove = { icon: 'trash', label: 'Delete', danger: true, run: () => deleteDialog(meta) }
  const title = () => byId('heading').textContent || meta.title
  const share = shareButton(() => shareDialog({ ...meta, title: title() }), session)
  const items = () => [
    ...share.items(),
    { icon: 'copy', label: 'Copy link', run: copyLink },
    { icon: 'printer', label: 'Print', run: () => print() },
    { icon: 'keyboard', label: 'Keyboard shortcuts', run: keys },
    ...(session.may('admin') ? [null, remove] : [])
  ]
  more.addEventListener('click', () => openMenu(more, items(), 'More'))
  byId('actions').replaceChildren(...(past ? [past.button] : []), share.button, themeButton(), more)
  return keys
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href)
    toast('Link copied')
  } catch {
    toast(location.href)
  }
}

// event.code where Alt changes what the key writes.
const SHORTCUTS = [
  [(event, mod) => event.altKey && event.key === 'F10', () => focusTools()],
  [(event, mod) => mod && event.shiftKey && event.code === 'KeyO', () => location.assign('/')],
  [(event, mod) => mod && event.altKey && event.code === 'KeyP', () => pressTool('Preview')],
  [(event, mod) => event.key === '?' && !mod && !typing(event), (showKeys) => showKeys()]
]

const focusTools = () => place.tools.querySelector('.tools > [tabindex="0"]')?.focus()
const pressTool = (label) => place.tools.querySelector(`.tool[aria-label="${label}"]`)?.click()

function answerKeys(showKeys) {
  addEventListener('keydown', (event) => {
    const mod = event.ctrlKey || event.metaKey
    const found = SHORTCUTS.find(([matches]) => matches(event, mod))
    if (!found) return
    event.preventDefault()
    found[1](showKeys)
  })
}

/** How long the server may take when this browser has a copy to show. */
const COPY = 1500

/**
 * The document is there: as the server has it, or as this browser kept it when the server does not
 * answer.
 */
const loaded = (session) =>
  new Promise((resolve) => {
    const settled = ({ facts }) => facts.everSynced || facts.tried || facts.closed
    session.onChange(() => {
      if (settled(session)) resolve()
    })
    setTimeout(() => {
      if (session.doc.store.clients.size > 0) resolve()
    }, COPY)
  })

function showEditor(session, presence, pill, meta) {
  const carets = new Carets(presence)
  const editor = openEditor({ place, doc: session.doc, presence, carets, meta })
  editor.onchange = () => {
    document.body.dataset.editor = editor.kind || 'json'
    pill.viewOnly = editor.kind === ''
    pill.update()
  }
  editor.onchange()
  place.page.setAttribute('aria-busy', 'false')
  const jump = (client) => {
    if (editor.reveal(client)) carets.flag(client)
  }
  let writing = true
  session.onChange(({ forbids, ended }) => {
    if (writing !== (forbids === null && !ended)) editor.allow((writing = !writing))
  })
  showEnded(session, () => (editor.text ? editor.text() : place.page.innerText))
  showPeople({ presence, row: byId('people'), own: byId('me'), jump })
  answerKeys(actions(meta, editor, pastOf(session, presence, meta, editor), session))
  return editor
}

// A document that was just made asks for its title first.
function takeFocus(name, title, editor) {
  const fresh = sessionStorage.getItem('quire:fresh') === name
  sessionStorage.removeItem('quire:fresh')
  if (fresh) title.input.select()
  else if (editor.kind !== '' && document.activeElement === document.body) editor.focus()
}

// Somebody else has signed in: what this page holds is the one's before.
function becomeAnother(session) {
  if (session.unsaved === 0) return location.reload()
  toast('You are somebody else here now.', { label: 'Load again', run: () => location.reload() })
}

async function start() {
  startTooltips()
  const name = nameFromUrl()
  const who = await enter(name)
  const meta = who && (await readMeta(name, who.level))
  if (!meta) return
  const session = new Session(name, who.level)
  const { awareness } = session
  const presence = new Presence(awareness)
  let editor = null
  const toText = () => (editor ? editor.focus() : title.input.blur())
  const title = new TitleField({ place: byId('title'), doc: meta, awareness, toText })
  await session.open()
  const stays = () => session.ended && (editor !== null || !may(who.level, 'read'))
  let told = false
  session.onChange(({ facts, ended, forbids }) => {
    title.allow(forbids === null && !ended)
    if (facts.closed && !told && !stays()) onClosed(session, name)
    told = facts.closed !== null
  })
  const pill = new Pill(session, byId('pill'))
  await loaded(session)
  if (session.facts.closed && !stays()) return
  editor = showEditor(session, presence, pill, meta)
  followRights(name, session, () => becomeAnother(session))
  takeFocus(name, title, editor)
  keepForOffline()
}

start()
