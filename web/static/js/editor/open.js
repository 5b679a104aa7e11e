// Which editor a document gets, for the page and for the element in other pages.

import { openJson } from './json.js'
import { openRich, richSchema } from './rich.js'
import { choose, fits, watchStrangers } from './roots.js'
import { openText } from './text.js'

const STRANGE =
  'Another editor has put in things that this page cannot show, so it is view only here.'
const OTHER = 'Another editor made this document. It is view only here, and follows every change.'

// Which editor, on which root. One may only be put on contents that it can show whole: y-tiptap
// deletes nodes that it does not know, and in CodeMirror an object would shift every position after
// it.
function decide(doc, kind, schema) {
  if (kind === '') return choose(doc, schema)
  if (kind === 'rich') {
    const root = doc.getXmlFragment('default')
    return { editor: fits(root, schema) ? 'rich' : null, root }
  }
  const root = doc.getText('content')
  return { editor: fits(root, null) ? kind : null, root }
}

const nameOf = (doc, root) => [...doc.share].find(([, type]) => type === root)[0]

/**
 * Put the editor that suits a document { kind, title, name } into `place` { tools, page, foot }:
 * { kind, root, focus(), reveal(client), allow(writing), text(), destroy() }; kind is '' where it
 * can only be shown, and `onchange` of it is called when that has become so.
 */
export function openEditor({ place, doc, presence, carets, meta }) {
  const schema = richSchema()
  const { editor: kind, root } = decide(doc, meta.kind, schema)
  const shared = { place, presence, carets, title: meta.title || meta.name, name: meta.name }
  if (kind === null)
    return { kind: '', ...openJson({ place, doc, why: meta.kind === '' ? OTHER : STRANGE }) }
  const opened = { kind, root: nameOf(doc, root) }
  watchStrangers(root, kind === 'rich' ? schema : null, () => {
    opened.destroy()
    Object.assign(opened, { kind: '' }, openJson({ place, doc, why: STRANGE }))
    opened.onchange?.()
  })
  const parts =
    kind === 'rich'
      ? openRich({ ...shared, fragment: root })
      : openText({ ...shared, text: root, kind })
  return Object.assign(opened, parts)
}
