// Giving names to moments, changing and taking them away; and telling the others that it happened.

import { confirmDialog, promptDialog } from '../dialogs.js'
import { me, shownName } from '../identity.js'

const plain = (name) => name.split(/\s+/).filter(Boolean).join(' ')

/** What we tell the server as our name, and what it writes down. */
export const author = () => plain(me.name)
export const written = () => plain(shownName())

export class Names {
  #past
  #place
  #awareness
  #changed

  /**
   * `place` is that of History; `changed()` is called after a change, here or at another's.
   */
  constructor(past, place, awareness, changed) {
    this.#past = past
    this.#place = place
    this.#awareness = awareness
    this.#changed = changed
    watchHints(awareness, changed)
  }

  async give(seq) {
    const asked = { title: 'Name this version', label: 'Name', action: 'Save name' }
    const name = await promptDialog(asked, this.#place.root)
    if (name !== null) await this.#do(() => this.#past.name(name, seq, author()), 'Not named')
  }

  async rename({ name }) {
    const asked = { title: 'Rename this version', label: 'Name', value: name, action: 'Rename' }
    const wanted = await promptDialog(asked, this.#place.root)
    if (wanted !== null && wanted !== name)
      await this.#do(() => this.#past.rename(name, wanted), 'Not renamed')
  }

  async takeAway({ name }) {
    const asked = {
      title: `Take the name \u201c${name}\u201d away?`,
      text: 'What was written stays in the history.',
      action: 'Take it away',
      danger: true
    }
    const sure = await confirmDialog(asked, this.#place.root)
    if (sure) await this.#do(() => this.#past.unname(name), 'The name is still there')
  }

  async #do(act, otherwise) {
    try {
      await act()
    } catch (error) {
      return this.#place.toast(`${otherwise}: ${error.message}`)
    }
    this.#awareness.setLocalStateField('named', Date.now())
    this.#changed()
  }
}

// The others say through awareness, as a mere hint, that there is something new.
function watchHints(awareness, changed) {
  const seen = new Map()
  awareness.on('change', ({ added, updated }) => {
    for (const client of [...added, ...updated]) {
      const hint = awareness.getStates().get(client)?.named
      if (client === awareness.clientID || typeof hint !== 'number' || seen.get(client) === hint)
        continue
      seen.set(client, hint)
      changed()
    }
  })
}
