// The third-party code that the editor page runs on, gathered into ONE module for
// web/static/vendor/editor.js. Only re-exports live here: behaviour belongs to our own modules in
// web/static/js, which never name a package.

// Yjs and the two providers that carry a document: the server and this browser's IndexedDB.
export * as Y from 'yjs'
export { WebsocketProvider } from 'y-websocket'
export { IndexeddbPersistence, fetchUpdates } from 'y-indexeddb'
export { createEncoder, toUint8Array, writeVarUint, writeVarUint8Array } from 'lib0/encoding'
export { createDecoder, readVarUint, readVarUint8Array } from 'lib0/decoding'

// Rich text: Tiptap.
export { Editor, Extension, getSchema } from '@tiptap/core'
export { StarterKit } from '@tiptap/starter-kit'
export { Collaboration } from '@tiptap/extension-collaboration'
export { CollaborationCaret } from '@tiptap/extension-collaboration-caret'
export { TaskItem, TaskList } from '@tiptap/extension-list'
export { TableKit } from '@tiptap/extension-table'
export { Placeholder } from '@tiptap/extensions'
export { Highlight } from '@tiptap/extension-highlight'
export { DOMParser } from '@tiptap/pm/model'
export { Plugin, PluginKey } from '@tiptap/pm/state'
export { Decoration, DecorationSet } from '@tiptap/pm/view'
export { relativePositionToAbsolutePosition, ySyncPluginKey } from '@tiptap/y-tiptap'

// Text and code: CodeMirror.
export {
  EditorView,
  ViewPlugin,
  WidgetType,
  Decoration as TextDecoration,
  keymap,
  lineNumbers,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  drawSelection,
  dropCursor,
  rectangularSelection,
  crosshairCursor,
  placeholder as textPlaceholder
} from '@codemirror/view'
export {
  Annotation,
  Compartment,
  EditorSelection,
  EditorState,
  RangeSet,
  Prec
} from '@codemirror/state'
export { defaultKeymap, indentWithTab } from '@codemirror/commands'
export {
  HighlightStyle,
  bracketMatching,
  defaultHighlightStyle,
  foldGutter,
  foldKeymap,
  indentOnInput,
  indentUnit,
  syntaxHighlighting
} from '@codemirror/language'
export {
  highlightSelectionMatches,
  openSearchPanel,
  search,
  searchKeymap
} from '@codemirror/search'
export {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap
} from '@codemirror/autocomplete'
export { yCollab, yUndoManagerKeymap } from 'y-codemirror.next'
export { markdown, markdownLanguage } from '@codemirror/lang-markdown'
export { javascript } from '@codemirror/lang-javascript'
export { python } from '@codemirror/lang-python'
export { json } from '@codemirror/lang-json'
export { html } from '@codemirror/lang-html'
export { css } from '@codemirror/lang-css'
export { classHighlighter, highlightTree, tags } from '@lezer/highlight'

// The Markdown preview: marked writes HTML, DOMPurify makes it harmless.
export { Marked } from 'marked'
export { default as DOMPurify } from 'dompurify'
