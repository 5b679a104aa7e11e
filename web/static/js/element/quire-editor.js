// <quire-editor>: the editor in anybody's page, with its History. It lives in a shadow root, knows
// nothing of the page around it, and keeps nothing in its browser.
//
//   document   the name of the document
//   token      who one is, where there are users
//   server     the server, if it is not the one that this module came from
//   kind       of a document that is not there yet: rich, text, markdown or code
//   readonly   show it only
//   theme      light or dark; else as the system has it
//   name       what others see, where the token does not say
//
// Events: ready, status { state, text, detail }, saved, change, people { people }, error { message }.

import { ApiError, at, Server } from '../api.js'
import { avatarRow } from '../avatars.js'
import { h } from '../dom.js'
import { assume } from '../identity.js'
import { Carets } from '../editor/carets.js'
import { openEditor } from '../editor/open.js'
import { Presence } from '../editor/presence.js'
import { describe } from '../editor/saved.js'
import { Session } from '../editor/session.js'
import { tintsCountIn } from '../editor/tints.js'
import { openPast } from '../history/open.js'
import { toaster } from '../toast.js'
import { startTooltips } from '../tooltip.js'
import { styles } from './styles.js'

const HOME = new URL(import.meta.url).origin
const dark = matchMedia('(prefers-color-scheme: dark)')

class QuireEditor extends HTMLElement {
  static observedAttributes = ['document', 'token', 'server', 'readonly', 'theme']
  #root = this.attachShadow({ mode: 'open', delegatesFocus: true })
  #parts = {}
  #place = null
  #server = null
  #user = null
  #session = null
  #editor = null
  #past = null
  #state = {}
  #turn = 0
  #there = false
  #writing = true
  #themed = () => this.#paint()

