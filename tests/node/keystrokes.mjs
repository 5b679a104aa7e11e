// One who types over HTTP, and one who looks on by WebSocket, or types as well.
// usage: node keystrokes.mjs http://TYPIST COUNT MS [http://READER] [both]
// COUNT letters, one each MS ms. Tells in one line of JSON how many `requests` the typist made, the
// `most` in one second, and the `delays` (ms) after which the letters were seen.
import WebSocket from 'ws'
import * as Y from 'yjs'
import { WebsocketProvider } from 'yws3'
import { QuireSocket } from '../../web/static/client/quire-socket.js'
import { until } from './stories.mjs'

const [, , typist, count, ms, reader = typist, both] = process.argv
const name = `keystrokes ${process.pid}`
const asked = []
const counting = (...request) => { asked.push(performance.now()); return fetch(...request) }
const byHttp = QuireSocket.with({ WebSocket: null, fetch: counting, patience: 400 })

function join (origin, WebSocketPolyfill) {
  const doc = new Y.Doc()
  const url = origin.replace('http', 'ws') + '/sync'
  const provider = new WebsocketProvider(url, name, doc, { WebSocketPolyfill, disableBc: true })
  return { text: doc.getText('content'), replies: doc.getText('replies'), provider }
}

const [ann, bob] = [join(typist, byHttp), join(reader, WebSocket)]
const total = Number(count)
await until('both are there', () => ann.provider.synced && bob.provider.synced)
const typed = []
const seen = []
bob.text.observe(() => { while (seen.length < bob.text.length) seen.push(performance.now()) })
await until('the greetings are over', () => performance.now() - asked.at(-1) > 300)
asked.length = 0
await new Promise(resolve => {
  const timer = setInterval(() => {
    typed.push(performance.now())
    ann.text.insert(ann.text.length, 'x')
    if (both) bob.replies.insert(0, 'y')
    if (typed.length === total) { clearInterval(timer); resolve() }
  }, Number(ms))
})
await until('all letters', () => seen.length === total)
const most = Math.max(...asked.map(from => asked.filter(at => at >= from && at < from + 1000).length))
console.log(JSON.stringify({ requests: asked.length, most, delays: seen.map((at, i) => at - typed[i]) }))
process.exit(0)
