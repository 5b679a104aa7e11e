// Builds elements. The only way that our code makes DOM: strings become text nodes, never markup.

import * as lucide from '../vendor/icons.js'
import * as glyphs from './glyphs.js'

const icons = { ...lucide, ...glyphs }

const SVG = 'http://www.w3.org/2000/svg'

/**
 * h('button', { class: 'button', onclick: save, 'aria-label': 'Save' }, icon('check'), 'Save')
 * Properties that begin with "on" are listeners; true sets an empty attribute; false, null and
 * undefined set none.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value == null) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (name === 'value') element.value = value
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false))
  return element
}

/**
 * One of the icons of vendor/icons.js or glyphs.js, decorative: the control around it carries the
 * name.
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg')
  const props = {
    class: 'icon',
    viewBox: '0 0 24 24',
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': '1.9',
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
    'aria-hidden': 'true'
  }
  for (const [key, value] of Object.entries(props)) svg.setAttribute(key, value)
  for (const [tag, attributes] of icons[name]) {
    const part = document.createElementNS(SVG, tag)
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value)
    svg.append(part)
  }
  return svg
}

/** A button that shows only an icon; its label is its accessible name and its tooltip. */
export function iconButton(name, label, props = {}) {
  return h(
    'button',
    { type: 'button', class: 'icon-button', 'aria-label': label, 'data-tip': label, ...props },
    icon(name)
  )
}

/**
 * Scroll an element into sight inside of `scroller`, and nothing around it: into its middle, or with
 * `least` no further than needed.
 */
export function showIn(scroller, element, least = false) {
  const [box, own] = [scroller.getBoundingClientRect(), element.getBoundingClientRect()]
  const middle = own.top - box.top - (box.height - Math.min(own.height, box.height)) / 2
  const above = Math.min(0, own.top - box.top - 40)
  const below = Math.max(0, own.bottom - box.bottom + 40)
  scroller.scrollTop += least ? above || below : middle
}

/** The element with this id; the HTML files promise that it is there. */
export const byId = (id) => document.getElementById(id)

/** "12 edits", "1 edit". */
export const count = (number, noun) =>
  `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`

/**
 * Whether a key event belongs to a field or an editor, so that single-letter shortcuts must keep
 * out.
 */
export function typing(event) {
  const target = event.target
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
}

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform)

/** "Mod-Shift-7" as the keys that this machine's keyboard shows. */
export function keyNames(keys) {
  const names = isMac ? { Mod: '⌘', Alt: '⌥', Shift: '⇧', Ctrl: '⌃' } : { Mod: 'Ctrl' }
  return keys.split('-').map((key) => names[key] ?? (key.length === 1 ? key.toUpperCase() : key))
}
