// History in the editor page, or in the element of another page: opens over the live editor, which goes
// on behind it, and closes again. Puts the banner, the drawing, the list and the player together, and
// keeps the address.

import { h, icon } from '../dom.js'
import { Address, NO_ADDRESS } from './address.js'
import { Authors } from './authors.js'
import { Banner } from './banner.js'
import { captionOf } from './caption.js'
import { answerKeys } from './keys.js'
import { entriesOf, entryAt, labelOf, longSpan, namedEntries } from './moments.js'
import { Names } from './names.js'
import { tellEmpty, tellError, tellGone } from './notices.js'
import { Panel } from './panel.js'
import { Past } from './past.js'
import { Player } from './player.js'
import { restore, takeBack } from './restore.js'
import { View } from './view.js'

/** After an edit it takes the server this long, or so, to have it in the list. */
const FRESH = 1200

const pressed = (button, on) => button.setAttribute('aria-pressed', String(on))

const historyButton = (run) =>
  h(
    'button',
    {
      type: 'button',
      class: 'button history-button',
      'aria-label': 'History',
      'aria-pressed': 'false',
      'data-tip': 'History',
      'data-keys': 'Mod-Alt-Shift-h',
      onclick: run
    },
    icon('past'),
    h('span', {}, 'History')
  )

export class History {
  /** Whether the past is shown. */
  open = false
  /** For the bar. */
  button = historyButton(() => this.toggle())
  past
  /** Of the document, the name of what is drawn. */
  root
  #place
  #session
  #rights
  #back
  #over = new AbortController()
  #authors
  #view
  #banner
  #panel
  #player
  #names
  #address
  #parts
  #entries = []
  /** changes, plain (no changes drawn) or who (wrote what). */
  #mode = 'changes'
  #target = null
  #said = null
  #timer = null

