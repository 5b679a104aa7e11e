// What one can do with a document from outside it: make, rename, delete, bring back. Dialogs,
// requests, toasts.

import {
  createDocument,
  deleteDocument,
  documentUrl,
  renameDocument,
  undeleteDocument
} from '../api.js'
import { confirmDialog, promptDialog } from '../dialogs.js'
import { KINDS, titleOf } from '../kinds.js'
import { toast } from '../toast.js'

const sorry = (what, error) => toast(`${what}: ${error.message}`)

/** Make an untitled document and go there; the editor asks for its title first. */
export async function makeDocument(kind) {
  try {
    const doc = await createDocument({ title: 'Untitled', kind })
    sessionStorage.setItem('quire:fresh', doc.name)
    location.assign(documentUrl(doc.name))
  } catch (error) {
    sorry('No document was made', error)
  }
}

/** The items of a "New" menu. */
export const newItems = () =>
  KINDS.map(({ kind, icon, label, hint }) => ({
    icon,
    label,
    small: hint,
    run: () => makeDocument(kind)
  }))

/** Ask for a title; resolves to the document as it is then, or null. */
export async function renameDialog(doc) {
  const title = await promptDialog({
    title: 'Rename document',
    label: 'Title',
    value: titleOf(doc),
    action: 'Rename'
  })
  if (title === null || title === doc.title) return null
  try {
    return await renameDocument(doc.name, title)
  } catch (error) {
    sorry('Not renamed', error)
    return null
  }
}

/**
 * Ask, delete, offer to undo; resolves to whether it was deleted. `restored` is called after an
 * undo.
 */
export async function deleteDialog(doc, restored = () => {}) {
  const here = doc.editors?.length ?? 0
  const sure = await confirmDialog({
    title: `Delete “${titleOf(doc)}”?`,
    text:
      (here > 0 ? 'It is being edited right now; its editors will be told. ' : '') +
      'You can undo this now, or restore it later from its link.',
    action: 'Delete',
    danger: true
  })
  if (!sure) return false
  try {
    await deleteDocument(doc.name)
  } catch (error) {
    sorry('Not deleted', error)
    return false
  }
  toast(`Deleted “${titleOf(doc)}”`, { label: 'Undo', run: () => bringBack(doc, restored) })
  return true
}

async function bringBack(doc, restored) {
  try {
    await undeleteDocument(doc.name)
    restored()
  } catch (error) {
    sorry('Not restored', error)
  }
}
