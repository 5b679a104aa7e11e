// Bringing a moment back, or taking somebody's edits back, and taking that back: ordinary edits, with
// a word about each.

import { nameOf } from './authors.js'
import { labelOf, pointOf } from './moments.js'
import { author, written } from './names.js'

async function undo(past, edits, words, toast) {
  try {
    await past.undo(edits)
    toast(words)
  } catch (error) {
    toast(`Not taken back: ${error.message}`)
  }
}

/**
 * Restore a moment of `past`; `denied` says why nobody may write, or null; `toast` tells. Whether it was
 * done.
 */
export async function restore(past, seq, denied, toast) {
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
    const back = () => undo(past, done, 'The restore was taken back', toast)
    toast(`Restored to ${words}`, { label: 'Undo', run: back })
    return true
  } catch (error) {
    toast(`Not restored: ${error.message}`)
    return false
  }
}

/** Take back what `by` did in the edits from `first` to `last`; the rest is as in restore(). */
export async function takeBack(past, { first, last }, by, denied, toast) {
  const whose = `The edits of ${nameOf(by)}`
  if (denied !== null) {
    toast(`Not taken back: ${denied || 'this document can only be read.'}`)
    return
  }
  try {
    const done = await past.undo({ first, last, by, author: author() }, written())
    if (done === null) {
      toast(`${whose} left nothing to take back`)
      return
    }
    const again = () => undo(past, done, `${whose} are there again`, toast)
    toast(`${whose} were taken back`, { label: 'Undo', run: again })
  } catch (error) {
    toast(`Not taken back: ${error.message}`)
  }
}
