import Quill from 'quill'
import 'quill/dist/quill.snow.css'
import QuillCursors from 'quill-cursors'
import { QuillBinding } from 'y-quill'

Quill.register('modules/cursors', QuillCursors)

export function show (parent, doc, provider) {
  const quill = new Quill(parent, { theme: 'snow', modules: { cursors: true } })
  new QuillBinding(doc.getText('content'), quill, provider.awareness) // eslint-disable-line no-new
  return quill
}
