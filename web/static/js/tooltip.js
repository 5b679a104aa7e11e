// One tooltip for every control with data-tip (and data-keys for its shortcut); shown on hover and
// on keyboard focus.

import { h, keyNames } from './dom.js'

/** Start showing tooltips; once per page, and per shadow root. */
export function startTooltips(around = document) {
  const tip = h('div', { class: 'tooltip', role: 'presentation', popover: 'manual' })
  let timer = null

  const show = (target) => {
    if (!target.isConnected) return
    fill(tip, target)
    if (!tip.isConnected) (around.body ?? around).append(tip)
    tip.showPopover()
    place(tip, target)
  }
  const hide = () => {
    clearTimeout(timer)
    if (tip.isConnected && tip.matches(':popover-open')) tip.hidePopover()
  }
  const over = (event, delay) => {
    const target = event.target.closest?.('[data-tip]')
    hide()
    if (target?.dataset.tip && target.getAttribute('aria-expanded') !== 'true')
      timer = setTimeout(show, delay, target)
  }

  around.addEventListener('pointerover', (event) => {
    if (event.pointerType === 'mouse') over(event, 350)
  })
  around.addEventListener('focusin', (event) => {
    if (event.target.matches(':focus-visible')) over(event, 0)
  })
  for (const name of ['pointerdown', 'focusout', 'keydown'])
    around.addEventListener(name, hide, true)
  around.addEventListener('scroll', hide, { capture: true, passive: true })
  ;(around.host ?? around.documentElement).addEventListener('pointerleave', hide)
}

function fill(tip, { dataset }) {
  tip.replaceChildren(dataset.tip)
  if (dataset.keys) tip.append(...keyNames(dataset.keys).map((key) => h('kbd', {}, key)))
}

function place(tip, target) {
  const box = target.getBoundingClientRect()
  const left = box.left + box.width / 2 - tip.offsetWidth / 2
  const below = box.bottom + 8
  tip.style.left = `${Math.max(6, Math.min(left, innerWidth - tip.offsetWidth - 6))}px`
  const above = box.top - tip.offsetHeight - 8
  tip.style.top = `${below + tip.offsetHeight > innerHeight ? above : below}px`
}
