// The read-only view of a document that some other editor made: its roots as a tree that opens and
// folds, kept current.

import { Y } from '../../vendor/editor.js'
import { count, h, icon } from '../dom.js'
import { oncePerFrame } from './pace.js'
import { roots } from './roots.js'

const FIRST = 100

const SHAPES = { map: 'Map', array: 'Array', text: 'Text', xml: 'XML' }

const numbered = (list) => list.map((item, at) => [at, item])
const sorted = (map) => [...map.entries()].sort(([a], [b]) => (a < b ? -1 : 1))

// The shared types and what they show: [is it one, label, preview, children or null]. The first
// that fits counts: an XmlElement is an XmlFragment, too.
const TYPES = [
  [
    Y.XmlElement,
    (it) => `<${it.nodeName}>`,
    (it) => attributes(it),
    (it) => numbered(it.toArray())
  ],
  [Y.Text, () => 'Text', (it) => quote(plain(it)), null],
  [Y.XmlFragment, () => 'XML', (it) => count(it.length, 'node'), (it) => numbered(it.toArray())],
  [Y.Map, () => 'Map', (it) => count(it.size, 'key'), (it) => sorted(it)],
  [Y.Array, () => 'Array', (it) => count(it.length, 'item'), (it) => numbered(it.toArray())],
  [Y.Doc, () => 'Document', (it) => it.guid, null],
  [Uint8Array, () => 'Bytes', (it) => count(it.length, 'byte'), null],
  [Array, () => '', (it) => `[${it.length}]`, (it) => numbered(it)],
  [Object, () => '', (it) => `{${Object.keys(it).length}}`, (it) => Object.entries(it)]
]

/** A value of any kind as { label, preview, type, children: () => [[key, value]] | null }. */
function read(value) {
  const found = TYPES.find(([type]) => value instanceof type)
  if (found === undefined) {
    const preview = typeof value === 'string' ? quote(value) : String(value)
    return { label: '', preview, type: value === null ? 'null' : typeof value, children: null }
  }
  const [, label, preview, children] = found
  return {
    label: label(value),
    preview: preview(value),
    type: 'shared',
    children: children && (() => children(value))
  }
}

const plain = (text) =>
  text
    .toDelta()
    .map(({ insert }) => (typeof insert === 'string' ? insert : '\ufffc'))
    .join('')
const quote = (text) => JSON.stringify(text.length > 400 ? `${text.slice(0, 400)}…` : text)
const attributes = (element) =>
  Object.entries(element.getAttributes())
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(' ')

function row(key, value, path, open) {
  const { label, preview, children, type } = read(value)
  const head = [
    h('span', { class: 'key' }, String(key)),
    label && h('span', { class: 'shape' }, label),
    h('span', { class: `value ${type}` }, preview)
  ]
  const at = `${path}/${typeof key} ${key}`
  if (children === null) return h('div', { class: 'leaf' }, head)
  const body = h('div', { class: 'branch' })
  const details = h('details', {}, h('summary', {}, icon('right'), head), body)
  // Children are made when they are first seen: documents can be large.
  const fill = () => {
    if (details.open && !body.firstChild) more(body, children(), at, open, 0)
  }
  details.addEventListener('toggle', () => {
    if (details.open) open.add(at)
    else open.delete(at)
    fill()
  })
  details.open = open.has(at)
  fill()
  return details
}

function more(body, entries, path, open, from) {
  body.append(
    ...entries.slice(from, from + FIRST).map(([key, value]) => row(key, value, path, open))
  )
  if (entries.length <= from + FIRST) return
  const button = h(
    'button',
    { type: 'button', class: 'button quiet' },
    `Show ${count(Math.min(FIRST, entries.length - from - FIRST), 'more item')}`
  )
  button.addEventListener('click', () => {
    button.remove()
    more(body, entries, path, open, from + FIRST)
  })
  body.append(button)
}

const summary = (found) =>
  [
    count(found.length, 'root'),
    ...found.map(({ name, shape }) => `${name} (${SHAPES[shape]})`)
  ].join(' · ')

/** Show the roots of `doc` in `place` { tools, page, foot }, now and after every change. */
export function openJson({ place, doc, why }) {
  const tree = h('div', { class: 'tree', role: 'group', 'aria-label': 'Contents' })
  const sheet = h('div', { class: 'sheet json' }, h('p', { class: 'why' }, icon('lock'), why), tree)
  const open = new Set(roots(doc).map(({ name }) => `/string ${name}`))
  const known = new Set(open)
  place.tools.replaceChildren()
  place.page.replaceChildren(sheet)
  const draw = () => {
    const found = roots(doc)
    for (const { name } of found)
      if (!known.has(`/string ${name}`)) {
        known.add(`/string ${name}`)
        open.add(`/string ${name}`)
      }
    tree.replaceChildren(...found.map(({ name, type }) => row(name, type, '', open)))
    if (found.length === 0)
      tree.replaceChildren(
        h('p', { class: 'nothing' }, 'Nothing is in it yet. What others write appears here.')
      )
    place.foot.textContent = summary(found)
  }
  doc.on('update', oncePerFrame(draw))
  draw()
  return { focus: () => tree.querySelector('summary')?.focus(), reveal: () => false, allow() {}, destroy() {} }
}
