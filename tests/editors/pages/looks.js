// What a person sees of each editor. `content` is where they click and type, `blocks` are its lines,
// `caret` is somebody else's, if the binding shows any; `text` is for editors that put only a part
// of a long text on the page, and `breaks` are lines within blocks.
const blocknote = { content: '.ProseMirror', blocks: '.bn-inline-content', caret: '.bn-collaboration-cursor__base', breaks: 'br:not(.ProseMirror-trailingBreak)' }

export const looks = {
  codemirror: { content: '.cm-content', caret: '.cm-ySelectionCaret', text: (view) => view.state.doc.toString() },
  prosemirror: { content: '.ProseMirror', blocks: 'p', caret: '.ProseMirror-yjs-cursor' },
  quill: { content: '.ql-editor', blocks: 'p', caret: '.ql-cursor:not(.hidden) .ql-cursor-caret' },
  monaco: { content: '.monaco-editor .view-lines', caret: '.yRemoteSelectionHead', text: (editor) => editor.getValue() },
  tiptap: { content: '.ProseMirror', blocks: 'p', caret: '.collaboration-carets__caret' },
  blocknote,
  'blocknote-history': blocknote,
  lexical: { content: '[data-lexical-editor]', blocks: 'p', connects: true },
  slate: { content: '[data-slate-editor]', blocks: '[data-slate-node=element]', waits: true },
  textarea: { content: 'textarea', caret: '.nameTag', text: (area) => area.value }
}

/** The lines of an editor's element, without others' carets and what fills empty lines. */
export function lines (look) {
  const content = document.querySelector(look.content).cloneNode(true)
  if (look.caret) for (const caret of content.querySelectorAll(look.caret)) caret.remove()
  if (look.breaks) for (const line of content.querySelectorAll(look.breaks)) line.replaceWith('\n')
  const blocks = [...content.querySelectorAll(look.blocks)]
  return blocks.map((block) => block.textContent.replace(/[\u2060\uFEFF]/g, '')).join('\n')
}
