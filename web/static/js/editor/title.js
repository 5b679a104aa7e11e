// The title in the bar: a field that saves itself. Titles belong to the server, not to the shared
// text; a rename is told to the others through awareness as a mere hint, on which they ask the
// server.

import { getDocument, renameDocument } from '../api.js'
import { byId, h } from '../dom.js'
import { titleOf } from '../kinds.js'
import { owned, remember } from '../memory.js'
import { toast } from '../toast.js'
import { soon } from './pace.js'

export class TitleField {
  input = h('input', {
    class: 'title-input',
    'aria-label': 'Title',
    maxlength: '200',
    autocomplete: 'off',
    spellcheck: 'false',
    'data-tip': 'Rename'
  })
  #doc
  #awareness

  /** `doc` is the document's entry; `toText()` puts the focus into the text. */
  constructor({ place, doc, awareness, toText }) {
    this.#doc = doc
    this.#awareness = awareness
    place.append(this.input)
    this.input.addEventListener('blur', () => this.#save())
    this.input.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.input.value = titleOf(this.#doc)
      if (event.key !== 'Enter' && event.key !== 'Escape') return
      event.preventDefault()
      toText()
    })
    const refresh = soon(() => this.refresh())
    watchHints(awareness, refresh)
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) refresh()
    })
    this.#show(doc)
  }

  /** Whether one may rename. */
  allow(writing) {
    this.input.readOnly = !writing
    if (writing) this.input.dataset.tip = 'Rename'
    else delete this.input.dataset.tip
  }

  /** Ask the server what the title is now. */
  async refresh() {
    try {
      this.#show(await getDocument(this.#doc.name))
    } catch {
      // The next hint or visit will tell.
    }
  }

  #show(doc) {
    this.#doc = { ...this.#doc, ...doc }
    const { name, title, kind } = this.#doc
    remember(owned(`meta:${name}`), { name, title, kind })
    document.title = `${titleOf(this.#doc)} - Quire`
    byId('heading').textContent = titleOf(this.#doc)
    if (document.activeElement !== this.input) this.input.value = titleOf(this.#doc)
  }

  async #save() {
    const title = this.input.value.trim()
    if (!this.input.readOnly && title !== '' && title !== titleOf(this.#doc)) {
      try {
        this.#show(await renameDocument(this.#doc.name, title))
        this.#awareness.setLocalStateField('renamed', Date.now())
      } catch (error) {
        toast(`Not renamed: ${error.message}`)
      }
    }
    this.#show(this.#doc)
  }
}

function watchHints(awareness, refresh) {
  const seen = new Map()
  awareness.on('change', ({ added, updated }) => {
    for (const client of [...added, ...updated]) {
      const hint = awareness.getStates().get(client)?.renamed
      if (client === awareness.clientID || typeof hint !== 'number' || seen.get(client) === hint)
        continue
      seen.set(client, hint)
      refresh()
    }
  })
}
