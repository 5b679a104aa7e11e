// The share dialog: gives out links to a document, and takes them back. A link is shown once, when
// it is made: the server keeps no token.

import { at, documentUrl, request, send } from './api.js'
import { shares, who } from './access.js'
import { confirmDialog, show } from './dialogs.js'
import { h, icon, iconButton } from './dom.js'
import { titleOf } from './kinds.js'
import { dateOf, exactTime } from './time.js'
import { toast } from './toast.js'

const LEVELS = [
  ['read', 'can view'],
  ['comment', 'can comment'],
  ['write', 'can edit']
]
/** What a comment is here. */
const COMMENT = 'can comment: name versions'
const DAYS = [
  [1, 'for 1 day'],
  [7, 'for 7 days'],
  [30, 'for 30 days'],
  [365, 'for a year']
]
const NONE = 'None yet. Nobody but you and who has rights of their own can open this document.'

const wordsOf = (level) => LEVELS.find(([word]) => word === level)?.[1] ?? level

const narrow = matchMedia('(max-width: 720px)')

/**
 * For the bar, a button for those who may give out links, and what a menu has of it where the bar
 * is too narrow.
 */
export function shareButton(run, session) {
  const button = h(
    'button',
    { type: 'button', class: 'button share-button', 'data-tip': 'Share', onclick: run },
    icon('share'),
    h('span', {}, 'Share')
  )
  const may = () => shares(session.facts.level) && !session.ended
  const draw = () => {
    button.hidden = narrow.matches || !may()
  }
  session.onChange(draw)
  narrow.addEventListener('change', draw)
  const items = () => (narrow.matches && may() ? [{ icon: 'share', label: 'Share', run }] : [])
  return { button, items }
}

/** Share `doc`; resolves when the dialog has gone. */
export function shareDialog(doc) {
  const dialog = h('dialog', { class: 'share', 'aria-labelledby': 'share-title' })
  dialog.append(
    h(
      'div',
      { class: 'dialog-head' },
      h('h2', { id: 'share-title' }, `Share “${titleOf(doc)}”`),
      iconButton('close', 'Close', { onclick: () => dialog.close(), 'data-tip': null })
    ),
    ...(who.users ? new Links(doc).parts : withoutUsers(doc))
  )
  return show(dialog)
}

// Where nobody is asked who they are.
const withoutUsers = (doc) => [
  h(
    'p',
    { class: 'text' },
    'Everybody who can reach this server can open and edit this document: ' +
      'its address is all they need.'
  ),
  copyField(location.origin + documentUrl(doc.name), 'Address'),
  h(
    'div',
    { class: 'share-how' },
    h('h3', {}, 'To decide who may do what'),
    h('p', {}, 'Whoever runs this server gives it a key. Then links can view, edit, and expire:'),
    h('pre', { tabindex: '0' }, 'quire token key --keys quire.keys\nquire serve --keys quire.keys')
  )
]

// A text to be copied, with the button that does it.
function copyField(text, label) {
  const input = h('input', { class: 'input', value: text, readonly: true, 'aria-label': label })
  input.addEventListener('focus', () => input.select())
  const button = h('button', { type: 'button', class: 'button primary' }, icon('copy'), 'Copy')
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text)
      button.replaceChildren(icon('check'), 'Copied')
    } catch {
      input.focus()
      document.execCommand('copy')
    }
  })
  return h('div', { class: 'copy-field' }, input, button)
}

const choice = (name, label, options, chosen) => {
  const select = h(
    'select',
    { class: 'input', name, 'aria-label': label },
    options.map(([value, words]) => h('option', { value: String(value) }, words))
  )
  select.value = String(chosen)
  return select
}

class Links {
  parts
  #path
  #made = h('div', { class: 'share-made', role: 'status' })
  #list = h('ul', { class: 'share-links', 'aria-label': 'Links' })
  #none = h('p', { class: 'share-none' })

  constructor(doc) {
    this.#path = `${at(doc.name)}/links`
    this.parts = [this.#form(), this.#made, h('h3', {}, 'Links given out'), this.#list, this.#none]
    this.#read()
  }

  #form() {
    const level = choice('level', 'What one may do', LEVELS, 'write')
    level.options[1].text = COMMENT
    const days = choice('days', 'How long', DAYS, 30)
    const label = h('input', {
      class: 'input',
      placeholder: 'For whom? (optional)',
      'aria-label': 'For whom',
      maxlength: '100',
      autocomplete: 'off'
    })
    const make = h('button', { class: 'button primary' }, icon('link'), 'Create link')
    const give = async (event) => {
      event.preventDefault()
      make.disabled = true
      await this.#give({ level: level.value, days: Number(days.value), label: label.value })
      label.value = ''
      make.disabled = false
    }
    return h(
      'form',
      { class: 'share-form', onsubmit: give },
      h(
        'p',
        { class: 'text' },
        'Whoever has the link gets in by it, as a guest. No account is needed.'
      ),
      h('div', {}, level, days),
      h('div', {}, label, make)
    )
  }

  async #give(fields) {
    try {
      const { path } = await send('POST', this.#path, fields)
      this.#made.replaceChildren(
        copyField(location.origin + path, 'The new link'),
        h('p', { class: 'fine' }, 'Copy it now: it is shown only once.')
      )
      this.#made.querySelector('.button').focus()
    } catch (error) {
      return toast(`No link was made: ${error.message}`)
    }
    await this.#read()
  }

  async #read() {
    try {
      const { links } = await request(this.#path)
      this.#list.replaceChildren(...links.map((link) => this.#row(link)))
      this.#none.textContent = links.length > 0 ? '' : NONE
    } catch (error) {
      this.#none.textContent = `The links cannot be read: ${error.message}`
    }
  }

  #row(link) {
    const label = link.label || 'Link without a name'
    const until = h(
      'time',
      { 'data-tip': exactTime(link.expires) },
      `until ${dateOf(link.expires)}`
    )
    const by = link.author ? ` · by ${link.author}` : ''
    const revoke = h(
      'button',
      { type: 'button', class: 'button quiet', 'aria-label': `Revoke ${label}` },
      'Revoke'
    )
    revoke.addEventListener('click', () => this.#revoke(link, label))
    return h(
      'li',
      {},
      icon('link'),
      h('div', {}, h('b', {}, label), h('span', {}, `${wordsOf(link.level)}${by} · `, until)),
      revoke
    )
  }

  async #revoke({ id }, label) {
    const sure = await confirmDialog({
      title: `Revoke “${label}”?`,
      text: 'Whoever came by it is sent away at once, and the link opens nothing any more.',
      action: 'Revoke',
      danger: true
    })
    if (!sure) return
    try {
      await request(`${this.#path}/${encodeURIComponent(id)}`, {
        method: 'DELETE',
        headers: { 'Content-Type': 'application/json' }
      })
    } catch (error) {
      return toast(`Not revoked: ${error.message}`)
    }
    await this.#read()
    const next = this.#list.querySelector('button')
    ;(next ?? this.#list.closest('dialog')?.querySelector('select'))?.focus()
  }
}
