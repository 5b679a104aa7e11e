// The tools of the rich-text editor: what each does, its icon, its shortcut and when it is on.

import { keyNames } from '../dom.js'
import { editLink } from './links.js'

// Tiptap's own focus() waits for the next frame, in which a fast typist's letters would go
// elsewhere.
const chain = (editor) => {
  editor.view.focus()
  return editor.chain()
}

const STYLES = [
  {
    name: 'paragraph',
    attributes: {},
    label: 'Text',
    keys: 'Mod-Alt-0',
    is: (editor) => editor.isActive('paragraph')
  },
  ...[1, 2, 3].map((level) => ({
    name: 'heading',
    attributes: { level },
    label: `Heading ${level}`,
    keys: `Mod-Alt-${level}`,
    is: (editor) => editor.isActive('heading', { level })
  }))
]

const styleOf = (editor) =>
  STYLES.find(({ is }) => is(editor))?.label ?? (editor.isActive('codeBlock') ? 'Code' : 'Text')

const styleMenu = (editor) =>
  STYLES.map(({ name, attributes, label, keys, is }) => ({
    label,
    hint: keyNames(keys).join(' '),
    checked: is(editor),
    run: () => chain(editor).setNode(name, attributes).run()
  }))

function mark(editor, name, icon, label, keys) {
  return {
    icon,
    label,
    keys,
    run: () => chain(editor).toggleMark(name).run(),
    active: () => editor.isActive(name),
    enabled: () => editor.can().toggleMark(name)
  }
}

function block(editor, name, command, icon, label, keys) {
  return {
    icon,
    label,
    keys,
    run: () => chain(editor)[command]().run(),
    active: () => editor.isActive(name)
  }
}

const tableTool = (editor, command, icon, label) => ({
  icon,
  label,
  run: () => chain(editor)[command]().run()
})

const historyGroup = (editor) => [
  {
    icon: 'undo',
    label: 'Undo',
    keys: 'Mod-z',
    run: () => chain(editor).undo().run(),
    enabled: () => editor.can().undo()
  },
  {
    icon: 'redo',
    label: 'Redo',
    keys: 'Mod-Shift-z',
    run: () => chain(editor).redo().run(),
    enabled: () => editor.can().redo()
  }
]

const styleGroup = (editor) => [
  { text: () => styleOf(editor), label: 'Paragraph style', menu: () => styleMenu(editor) }
]

const markGroup = (editor) => [
  mark(editor, 'bold', 'bold', 'Bold', 'Mod-b'),
  mark(editor, 'italic', 'italic', 'Italic', 'Mod-i'),
  mark(editor, 'underline', 'underline', 'Underline', 'Mod-u'),
  mark(editor, 'strike', 'strike', 'Strikethrough', 'Mod-Shift-s'),
  mark(editor, 'highlight', 'highlighter', 'Highlight', 'Mod-Shift-h'),
  mark(editor, 'code', 'code', 'Code', 'Mod-e'),
  {
    icon: 'link',
    label: 'Link',
    keys: 'Mod-k',
    run: () => editLink(editor),
    active: () => editor.isActive('link')
  }
]

const listGroup = (editor) => [
  block(editor, 'bulletList', 'toggleBulletList', 'list', 'Bulleted list', 'Mod-Shift-8'),
  block(editor, 'orderedList', 'toggleOrderedList', 'ordered', 'Numbered list', 'Mod-Shift-7'),
  block(editor, 'taskList', 'toggleTaskList', 'tasks', 'Task list', 'Mod-Shift-9')
]

const blockGroup = (editor) => [
  block(editor, 'blockquote', 'toggleBlockquote', 'quote', 'Quote', 'Mod-Shift-b'),
  block(editor, 'codeBlock', 'toggleCodeBlock', 'codeBlock', 'Code block', 'Mod-Alt-c'),
  {
    icon: 'table',
    label: 'Table',
    run: () => chain(editor).insertTable({ rows: 3, cols: 3, withHeaderRow: true }).run(),
    active: () => editor.isActive('table'),
    enabled: () => !editor.isActive('table')
  },
  { icon: 'rule', label: 'Dividing line', run: () => chain(editor).setHorizontalRule().run() },
  {
    icon: 'clear',
    label: 'Clear formatting',
    keys: 'Mod-\\',
    run: () => chain(editor).unsetAllMarks().clearNodes().run()
  }
]

const tableGroup = (editor) => [
  tableTool(editor, 'addRowBefore', 'rowAbove', 'Row above'),
  tableTool(editor, 'addRowAfter', 'rowBelow', 'Row below'),
  tableTool(editor, 'addColumnBefore', 'columnBefore', 'Column before'),
  tableTool(editor, 'addColumnAfter', 'columnAfter', 'Column after'),
  tableTool(editor, 'toggleHeaderRow', 'headerRow', 'Header row'),
  {
    icon: 'trash',
    label: 'Remove…',
    menu: () => [
      { label: 'Remove row', run: () => chain(editor).deleteRow().run() },
      { label: 'Remove column', run: () => chain(editor).deleteColumn().run() },
      { label: 'Remove table', danger: true, run: () => chain(editor).deleteTable().run() }
    ]
  }
]

/** The groups for toolbar(). */
export const richTools = (editor) => [
  { items: historyGroup(editor) },
  { items: styleGroup(editor) },
  { items: markGroup(editor) },
  { items: listGroup(editor) },
  { items: blockGroup(editor) },
  { items: tableGroup(editor), shown: () => editor.isActive('table') }
]

/** For the shortcuts dialog. */
export const RICH_KEYS = [
  [
    'Text',
    [
      ['Bold', 'Mod-b'],
      ['Italic', 'Mod-i'],
      ['Underline', 'Mod-u'],
      ['Strikethrough', 'Mod-Shift-s'],
      ['Highlight', 'Mod-Shift-h'],
      ['Code', 'Mod-e'],
      ['Link', 'Mod-k'],
      ['Clear formatting', 'Mod-\\']
    ]
  ],
  [
    'Paragraphs',
    [
      ['Text', 'Mod-Alt-0'],
      ['Heading 1 to 3', 'Mod-Alt-1'],
      ['Bulleted list', 'Mod-Shift-8'],
      ['Numbered list', 'Mod-Shift-7'],
      ['Task list', 'Mod-Shift-9'],
      ['Quote', 'Mod-Shift-b'],
      ['Code block', 'Mod-Alt-c']
    ]
  ]
]
