// Finds out what a document holds that some other editor made: Yjs tells a root's type only to
// those who already know it.

import { Y } from '../../vendor/editor.js'

function* items(type) {
  for (let item = type._start; item !== null; item = item.right) if (!item.deleted) yield item
}

function sequence(type) {
  for (const { content } of items(type)) {
    if (content instanceof Y.ContentType) return isXml(content.type) ? 'xml' : 'array'
    if (
      content instanceof Y.ContentString ||
      content instanceof Y.ContentFormat ||
      content instanceof Y.ContentEmbed
    )
      return 'text'
    return 'array'
  }
  return null
}

const isXml = (type) =>
  type instanceof Y.XmlElement || type instanceof Y.XmlText || type instanceof Y.XmlHook

/** 'xml', 'text', 'map', 'array', or null for a root with nothing in it. */
function shapeOf(type) {
  if (type instanceof Y.XmlFragment) return 'xml'
  if (type instanceof Y.Text) return 'text'
  if (type instanceof Y.Map) return 'map'
  if (type instanceof Y.Array) return 'array'
  return sequence(type) ?? (type._map.size > 0 ? 'map' : null)
}

const GET = {
  xml: (doc, name) => doc.getXmlFragment(name),
  text: (doc, name) => doc.getText(name),
  map: (doc, name) => doc.getMap(name),
  array: (doc, name) => doc.getArray(name)
}

/** [{ name, shape, type }] of every root that holds something, typed. */
export function roots(doc) {
  const found = [...doc.share]
    .map(([name, type]) => ({ name, shape: shapeOf(type) }))
    .filter(({ shape }) => shape !== null)
  return found
    .map(({ name, shape }) => ({ name, shape, type: GET[shape](doc, name) }))
    .filter(({ shape, type }) => (shape === 'map' ? type.size > 0 : type.length > 0))
}

// What an editor cannot show. Rich text (with a schema): nodes and marks that are not ours, which
// y-tiptap would delete. Plain text (schema null): objects, each of which would shift every
// position after it in CodeMirror.
function strange(content, schema) {
  if (content instanceof Y.ContentString || content instanceof Y.ContentDeleted) return false
  if (content instanceof Y.ContentFormat)
    return schema !== null && schema.marks[content.key.split('--')[0]] === undefined
  if (schema === null || !(content instanceof Y.ContentType)) return true
  const { type } = content
  return (
    !(type instanceof Y.XmlText) &&
    (!(type instanceof Y.XmlElement) || schema.nodes[type.nodeName] === undefined)
  )
}

/**
 * Whether an editor can show all of `type`: a rich-text schema's { nodes, marks }, or null for
 * plain text.
 */
export const fits = (type, schema) =>
  [...items(type)].every(
    ({ content }) =>
      !strange(content, schema) &&
      (!(content instanceof Y.ContentType) || fits(content.type, schema))
  )

function* news({ beforeState, afterState, doc }) {
  for (const [client, after] of afterState) {
    const before = beforeState.get(client) ?? 0
    const structs = doc.store.clients.get(client)
    for (
      let at = after > before ? Y.findIndexSS(structs, before) : structs.length;
      at < structs.length;
      at++
    )
      yield structs[at]
  }
}

/**
 * Call `leave()` when a peer puts something into `type` that its editor cannot show: before any
 * observer hears of it, so that the editor can be taken away in time. (y-codemirror.next would
 * never return from an embedded object.)
 */
export function watchStrangers(type, schema, leave) {
  const look = (transaction) => {
    if (transaction.local) return
    for (const item of news(transaction)) {
      if (!(item instanceof Y.Item) || item.deleted || item.parentSub !== null) continue
      if (!strange(item.content, schema) || !Y.isParentOf(type, item)) continue
      type.doc.off('beforeObserverCalls', look)
      return leave()
    }
  }
  type.doc.on('beforeObserverCalls', look)
}

/** Which editor suits a document that does not say: { editor: 'rich' | 'text' | null, root }. */
export function choose(doc, schema) {
  const found = roots(doc)
  const rich = found.find(({ name, shape }) => name === 'default' && shape === 'xml')
  if (rich && fits(rich.type, schema)) return { editor: 'rich', root: rich.type }
  const texts = found.filter(({ shape }) => shape === 'text')
  const text =
    texts.find(({ name }) => name === 'content') ?? (found.length === 1 ? texts[0] : undefined)
  if (text && fits(text.type, null)) return { editor: 'text', root: text.type }
  return { editor: null, root: null }
}
