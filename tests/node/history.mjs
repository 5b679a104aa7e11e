// What real Yjs makes of a log, row by row: one JSON question a line on stdin, one JSON answer a line
// on stdout. Nothing is collected, and nobody tidies formats up, which would be an edit of its own.
//   {"log": [base64 ...], "at": [seq ...]}
//     -> {"moments": [{"content", "plain", "deleted"} ...], "lists"}
// `content` as in editing.mjs; `plain` is each root as plain JSON; `deleted` is client -> ranges of
// clocks. `lists` is, for each shared type in the end, the ids of all units in its list and in the
// chain of each of its keys, in order.
import * as readline from 'node:readline'
import * as Y from 'yjs'
import { content } from './editing.mjs'

console.log = console.error // Yjs warns on stdout

Object.defineProperty(Y.Text.prototype, '_hasFormatting', { get: () => false, set: () => {} })

const ROOTS = { a: 'getArray', m: 'getMap', t: 'getText', x: 'getXmlFragment' }

const number = (value) => {
  if (!Number.isFinite(value)) return null
  return Number.isInteger(value) && Math.abs(value) >= 2 ** 53 ? { big: String(BigInt(value)) } : value
}

const object = (entries) => Object.fromEntries(entries.map(([key, value]) => [key, plain(value)]))

const plain = (value) => {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : { big: String(value) }
  if (typeof value === 'number') return number(value)
  if (typeof value !== 'object') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Y.Doc) return { subdocument: value.guid }
  if (value instanceof Y.Text) return text(value)
  if (value instanceof Y.XmlElement) return { type: value.nodeName, attributes: object(Object.entries(value.getAttributes())), children: value.toArray().map(plain) }
  if (value instanceof Y.Map) return object([...value.entries()])
  if (value instanceof Y.AbstractType) return value.toArray().map(plain)
  return Array.isArray(value) ? Array.from(value, plain) : object(Object.entries(value))
}

/** A delta in which neighbours with equal formats are one; a string where nothing but text is. */
const text = (type) => {
  const runs = []
  for (const op of type.toDelta()) {
    const run = { insert: plain(op.insert), ...(op.attributes ? { attributes: object(Object.entries(op.attributes)) } : {}) }
    const last = runs.at(-1)
    if (last && typeof op.insert === 'string' && last.string && same(last.run.attributes, run.attributes)) last.run.insert += run.insert
    else runs.push({ run, string: typeof op.insert === 'string' })
  }
  if (!(type instanceof Y.XmlText) && runs.every(({ run, string }) => string && !run.attributes)) return runs.map(({ run }) => run.insert).join('')
  return runs.map(({ run }) => run)
}

const sorted = (value) => value && typeof value === 'object' && !Array.isArray(value)
  ? Object.fromEntries(Object.keys(value).sort().map(key => [key, sorted(value[key])]))
  : value
const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))

/** The roots that there are: those that something was ever put into. */
const roots = (doc) => Object.entries(ROOTS)
  .map(([name, get]) => [name, doc[get](name)])
  .filter(([, type]) => type._start !== null || type._map.size > 0)

const deleted = (doc) => {
  const ranges = {}
  for (const [client, structs] of doc.store.clients) {
    const own = ranges[client] = []
    for (const struct of structs) {
      const { clock } = struct.id
      if (!struct.deleted) continue
      if (own.length > 0 && own.at(-1)[1] === clock) own.at(-1)[1] += struct.length
      else own.push([clock, clock + struct.length])
    }
  }
  return ranges
}

const units = (items) => items.flatMap(({ id, length }) => Array.from({ length }, (_, at) => `${id.client}:${id.clock + at}`))

const lists = (doc) => {
  const found = {}
  const add = (name, type) => {
    const list = []
    for (let item = type._start; item !== null; item = item.right) list.push(item)
    found[name] = units(list)
    for (let [key, item] of type._map) {
      const chain = []
      for (; item !== null; item = item.left) chain.unshift(item)
      found[`${name} ${key}`] = units(chain)
    }
  }
  for (const [name, type] of doc.share) add(name, type)
  for (const structs of doc.store.clients.values()) {
    for (const struct of structs) if (struct.content?.type) add(`${struct.id.client}:${struct.id.clock}`, struct.content.type)
  }
  return Object.fromEntries(Object.entries(found).filter(([, list]) => list.length > 0))
}

const tell = ({ log, at }) => {
  const doc = new Y.Doc({ gc: false })
  const asked = new Set(at)
  const moments = []
  const look = () => {
    const shown = Object.fromEntries(roots(doc).map(([name, type]) => [name, plain(type)]))
    moments.push({ content: content(doc), plain: shown, deleted: deleted(doc) })
  }
  if (asked.has(0)) look()
  log.forEach((row, index) => {
    Y.applyUpdate(doc, Buffer.from(row, 'base64'))
    if (asked.has(index + 1)) look()
  })
  return { moments, lists: lists(doc) }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(tell(JSON.parse(line))) + '\n')
}
