// One tooltip for every control with data-tip (and data-keys for its shortcut); shown on hover and
// on keyboard focus.

import { h, keyNames } from './dom.js'

const tip = h('div', { class: 'tooltip', role: 'presentation', popover: 'manual' })
let timer = null

function show(target) {
  if (!target.isConnected) return
  tip.replaceChildren(target.dataset.tip)
  if (target.dataset.keys)
    tip.append(...keyNames(target.dataset.keys).map((key) => h('kbd', {}, key)))
  if (!tip.isConnected) document.body.append(tip)
  tip.showPopover()
  const box = target.getBoundingClientRect()
  const left = box.left + box.width / 2 - tip.offsetWidth / 2
  const below = box.bottom + 8
  tip.style.left = `${Math.max(6, Math.min(left, innerWidth - tip.offsetWidth - 6))}px`
  const above = box.top - tip.offsetHeight - 8
  tip.style.top = `${below + tip.offsetHeight > innerHeight ? above : below}px`
}

function hide() {
  clearTimeout(timer)
  if (tip.isConnected && tip.matches(':popover-open')) tip.hidePopover()
}

function over(event, delay) {
  const target = event.target.closest?.('[data-tip]')
  hide()
  if (target?.dataset.tip && target.getAttribute('aria-expanded') !== 'true')
    timer = setTimeout(show, delay, target)
}

/** Start showing tooltips; once per page. */
export function startTooltips() {
  document.addEventListener('pointerover', (event) => {
    if (event.pointerType === 'mouse') over(event, 350)
  })
  document.addEventListener('focusin', (event) => {
    if (event.target.matches(':focus-visible')) over(event, 0)
  })
  for (const name of ['pointerdown', 'focusout', 'keydown'])
    document.addEventListener(name, hide, true)
  document.addEventListener('scroll', hide, { capture: true, passive: true })
  document.documentElement.addEventListener('pointerleave', hide)
}
