// Random honest editing with real Yjs, and a document's content as comparable JSON.
// Everything is drawn from a seeded generator: the same seed edits in the same way.
import * as Y from 'yjs'

/** mulberry32: a small seeded generator of numbers in [0, 1). */
export const generator = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

export class Dice {
  constructor (seed) { this.next = generator(seed) }
  below (n) { return Math.floor(this.next() * n) }
  chance (p) { return this.next() < p }
  pick (list) { return list[this.below(list.length)] }
  clientID () { return this.chance(0.1) ? this.below(200) + 1 : this.below(2 ** 32 - 1) + 1 }
}

// What is edited. `exotic` documents hold what not every engine keeps exactly (BigInt, -0, NaN,
// undefined, a subdocument's options); `torn` ones split surrogate pairs, after which Yjs clients differ among themselves.
export const KINDS = ['text', 'map', 'array', 'xml', 'all', 'exotic', 'torn']

const WORDS = ['a', 'b ', 'Ωmega', 'hello', 'né', '漢字', 'x', 'yz', '\n', 'line of text ']
const EMOJI = ['😀', '👩‍👩‍👧', 'a🎈b', '🇦🇹']
const PLAIN = [
  d => d.below(1000), d => d.pick(WORDS), () => true, () => false, () => null, d => d.below(100) / 8,
  d => ({ k: d.below(9), z: [d.pick(WORDS), null] }), d => [d.below(9), [d.pick(WORDS)], {}],
  d => new Uint8Array([d.below(256), 0, 255]), d => -d.below(100000), () => 2 ** 31 - 1
]
const EXOTIC = [
  d => BigInt(d.below(2 ** 31)) * 4294967296n, () => -0, () => NaN, () => undefined, () => Infinity,
  () => 5.1, () => ({ b: 1, a: undefined, 10: 'number key', 'é': [-0] }), () => 2 ** 53,
  () => ({ deep: [[[[[[[[[[1]]]]]]]]]] })
]
const FORMATS = [{ bold: true }, { bold: null }, { color: 'red' }, { color: '#0f0', i: {} }, { i: null }]
const KEYS = ['k', 'k0', 'title', 'é']

export class Editor {
  constructor (kind, dice) {
    this.kind = kind
    this.dice = dice
  }

  value () {
    const { dice } = this
    if (this.kind === 'exotic' && dice.chance(0.5)) return dice.pick(EXOTIC)(dice)
    return dice.pick(PLAIN)(dice)
  }

  /** An element of an array: Yjs takes neither undefined nor a bare BigInt there. */
  element () {
    const value = this.value() ?? null
    return typeof value === 'bigint' ? { value } : value
  }

  words () {
    const { dice } = this
    if (this.kind !== 'map' && dice.chance(0.1)) return dice.pick(EMOJI)
    return dice.chance(0.6) ? dice.pick('abcdefghij') : dice.pick(WORDS)
  }

  /** A new shared type or subdocument to put somewhere. */
  nested () {
    const { dice } = this
    switch (dice.below(6)) {
      case 0: return new Y.Map([[dice.pick(KEYS), this.value()]])
      case 1: return Y.Array.from([this.element(), this.element()])
      case 2: return new Y.Text(this.words())
      case 3: return new Y.XmlElement(dice.pick(['p', 'h1', 'ÿ']))
      case 4: return new Y.XmlText(this.words())
      default: return new Y.Doc({ guid: 'sub' + dice.below(1e6), ...(this.kind === 'exotic' ? { autoLoad: dice.chance(0.3), meta: { a: [1] }, gc: dice.chance(0.8) } : {}) })
    }
  }

  xml () {
    const { dice } = this
    const child = dice.chance(0.4) ? new Y.XmlText(this.words()) : new Y.XmlElement(dice.pick(['p', 'li', 'heading']))
    if (child instanceof Y.XmlElement && dice.chance(0.5)) {
      child.setAttribute('level', dice.pick(['1', 2, 'true', { a: 1 }]))
      child.insert(0, [new Y.XmlText(this.words())])
    }
    return child
  }

  /** One random edit somewhere in the document. */
  edit (doc) {
    const { dice } = this
    const roots = { text: ['t'], map: ['m'], array: ['a'], xml: ['x'], torn: ['t'] }[this.kind] ?? ['t', 'm', 'a', 'x']
    const root = dice.pick(roots)
    let type = { t: () => doc.getText('t'), m: () => doc.getMap('m'), a: () => doc.getArray('a'), x: () => doc.getXmlFragment('x') }[root]()
    while (dice.chance(0.6)) { // go deeper
      const inner = children(type)
      if (inner.length === 0) break
      type = dice.pick(inner)
    }
    if (type instanceof Y.Text) this.editText(type)
    else if (type instanceof Y.Map) this.editMap(type)
    else if (type instanceof Y.Array) this.editArray(type)
    else if (type instanceof Y.XmlFragment) this.editXml(type)
  }

