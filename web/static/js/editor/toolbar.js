// A toolbar of icon buttons with one tab stop: arrows, Home and End move inside it. Knows no
// editor: each item says how it runs, whether it is on, and whether it can be used.

import { h, icon } from '../dom.js'
import { menuButton } from '../menu.js'

/**
 * groups: [{ items: [item], shown?: () => bool }], items: { icon, label, keys?, run } with optional
 * `active()`, `enabled()`, or { text: () => string, label, menu: () => menu items } for a button
 * that opens a menu. Answers { element, refresh }: call refresh() after every change of the editor.
 */
export function toolbar(groups, label) {
  const parts = groups.map((group) => ({
    ...group,
    element: h('div', { class: 'tools', role: 'group' }),
    buttons: group.items.map((item) => ({ item, element: button(item) }))
  }))
  for (const part of parts) part.element.append(...part.buttons.map(({ element }) => element))
  const element = h(
    'div',
    { class: 'toolbar', role: 'toolbar', 'aria-label': label, 'aria-orientation': 'horizontal' },
    parts.map((part) => part.element)
  )
  element.addEventListener('keydown', (event) => rove(event, element))
  element.addEventListener('focusin', (event) => stop(element, event.target.closest('button')))
  const refresh = () => {
    for (const part of parts) {
      part.element.hidden = part.shown ? !part.shown() : false
      if (!part.element.hidden) part.buttons.forEach(show)
    }
  }
  refresh()
  stop(element, element.querySelector('button'))
  return { element, refresh }
}

function button(item) {
  const element = h(
    'button',
    {
      type: 'button',
      class: item.text ? 'tool wide' : 'tool',
      'aria-label': item.label,
      'data-tip': item.label,
      'data-keys': item.keys,
      'aria-keyshortcuts': item.keys?.replaceAll('-', '+').replace('Mod', 'Control')
    },
    item.text ? [h('span', { class: 'tool-text' }), icon('down')] : icon(item.icon)
  )
  if (item.menu) return menuButton(element, item.menu, item.label)
  // The editor keeps its focus and selection when a tool is pressed.
  element.addEventListener('mousedown', (event) => event.preventDefault())
  element.addEventListener('click', () => {
    if (element.getAttribute('aria-disabled') !== 'true') item.run(element)
  })
  return element
}

function show({ item, element }) {
  if (item.active) element.setAttribute('aria-pressed', String(Boolean(item.active())))
  if (item.enabled) element.setAttribute('aria-disabled', String(!item.enabled()))
  if (item.text) {
    element.querySelector('.tool-text').textContent = item.text()
    element.setAttribute('aria-label', `${item.label}: ${item.text()}`)
  }
}

const usable = (element) => [...element.querySelectorAll('.tools:not([hidden]) > button')]

function stop(element, chosen) {
  for (const other of element.querySelectorAll('.tools > button'))
    other.tabIndex = other === chosen ? 0 : -1
}

const MOVES = {
  ArrowRight: (at) => at + 1,
  ArrowLeft: (at) => at - 1,
  Home: () => 0,
  End: () => -1
}

function rove(event, element) {
  if (!MOVES[event.key] || event.ctrlKey || event.metaKey || event.altKey) return
  const buttons = usable(element)
  const next = buttons.at(
    MOVES[event.key](buttons.indexOf(element.getRootNode().activeElement)) % buttons.length
  )
  event.preventDefault()
  next.focus()
}