  /**
   * `place` is where: { root, frame, page, tools, foot, announce(words), toast, own }, a document or
   * shadow root, what is around the live document, and its parts, which stay where they are; `own`
   * says that address and memory of the browser are ours. `look` says how to draw the document: see
   * View. `back()` puts the focus into the live editor. `rights` { may(level), forbids } are the
   * session's, or less.
   */
  constructor({ name, server, place, session, rights = session, presence, look, back }) {
    this.#place = place
    this.#session = session
    this.#rights = rights
    this.#back = back
    this.past = new Past(name, server)
    this.root = look.root
    this.#authors = new Authors(presence, place.own)
    this.#view = new View(this.past, this.#authors, look)
    this.#banner = new Banner(this.#bannerActs(), this.#authors)
    this.#panel = new Panel(this.#panelActs(), this.#authors)
    this.#player = new Player({ go: (seq) => this.#go(seq, true), step: (by) => this.step(by) })
    this.#names = new Names(this.past, place, session.awareness, () => this.#soon(0))
    this.#parts = [this.#banner, this.#view, this.#panel, this.#player].map((it) => it.element)
    this.#address = place.own
      ? new Address((target) => (target ? this.show(target) : this.#leave()))
      : NO_ADDRESS
    answerKeys(this, place.root, this.#over.signal)
    session.doc.on('update', () => this.#soon(FRESH))
    session.onChange(({ saved, facts }) => {
      this.#panel.allow(rights)
      if (facts.closed) this.#leave()
      else if (saved) this.#soon(FRESH)
    })
    if (this.#address.target) this.show(this.#address.target)
  }

  /** The document goes, and its session. */
  destroy() {
    this.#over.abort()
    clearTimeout(this.#timer)
    this.#leave(false)
  }

  toggle() {
    if (this.open) this.close()
    else this.show(null, true)
  }

  /**
   * Show a target { from, to }, or what happened last; `far`: as a place that the browser's Back
   * leaves again.
   */
  async show(target, far = false) {
    if (this.#session.facts.closed) return
    if (!this.open) this.#enter()
    await this.#try(async () => {
      await this.past.refresh()
      if (target) await this.past.reach(target.to)
      if (!this.open) return
      this.#list()
      const { head } = this.past
      if (head === 0) return this.#tell(tellEmpty)
      if (target && Math.max(target.from, target.to) > head)
        return this.#tell(tellGone, target.to, head, () => this.show(null))
      if (target) this.#mode = this.#modeOf(target)
      await this.#draw(target ?? this.#at(head))
      if (this.#target !== null) this.#address.set(this.#target, far)
    })
  }

  get #live() {
    const { page, tools, foot } = this.#place
    return [page, tools, foot]
  }

  #enter() {
    this.open = true
    pressed(this.button, true)
    this.#place.frame.classList.add('with-past')
    for (const part of this.#live) part.inert = true
    this.#place.page.after(...this.#parts)
    this.#panel.allow(this.#rights)
    this.#banner.blank('History')
    this.#view.wait()
    this.#player.slider.focus({ focusVisible: false, preventScroll: true })
  }

  /** Put the list away where it covers the page, else go back to the live document. */
  back() {
    if (!this.#cover(false)) this.close()
  }

  /** Back to the live document. */
  close() {
    if (!this.open) return
    this.#leave()
    this.#address.leave()
  }

  #leave(focus = true) {
    if (!this.open) return
    this.open = false
    this.#player.pause()
    this.#mode = 'changes'
    this.#target = this.#said = null
    pressed(this.button, false)
    this.#place.frame.classList.remove('with-past', 'with-past-list')
    for (const part of this.#parts) part.remove()
    for (const part of this.#live) part.inert = false
    this.#place.announce('Back in the document')
    if (!focus) return
    // On a phone the focus would bring its keyboard up.
    if (matchMedia('(hover: none)').matches) this.button.focus()
    else this.#back()
  }

  // Do what asks the server, and say so when it fails.
  async #try(act) {
    try {
      await act()
    } catch (error) {
      this.#player.pause()
      this.#tell(tellError, error, () => this.#try(act))
    }
  }

  #tell(how, ...what) {
    if (!this.open) return
    this.#said = null
    this.#banner.blank('History')
    how(this.#view, ...what, () => this.close())
  }

  // What a target from an address means: 0..n is who wrote what, unless it is one entry's changes.
  #modeOf({ from, to }) {
    if (from === null) return 'plain'
    const first = entryAt(this.#entries, 1)
    return from === 0 && !(first && first.last >= to) ? 'who' : 'changes'
  }

  // The target of a moment, in the present mode.
  #at(seq) {
    if (this.#mode === 'plain') return { from: null, to: seq }
    if (this.#mode === 'who') return { from: 0, to: seq }
    const entry = entryAt(this.#entries, seq)
    return { from: entry ? entry.first - 1 : Math.max(0, seq - 1), to: seq }
  }

  /** Show a moment while one passes by: `newest` draws whose edit it is. */
  #go(seq, newest = false) {
    return this.#try(async () => {
      await this.past.reach(seq)
      if (!this.open) return
      await this.#draw(this.#at(seq), newest)
      if (this.open) this.#address.set(this.#target, false)
    })
  }

  async #draw(target, newest = false) {
    this.#target = target
    this.#player.at(target.to, this.#words(target.to))
    this.#panel.mark(target.to)
    const wanted = { ...target, mode: this.#mode, newest: newest && this.#mode === 'changes' }
    const said = await this.#view.show(wanted)
    if (!this.open || this.#target !== target) return
    this.#said = said
    this.#say()
  }

  // A moment for the slider.
  #words(seq) {
    const stretch = entryAt(this.past.stretches, seq)
    const when =
      stretch && `${stretch.author || 'Somebody'}, ${longSpan(stretch.began, stretch.ended)}`
    return [when, `edit ${seq} of ${this.past.head}`].filter(Boolean).join(', ')
  }

  #say() {
    const { to } = this.#target
    const names = this.past.versions.filter(({ seq }) => seq === to).map(labelOf)
    const caption = captionOf({ mode: this.#mode, names, ...this.#said })
    this.#banner.show({
      ...caption,
      count: this.#mode === 'changes' ? this.#view.changes.all.length : null,
      mode: this.#mode,
      here: to === this.past.head,
      why: this.#rights.forbids,
      writes: this.#rights.may('write')
    })
    if (!this.#player.playing) this.#place.announce(caption.title)
  }

  /** Go to the next (1) or the previous (-1) stretch; `fine`: edit. */
  async step(by, fine = false) {
    this.#player.pause()
    const { head } = this.past
    const to = this.#target?.to ?? head
    if (head === 0) return
    const next = fine ? to + by : await this.#stop(to, by)
    const seq = Math.max(1, Math.min(head, next))
    if (seq !== this.#target?.to) await this.#go(seq, true)
  }

  // Where the next stretch, or version, ends.
  async #stop(to, by) {
    await this.past.reach(to - 1).catch(() => {})
    const ends = [
      ...this.past.stretches.map(({ last }) => last),
      ...this.past.versions.map((it) => it.seq)
    ]
    return by > 0
      ? Math.min(this.past.head, ...ends.filter((seq) => seq > to))
      : Math.max(1, ...ends.filter((seq) => seq < to))
  }

  /** Go to the next (1) or the previous (-1) change in the text. */
  change(by) {
    this.#view.changes.step(by)
  }

  play() {
    this.#player.toggle()
  }

  /** Show changes, or do not. */
  toggleChanges() {
    this.#switch(this.#mode === 'plain' ? 'changes' : 'plain')
  }

  /** Show who wrote what, or go back to changes. */
  toggleWho() {
    this.#switch(this.#mode === 'who' ? 'changes' : 'who')
  }

  #switch(mode) {
    if (this.#target === null) return
    this.#mode = mode
    this.#go(this.#target.to)
  }

  #bannerActs() {
    return {
      step: (by) => this.change(by),
      toggle: () => this.toggleChanges(),
      who: () => this.toggleWho(),
      restore: () => this.#restore(this.#target.to),
      copy: this.#place.own && (() => this.#copy(this.#target)),
      versions: () => this.#cover(true),
      close: () => this.close()
    }
  }

  #panelActs() {
    return {
      choose: ({ first, last }, far) => this.#choose({ from: first - 1, to: last }, far),
      compare: ({ last }) => this.#compare(last),
      filter: () => this.#list(),
      more: () => this.#more(),
      name: (seq) => this.#names.give(seq ?? this.#target?.to ?? this.past.head),
      rename: (version) => this.#names.rename(version),
      unname: (version) => this.#names.takeAway(version),
      restore: (seq) => this.#restore(seq),
      takeBack: (entry, by) =>
        takeBack(this.past, entry, by, this.#rights.forbids, this.#place.toast),
      copy: this.#place.own && (({ first, last }) => this.#copy({ from: first - 1, to: last })),
      close: () => this.#cover(false)
    }
  }

  // On a narrow page the list covers the rest; whether it did before.
  #cover(shown) {
    const { classList } = this.#place.frame
    const before = classList.contains('with-past-list')
    classList.toggle('with-past-list', shown)
    if (shown) this.#panel.focus()
    else if (before) this.#banner.focus()
    return before
  }

  #choose(target, far) {
    this.#player.pause()
    this.#cover(false)
    if (this.#mode === 'who') target = { from: 0, to: target.to }
    if (this.#mode === 'plain') target = { from: null, to: target.to }
    return this.#try(async () => {
      await this.#draw(target)
      if (this.open) this.#address.set(target, far)
    })
  }

  #compare(seq) {
    this.#mode = 'changes'
    this.#choose({ from: seq, to: this.past.head }, true)
  }

  async #more() {
    try {
      await this.past.more()
      this.#list()
    } catch (error) {
      this.#place.toast(error.message)
    }
  }

