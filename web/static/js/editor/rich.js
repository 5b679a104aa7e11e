// The rich-text editor: Tiptap on the Y.XmlFragment "default", with other people's carets.

import {
  Collaboration,
  CollaborationCaret,
  Editor,
  Extension,
  getSchema,
  Highlight,
  Placeholder,
  relativePositionToAbsolutePosition,
  StarterKit,
  TableKit,
  TaskItem,
  TaskList,
  Y,
  ySyncPluginKey
} from '../../vendor/editor.js'
import { count, h } from '../dom.js'
import { codeHighlight } from './highlight.js'
import { linkBubble, LinkKeys, safeLink } from './links.js'
import { richTools } from './rich-tools.js'
import { toolbar } from './toolbar.js'
import { oncePerFrame, soon } from './pace.js'
import { Paste } from './paste.js'
import { words } from './words.js'

/** By which y-tiptap knows its transactions that draw carets: the key of its plugin. */
const CARETS = 'yjs-cursor$'

const CodeHighlight = Extension.create({
  name: 'codeHighlight',
  addProseMirrorPlugins: () => [codeHighlight()]
})

function placeholder({ node, editor }) {
  if (node.type.name === 'heading') return `Heading ${node.attrs.level}`
  return editor.isEmpty
    ? 'Write something. Try “# ” for a heading, “- ” for a list, “[] ” for a task.'
    : ''
}

// What a document may contain.
const contents = () => [
  StarterKit.configure({
    undoRedo: false,
    // It would write a paragraph into every document that ends in something else, just for being
    // opened.
    trailingNode: false,
    heading: { levels: [1, 2, 3] },
    codeBlock: { HTMLAttributes: { spellcheck: 'false' } },
    dropcursor: { class: 'drop-cursor', color: false, width: 2 },
    link: {
      openOnClick: false,
      defaultProtocol: 'https',
      isAllowedUri: (url) => safeLink(url) !== null,
      HTMLAttributes: { rel: 'noopener noreferrer nofollow', target: '_blank' }
    }
  }),
  TaskList,
  TaskItem.configure({ nested: true }),
  TableKit.configure({ table: { resizable: false } }),
  Highlight
]

const together = ({ fragment, presence, carets }) => [
  Placeholder.configure({ placeholder, showOnlyCurrent: true }),
  CodeHighlight,
  LinkKeys,
  Paste,
  Collaboration.configure({ fragment }),
  CollaborationCaret.configure({
    provider: { awareness: presence },
    render: (user) => carets.element(user),
    selectionRender: (user) => ({
      class: 'remote-selection',
      style: `background-color: ${user.color}2e`
    })
  })
]

/**
 * The nodes and marks that this editor knows, to ask before opening a document that it did not
 * make.
 */
export const richSchema = () => getSchema(contents())

/**
 * Put the editor into `place` { tools, page, foot }: { focus(), reveal(client), allow(writing),
 * text(), destroy() }.
 * The fragment must fit the schema: y-tiptap deletes nodes that it does not know.
 */
export function openRich({ place, fragment, presence, carets, title }) {
  const sheet = h('div', { class: 'sheet' })
  place.page.replaceChildren(sheet)
  const { extension, deaf } = hearOwnCaret(fragment.doc, presence)
  const editor = new Editor({
    element: sheet,
    injectCSS: false,
    extensions: [...contents(), ...together({ fragment, presence, carets }), extension],
    editorProps: { attributes: attributes(title, true) }
  })
  linkBubble(editor, sheet)
  const tools = toolbar(richTools(editor), 'Formatting')
  place.tools.replaceChildren(tools.element)
  follow(editor, place.foot, tools)
  sheet.addEventListener('mousedown', (event) => {
    if (event.target === sheet) goToEnd(event, editor)
  })
  return {
    focus: () => editor.view.focus(),
    reveal: (client) => reveal(editor, presence, client),
    allow: (writing) => {
      tools.element.hidden = !writing
      const editorProps = { attributes: attributes(title, writing) }
      editor.setOptions({ editable: writing, editorProps })
    },
    text: () => editor.getText(),
    destroy: () => {
      deaf()
      editor.destroy()
    }
  }
}

// A browser tells of a moved caret only with its next frame. Whatever others do before that redraws
// the editor, which puts the caret back to where it last knew it: the key would be lost. So it is
// told at once, before anything of others is drawn: their edits with the news, their carets, which
// y-tiptap draws in a timer of its own, with the transaction that does so. Never for what the editor
// does itself: while it gets the focus back it knows better than the browser. Call before the editor
// is made, whose listeners come second; it needs the extension, and `deaf` stops it.
function hearOwnCaret(doc, presence) {
  let moved = false // carets of others, and that has not been drawn
  const tell = () => document.dispatchEvent(new Event('selectionchange'))
  const see = ({ added, updated, removed }) => {
    moved ||= [...added, ...updated, ...removed].some((one) => one !== presence.clientID)
  }
  doc.on('news', tell)
  presence.on('change', see)
  const extension = Extension.create({
    name: 'ownCaret',
    dispatchTransaction({ transaction, next }) {
      if (!moved || !transaction.getMeta(CARETS)) return next(transaction)
      moved = false
      tell()
      // Its selection is the one from before.
      const { tr } = this.editor.state
      for (const [key, value] of Object.entries(transaction.meta)) tr.setMeta(key, value)
      return next(tr)
    }
  })
  const deaf = () => {
    doc.off('news', tell)
    presence.off('change', see)
  }
  return { extension, deaf }
}

// It can be reached, read and copied from by keyboard when nobody may write in it, too.
const attributes = (title, writing) => ({
  class: 'prose',
  role: 'textbox',
  'aria-multiline': 'true',
  'aria-readonly': String(!writing),
  tabindex: '0',
  'aria-label': `Text of ${title}`,
  spellcheck: 'true'
})

// Keeps the line at the foot and the toolbar current.
function follow(editor, foot, tools) {
  const draw = () => {
    foot.textContent = richStats(editor.state)
  }
  const later = soon(draw)
  const refresh = oncePerFrame(tools.refresh)
  editor.on('transaction', ({ transaction }) => {
    refresh()
    if (transaction.docChanged || transaction.selectionSet) later()
  })
  draw()
}

// A press on the empty paper below the text means its end.
function goToEnd(event, editor) {
  event.preventDefault()
  editor.view.focus()
  editor.commands.setTextSelection(editor.state.doc.content.size)
}

function richStats({ doc, selection }) {
  const text = (from, to) => doc.textBetween(from, to, '\n', ' ')
  const all = text(0, doc.content.size)
  const number = words(all)
  if (!selection.empty) {
    const chosen = words(text(selection.from, selection.to))
    return `${count(chosen, 'word')} of ${number.toLocaleString('en')} selected`
  }
  return `${count(number, 'word')} · ${count(all.replaceAll('\n', '').length, 'character')}`
}

function reveal(editor, presence, client) {
  const cursor = presence.getStates().get(client)?.cursor
  const { doc, type, binding } = ySyncPluginKey.getState(editor.state)
  const at =
    cursor &&
    relativePositionToAbsolutePosition(
      doc,
      type,
      Y.createRelativePositionFromJSON(cursor.head),
      binding.mapping
    )
  if (at == null) return false
  const { node } = editor.view.domAtPos(Math.min(at, editor.state.doc.content.size))
  const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement
  element.scrollIntoView({ block: 'center', behavior: 'smooth' })
  return true
}
