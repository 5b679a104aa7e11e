// Modal dialogs: ask for a confirmation, ask for a line of text, show the shortcuts. All on
// <dialog>.

import { h, iconButton, keyNames } from './dom.js'

/** Show a modal dialog in a document or shadow root until it closes; resolves to its returnValue. */
export function show(dialog, around = document) {
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(dialog.returnValue)
    })
    // A press on the backdrop lands on the dialog itself.
    dialog.addEventListener('mousedown', (event) => {
      if (event.target === dialog && outside(dialog, event)) dialog.close('')
    })
    ;(around.body ?? around).append(dialog)
    dialog.showModal()
  })
}

function outside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect()
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom
}

/** Resolves to true when the person pressed the named button. */
export async function confirmDialog({ title, text, action, danger = false }, around) {
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' })
  dialog.append(
    h(
      'form',
      { method: 'dialog' },
      h('h2', { id: 'dialog-title' }, title),
      h('p', { class: 'text' }, text),
      h(
        'div',
        { class: 'dialog-actions' },
        h('button', { class: 'button', value: '' }, 'Cancel'),
        h(
          'button',
          { class: danger ? 'button danger' : 'button primary', value: 'yes', autofocus: true },
          action
        )
      )
    )
  )
  return (await show(dialog, around)) === 'yes'
}

/** Resolves to the trimmed line, or null when it was cancelled or left empty. */
export async function promptDialog({ title, label, value = '', action }, around) {
  const input = h('input', {
    class: 'input',
    value,
    autofocus: true,
    maxlength: '200',
    autocomplete: 'off'
  })
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' })
  dialog.append(
    h(
      'form',
      { method: 'dialog' },
      h('h2', { id: 'dialog-title' }, title),
      h('label', { class: 'field' }, label, input),
      h(
        'div',
        { class: 'dialog-actions' },
        h('button', { type: 'button', class: 'button', onclick: () => dialog.close('') }, 'Cancel'),
        h('button', { class: 'button primary', value: 'yes' }, action)
      )
    )
  )
  const answer = show(dialog, around)
  input.select()
  return (await answer) === 'yes' ? input.value.trim() || null : null
}

/** Show groups of shortcuts: [['Text', [['Bold', 'Mod-b'], ...]], ...]. */
export function shortcutsDialog(groups) {
  if (document.querySelector('dialog[open]')) return
  const dialog = h('dialog', { class: 'wide', 'aria-labelledby': 'dialog-title' })
  const group = ([name, rows]) =>
    h(
      'section',
      {},
      h('h3', {}, name),
      h(
        'dl',
        {},
        rows.flatMap(([what, keys]) => [
          h('dt', {}, what),
          h(
            'dd',
            {},
            keyNames(keys).map((key) => h('kbd', {}, key))
          )
        ])
      )
    )
  dialog.append(
    h(
      'div',
      { class: 'dialog-head' },
      h('h2', { id: 'dialog-title' }, 'Keyboard shortcuts'),
      iconButton('close', 'Close', { onclick: () => dialog.close() })
    ),
    h('div', { class: 'keys' }, groups.map(group))
  )
  return show(dialog)
}
