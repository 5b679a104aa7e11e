// Judges updates with real Yjs. One JSON question a line on stdin, one JSON answer a line on stdout.
//   {"updates": [base64 ...]}            -> {"content", "pending"} of a document that was given these
//   {"fork": [a, b], "seed", "kind"}     -> {"content": [x, y, z], "pending"}: one client loads update a, an
//       older one has b, which says the same; both edit, then tell each other. x and y are what they show
//       in the end, z what somebody shows who has b and both clients' edits.
//   {"diff": update, "vector": base64}   -> {"content", "pending": false}: Y.diffUpdate of both, as base64
import * as readline from 'node:readline'
import * as Y from 'yjs'
import { Dice, Editor, content, pending } from './editing.mjs'

console.log = console.error // Yjs warns on stdout

const bytes = (text) => Buffer.from(text, 'base64')

/** In one transaction: after each, Yjs tidies the formats up, and what it finds depends on the order. */
const receive = (doc, updates) => doc.transact(() => updates.forEach(update => Y.applyUpdate(doc, update)))

const load = (updates, clientID) => {
  const doc = new Y.Doc()
  if (clientID) doc.clientID = clientID
  receive(doc, updates)
  return doc
}

const judge = ({ updates }) => {
  const doc = load(updates.map(bytes))
  return { content: content(doc), pending: pending(doc) }
}

const fork = ({ fork, seed, kind }) => {
  const states = fork.map(bytes)
  const dice = new Dice(seed + 2 ** 30) // other ids than those who made the document
  const editor = new Editor(kind, dice)
  const docs = states.map(state => load([state], dice.clientID()))
  const edits = docs.map(doc => {
    const updates = []
    doc.on('update', update => updates.push(update))
    for (let n = 0; n < 12; n++) doc.transact(() => editor.edit(doc))
    return [...updates]
  })
  receive(docs[0], edits[1])
  receive(docs[1], edits[0])
  const all = load([states[1], ...edits[0], ...edits[1]])
  const everybody = [...docs, all]
  return { content: everybody.map(content), pending: everybody.some(pending) }
}

const diff = ({ diff, vector }) => ({ content: Buffer.from(Y.diffUpdate(bytes(diff), bytes(vector))).toString('base64'), pending: false })

for await (const line of readline.createInterface({ input: process.stdin })) {
  const question = JSON.parse(line)
  const answer = question.fork ? fork(question) : question.diff ? diff(question) : judge(question)
  process.stdout.write(JSON.stringify(answer) + '\n')
}
