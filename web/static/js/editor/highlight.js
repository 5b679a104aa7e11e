// The programming languages that the page knows, and the highlighting of code blocks inside rich
// text. Colours come from css/code.css by class, so that dark mode needs no second theme.

import {
  classHighlighter,
  css,
  Decoration,
  DecorationSet,
  highlightTree,
  html,
  javascript,
  json,
  markdown,
  markdownLanguage,
  Plugin,
  PluginKey,
  python
} from '../../vendor/editor.js'

/** id -> { label, support, endings }: `support()` is CodeMirror's extension, null for none. */
export const LANGUAGES = {
  javascript: {
    label: 'JavaScript',
    support: () => javascript({ jsx: true }),
    endings: ['js', 'mjs', 'cjs', 'jsx']
  },
  typescript: {
    label: 'TypeScript',
    support: () => javascript({ jsx: true, typescript: true }),
    endings: ['ts', 'tsx']
  },
  python: { label: 'Python', support: () => python(), endings: ['py', 'pyi'] },
  json: { label: 'JSON', support: () => json(), endings: ['json'] },
  html: { label: 'HTML', support: () => html(), endings: ['html', 'htm', 'svg', 'xml'] },
  css: { label: 'CSS', support: () => css(), endings: ['css'] },
  markdown: { label: 'Markdown', support: markdownSupport, endings: ['md', 'markdown'] },
  text: { label: 'Plain text', support: () => null, endings: ['txt', 'log'] }
}

/** Markdown as GitHub writes it, with the languages above inside its code fences. */
export function markdownSupport() {
  return markdown({
    base: markdownLanguage,
    codeLanguages: (info) => languageOf(info)?.language ?? null
  })
}

const loaded = new Map()

/**
 * CodeMirror's LanguageSupport for an id, an ending ("py") or a fence's info string; null when we
 * have none.
 */
export function languageOf(name) {
  const word = name.trim().split(/\s/)[0].toLowerCase()
  const id = LANGUAGES[word]
    ? word
    : Object.keys(LANGUAGES).find((key) => LANGUAGES[key].endings.includes(word))
  if (id === undefined || id === 'markdown') return null
  if (!loaded.has(id)) loaded.set(id, LANGUAGES[id].support())
  return loaded.get(id)
}

/** The language that a title such as "main.py" asks for, or null. */
export function languageByTitle(title) {
  const ending = title
    .trim()
    .match(/\.(\w+)$/)?.[1]
    .toLowerCase()
  return Object.keys(LANGUAGES).find((key) => LANGUAGES[key].endings.includes(ending)) ?? null
}

/** [[from, to, classes], ...] of the source in a language; empty for one that we do not have. */
export function highlight(text, language) {
  const found = []
  const support = language === 'markdown' ? markdownOnce() : languageOf(language)
  if (support)
    highlightTree(support.language.parser.parse(text), classHighlighter, (from, to, name) =>
      found.push([from, to, name])
    )
  return found
}

function markdownOnce() {
  if (!loaded.has('markdown')) loaded.set('markdown', markdownSupport())
  return loaded.get('markdown')
}

const drawn = new WeakMap()

// The runs of one code block, remembered by node: ProseMirror makes a new node when it changes.
function runs(node) {
  if (!drawn.has(node)) drawn.set(node, highlight(node.textContent, node.attrs.language ?? ''))
  return drawn.get(node)
}

function decorate(doc) {
  const decorations = []
  doc.descendants((node, at) => {
    if (node.type.name !== 'codeBlock') return !node.isTextblock
    for (const [from, to, name] of runs(node))
      decorations.push(Decoration.inline(at + 1 + from, at + 1 + to, { class: name }))
    return false
  })
  return DecorationSet.create(doc, decorations)
}

const key = new PluginKey('codeHighlight')

/** A ProseMirror plugin that colours code blocks whose language we know. */
export const codeHighlight = () =>
  new Plugin({
    key,
    state: {
      init: (_config, { doc }) => decorate(doc),
      apply: (transaction, old) => (transaction.docChanged ? decorate(transaction.doc) : old)
    },
    props: { decorations: (state) => key.getState(state) }
  })
