// Short messages at the foot of the page, or of an element's shadow root, with at most one thing to do
// about them.

import { h, iconButton } from './dom.js'

const SECONDS = 10

/**
 * What says something in a document or shadow root: (words, action), where `action` is { label, run }.
 * It stays for ten seconds, longer while pointed at or focused.
 */
export function toaster(around) {
  let stack = null
  return (words, action = null) => {
    stack ??= (around.body ?? around).appendChild(
      h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' })
    )
    put(stack, words, action)
  }
}

/** Say something in the page. */
export const toast = toaster(document)

function put(stack, words, action) {
  let timer = null
  const gone = () => {
    clearTimeout(timer)
    box.remove()
  }
  const wait = () => {
    clearTimeout(timer)
    timer = setTimeout(gone, SECONDS * 1000)
  }
  const hold = () => clearTimeout(timer)
  const act = () => {
    gone()
    action.run()
  }
  const box = h(
    'div',
    {
      class: 'toast',
      onpointerenter: hold,
      onpointerleave: wait,
      onfocusin: hold,
      onfocusout: wait
    },
    h('span', { class: 'words' }, words),
    action && h('button', { type: 'button', class: 'act', onclick: act }, action.label),
    iconButton('close', 'Dismiss', { onclick: gone, 'data-tip': null })
  )
  stack.append(box)
  wait()
}
