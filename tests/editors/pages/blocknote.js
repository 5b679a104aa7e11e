import { BlockNoteEditor } from '@blocknote/core'
import '@blocknote/core/style.css'
import { withCollaboration } from '@blocknote/core/yjs'

export function show (parent, doc, provider, user) {
  const editor = BlockNoteEditor.create(withCollaboration({
    collaboration: { provider, fragment: doc.getXmlFragment('default'), user }
  }))
  editor.mount(parent)
  return editor
}
