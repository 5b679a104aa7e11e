import { baseKeymap, toggleMark } from 'prosemirror-commands'
import { keymap } from 'prosemirror-keymap'
import { schema } from 'prosemirror-schema-basic'
import { EditorState } from 'prosemirror-state'
import { EditorView } from 'prosemirror-view'
import { initProseMirrorDoc, yCursorPlugin, ySyncPlugin, yUndoPlugin } from 'y-prosemirror'

export function show (parent, doc, provider) {
  const { doc: start, mapping } = initProseMirrorDoc(doc.getXmlFragment('default'), schema)
  const plugins = [
    ySyncPlugin(doc.getXmlFragment('default'), { mapping }),
    yCursorPlugin(provider.awareness),
    yUndoPlugin(),
    keymap({ 'Mod-b': toggleMark(schema.marks.strong) }),
    keymap(baseKeymap)
  ]
  return new EditorView(parent, { state: EditorState.create({ doc: start, schema, plugins }) })
}
