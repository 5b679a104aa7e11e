import * as monaco from 'monaco-editor'
import { MonacoBinding } from 'y-monaco'

export function show (parent, doc, provider) {
  const editor = monaco.editor.create(parent, { language: 'plaintext', pasteAs: { enabled: false } })
  const model = editor.getModel()
  // eslint-disable-next-line no-new
  new MonacoBinding(doc.getText('content'), model, new Set([editor]), provider.awareness)
  return editor
}
