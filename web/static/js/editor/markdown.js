// What the Markdown tools do to the source: wrap the selection, or mark its lines. Commands for
// CodeMirror.

import { EditorSelection } from '../../vendor/editor.js'

/** Put `mark` around the selection, or take it away when it is there. */
export const wrapWith = (mark) => (view) => {
  const { state } = view
  view.dispatch(
    state.update(
      state.changeByRange((range) => {
        const size = mark.length
        const inside = state.sliceDoc(range.from, range.to)
        const around =
          state.sliceDoc(range.from - size, range.from) === mark &&
          state.sliceDoc(range.to, range.to + size) === mark
        if (around) {
          return {
            changes: [
              { from: range.from - size, to: range.from },
              { from: range.to, to: range.to + size }
            ],
            range: EditorSelection.range(range.from - size, range.to - size)
          }
        }
        return {
          changes: { from: range.from, to: range.to, insert: mark + inside + mark },
          range: EditorSelection.range(range.from + size, range.to + size)
        }
      }),
      { userEvent: 'input', scrollIntoView: true }
    )
  )
  view.focus()
  return true
}

/**
 * Begin every selected line with `mark`, or take it away when all have it. `others` are the marks
 * that it replaces.
 */
export const linesWith =
  (mark, others = /^/) =>
  (view) => {
    const { state } = view
    const lines = new Map()
    for (const { from, to } of state.selection.ranges) {
      for (let at = from; at <= to;) {
        const line = state.doc.lineAt(at)
        lines.set(line.number, line)
        at = line.to + 1
      }
    }
    const all = [...lines.values()].every((line) => line.text.startsWith(mark))
    const changes = [...lines.values()].map((line) => {
      const old = all ? mark : (line.text.match(others)?.[0] ?? '')
      return { from: line.from, to: line.from + old.length, insert: all ? '' : mark }
    })
    view.dispatch({ changes, userEvent: 'input', scrollIntoView: true })
    view.focus()
    return true
  }

/** [words](address), with the address selected when there are words, else the words. */
export function insertLink(view) {
  const { state } = view
  const { from, to } = state.selection.main
  const label = state.sliceDoc(from, to) || 'text'
  const at = from + (from === to ? 1 : label.length + 3)
  view.dispatch({
    changes: { from, to, insert: `[${label}](address)` },
    selection: { anchor: at, head: at + (from === to ? label.length : 7) },
    userEvent: 'input'
  })
  view.focus()
  return true
}

/** A block on lines of its own, after the line of the caret. */
export const insertBlock = (block) => (view) => {
  const line = view.state.doc.lineAt(view.state.selection.main.head)
  const insert = `${line.text.trim() ? '\n\n' : ''}${block}\n`
  view.dispatch({
    changes: { from: line.to, insert },
    selection: { anchor: line.to + insert.length },
    userEvent: 'input',
    scrollIntoView: true
  })
  view.focus()
  return true
}

export const HEADINGS = /^#{1,6} /
export const LISTS = /^(?:[-*+] (?:\[[ xX]\] )?|\d+[.)] )/

export const markdownKeys = [
  { key: 'Mod-b', run: wrapWith('**') },
  { key: 'Mod-i', run: wrapWith('*') },
  { key: 'Mod-e', run: wrapWith('`') },
  { key: 'Mod-k', run: insertLink }
]