  /** A place in a text that does not split a surrogate pair, unless the document is to be torn. */
  place (text, at) {
    if (this.kind === 'torn') return at
    let string = '' // a format has no width, an embed is one wide
    for (const op of text.toDelta()) string += typeof op.insert === 'string' ? op.insert : ' '
    const code = string.charCodeAt(at)
    return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
  }

  editText (text) {
    const { dice } = this
    const start = this.place(text, dice.below(text.length + 1))
    const end = this.place(text, Math.min(text.length, start + dice.below(6)))
    const roll = dice.below(20)
    if (roll < 10 || end <= start) text.insert(start, this.words(), dice.chance(0.2) ? dice.pick(FORMATS) : undefined)
    else if (roll < 15) text.delete(start, end - start)
    else if (roll < 18) text.format(start, end - start, dice.pick(FORMATS))
    else if (roll < 19) text.insertEmbed(start, dice.pick([{ image: 'x.png' }, { n: [1, 'é"\\\n'] }]), {})
    else if (this.kind === 'all') text.insertEmbed(start, dice.chance(0.5) ? new Y.XmlElement('embed') : new Y.Map())
    else text.insert(start, this.words())
  }

  editMap (map) {
    const { dice } = this
    const key = dice.pick(KEYS)
    if (dice.chance(0.15)) map.delete(key)
    else map.set(key, dice.chance(0.3) ? this.nested() : this.value())
  }

  editArray (array) {
    const { dice } = this
    const at = dice.below(array.length + 1)
    if (array.length > at && dice.chance(0.35)) array.delete(at, Math.min(array.length - at, 1 + dice.below(3)))
    else if (dice.chance(0.3)) array.insert(at, [this.nested()])
    else array.insert(at, Array.from({ length: 1 + dice.below(3) }, () => this.element()))
  }

  editXml (xml) {
    const { dice } = this
    const at = dice.below(xml.length + 1)
    if (xml instanceof Y.XmlElement && dice.chance(0.3)) {
      if (dice.chance(0.2)) xml.removeAttribute('level')
      else xml.setAttribute(dice.pick(['level', 'class']), dice.pick(['1', '2', 3, this.words()]))
    } else if (xml.length > at && dice.chance(0.3)) xml.delete(at, Math.min(xml.length - at, 1 + dice.below(2)))
    else xml.insert(at, [this.xml()])
  }
}

const isType = (value) => value instanceof Y.AbstractType

const children = (type) => {
  if (type instanceof Y.Map) return [...type.values()].filter(isType)
  if (type instanceof Y.Text) return type.toDelta().map(op => op.insert).filter(isType)
  return type.toArray().filter(isType)
}

/** A value as JSON that tells apart what JSON does not. */
export const canonical = (value) => {
  if (value === undefined) return { $: 'undefined' }
  if (typeof value === 'bigint') return { $: 'bigint', value: String(value) }
  if (Object.is(value, -0) || (typeof value === 'number' && !Number.isFinite(value))) return { $: 'number', value: Object.is(value, -0) ? '-0' : String(value) }
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Uint8Array) return { $: 'bytes', value: Buffer.from(value).toString('hex') }
  if (value instanceof Y.Doc) return { $: 'doc', guid: value.guid, autoLoad: value.autoLoad, gc: value.gc, meta: canonical(value.meta) }
  if (value instanceof Y.Text) return { $: value.constructor.name, delta: value.toDelta().map(canonicalOp), attributes: attributes(value) }
  if (value instanceof Y.XmlElement) return { $: 'XmlElement', name: value.nodeName, attributes: attributes(value), children: value.toArray().map(canonical) }
  if (value instanceof Y.XmlFragment) return { $: 'XmlFragment', children: value.toArray().map(canonical) }
  if (value instanceof Y.Map) return { $: 'Map', entries: sorted([...value.entries()]) }
  if (value instanceof Y.Array || Array.isArray(value)) return Array.from(value, canonical)
  return sorted(Object.entries(value))
}

const canonicalOp = (op) => sorted(Object.entries(op))
const attributes = (type) => sorted(Object.entries(type.getAttributes()))
const sorted = (entries) => Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, canonical(value)]))

/** The content of every root that an Editor edits. */
export const content = (doc) => JSON.stringify([doc.getText('t'), doc.getMap('m'), doc.getArray('a'), doc.getXmlFragment('x')].map(canonical))

/** Whether the document waits for something that it was not given. */
export const pending = (doc) => doc.store.pendingStructs !== null || doc.store.pendingDs !== null

/** A step of an UndoManager. It may die of what others have taken away (Yjs 13, `redoItem`); in a browser that is a line in the console, and what it did until then stays. */
export const stumble = (step) => {
  try { step() } catch (error) {
    if (!(error instanceof TypeError && /redoItem/.test(error.stack))) throw error
  }
}
