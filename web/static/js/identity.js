// Who this browser says it is: a name and a colour that others see. Chosen in a popover, kept in
// this browser; what the session gives counts instead, and cannot be chosen.

import { h } from './dom.js'
import { onRecall, recall, remember } from './memory.js'

/** Colours on which white letters are readable (contrast 4.5 and more). */
export const COLORS = [
  '#c2255c',
  '#c92a2a',
  '#b3450b',
  '#8f5a00',
  '#4d7c0f',
  '#2b7a3d',
  '#0b7a6f',
  '#0b7285',
  '#1864ab',
  '#3b5bdb',
  '#6741d9',
  '#9c36b5'
]
const ANIMALS = [
  'Otter',
  'Heron',
  'Lynx',
  'Finch',
  'Badger',
  'Puffin',
  'Marten',
  'Ibis',
  'Wren',
  'Hare',
  'Seal',
  'Kestrel',
  'Tapir',
  'Newt',
  'Plover',
  'Fox'
]
const pick = (list) => list[Math.floor(Math.random() * list.length)]
const token = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) =>
    byte.toString(16).padStart(2, '0')
  ).join('')

/** A colour that is safe to put into a style, whatever a peer sent. */
export const safeColor = (color) => (/^#[0-9a-f]{6}$/i.test(color) ? color : '#5b6472')

/** Black or white, whichever is readable on the colour. */
export function inkOn(color) {
  const [red, green, blue] = [1, 3, 5].map(
    (at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2
  )
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.3 ? '#14181f' : '#ffffff'
}

/** What the server puts behind the name of a user who has none of their own. */
export const GUEST = ' (guest)'

const bare = (name) => (name.endsWith(GUEST) ? name.slice(0, -GUEST.length) : name)

/** "Ada Lovelace" is AL, "Guest Otter" GO, "ada" AD. */
export function initials(name) {
  const words = bare(name).trim().split(/\s+/).filter(Boolean)
  const letters =
    words.length > 1
      ? [words[0], words.at(-1)].map((word) => [...word][0])
      : [...(words[0] ?? '?')].slice(0, 2)
  return letters.join('').toUpperCase()
}

function load() {
  const known = recall('me')
  if (typeof known?.name === 'string' && typeof known?.id === 'string')
    return { ...known, color: safeColor(known.color) }
  const fresh = { id: token(), name: `Guest ${pick(ANIMALS)}`, color: pick(COLORS) }
  remember('me', fresh)
  return fresh
}

let chosen = load()
let given = {}

/**
 * { id, name, color }: what awareness shows as `user`. The id says that two tabs are one person.
 */
export let me = chosen

/** What others see: the server marks users who have no name of their own. */
export const shownName = () => (given.guest ? `${me.name}${GUEST}` : me.name)

const listeners = new Set()

/** Call listener(me) whenever the name or the colour changes, here or in another tab. */
export const onIdentity = (listener) => listeners.add(listener)

function change(fields, keep = true) {
  chosen = { ...chosen, ...fields }
  if (keep) remember('me', chosen)
  me = { ...chosen, ...given.user }
  for (const listener of listeners) listener(me)
}

/** A session says who one is: { user, name, color }, each of them possibly empty. */
export function assume({ user, name, color }) {
  const fixed = Object.entries({ id: user, name, color: color && safeColor(color) })
  given = {
    user: Object.fromEntries(fixed.filter(([, value]) => value)),
    guest: Boolean(user && !name)
  }
  change({}, false)
}

onRecall('me', (value) => {
  if (value) change(value, false)
})

function nameField() {
  const name = h('input', {
    class: 'input',
    value: chosen.name,
    maxlength: '40',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-label': 'Your name'
  })
  name.addEventListener('input', () => {
    if (name.value.trim()) change({ name: name.value.trim() })
  })
  return h('label', { class: 'field' }, 'Your name', name)
}

function swatches() {
  const inputs = COLORS.map((color) => {
    const input = h('input', { type: 'radio', name: 'color', 'aria-label': color })
    input.checked = color === me.color
    input.style.setProperty('--swatch', color)
    input.addEventListener('change', () => change({ color }))
    return input
  })
  return h('fieldset', { class: 'swatches' }, h('legend', {}, 'Your colour'), inputs)
}

const WHY = 'so that others know that it is you.'
const KEPT = 'It is kept in this browser.'

function explain({ name, color }) {
  if (name) return `Your name${color ? ' and colour come' : ' comes'} with your invitation, ${WHY}`
  if (given.guest)
    return `Others see this beside your caret, with “(guest)” behind your name. ${KEPT}`
  return `Others see this beside your caret. ${KEPT}`
}

/** The contents of the popover in which one says who one is; `more` stands below. */
export function identityPanel(...more) {
  const fixed = given.user ?? {}
  return h(
    'div',
    { class: 'identity' },
    fixed.name ? h('p', { class: 'own-name' }, fixed.name) : nameField(),
    fixed.color ? null : swatches(),
    h('p', { class: 'fine' }, explain(fixed)),
    more
  )
}
