// Menus and small panels that hang below a button: the browser's own popover, placed and made
// keyable.

import { h, icon } from './dom.js'

// Below the anchor, in line with its outer edge; above it where there is no room.
function place(popover, anchor) {
  const box = anchor.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = popover
  const left = box.left + box.right > innerWidth ? box.right - width : box.left
  const below = box.bottom + 6
  const top = below + height > innerHeight - 8 ? Math.max(8, box.top - height - 6) : below
  popover.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`
  popover.style.top = `${top}px`
}

/**
 * Open a panel with these contents at the anchor; it goes away on Escape, a click elsewhere, or
 * close(). Focus goes to the first field or button inside, and back to the anchor afterwards.
 */
export function openPanel(
  anchor,
  contents,
  { label, className = 'panel', role = 'dialog', focus = true, onclose } = {}
) {
  const popover = h(
    'div',
    { class: `popover ${className}`, popover: 'auto', role, 'aria-label': label },
    contents
  )
  const around = anchor.getRootNode()
  ;(around.body ?? around).append(popover)
  const expands = anchor.hasAttribute('aria-haspopup')
  popover.addEventListener('toggle', (event) => {
    if (event.newState === 'open') return
    popover.remove()
    if (expands) anchor.setAttribute('aria-expanded', 'false')
    onclose?.()
  })
  popover.showPopover()
  place(popover, anchor)
  if (expands) anchor.setAttribute('aria-expanded', 'true')
  if (focus) popover.querySelector('input:not([type=radio]), button, a')?.focus()
  const close = () => {
    if (!popover.matches(':popover-open')) return
    const inside = popover.contains(around.activeElement)
    popover.hidePopover()
    if (inside) anchor.focus()
  }
  return { element: popover, close }
}

const STEPS = { ArrowDown: 1, ArrowUp: -1 }

function step(event, menu) {
  // A menu that is just closing may still hold the focus: the key is for the page.
  if (!menu.matches(':popover-open')) return
  const items = [...menu.querySelectorAll('.menu-item')]
  const at = items.indexOf(menu.getRootNode().activeElement)
  let next = null
  if (event.key in STEPS) next = (at + STEPS[event.key] + items.length) % items.length
  else if (event.key === 'Home') next = 0
  else if (event.key === 'End') next = items.length - 1
  else if (event.key.length === 1 && event.key !== ' ') {
    const letter = event.key.toLowerCase()
    const order = items.slice(at + 1).concat(items.slice(0, at + 1))
    next = items.indexOf(
      order.find((item) => item.textContent.trim().toLowerCase().startsWith(letter))
    )
  }
  if (next === null || next < 0) return
  event.preventDefault()
  items[next].focus()
}

function menuItem(item, close) {
  const body = [
    item.icon && icon(item.icon),
    h('span', { class: 'label' }, item.label, item.small && h('small', {}, item.small)),
    item.hint && h('span', { class: 'hint' }, item.hint)
  ]
  const checked = item.checked === undefined ? {} : { 'aria-checked': String(item.checked) }
  const button = h(
    'button',
    {
      type: 'button',
      class: item.danger ? 'menu-item danger' : 'menu-item',
      tabindex: '-1',
      role: item.checked === undefined ? 'menuitem' : 'menuitemradio',
      ...checked
    },
    body,
    item.checked ? icon('check') : null
  )
  button.addEventListener('click', () => {
    close()
    item.run()
  })
  return button
}

/** Open a menu of { label, icon?, small?, hint?, danger?, checked?, run } or null for a line. */
export function openMenu(anchor, items, label) {
  let menu = null
  const close = () => menu.close()
  const rows = items.map((item) =>
    item === null ? h('div', { class: 'menu-line', role: 'separator' }) : menuItem(item, close)
  )
  menu = openPanel(anchor, rows, { label, className: 'menu', role: 'menu' })
  menu.element.addEventListener('keydown', (event) => step(event, menu.element))
  return menu
}

/** Make a button open a menu; `items` is asked each time. */
export function menuButton(button, items, label) {
  button.setAttribute('aria-haspopup', 'menu')
  button.setAttribute('aria-expanded', 'false')
  button.addEventListener('click', () => openMenu(button, items(), label))
  button.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown') return
    event.preventDefault()
    openMenu(button, items(), label)
  })
  return button
}