  async #restore(seq) {
    this.#banner.busy(true)
    const done = await restore(this.past, seq, this.#rights.forbids, this.#place.toast)
    this.#banner.busy(false)
    if (done) this.close()
  }

  async #copy(target) {
    const address = this.#address.of(target)
    try {
      await navigator.clipboard.writeText(address)
      this.#place.toast('Link copied')
    } catch {
      this.#place.toast(address)
    }
  }

  // The document has grown, or a version has got a name.
  #soon(ms) {
    if (!this.open) return
    if (ms === 0) clearTimeout(this.#timer)
    else if (this.#timer !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      if (this.open) this.#renew().catch(() => {})
    }, ms)
  }

  async #renew() {
    const before = this.past.head
    await this.past.refresh()
    if (!this.open) return
    this.#list()
    if (before === 0 && this.past.head > 0) await this.#draw(this.#at(this.past.head))
    else if (this.#said !== null) this.#say()
  }

  #list() {
    this.#entries = entriesOf(this.past)
    this.#panel.show(
      this.#panel.onlyNamed ? namedEntries(this.past) : this.#entries,
      this.past.whole,
      this.past.head
    )
    const pieces = this.past.stretches.map((it) => ({
      ...it,
      color: this.#authors.color(it.author)
    }))
    this.#player.set({
      head: this.past.head,
      pieces: pieces.reverse(),
      versions: this.past.versions
    })
    if (this.#target === null) return
    this.#player.at(this.#target.to, this.#words(this.#target.to))
    this.#panel.mark(this.#target.to)
  }
}
