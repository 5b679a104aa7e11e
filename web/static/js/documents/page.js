// The documents list: draws the catalog, keeps it fresh while the page is seen, and answers keys.

import { isRefusal, may, shares, who } from '../access.js'
import { accountButton } from '../account.js'
import { byId, h, icon, iconButton, typing } from '../dom.js'
import { shortcutsDialog } from '../dialogs.js'
import { enter } from '../enter.js'
import { menuButton, openMenu } from '../menu.js'
import { keepForOffline } from '../offline.js'
import { shareDialog } from '../share.js'
import { themeButton } from '../theme.js'
import { clockTime } from '../time.js'
import { startTooltips } from '../tooltip.js'
import { deleteDialog, newItems, renameDialog } from './actions.js'
import { Catalog } from './catalog.js'
import { inviteToWrite, tellError, tellNotFound, tellNothingShared } from './notices.js'
import { ghostRows, makeRow, updateRow } from './row.js'

const REFRESH = 4000
const SHORTCUTS = [
  [
    'Documents',
    [
      ['Search', '/'],
      ['New document', 'N'],
      ['Next, previous', '↓-↑'],
      ['Open', 'Enter']
    ]
  ],
  [
    'Selected document',
    [
      ['Rename', 'F2'],
      ['Delete', 'Del'],
      ['This help', '?']
    ]
  ]
]

const list = byId('list')
const search = byId('search')
const catalog = new Catalog(draw)
/** Whether it is known who one is. */
let entered = false

function draw({ documents, state, error }) {
  // Whoever is not let in any more is told so on the way in.
  if (error !== null && isRefusal(error) && who.users) return location.reload()
  const focused = document.activeElement?.closest?.('.row')
  const rows = new Map(
    [...list.querySelectorAll('.row[data-name]')].map((row) => [row.dataset.name, row])
  )
  const wanted = documents.map((doc) => {
    const row = rows.get(doc.name)
    if (!row) return makeRow(doc, openRowMenu)
    updateRow(row, doc)
    return row
  })
  // Moving a node takes its focus away, so only what is out of place moves.
  for (const child of [...list.children]) if (!wanted.includes(child)) child.remove()
  wanted.forEach((row, at) => {
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null)
  })
  if (focused?.isConnected && document.activeElement === document.body)
    focused.querySelector('.open').focus()
  list.setAttribute('aria-busy', String(state === 'loading'))
  byId('columns').hidden = documents.length === 0
  drawEmpty(documents)
  drawBanner()
}

/** Whether one may do this with a document; what is remembered of one says no level. */
const can = (needed, doc) => may(doc.level ?? 'read', needed)

/** Whether one may make documents of any name. */
const makes = () => entered && may(who.level, 'write')

function drawEmpty(documents) {
  const box = byId('empty')
  if (documents.length > 0 || catalog.state === 'loading') return box.replaceChildren()
  if (catalog.error)
    return box.replaceChildren(tellError(catalog.error.message, () => catalog.refresh()))
  if (box.dataset.search === catalog.search && box.firstChild) return
  box.dataset.search = catalog.search
  box.replaceChildren(
    catalog.search !== ''
      ? tellNotFound(catalog.search, clearSearch)
      : makes()
        ? inviteToWrite()
        : tellNothingShared()
  )
}

function drawBanner() {
  const banner = byId('banner')
  banner.hidden = !catalog.error || catalog.documents.length === 0
  if (banner.hidden) return
  const words = catalog.asOf
    ? `Offline. This is the list as of ${clockTime(catalog.asOf)}.`
    : 'Offline. The list may have changed since.'
  if (banner.dataset.words === words && banner.firstChild) return
  banner.dataset.words = words
  banner.replaceChildren(icon('offline'), words)
}

function openRowMenu(doc, button) {
  openMenu(
    button,
    [
      {
        icon: 'external',
        label: 'Open in new tab',
        run: () =>
          open(
            list.querySelector(`[data-name="${CSS.escape(doc.name)}"] .open`).href,
            '_blank',
            'noopener'
          )
      },
      ...(can('write', doc)
        ? [{ icon: 'pencil', label: 'Rename', hint: 'F2', run: () => rename(doc) }]
        : []),
      ...(shares(doc.level)
        ? [{ icon: 'share', label: 'Share', run: () => shareDialog(doc) }]
        : []),
      ...(can('admin', doc)
        ? [
            null,
            { icon: 'trash', label: 'Delete', hint: 'Del', danger: true, run: () => remove(doc) }
          ]
        : [])
    ],
    `${doc.title || doc.name}`
  )
}

