// History for an editor of ours: in the page, or in the element of another page.

import { languageOfCode } from '../editor/text-setup.js'
import { History } from './history.js'

/**
 * The History of a document `meta` that `editor` can show, even if it cannot just now; null of others.
 * The rest is as History takes it.
 */
export function openPast({ meta, editor, session, ...rest }) {
  const kind = meta.kind || editor.kind
  if (kind === '') return null
  const root = editor.root ?? (kind === 'rich' ? 'default' : 'content')
  const language = () => (kind === 'code' ? languageOfCode(session.doc, meta.title) : kind)
  const back = () => editor.kind !== '' && editor.focus()
  return new History({ ...rest, name: meta.name, session, look: { kind, root, language }, back })
}
