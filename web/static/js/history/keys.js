// The keys of History, while it is open and nobody writes in a field.

import { typing } from '../dom.js'

/** For the shortcuts dialog. */
export const HISTORY_KEYS = [
  'History',
  [
    ['Open or close', 'Mod-Alt-Shift-h'],
    ['Back to the document', 'Esc'],
    ['Stretch by stretch', '\u2190-\u2192'],
    ['Edit by edit', 'Shift-\u2190-\u2192'],
    ['Next change, previous', 'n-p'],
    ['Show or hide changes', 'c'],
    ['Who wrote this', 'w'],
    ['Play or pause', 'Space']
  ]
]

const LETTERS = {
  n: (past) => past.change(1),
  p: (past) => past.change(-1),
  c: (past) => past.toggleChanges(),
  w: (past) => past.toggleWho()
}
const ARROWS = { ArrowLeft: -1, ArrowRight: 1 }

const inMenu = (root) => root.querySelector('.popover:popover-open, dialog[open]') !== null

// What a key means, or nothing.
function meaning(event, past, root) {
  const mod = event.ctrlKey || event.metaKey || event.altKey
  if (inMenu(root)) return null
  if (event.key === 'Escape') return () => past.back()
  const slider = event.target.type === 'range'
  if (mod || (typing(event) && !slider)) return null
  if (event.key in ARROWS) return () => past.step(ARROWS[event.key], event.shiftKey)
  const pressing = event.target.closest?.('button, a, summary, [role=switch]')
  if (event.key === ' ') return pressing ? null : () => past.play()
  return LETTERS[event.key] ? () => LETTERS[event.key](past) : null
}

/** Answer keys in a document or shadow root for `past`, see History, until `signal` ends it. */
export function answerKeys(past, root, signal) {
  const toggles = (event) =>
    (event.ctrlKey || event.metaKey) && event.altKey && event.shiftKey && event.code === 'KeyH'
  // Before the editor behind, and the slider itself, take them.
  root.addEventListener(
    'keydown',
    (event) => {
      const act = toggles(event)
        ? () => past.toggle()
        : past.open
          ? meaning(event, past, root)
          : null
      if (act === null) return
      event.preventDefault()
      event.stopPropagation()
      act()
    },
    { capture: true, signal }
  )
}
