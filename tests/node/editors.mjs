// The documents of many schedules' editors, in real Yjs: see tests/engines.py. One JSON line of
// commands on stdin, [[schedule, command, ...arguments], ...], one of answers on stdout; bytes are
// {"b": base64}.
import * as readline from 'node:readline'
import * as Y from 'yjs'
import { Dice, Editor, KINDS, content, pending, stumble } from './editing.mjs'

const AGREEING = KINDS.filter(kind => kind !== 'torn')
const decode = (value) => Array.isArray(value) ? value.map(decode) : new Uint8Array(Buffer.from(value.b, 'base64'))
const encode = (value) => ({ b: Buffer.from(value).toString('base64') })
const plays = new Map() // schedule -> Map(client -> its document)

class Client {
  constructor (play, client) {
    this.doc = new Y.Doc({ gc: play.dice.chance(0.8) })
    this.doc.clientID = client
    this.dice = new Dice(client ^ play.seed)
    this.editor = new Editor(play.kind, this.dice)
    this.own = []
    this.doc.on('update', (update, origin) => { if (origin !== 'remote') this.own.push(encode(update)) })
    const { doc } = this
    this.undo = new Y.UndoManager([doc.getText('t'), doc.getMap('m'), doc.getArray('a'), doc.getXmlFragment('x')], { captureTimeout: 0 })
  }

  /** What this document did by itself since it was last asked. */
  made () {
    const { own } = this
    this.own = []
    return own
  }
}

const commands = {
  begin: (seed) => { plays.set(seed, { seed, kind: AGREEING[seed % AGREEING.length], dice: new Dice(seed), clients: new Map() }) },
  end: (seed) => {
    for (const { doc } of plays.get(seed).clients.values()) doc.destroy()
    plays.delete(seed)
  },
  join: (seed, client) => { plays.get(seed).clients.set(client, new Client(plays.get(seed), client)) },
  edit: (seed, client) => {
    const self = plays.get(seed).clients.get(client)
    const { dice, doc, editor, undo } = self
    const roll = dice.below(100)
    if (roll < 90) doc.transact(() => { for (let n = dice.chance(0.8) ? 1 : 4; n > 0; n--) editor.edit(doc) })
    else stumble(() => roll < 97 ? undo.undo() : undo.redo())
    return self.made()
  },
  apply: (seed, client, update) => {
    const self = plays.get(seed).clients.get(client)
    Y.applyUpdate(self.doc, decode(update), 'remote')
    return self.made()
  },
  vector: (seed, client) => encode(Y.encodeStateVector(plays.get(seed).clients.get(client).doc)),
  update: (seed, client, vector) => encode(Y.encodeStateAsUpdate(plays.get(seed).clients.get(client).doc, decode(vector))),
  content: (seed, client) => {
    const { doc } = plays.get(seed).clients.get(client)
    return [content(doc), pending(doc)]
  },
  /** What a fresh client shows. It is given everything at once: between two updates it might tidy up formats, as an editor of its own. */
  show: (seed, updates) => {
    const doc = new Y.Doc()
    if (updates.length > 0) Y.applyUpdate(doc, Y.mergeUpdates(updates.map(decode)), 'remote')
    return [content(doc), pending(doc)]
  },
  /** What a fresh client throws when it opens and shows a document and goes on editing it; null if nothing. */
  survive: (seed, updates) => {
    try {
      const doc = new Y.Doc()
      for (const update of updates) Y.applyUpdate(doc, decode(update), 'remote')
      content(doc)
      doc.getText('t').insert(0, 'x')
      const other = new Y.Doc()
      Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
      content(other)
      return null
    } catch (error) {
      return String(error.stack)
    }
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const answers = JSON.parse(line).map(([seed, command, ...rest]) => commands[command](seed, ...rest) ?? null)
  process.stdout.write(JSON.stringify(answers) + '\n')
}