  constructor() {
    super()
    const part = (tag, name, props = {}) =>
      (this.#parts[name] = h(tag, { class: name, part: name, ...props }))
    const bar = h('header', { class: 'bar', part: 'bar' })
    bar.append(
      part('span', 'title'),
      part('span', 'pill', { role: 'status' }),
      part('span', 'avatars', { role: 'group', 'aria-label': 'People here' }),
      part('span', 'history')
    )
    // y-tiptap takes the root for a document, and drops what others type where it is none.
    this.#root.createRange = () => document.createRange()
    this.#root.getSelection ??= () => document.getSelection()
    const said = h('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' })
    this.#root.append(part('div', 'frame'), said)
    const tools = part('div', 'tool-strip', { role: 'region', 'aria-label': 'Tools' })
    const page = part('div', 'page', { 'aria-busy': 'true' })
    const foot = h('footer', { class: 'foot', part: 'foot' }, part('span', 'stats'))
    this.#parts.frame.append(bar, tools, page, foot)
    this.#place = {
      root: this.#root,
      frame: this.#parts.frame,
      tools,
      page,
      foot,
      announce: (words) => (said.textContent = words),
      toast: toaster(this.#root),
      own: false
    }
    startTooltips(this.#root)
  }

  async connectedCallback() {
    dark.addEventListener('change', this.#themed)
    this.#paint()
    const sheets = await styles()
    if (!this.isConnected || this.#there) return // it was taken out meanwhile, or only put elsewhere
    this.#root.adoptedStyleSheets = sheets
    tintsCountIn(this.#root)
    this.#there = true
    this.#open()
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.isConnected) return // somebody has put it elsewhere
      dark.removeEventListener('change', this.#themed)
      this.#there = false
      this.#close()
    })
  }

  attributeChangedCallback(name, before, after) {
    if (before === after || !this.#there) return
    if (name === 'theme') this.#paint()
    else if (name === 'readonly') this.#look()
    else if (name === 'token' && this.#editor) this.#renew()
    else this.#open()
  }

  /** The text of the document, without formats. */
  get text() {
    return this.#editor?.text?.() ?? ''
  }

  /** The Yjs document, for those who want to see more; null until it is there. */
  get doc() {
    return this.#session?.doc ?? null
  }

  /** Whether every edit made here is on the server's disk. */
  get saved() {
    return this.#session?.saved ?? false
  }

  focus() {
    this.#editor?.focus?.()
  }

  async #open() {
    this.#close()
    const turn = this.#turn
    const name = this.getAttribute('document')
    if (!name) return
    try {
      const meta = await this.#meta(name)
      if (turn === this.#turn) await this.#begin(meta, turn)
    } catch (error) {
      if (turn === this.#turn) this.#fail(error.message)
    }
  }

  get #url() {
    return (this.getAttribute('server') ?? HOME).replace(/\/$/, '')
  }

  get #token() {
    return this.getAttribute('token') ?? ''
  }

  // What is known of the document, and who one is there. One that is not there comes into being with
  // its first edit.
  async #meta(name) {
    const server = (this.#server = new Server(this.#url, this.#token))
    try {
      const who = await this.#learn(name)
      const meta = await server.request(at(name)).catch((error) => {
        if (error.status !== 404) throw error
        return { name, title: '', level: who.level, kind: this.getAttribute('kind') ?? 'rich' }
      })
      if (meta.deleted) throw new Error('This document was deleted.')
      return { ...meta, kind: meta.kind || (this.getAttribute('kind') ?? '') }
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 0) throw error
      throw new Error('The server cannot be reached from this page. Is its origin allowed there?')
    }
  }

  // Who one is there.
  async #learn(name) {
    const query = new URLSearchParams({ document: name })
    const who = await this.#server.request(`/session?${query}`)
    assume({ ...who, name: who.name || (this.getAttribute('name') ?? '') })
    this.#user = who.user
    return who
  }

  // A newer token, in time or too late: whoever types goes on, unless it is somebody else's.
  async #renew() {
    const [session, turn, user] = [this.#session, this.#turn, this.#user]
    this.#server.token = this.#token
    session.renew(this.#token)
    try {
      const { level } = await this.#learn(this.getAttribute('document'))
      if (turn !== this.#turn) return
      if (user !== this.#user) this.#open()
      else session.learn({ level })
    } catch {
      // The socket finds out by itself, once the server can be reached.
    }
  }

  async #begin(meta, turn) {
    const session = new Session(meta.name, meta.level, { server: this.#url, token: this.#token })
    this.#session = session
    const presence = new Presence(session.awareness)
    await session.open()
    session.onChange(() => this.#tell())
    await new Promise((done) => {
      session.onChange(({ facts }) => (facts.everSynced || facts.closed) && done())
    })
    if (turn !== this.#turn) return
    if (session.facts.closed) return this.#fail(session.facts.closed.reason)
    this.#show(session, presence, meta)
  }

  #show(session, presence, meta) {
    const { stats: foot, frame, page, title, avatars } = this.#parts
    const place = { ...this.#place, foot }
    const carets = new Carets(presence, this.#root)
    title.textContent = meta.title || meta.name
    const editor = openEditor({ place, doc: session.doc, presence, carets, meta })
    editor.onchange = () => {
      frame.dataset.editor = editor.kind || 'json'
      this.#tell()
    }
    this.#editor = editor
    editor.onchange()
    this.#remember(session, presence, meta)
    const people = () => {
      avatars.replaceChildren(...avatarRow(presence.people()))
      this.#say('people', { people: presence.people().map(({ name, color }) => ({ name, color })) })
    }
    presence.on('change', people)
    people()
    session.doc.on('update', (_update, _origin, _doc, { local }) => this.#say('change', { local }))
    page.setAttribute('aria-busy', 'false')
    this.#allow()
    this.#say('ready')
  }

  #remember(session, presence, meta) {
    const shown = () => this.hasAttribute('readonly')
    const rights = {
      may: (level) => session.may(level) && (level === 'read' || !shown()),
      get forbids() {
        return shown() ? 'This page only shows the document.' : session.forbids
      }
    }
    const [editor, server, place] = [this.#editor, this.#server, this.#place]
    this.#past = openPast({ meta, editor, session, rights, presence, server, place })
    if (this.#past) this.#parts.history.replaceChildren(this.#past.button)
  }

  // By the attribute, and by what the server lets one do.
  #allow() {
    const session = this.#session
    if (!session || !this.#editor?.kind) return
    const writing = !this.hasAttribute('readonly') && session.forbids === null && !session.ended
    if (writing !== this.#writing) this.#editor.allow((this.#writing = writing))
  }

  #look() {
    this.#allow()
    this.#tell()
  }

  #tell() {
    const session = this.#session
    if (!session) return
    const viewing = this.#editor !== null && (this.#editor.kind === '' || this.hasAttribute('readonly'))
    const state = describe(session, viewing)
    this.#allow()
    if (state.text === this.#state.text && state.state === this.#state.state) return
    const before = this.#state
    this.#state = state
    const { pill } = this.#parts
    pill.dataset.state = state.state
    pill.textContent = state.text
    pill.title = state.detail
    this.#say('status', { state: state.state, text: state.text, detail: state.detail })
    if (session.saved && before.state === 'saving') this.#say('saved')
  }

  #fail(message) {
    this.#close()
    this.#parts.page.replaceChildren(h('p', { class: 'failed', role: 'alert' }, message))
    this.#say('error', { message })
  }

  #say(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }

  #close() {
    this.#turn++
    this.#past?.destroy()
    this.#editor?.destroy?.()
    this.#session?.leave()
    this.#past = this.#editor = this.#session = null
    this.#writing = true
    this.#state = {}
    for (const name of ['tool-strip', 'page', 'avatars', 'history']) this.#parts[name].replaceChildren()
    for (const name of ['title', 'pill', 'stats']) this.#parts[name].textContent = ''
    this.#parts.page.setAttribute('aria-busy', 'true')
  }

  #paint() {
    const theme = this.getAttribute('theme')
    this.#parts.frame.dataset.theme = theme ?? (dark.matches ? 'dark' : 'light')
    this.toggleAttribute('data-dark', this.#parts.frame.dataset.theme === 'dark')
  }
}

customElements.define('quire-editor', QuireEditor)
