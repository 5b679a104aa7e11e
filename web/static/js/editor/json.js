// The read-only view of a document that some other editor made: its roots as a tree that opens and folds, kept current.

import { Y } from '../../vendor/editor.js'
import { count, h, icon } from '../dom.js'
import { roots } from './roots.js'

const FIRST = 100

const SHAPES = { map: 'Map', array: 'Array', text: 'Text', xml: 'XML' }

/** A value of any kind as { label, preview, children: () => [[key, value]] | null }. */
function read (value) {
  if (value instanceof Y.XmlElement) return { label: `<${value.nodeName}>`, preview: attributes(value), children: () => value.toArray().map((child, at) => [at, child]) }
  if (value instanceof Y.XmlText || value instanceof Y.Text) return { label: 'Text', preview: quote(plain(value)), children: null }
  if (value instanceof Y.XmlFragment) return { label: 'XML', preview: count(value.length, 'node'), children: () => value.toArray().map((child, at) => [at, child]) }
  if (value instanceof Y.Map) return { label: 'Map', preview: count(value.size, 'key'), children: () => [...value.entries()].sort(([a], [b]) => a < b ? -1 : 1) }
  if (value instanceof Y.Array) return { label: 'Array', preview: count(value.length, 'item'), children: () => value.toArray().map((item, at) => [at, item]) }
  if (value instanceof Y.Doc) return { label: 'Document', preview: value.guid, children: null }
  if (value instanceof Uint8Array) return { label: 'Bytes', preview: count(value.length, 'byte'), children: null }
  if (Array.isArray(value)) return { label: '', preview: `[${value.length}]`, children: () => value.map((item, at) => [at, item]) }
  if (value !== null && typeof value === 'object') return { label: '', preview: `{${Object.keys(value).length}}`, children: () => Object.entries(value) }
  return { label: '', preview: typeof value === 'string' ? quote(value) : String(value), children: null, type: value === null ? 'null' : typeof value }
}

const plain = (text) => text.toDelta().map(({ insert }) => typeof insert === 'string' ? insert : '\ufffc').join('')
const quote = (text) => JSON.stringify(text.length > 400 ? `${text.slice(0, 400)}…` : text)
const attributes = (element) => Object.entries(element.getAttributes()).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(' ')

function row (key, value, path, open) {
  const { label, preview, children, type = 'shared' } = read(value)
  const head = [h('span', { class: 'key' }, String(key)), label && h('span', { class: 'shape' }, label), h('span', { class: `value ${type}` }, preview)]
  const at = `${path}/${typeof key} ${key}`
  if (children === null) return h('div', { class: 'leaf', role: 'treeitem', 'aria-selected': 'false' }, head)
  const body = h('div', { class: 'branch', role: 'group' })
  const details = h('details', {}, h('summary', {}, icon('right'), head), body)
  // Children are made when they are first seen: documents can be large.
  const fill = () => { if (details.open && !body.firstChild) more(body, children(), at, open, 0) }
  details.addEventListener('toggle', () => {
    if (details.open) open.add(at)
    else open.delete(at)
    fill()
  })
  details.open = open.has(at)
  fill()
  return details
}

function more (body, entries, path, open, from) {
  body.append(...entries.slice(from, from + FIRST).map(([key, value]) => row(key, value, path, open)))
  if (entries.length <= from + FIRST) return
  const button = h('button', { type: 'button', class: 'button quiet' }, `Show ${count(Math.min(FIRST, entries.length - from - FIRST), 'more item')}`)
  button.addEventListener('click', () => { button.remove(); more(body, entries, path, open, from + FIRST) })
  body.append(button)
}

/** Show the roots of `doc` in `place` { tools, page, foot }, now and after every change. */
export function openJson ({ place, doc, why }) {
  const tree = h('div', { class: 'tree', 'aria-label': 'Contents' })
  const sheet = h('div', { class: 'sheet json' }, h('p', { class: 'why' }, icon('lock'), why), tree)
  const open = new Set(roots(doc).map(({ name }) => `/string ${name}`))
  const known = new Set(open)
  place.tools.replaceChildren()
  place.page.replaceChildren(sheet)
  let due = false
  const draw = () => {
    due = false
    const found = roots(doc)
    for (const { name } of found) if (!known.has(`/string ${name}`)) { known.add(`/string ${name}`); open.add(`/string ${name}`) }
    tree.replaceChildren(...found.map(({ name, type }) => row(name, type, '', open)))
    if (found.length === 0) tree.replaceChildren(h('p', { class: 'nothing' }, 'Nothing is in it yet. What others write appears here.'))
    place.foot.textContent = `${count(found.length, 'root')}${found.length ? ': ' : ''}${found.map(({ name, shape }) => `${name} (${SHAPES[shape]})`).join(', ')}`
  }
  doc.on('update', () => {
    if (!due) requestAnimationFrame(draw)
    due = true
  })
  draw()
  return { focus: () => tree.querySelector('summary')?.focus(), reveal: () => false, destroy () {} }
}
