// Writes a corpus of genuine updates: documents that two to five Yjs clients edit together over a bad
// network, one JSON line a document:
//   {"seed", "kind", "updates": [base64 ...], "others": [base64 ...], "content"}
// `updates` is what the clients made, in the order in which it happened; `others` what else they could
// send: answers to SyncStep1 (also by clients that wait for something), merged and diffed updates.
// `content` is what a client shows that was given all updates in order.
// usage: node corpus.mjs FIRST_SEED DOCUMENTS [STEPS]
import * as Y from 'yjs'
import { Dice, Editor, KINDS, content, stumble } from './editing.mjs'

const [first, documents, steps = 120] = process.argv.slice(2).map(Number)

class Farm {
  constructor (seed) {
    this.seed = seed
    this.dice = new Dice(seed)
    this.kind = KINDS[seed % KINDS.length]
    this.editor = new Editor(this.kind, this.dice)
    this.updates = []
    this.others = []
    this.clients = []
    for (let n = 2 + this.dice.below(4); n > 0; n--) this.join()
  }

  /** A new client; it starts with whatever another one has. */
  join () {
    const doc = new Y.Doc({ gc: this.dice.chance(0.8) })
    do { doc.clientID = this.dice.clientID() } while (this.clients.some(other => other.doc.clientID === doc.clientID))
    if (this.clients.length > 0) Y.applyUpdate(doc, Y.encodeStateAsUpdate(this.dice.pick(this.clients).doc), 'remote')
    const client = { doc, inbox: [] }
    doc.on('update', (update, origin) => {
      if (origin === 'remote') return
      this.updates.push(update)
      for (const other of this.clients) if (other !== client) other.inbox.push(update)
    })
    const roots = [doc.getText('t'), doc.getMap('m'), doc.getArray('a'), doc.getXmlFragment('x')]
    client.undo = new Y.UndoManager(roots, { captureTimeout: 0 })
    this.clients.push(client)
  }

  step () {
    const { dice } = this
    const client = dice.pick(this.clients)
    const roll = dice.below(100)
    if (roll < 55) this.edit(client)
    else if (roll < 78) this.deliver(client)
    else if (roll < 84) stumble(() => dice.chance(0.7) ? client.undo.undo() : client.undo.redo())
    else if (roll < 90) this.sync(client, dice.pick(this.clients))
    else if (roll < 96) this.merge(client)
    else if (roll < 97 && this.clients.length < 6) this.join()
    else this.others.push(Y.encodeStateAsUpdate(client.doc))
  }

  edit ({ doc }) {
    doc.transact(() => {
      for (let n = this.dice.chance(0.8) ? 1 : 4; n > 0; n--) this.editor.edit(doc)
    })
  }

  /** Some of what waits for the client arrives; out of order at times, and at times it is lost. */
  deliver (client) {
    for (let n = this.dice.below(8); n > 0 && client.inbox.length > 0; n--) {
      const at = this.dice.chance(0.8) ? 0 : this.dice.below(client.inbox.length)
      const [update] = client.inbox.splice(at, 1)
      if (!this.dice.chance(0.1)) Y.applyUpdate(client.doc, update, 'remote')
    }
  }

  /** `to` asks, `from` answers, whether or not it waits for something itself. */
  sync (from, to) {
    if (from === to) return
    const answer = Y.encodeStateAsUpdate(from.doc, Y.encodeStateVector(to.doc))
    this.others.push(answer)
    Y.applyUpdate(to.doc, answer, 'remote')
  }

  merge (client) {
    const { dice } = this
    const some = this.updates.filter(() => dice.chance(0.3)).slice(-dice.below(40) - 2)
    if (some.length < 2) return
    const merged = Y.mergeUpdates(some)
    this.others.push(merged, Y.diffUpdate(merged, Y.encodeStateVector(client.doc)))
  }

  record () {
    for (let n = 0; n < steps; n++) this.step()
    const all = new Y.Doc()
    all.transact(() => this.updates.forEach(update => Y.applyUpdate(all, update)))
    this.others.push(Y.encodeStateAsUpdate(all))
    const encode = list => list.map(update => Buffer.from(update).toString('base64'))
    return { seed: this.seed, kind: this.kind, updates: encode(this.updates), others: encode(this.others), content: content(all) }
  }
}

for (let seed = first; seed < first + documents; seed++) {
  process.stdout.write(JSON.stringify(new Farm(seed).record()) + '\n')
}
