// Bringing a moment back, and taking that back: two ordinary edits, with a word about each.

import { toast } from '../toast.js'
import { labelOf, pointOf } from './moments.js'
import { author, written } from './names.js'

async function undo(past, edits) {
  try {
    await past.undo(edits)
    toast('The restore was taken back')
  } catch (error) {
    toast(`Not taken back: ${error.message}`)
  }
}

/** Restore a moment of `past`; `denied` says why nobody may write, or null. Whether it was done. */
export async function restore(past, seq, denied) {
  if (denied !== null) {
    toast(`Not restored: ${denied || 'this document can only be read.'}`)
    return false
  }
  try {
    const shown = await past.moment(seq) // of a thinned past, an earlier one
    const done = await past.restore(shown.seq, author(), written())
    if (done === null) {
      toast('The document is already like this')
      return false
    }
    const named = past.versions.find((version) => version.seq === seq)
    const words = named ? `\u201c${labelOf(named)}\u201d` : pointOf(shown.time ?? Date.now())
    toast(`Restored to ${words}`, { label: 'Undo', run: () => undo(past, done) })
    return true
  } catch (error) {
    toast(`Not restored: ${error.message}`)
    return false
  }
}
