import { basicSetup, EditorView } from 'codemirror'
import { yCollab } from 'y-codemirror.next'

export function show (parent, doc, provider) {
  const text = doc.getText('content')
  return new EditorView({
    parent,
    doc: text.toString(),
    extensions: [basicSetup, yCollab(text, provider.awareness)]
  })
}
