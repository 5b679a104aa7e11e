// What CodeMirror is made of here, by kind of text: plain text, Markdown, code.

import {
  autocompletion,
  bracketMatching,
  classHighlighter,
  closeBrackets,
  closeBracketsKeymap,
  Compartment,
  completionKeymap,
  defaultKeymap,
  drawSelection,
  dropCursor,
  EditorState,
  EditorView,
  foldGutter,
  foldKeymap,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSelectionMatches,
  highlightSpecialChars,
  indentOnInput,
  indentUnit,
  indentWithTab,
  keymap,
  lineNumbers,
  search,
  searchKeymap,
  syntaxHighlighting,
  textPlaceholder,
  yUndoManagerKeymap
} from '../../vendor/editor.js'
import { recall, remember } from '../memory.js'
import { languageByTitle, LANGUAGES, markdownSupport } from './highlight.js'
import { markdownKeys } from './markdown.js'

const PLACEHOLDERS = {
  markdown: 'Write Markdown. The preview shows it as it will look.',
  code: 'Paste or write code.',
  text: 'Write something.'
}

// Yjs counts every character, so "\r\n" must stay two and only "\n" may end a line; what is pasted
// comes as "\n".
const oneLineBreak = [
  EditorState.lineSeparator.of('\n'),
  EditorView.clipboardInputFilter.of((text) => text.replace(/\r\n?/g, '\n'))
]

const everywhere = [
  oneLineBreak,
  highlightSpecialChars(),
  drawSelection(),
  dropCursor(),
  EditorState.allowMultipleSelections.of(true),
  search({ top: true })
]

const lines = [lineNumbers(), highlightActiveLine(), highlightActiveLineGutter()]
const source = [syntaxHighlighting(classHighlighter), bracketMatching(), indentOnInput()]

const BY_KIND = {
  text: [indentUnit.of('  ')],
  markdown: [indentUnit.of('  '), lines, source],
  code: [
    indentUnit.of('    '),
    lines,
    source,
    foldGutter(),
    closeBrackets(),
    autocompletion(),
    highlightSelectionMatches()
  ]
}

// CodeMirror's own commands look at this, these do not.
const unlessReadOnly = (binding) => ({
  ...binding,
  run: (view) => !view.state.readOnly && binding.run(view)
})

const keys = (kind) =>
  keymap.of([
    ...[...(kind === 'markdown' ? markdownKeys : []), ...yUndoManagerKeymap].map(unlessReadOnly),
    ...closeBracketsKeymap,
    ...searchKeymap,
    ...foldKeymap,
    ...completionKeymap,
    ...defaultKeymap,
    ...(kind === 'code' ? [indentWithTab] : [])
  ])

/** The extensions for a kind of text. */
export const setup = (kind, title) => [
  everywhere,
  BY_KIND[kind],
  textPlaceholder(PLACEHOLDERS[kind]),
  EditorView.contentAttributes.of({
    'aria-label': `Text of ${title}`,
    tabindex: '0',
    spellcheck: String(kind !== 'code'),
    autocapitalize: kind === 'code' ? 'off' : 'sentences'
  }),
  keys(kind)
]

/** For a text that nobody may write in now: { extension, set(view, on) }. */
export function readOnly() {
  const compartment = new Compartment()
  return {
    extension: compartment.of([]),
    set: (view, on) =>
      view.dispatch({ effects: compartment.reconfigure(on ? EditorState.readOnly.of(true) : []) })
  }
}

/** Wrapping of long lines, a setting of this browser: { extension, get(), toggle(view) }. */
export function wrapping(kind) {
  const compartment = new Compartment()
  let on = recall(`wrap:${kind}`) ?? kind !== 'code'
  const value = () => (on ? EditorView.lineWrapping : [])
  return {
    extension: compartment.of(value()),
    get: () => on,
    toggle(view) {
      on = !on
      remember(`wrap:${kind}`, on)
      view.dispatch({ effects: compartment.reconfigure(value()) })
    }
  }
}

/** Markdown's language, which nobody chooses, or none: the shape of codeLanguage(). */
export const fixedLanguage = (kind) => ({
  extension: kind === 'markdown' ? markdownSupport() : [],
  choice: null,
  follow() {}
})

/** The id of a code document's language: see codeLanguage(). */
export function languageOfCode(doc, title) {
  const chosen = doc.getMap('quire').get('language')
  return LANGUAGES[chosen] ? chosen : (languageByTitle(title) ?? 'text')
}

/**
 * The language of a code document: what was chosen is shared by all its editors, else the title's
 * ending says. { extension, choice: { get(), set(id) }, follow(view, changed) }.
 */
export function codeLanguage(doc, title) {
  const compartment = new Compartment()
  const settings = doc.getMap('quire')
  const get = () => languageOfCode(doc, title)
  const value = () => LANGUAGES[get()].support() ?? []
  return {
    extension: compartment.of(value()),
    choice: { get, set: (id) => settings.set('language', id) },
    follow(view, changed) {
      settings.observe(() => {
        view.dispatch({ effects: compartment.reconfigure(value()) })
        changed()
      })
    }
  }
}
