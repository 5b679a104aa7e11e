// Draws a moment of a rich document, or a difference, into elements that look like the live
// editor's. It makes no editor: nobody can type in the past.

import { h } from '../dom.js'
import { safeLink } from '../editor/links.js'
import { withoutMoves, withoutTwins } from './moves.js'
import { textOf, turns, valueOf } from './runs.js'
import { coloured } from './tokens.js'

const MARKS = [
  ['code', 'code'],
  ['bold', 'strong'],
  ['italic', 'em'],
  ['underline', 'u'],
  ['strike', 's'],
  ['highlight', 'mark']
]

// A key may end in a hash, so that several marks of one kind can overlap.
const kindOf = (key) => key.split('--')[0]
const kinds = (formats) => new Map(Object.entries(formats).map(([key, it]) => [kindOf(key), it]))

function styled(node, formats) {
  const has = kinds(formats)
  for (const [name, tag] of MARKS) if (has.has(name)) node = h(tag, {}, node)
  const href = has.has('link') ? safeLink(String(has.get('link')?.href ?? '')) : null
  return href === null
    ? node
    : h('a', { href, target: '_blank', rel: 'noopener noreferrer nofollow', tabindex: '-1' }, node)
}

const LABELS = { strike: 'strikethrough', code: 'code' }
const label = (kind) => LABELS[kind] ?? kind

// "added bold, took link away"; empty when the formats are the same.
function restyling({ before, after }) {
  const [was, is] = [kinds(before ?? {}), kinds(after ?? {})]
  const same = (kind) => JSON.stringify(was.get(kind)) === JSON.stringify(is.get(kind))
  const changed = [...new Set([...was.keys(), ...is.keys()])].filter((kind) => !same(kind))
  return changed
    .map((kind) => {
      if (!was.has(kind)) return `added ${label(kind)}`
      return is.has(kind) ? `changed ${label(kind)}` : `took ${label(kind)} away`
    })
    .join(', ')
}

function inline(run, marks) {
  const formats = (run.state === 'deleted' ? run.before : run.after) ?? {}
  const nodes = [run.value]
    .flat()
    .map((value) => (typeof value === 'string' ? styled(value, formats) : strange('an object')))
  const words = run.state === 'kept' ? restyling(run) : ''
  if (words) return [marks.restyled(run, nodes, words)]
  return [marks.change(run, nodes), marks.caret(run)]
}

const strange = (what) => h('span', { class: 'strange' }, `(${what})`)

const heading = (part) => `h${Math.min(6, Math.max(1, Number(valueOf(part, 'level')) || 1))}`

function span(part, key) {
  const number = Number(valueOf(part, key))
  return number > 1 && number < 1000 ? String(number) : null
}

function taskItem(part, children) {
  const checked = valueOf(part, 'checked') === true || valueOf(part, 'checked') === 'true'
  const box = h('input', { type: 'checkbox', disabled: true, 'aria-label': 'Task' })
  box.checked = checked
  const props = { 'data-type': 'taskItem', 'data-checked': String(checked) }
  return h('li', props, h('label', {}, box, h('span')), h('div', {}, children))
}

const cell = (tag) => (part, children) =>
  h(tag, { colspan: span(part, 'colspan'), rowspan: span(part, 'rowspan') }, children)
const plain = (tag, props) => (_part, children) => h(tag, props, children)
// An empty paragraph is one line high.
const line = (tag) => (part, children) =>
  h(typeof tag === 'string' ? tag : tag(part), {}, children.length > 0 ? children : h('br'))

/** Node name -> its element, around its children. */
const NODES = {
  paragraph: line('p'),
  heading: line(heading),
  bulletList: plain('ul'),
  orderedList: (part, children) => h('ol', { start: span(part, 'start') }, children),
  listItem: plain('li'),
  taskList: plain('ul', { 'data-type': 'taskList' }),
  taskItem,
  blockquote: plain('blockquote'),
  codeBlock: (_part, children) => h('pre', {}, h('code', {}, children)),
  horizontalRule: () => h('hr'),
  hardBreak: () => h('br'),
  table: (_part, children) =>
    h('div', { class: 'tableWrapper' }, h('table', {}, h('tbody', {}, children))),
  tableRow: plain('tr'),
  tableHeader: cell('th'),
  tableCell: cell('td')
}

function turnOf(key, old, now) {
  if (key === 'checked') return now === true ? 'ticked this' : 'took the tick away'
  if (key === 'level') return `turned Heading ${old} into Heading ${now}`
  return `changed ${key} from ${old ?? 'none'} to ${now ?? 'none'}`
}

function element(part, run, marks) {
  if (part.kind === 'xmltext' || part.kind === 'text') return texts(part, marks)
  if (part.tag === 'hardBreak' && run.state !== 'kept')
    return [marks.change(run, h('span', { class: 'sign' }, '\u21b5')), h('br')]
  const children = part.tag === 'codeBlock' ? source(part, marks) : draw(part.runs, marks)
  const make = NODES[part.tag]
  const made = make
    ? make(part, children)
    : h('div', { class: 'strange' }, `(${part.tag || part.kind})`, children)
  const changed = run.state === 'kept' ? turns(part) : []
  if (changed.length > 0) {
    const words = changed.map(([key, old, now]) => turnOf(key, old, now)).join(', ')
    marks.turned(changed[0][3], made, words)
  }
  return [marks.block(run, made, textOf(part) === '' && part.runs.every(isEmpty))]
}

const isEmpty = ({ value }) =>
  value.length === 0 ||
  (typeof value !== 'string' && value.every((it) => it?.part?.kind === 'xmltext'))

const texts = (part, marks) => withoutTwins(part.runs).flatMap((run) => inline(run, marks))

function source(part, marks) {
  const language = valueOf(part, 'language')
  const runs = part.runs.flatMap((run) =>
    typeof run.value === 'string' ? [run] : run.value.flatMap((one) => one?.part?.runs ?? [])
  )
  return coloured(withoutTwins(runs), typeof language === 'string' ? language : null).flatMap(
    ({ run, pieces }) => {
      const nodes = pieces.map(({ text, name }) => (name ? h('span', { class: name }, text) : text))
      return [marks.change(run, nodes), marks.caret(run)]
    }
  )
}

function drawRun(run, marks) {
  if (typeof run.value === 'string') return inline(run, marks).flat(Infinity).filter(Boolean)
  const [value] = run.value
  const drawn = value?.part ? element(value.part, run, marks) : [strange('an object')]
  const nodes = drawn.flat(Infinity).filter((node) => node != null)
  const block = run.turn && value?.part?.kind === 'element' && nodes.length > 0
  if (block) marks.turned(run.turn[0], nodes[0], run.turn[1])
  return nodes
}

const draw = (runs, marks) => withoutMoves(runs).flatMap((run) => drawRun(run, marks))

/** The root "default" of a moment or a difference as rows, a block each. */
export const drawRich = (part, marks) =>
  withoutMoves(part?.runs ?? []).map((run) => ({
    key: marks.key(run),
    make: () => {
      const nodes = drawRun(run, marks)
      return nodes.length > 0 ? nodes : [document.createTextNode('')]
    }
  }))
