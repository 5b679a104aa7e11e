// The editor for text, Markdown and code: CodeMirror on a Y.Text, with other people's carets.

import {
  bracketMatching, closeBrackets, closeBracketsKeymap, classHighlighter, Compartment, completionKeymap, autocompletion, defaultKeymap, drawSelection,
  dropCursor, EditorState, EditorView, foldGutter, foldKeymap, highlightActiveLine, highlightActiveLineGutter, highlightSelectionMatches,
  highlightSpecialChars, indentOnInput, indentUnit, indentWithTab, keymap, lineNumbers, search, searchKeymap, syntaxHighlighting, textPlaceholder, Y,
  yCollab, yUndoManagerKeymap
} from '../../vendor/editor.js'
import { count, h } from '../dom.js'
import { recall, remember } from '../memory.js'
import { languageByTitle, LANGUAGES, markdownSupport } from './highlight.js'
import { markdownKeys } from './markdown.js'
import { openPreview } from './preview.js'
import { caretRange, textCarets } from './text-carets.js'
import { textTools } from './text-tools.js'
import { toolbar } from './toolbar.js'
import { whenQuiet, words } from './words.js'

const PLACEHOLDERS = { markdown: 'Write Markdown. The preview shows it as it will look.', code: 'Paste or write code.', text: 'Write something.' }

// Yjs counts every character, so "\r\n" must stay two and only "\n" may end a line; what is pasted comes as "\n".
const oneLineBreak = [EditorState.lineSeparator.of('\n'), EditorView.clipboardInputFilter.of((text) => text.replace(/\r\n?/g, '\n'))]

function base ({ kind, title }) {
  const code = kind === 'code'
  return [
    oneLineBreak, highlightSpecialChars(), drawSelection(), dropCursor(), EditorState.allowMultipleSelections.of(true), indentUnit.of(code ? '    ' : '  '),
    kind === 'text' ? [] : [syntaxHighlighting(classHighlighter), bracketMatching(), indentOnInput()],
    code ? [lineNumbers(), foldGutter(), highlightActiveLine(), highlightActiveLineGutter(), closeBrackets(), autocompletion(), highlightSelectionMatches()] : [],
    kind === 'markdown' ? [lineNumbers(), highlightActiveLine(), highlightActiveLineGutter()] : [],
    search({ top: true }), textPlaceholder(PLACEHOLDERS[kind]),
    EditorView.contentAttributes.of({ 'aria-label': `Text of ${title}`, spellcheck: String(!code), autocapitalize: code ? 'off' : 'sentences' }),
    keymap.of([
      ...(kind === 'markdown' ? markdownKeys : []), ...yUndoManagerKeymap, ...closeBracketsKeymap, ...searchKeymap, ...foldKeymap, ...completionKeymap, ...defaultKeymap,
      ...(code ? [indentWithTab] : [])
    ])
  ]
}

/** The language of a code document: what was chosen is shared by all its editors, else the title's ending says. */
function languageSetting (doc, title) {
  const settings = doc.getMap('quire')
  return {
    get: () => LANGUAGES[settings.get('language')] ? settings.get('language') : languageByTitle(title) ?? 'text',
    set: (id) => settings.set('language', id),
    observe: (listener) => settings.observe(listener)
  }
}

/** Put the editor into `place` { tools, page, foot }. Answers { focus(), reveal(client), destroy() }. */
export function openText ({ place, text, presence, carets, kind, title }) {
  const wrapping = new Compartment()
  const language = new Compartment()
  const undo = new Y.UndoManager(text)
  let wrap = recall(`wrap:${kind}`) ?? kind !== 'code'
  const setting = kind === 'code' ? languageSetting(text.doc, title) : null
  const support = () => kind === 'markdown' ? markdownSupport() : setting ? LANGUAGES[setting.get()].support() ?? [] : []
  const panes = h('div', { class: `panes ${kind}` })
  const editorPane = h('div', { class: 'pane source' })
  panes.append(editorPane)
  place.page.replaceChildren(panes)
  const refresh = { run () {} }
  const view = new EditorView({
    parent: editorPane,
    doc: text.toString(),
    extensions: [
      base({ kind, title }), wrapping.of(wrap ? EditorView.lineWrapping : []), language.of(support()),
      yCollab(text, null, { undoManager: undo }), textCarets(text, presence, carets),
      EditorView.updateListener.of((update) => refresh.run(update))
    ]
  })
  const preview = kind === 'markdown' ? openPreview({ panes, view }) : null
  const tools = toolbar(textTools({
    view, undo, kind, preview, setting,
    wrap: { get: () => wrap, set: (on) => { wrap = on; remember(`wrap:${kind}`, on); view.dispatch({ effects: wrapping.reconfigure(on ? EditorView.lineWrapping : []) }); tools.refresh() } }
  }), 'Tools')
  place.tools.replaceChildren(tools.element)
  setting?.observe(() => { view.dispatch({ effects: language.reconfigure(support()) }); tools.refresh() })
  watch(refresh, view, place.foot, tools, preview, kind)
  for (const event of ['stack-item-added', 'stack-item-popped']) undo.on(event, () => tools.refresh())
  return { focus: () => view.focus(), reveal: (client) => reveal(view, text, presence, client), destroy: () => view.destroy() }
}

function watch (refresh, view, foot, tools, preview, kind) {
  const draw = () => { foot.textContent = textStats(view.state, kind) }
  const later = whenQuiet(draw)
  refresh.run = ({ docChanged, selectionSet }) => {
    if (docChanged) preview?.refresh()
    if (docChanged || selectionSet) later()
  }
  draw()
}

function textStats ({ doc, selection }, kind) {
  const { from, to, head } = selection.main
  const line = doc.lineAt(head)
  const place = `Line ${line.number}, column ${head - line.from + 1}`
  const chosen = to > from ? ` · ${count(to - from, 'character')} selected` : ''
  const size = kind === 'code' ? count(doc.lines, 'line') : count(words(doc.toString()), 'word')
  return `${size} · ${place}${chosen}`
}

function reveal (view, text, presence, client) {
  const range = caretRange(text, presence.getStates().get(client)?.cursor)
  if (range === null) return false
  view.dispatch({ effects: EditorView.scrollIntoView(Math.min(range.head, view.state.doc.length), { y: 'center' }) })
  return true
}
