// The title in the bar: a field that saves itself. Titles belong to the server, not to the shared text; a rename is told
// to the others through awareness as a mere hint, on which they ask the server.

import { getDocument, renameDocument } from '../api.js'
import { h } from '../dom.js'
import { titleOf } from '../kinds.js'
import { remember } from '../memory.js'
import { toast } from '../toast.js'

/** Put the field into `place`. Answers { input, refresh() }. */
export function titleField ({ place, meta, awareness, toText }) {
  let shown = meta
  const input = h('input', { class: 'title-input', 'aria-label': 'Title', maxlength: '200', autocomplete: 'off', spellcheck: 'false', 'data-tip': 'Rename' })
  place.append(input)

  const show = (doc) => {
    shown = { ...shown, ...doc }
    remember(`meta:${shown.name}`, { name: shown.name, title: shown.title, kind: shown.kind })
    document.title = `${titleOf(shown)} - Quire`
    if (document.activeElement !== input) input.value = titleOf(shown)
  }
  const refresh = () => getDocument(shown.name).then(show, () => { /* the next hint or visit will tell */ })

  const save = async () => {
    const title = input.value.trim()
    if (title === '' || title === titleOf(shown)) return show(shown)
    try {
      show(await renameDocument(shown.name, title))
      awareness.setLocalStateField('renamed', Date.now())
    } catch (error) {
      toast(`Not renamed: ${error.message}`)
      show(shown)
    }
    if (document.activeElement !== input) input.value = titleOf(shown)
  }

  input.addEventListener('blur', save)
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') input.value = titleOf(shown)
    if (event.key === 'Enter' || event.key === 'Escape') { event.preventDefault(); toText() }
  })
  watchHints(awareness, refresh)
  document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh() })
  show(meta)
  return { input, refresh }
}

function watchHints (awareness, refresh) {
  const seen = new Map()
  awareness.on('change', ({ added, updated }) => {
    for (const client of [...added, ...updated]) {
      const hint = awareness.getStates().get(client)?.renamed
      if (client === awareness.clientID || typeof hint !== 'number' || seen.get(client) === hint) continue
      seen.set(client, hint)
      refresh()
    }
  })
}
