// The editor page: reads which document it is, opens a session, and puts the editor that suits its
// kind into the page.

import { ApiError, getDocument } from '../api.js'
import { byId, iconButton, typing } from '../dom.js'
import { shortcutsDialog } from '../dialogs.js'
import { deleteDialog } from '../documents/actions.js'
import { watchDeletions } from '../history/guard.js'
import { History } from '../history/history.js'
import { HISTORY_KEYS } from '../history/keys.js'
import { openMenu } from '../menu.js'
import { recall } from '../memory.js'
import { keepForOffline } from '../offline.js'
import { themeButton } from '../theme.js'
import { toast } from '../toast.js'
import { startTooltips } from '../tooltip.js'
import { Carets } from './carets.js'
import { openJson } from './json.js'
import { offerToMake, tellBadName, tellDeleted, tellDenied, tellUnreachable } from './notices.js'
import { showPeople } from './people.js'
import { Pill } from './pill.js'
import { Presence } from './presence.js'
import { openRich, richSchema } from './rich.js'
import { RICH_KEYS } from './rich-tools.js'
import { choose, fits, watchStrangers } from './roots.js'
import { Session } from './session.js'
import { openText } from './text.js'
import { languageOfCode } from './text-setup.js'
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

const place = { tools: byId('tools'), page: byId('page'), foot: byId('foot') }

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
async function readMeta(name) {
  try {
    const meta = await getDocument(name)
    if (!meta.deleted) return meta
    tellDeleted(name, recall(`unsent:${name}`) ?? 0)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const known = recall(`meta:${name}`)
    if ((error.status === 0 || error.status >= 500) && known) return known
    if (error.status === 404) offerToMake(name)
    else if (error.status === 400) tellBadName(name)
    else tellUnreachable(error.message)
  }
  return null
}

const STRANGE =
  'Another editor has put in things that this page cannot show, so it is view only here.'
const OTHER = 'Another editor made this document. It is view only here, and follows every change.'

// Which editor, on which root. One may only be put on contents that it can show whole: y-tiptap
// deletes nodes that it does not know, and in CodeMirror an object would shift every position after
// it.
function decide(doc, kind, schema) {
  if (kind === '') return choose(doc, schema)
  if (kind === 'rich') {
    const root = doc.getXmlFragment('default')
    return { editor: fits(root, schema) ? 'rich' : null, root }
  }
  const root = doc.getText('content')
  return { editor: fits(root, null) ? kind : null, root }
}

const nameOf = (doc, root) => [...doc.share].find(([, type]) => type === root)[0]

function openEditor(session, presence, carets, meta) {
  const { doc } = session
  const schema = richSchema()
  const { editor: kind, root } = decide(doc, meta.kind, schema)
  const shared = { place, presence, carets, title: meta.title || meta.name, name: meta.name }
  if (kind === null)
    return { kind: '', ...openJson({ place, doc, why: meta.kind === '' ? OTHER : STRANGE }) }
  const opened = { kind, root: nameOf(doc, root) }
  watchStrangers(root, kind === 'rich' ? schema : null, () => {
    opened.destroy()
    Object.assign(opened, { kind: '' }, openJson({ place, doc, why: STRANGE }))
    opened.onchange()
  })
  const parts =
    kind === 'rich'
      ? openRich({ ...shared, fragment: root })
      : openText({ ...shared, text: root, kind })
  return Object.assign(opened, parts)
}

function onClosed(session, name) {
  const { code, reason } = session.facts.closed
  for (const id of ['title', 'pill', 'people', 'me', 'actions']) byId(id).hidden = true
  if (code === 4404) tellDeleted(name, session.unsaved)
  else if (code === 4400) tellBadName(name)
  else tellDenied(reason)
}

// The past of every document that an editor of ours can show, even if it cannot just now.
function openPast(session, presence, meta, editor) {
  const kind = meta.kind || editor.kind
  if (kind === '') return null
  const root = editor.root ?? (kind === 'rich' ? 'default' : 'content')
  const language = () => (kind === 'code' ? languageOfCode(session.doc, meta.title) : kind)
  const back = () => editor.kind !== '' && editor.focus()
  const { name } = meta
  const past = new History({ name, session, presence, look: { kind, root, language }, back })
  const type = session.doc.share.get(root)
  if (type) watchDeletions(type, past.past, (target) => past.show(target, !past.open))
  return past
}

function actions(meta, editor, past) {
  const help = () => [...KEYS[editor.kind], ...(past ? [HISTORY_KEYS] : []), ANYWHERE]
  const keys = () => shortcutsDialog(help())
  const more = iconButton('more', 'More', { 'aria-haspopup': 'menu', 'aria-expanded': 'false' })
  const items = () => [
    { icon: 'copy', label: 'Copy link', run: copyLink },
    { icon: 'printer', label: 'Print', run: () => print() },
    { icon: 'keyboard', label: 'Keyboard shortcuts', run: keys },
    null,
    { icon: 'trash', label: 'Delete', danger: true, run: () => deleteDialog(meta) }
  ]
  more.addEventListener('click', () => openMenu(more, items(), 'More'))
  byId('actions').replaceChildren(...(past ? [past.button] : []), themeButton(), more)
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
  const editor = openEditor(session, presence, carets, meta)
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
  session.onChange(({ facts }) => {
    if (writing !== (facts.denied === null)) editor.allow((writing = !writing))
  })
  showPeople({ presence, row: byId('people'), own: byId('me'), jump })
  answerKeys(actions(meta, editor, openPast(session, presence, meta, editor)))
  return editor
}

// A document that was just made asks for its title first.
function takeFocus(name, title, editor) {
  const fresh = sessionStorage.getItem('quire:fresh') === name
  sessionStorage.removeItem('quire:fresh')
  if (fresh) title.input.select()
  else if (editor.kind !== '' && document.activeElement === document.body) editor.focus()
}

async function start() {
  startTooltips()
  const name = nameFromUrl()
  const meta = await readMeta(name)
  if (meta === null) return
  const session = new Session(name)
  const { awareness } = session
  const presence = new Presence(awareness)
  let editor = null
  const toText = () => (editor ? editor.focus() : title.input.blur())
  const title = new TitleField({ place: byId('title'), doc: meta, awareness, toText })
  await session.open()
  let told = false
  session.onChange(({ facts }) => {
    if (facts.closed && !told) onClosed(session, name)
    told = facts.closed !== null
  })
  const pill = new Pill(session, byId('pill'))
  await loaded(session)
  if (session.facts.closed) return
  editor = showEditor(session, presence, pill, meta)
  takeFocus(name, title, editor)
  keepForOffline()
}

start()
