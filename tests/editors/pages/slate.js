import { withYHistory, withYjs, YjsEditor } from '@slate-yjs/core'
import { createElement as h, useEffect } from 'react'
import { createRoot } from 'react-dom/client'
import { createEditor, Editor, Transforms } from 'slate'
import { Editable, Slate, withReact } from 'slate-react'
import * as Y from 'yjs'

const paragraph = { type: 'paragraph', children: [{ text: '' }] }
const leaf = ({ attributes, children, leaf }) => h(leaf.bold ? 'strong' : 'span', attributes, children)

export function show (parent, doc) {
  const editor = withReact(withYHistory(withYjs(createEditor(), doc.get('content', Y.XmlText))))
  const { normalizeNode } = editor
  editor.normalizeNode = (entry, options) => { // there is always a paragraph to type in
    if (entry[0] !== editor || editor.children.length > 0) return normalizeNode(entry, options)
    Transforms.insertNodes(editor, paragraph, { at: [0] })
  }
  const onKeyDown = (event) => {
    if (!event.ctrlKey || event.key !== 'b') return
    event.preventDefault()
    Editor.marks(editor)?.bold ? Editor.removeMark(editor, 'bold') : Editor.addMark(editor, 'bold', true)
  }
  const Page = () => {
    useEffect(() => { YjsEditor.connect(editor); return () => YjsEditor.disconnect(editor) }, [])
    return h(Slate, { editor, initialValue: [paragraph] }, h(Editable, { renderLeaf: leaf, onKeyDown }))
  }
  createRoot(parent).render(h(Page))
}
