// The editor for text, Markdown and code: CodeMirror on a Y.Text, with other people's carets.

import { EditorView, Y, yCollab } from '../../vendor/editor.js'
import { count, h } from '../dom.js'
import { openPreview, render } from './preview.js'
import { caretRange, textCarets } from './text-carets.js'
import { codeLanguage, fixedLanguage, readOnly, setup, wrapping } from './text-setup.js'
import { textTools } from './text-tools.js'
import { toolbar } from './toolbar.js'
import { soon } from './pace.js'
import { words } from './words.js'

/**
 * Put the editor into `place` { tools, page, foot }: { focus(), reveal(client), allow(writing),
 * text(), destroy() }.
 * `text` must hold characters only.
 */
export function openText({ place, text, presence, carets, kind, title }) {
  const undo = new Y.UndoManager(text)
  const wrap = wrapping(kind)
  const frozen = readOnly()
  const language = kind === 'code' ? codeLanguage(text.doc, title) : fixedLanguage(kind)
  const source = h('div', { class: 'pane source' })
  const panes = h('div', { class: `panes ${kind}` }, source)
  place.page.replaceChildren(panes)
  const changed = { run() {} }
  const view = new EditorView({
    parent: source,
    doc: text.toString(),
    extensions: [
      setup(kind, title),
      wrap.extension,
      frozen.extension,
      language.extension,
      yCollab(text, null, { undoManager: undo }),
      textCarets(text, presence, carets),
      EditorView.updateListener.of((update) => changed.run(update))
    ]
  })
  const preview = kind === 'markdown' ? openPreview({ panes, view }) : null
  const refresh = () => tools.refresh()
  const tools = toolbar(
    textTools({ view, undo, kind, preview, language: language.choice, wrap, refresh }),
    'Tools'
  )
  place.tools.replaceChildren(tools.element)
  language.follow(view, refresh)
  for (const name of ['stack-item-added', 'stack-item-popped']) undo.on(name, refresh)
  changed.run = follow(view, place.foot, preview, kind)
  preparePrint(place.page, text, kind)
  return {
    focus: () => view.focus(),
    reveal: (client) => reveal(view, text, presence, client),
    allow: (writing) => {
      tools.element.hidden = !writing
      frozen.set(view, !writing)
    },
    text: () => text.toString(),
    destroy: () => view.destroy()
  }
}

// Keeps the line at the foot and the preview current.
function follow(view, foot, preview, kind) {
  const draw = () => {
    foot.textContent = stats(view.state, kind)
  }
  const later = soon(draw)
  draw()
  return ({ docChanged, selectionSet }) => {
    if (docChanged) preview?.refresh()
    if (docChanged || selectionSet) later()
  }
}

function stats({ doc, selection }, kind) {
  const { from, to, head } = selection.main
  const line = doc.lineAt(head)
  const place = `Line ${line.number}, column ${head - line.from + 1}`
  const chosen = to > from ? ` · ${count(to - from, 'character')} selected` : ''
  const size = kind === 'code' ? count(doc.lines, 'line') : count(words(doc.toString()), 'word')
  return `${size} · ${place}${chosen}`
}

// CodeMirror draws only what is in view, so paper gets a copy of the whole.
function preparePrint(page, text, kind) {
  const copy =
    kind === 'markdown'
      ? h('article', { class: 'print-copy prose preview' })
      : h('pre', { class: `print-copy ${kind}` })
  copy.setAttribute('aria-hidden', 'true')
  page.append(copy)
  addEventListener('beforeprint', () => {
    copy.replaceChildren(kind === 'markdown' ? render(text.toString()) : text.toString())
  })
}

function reveal(view, text, presence, client) {
  const range = caretRange(text, presence.getStates().get(client)?.cursor)
  if (range === null) return false
  const head = Math.min(range.head, view.state.doc.length)
  view.dispatch({ effects: EditorView.scrollIntoView(head, { y: 'center' }) })
  return true
}
