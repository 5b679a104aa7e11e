// What Tiptap and BlockNote editors make of each other's updates and of others': see writers.mjs and
// tests/collab/test_prosemirror.py. usage: node prosemirror.mjs tiptap|blocknote
// Lines and bytes are as in editors.mjs.
import * as readline from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import * as Y from 'yjs'
import { Dice, content, pending } from './editing.mjs'
import { BlockNote, Tiptap } from './writers.mjs'

const [, , kind] = process.argv
const Kind = { tiptap: Tiptap, blocknote: BlockNote }[kind]
const { absolutePositionToRelativePosition, relativePositionToAbsolutePosition } = await import({ tiptap: '@tiptap/y-tiptap', blocknote: 'y-prosemirror' }[kind])
const decode = (value) => Array.isArray(value) ? value.map(decode) : new Uint8Array(Buffer.from(value.b, 'base64'))
const encode = (value) => ({ b: Buffer.from(value).toString('base64') })
const plays = new Map() // schedule -> { ids, clients: Map(client -> its editor) }
const client = (seed, client) => plays.get(seed).clients.get(client)

/** A node as JSON, without marks of what is not text: the bindings do not write those. */
const plain = ({ type, text, marks, content, ...rest }) => ({ type, ...rest, ...(text ? { text, marks } : {}), content: content?.map(plain) })

/** What an editor shows; and whether that is all that is in its document, and fits its schema. */
const look = (writer) => {
  const { doc } = writer.view.state
  const { binding } = writer.plugin('y-sync')
  const made = writer.own.length
  let fits = true
  try { doc.check() } catch { fits = false }
  binding.mux(() => writer.doc.transact(() => binding._prosemirrorChanged(doc))) // as with the next key
  return [JSON.stringify(plain(doc.toJSON())), fits && writer.own.length === made]
}

const commands = {
  begin: (seed) => { plays.set(seed, { ids: { mockID: seed * 1000 }, clients: new Map() }) },
  end: (seed) => {
    for (const writer of plays.get(seed).clients.values()) writer.destroy()
    plays.delete(seed)
  },
  join: async (seed, client) => {
    plays.get(seed).clients.set(client, new Kind(client, new Dice(client ^ seed), plays.get(seed).ids))
    await sleep(2)
  },
  edit: (seed, id) => {
    const writer = client(seed, id)
    try { writer.edit() } catch {} // their commands throw at times where a document does not fit its schema
    return writer.made().map(encode)
  },
  apply: (seed, id, update) => {
    const writer = client(seed, id)
    writer.number()
    try {
      Y.applyUpdate(writer.doc, decode(update), 'remote')
    } catch (error) { // the bindings lose carets where a document does not fit its schema, and then stand still
      if (!/resolve|restoreRelativeSelection/.test(error.stack)) throw error
      writer.plugin('y-sync').binding._forceRerender()
    }
    return writer.made().map(encode)
  },
  /** What each did late: editors have timers, and write what they had corrected with whatever comes next. */
  rest: async (seed) => {
    await sleep(20) // longer than a frame of the window
    return [...plays.get(seed).clients.values()].map(writer => writer.made().map(encode))
  },
  content: (seed, id) => [content(client(seed, id).doc), pending(client(seed, id).doc)],
  /** What a fresh client shows, that is no editor. */
  show: (seed, updates) => {
    const doc = new Y.Doc()
    if (updates.length > 0) Y.applyUpdate(doc, Y.mergeUpdates(updates.map(decode)), 'remote')
    return [content(doc), pending(doc)]
  },
  /** What a fresh editor shows: see `look`. */
  open: async (seed, updates) => {
    const writer = new Kind(0, null, { mockID: 0 })
    await sleep(2)
    if (updates.length > 0) Y.applyUpdate(writer.doc, Y.mergeUpdates(updates.map(decode)), 'remote')
    const [doc, fits] = look(writer)
    writer.destroy()
    return [doc, fits && writer.own.length === 0]
  },
  look: async (seed, id) => {
    await sleep(2)
    return look(client(seed, id))
  },
  /** Some carets in an editor: where each is for Yjs, and the character that it stands next to. */
  carets: (seed, id) => {
    const writer = client(seed, id)
    const { binding } = writer.plugin('y-sync')
    return Array.from({ length: 8 }, () => writer.range()[0])
      .map(at => [absolutePositionToRelativePosition(at, binding.type, binding.mapping), at])
      .filter(([, at]) => writer.view.state.doc.resolve(at).parent.isTextblock)
      .filter(([caret, at]) => absolute(binding, caret) === at) // the bindings miss some places
      .map(([caret, at]) => [JSON.stringify(caret), next(writer, at, caret)])
  },
  /** The characters that carets stand next to now; null for those that are nowhere. */
  next: (seed, id, carets) => carets.map(JSON.parse).map(caret => {
    const writer = client(seed, id)
    const at = absolute(writer.plugin('y-sync').binding, Y.createRelativePositionFromJSON(caret))
    return at === null ? null : next(writer, at, caret)
  })
}

const absolute = ({ doc, type, mapping }, caret) => relativePositionToAbsolutePosition(doc, type, caret, mapping)

/** The character that a caret stands next to. */
const next = ({ view }, at, { assoc }) => {
  const { parent, parentOffset } = view.state.doc.resolve(at)
  return parent.textBetween(0, parent.content.size, null, '\ufffc').charAt(assoc < 0 ? parentOffset - 1 : parentOffset)
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const answers = []
  for (const [seed, command, ...rest] of JSON.parse(line)) answers.push(await commands[command](seed, ...rest) ?? null)
  process.stdout.write(JSON.stringify(answers) + '\n')
}
process.exit() // the window's timers would keep it
