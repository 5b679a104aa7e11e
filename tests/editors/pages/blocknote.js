import { BlockNoteEditor } from '@blocknote/core'
import '@blocknote/core/style.css'

export function show (parent, doc, provider, user) {
  const editor = BlockNoteEditor.create({
    collaboration: { provider, fragment: doc.getXmlFragment('default'), user }
  })
  editor.mount(parent)
  return editor
}
