// The tools of the text, Markdown and code editors.

import { openSearchPanel } from '../../vendor/editor.js'
import { LANGUAGES } from './highlight.js'
import { HEADINGS, insertBlock, insertLink, linesWith, LISTS, wrapWith } from './markdown.js'

const TABLE = '| Column | Column |\n| --- | --- |\n| Cell | Cell |'

function history(view, undo) {
  const run = (name) => () => {
    undo[name]()
    view.focus()
  }
  return {
    items: [
      {
        icon: 'undo',
        label: 'Undo',
        keys: 'Mod-z',
        run: run('undo'),
        enabled: () => undo.undoStack.length > 0
      },
      {
        icon: 'redo',
        label: 'Redo',
        keys: 'Mod-Shift-z',
        run: run('redo'),
        enabled: () => undo.redoStack.length > 0
      }
    ]
  }
}

function headingMenu(view) {
  const heading = (level) => ({
    label: `Heading ${level}`,
    hint: '#'.repeat(level),
    run: () => linesWith(`${'#'.repeat(level)} `, HEADINGS)(view)
  })
  return [heading(1), heading(2), heading(3)]
}

function markdownGroups(view) {
  const tool = (icon, label, command, keys) => ({ icon, label, keys, run: () => command(view) })
  return [
    { items: [{ text: () => 'Heading', label: 'Heading', menu: () => headingMenu(view) }] },
    {
      items: [
        tool('bold', 'Bold', wrapWith('**'), 'Mod-b'),
        tool('italic', 'Italic', wrapWith('*'), 'Mod-i'),
        tool('strike', 'Strikethrough', wrapWith('~~')),
        tool('code', 'Code', wrapWith('`'), 'Mod-e'),
        tool('link', 'Link', insertLink, 'Mod-k')
      ]
    },
    {
      items: [
        tool('list', 'Bulleted list', linesWith('- ', LISTS)),
        tool('ordered', 'Numbered list', linesWith('1. ', LISTS)),
        tool('tasks', 'Task list', linesWith('- [ ] ', LISTS)),
        tool('quote', 'Quote', linesWith('> ')),
        tool('codeBlock', 'Code block', insertBlock('```\n\n```')),
        tool('table', 'Table', insertBlock(TABLE))
      ]
    }
  ]
}

function languageGroup(language) {
  const menu = () =>
    Object.entries(LANGUAGES).map(([id, { label }]) => ({
      label,
      checked: language.get() === id,
      run: () => language.set(id)
    }))
  return { items: [{ text: () => LANGUAGES[language.get()].label, label: 'Language', menu }] }
}

function viewGroup(view, wrap, refresh) {
  const find = {
    icon: 'search',
    label: 'Find and replace',
    keys: 'Mod-f',
    run: () => openSearchPanel(view)
  }
  const toggle = () => {
    wrap.toggle(view)
    view.focus()
    refresh()
  }
  const wrapping = { icon: 'wrap', label: 'Wrap long lines', run: toggle, active: wrap.get }
  return { items: [find, wrapping] }
}

const previewGroup = (preview, refresh) => ({
  items: [
    {
      icon: 'eye',
      label: 'Preview',
      keys: 'Mod-Alt-p',
      active: preview.shown,
      run: () => {
        preview.toggle()
        refresh()
      }
    }
  ]
})

/**
 * The groups for toolbar(). `preview` and `language` are null where there is none; `refresh()`
 * draws the toolbar anew.
 */
export function textTools({ view, undo, kind, preview, language, wrap, refresh }) {
  return [
    history(view, undo),
    ...(preview ? [previewGroup(preview, refresh)] : []),
    ...(kind === 'markdown' ? markdownGroups(view) : []),
    ...(language ? [languageGroup(language)] : []),
    viewGroup(view, wrap, refresh)
  ]
}

export const TEXT_KEYS = [
  [
    'Editing',
    [
      ['Undo', 'Mod-z'],
      ['Redo', 'Mod-Shift-z'],
      ['Find and replace', 'Mod-f'],
      ['Next match', 'Mod-g'],
      ['Select line', 'Alt-l'],
      ['Move line up', 'Alt-↑'],
      ['Move line down', 'Alt-↓']
    ]
  ]
]

export const MARKDOWN_KEYS = [
  [
    'Markdown',
    [
      ['Bold', 'Mod-b'],
      ['Italic', 'Mod-i'],
      ['Code', 'Mod-e'],
      ['Link', 'Mod-k'],
      ['Preview', 'Mod-Alt-p']
    ]
  ]
]

export const CODE_KEYS = [
  [
    'Code',
    [
      ['Indent', 'Tab'],
      ['Leave the editor', 'Esc-Tab'],
      ['Toggle comment', 'Mod-/'],
      ['Fold', 'Mod-Shift-['],
      ['Unfold', 'Mod-Shift-]']
    ]
  ]
]