async function rename(doc) {
  if (!can('write', doc)) return
  const renamed = await renameDialog(doc)
  if (renamed) catalog.patch(doc.name, { title: renamed.title })
  focusRow(list.querySelector(`[data-name="${CSS.escape(doc.name)}"]`))
}

async function remove(doc) {
  if (!can('admin', doc)) return
  const row = list.querySelector(`[data-name="${CSS.escape(doc.name)}"]`)
  const neighbour = row?.nextElementSibling ?? row?.previousElementSibling
  if (!(await deleteDialog(doc, () => catalog.refresh()))) return focusRow(row)
  catalog.drop(doc.name)
  focusRow(neighbour)
}

const focusRow = (row) => row?.querySelector('.open')?.focus()

function clearSearch() {
  search.value = ''
  catalog.find('')
  search.focus()
}

function step(by) {
  const rows = [...list.querySelectorAll('.row[data-name]')]
  const at = rows.indexOf(document.activeElement.closest('.row'))
  if (at === 0 && by < 0) return search.focus()
  focusRow(rows[Math.max(0, Math.min(rows.length - 1, at + by))])
}

const ANYWHERE = {
  '/': () => search.focus(),
  n: () => makes() && byId('new').click(),
  '?': () => shortcutsDialog(SHORTCUTS)
}
const ON_ROW = { Delete: remove, Backspace: remove, F2: rename }

function answerKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
  if (document.querySelector('dialog[open], [popover=auto]:popover-open')) return
  const row = document.activeElement.closest('.row[data-name]')
  if (event.key === 'Escape' && event.target === search) return clearSearch()
  // From wherever the focus is: a dialog that is just closing holds it until its next task.
  if (event.key === 'ArrowDown' && (event.target === search || !typing(event))) step(1)
  else if (event.key === 'ArrowUp' && row) step(-1)
  else if (row && ON_ROW[event.key]) ON_ROW[event.key](row.doc)
  else if (!typing(event) && ANYWHERE[event.key]) ANYWHERE[event.key]()
  else return
  event.preventDefault()
}

// Observing anew makes the browser say again that the end is in view, should a page not have filled
// the screen.
function readOnScroll() {
  const end = byId('more')
  const observer = new IntersectionObserver(
    async ([entry]) => {
      if (!entry.isIntersecting || catalog.next === null) return
      await catalog.more()
      observer.unobserve(end)
      observer.observe(end)
    },
    { rootMargin: '600px' }
  )
  observer.observe(end)
}

function keepFresh() {
  const refresh = () => {
    if (!document.hidden) catalog.refresh()
  }
  setInterval(refresh, REFRESH)
  document.addEventListener('visibilitychange', refresh)
  addEventListener('online', refresh)
  addEventListener('pageshow', (event) => {
    if (event.persisted) refresh()
  })
}

// Keys and words that come before it is known who one is are not lost: the first reading has them.
function listen() {
  let timer = null
  search.addEventListener('input', () => {
    clearTimeout(timer)
    if (entered) timer = setTimeout(() => catalog.find(search.value.trim()), 150)
  })
  document.addEventListener('keydown', answerKey)
}

async function start() {
  startTooltips()
  listen()
  byId('new').hidden = true
  if (!(await enter())) return
  entered = true
  byId('new').hidden = !makes()
  byId('new').replaceChildren(icon('plus'), 'New')
  menuButton(byId('new'), newItems, 'New document')
  byId('tools').append(
    iconButton('keyboard', 'Keyboard shortcuts', {
      'data-keys': '?',
      onclick: () => shortcutsDialog(SHORTCUTS)
    }),
    themeButton()
  )
  if (who.user) accountButton(byId('tools').appendChild(h('div', { id: 'me' })))
  list.replaceChildren(...ghostRows(6))
  readOnScroll()
  if (search.value) catalog.search = search.value.trim()
  catalog.refresh()
  keepFresh()
  keepForOffline()
}

start()
