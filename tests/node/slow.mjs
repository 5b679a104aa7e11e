// Who writes much over HTTP, faster than the server takes it. usage: node slow.mjs http://HOST:PORT [refuses]
// "refuses": something in between answers most of what is sent with 429. Prints the letters that arrived, and
// with which codes connections ended meanwhile, as JSON.
import WebSocket from 'ws'
import * as Y from 'yjs'
import { WebsocketProvider } from 'yws3'
import { Blocked, told } from './blocked.mjs'
import { until } from './stories.mjs'

const [, , server, refuses] = process.argv
const url = server.replace('http', 'ws') + '/sync'
let asked = 0
const busy = async (url, request) => request.headers['Quire-Number'] && ++asked % 7 ? new Response('{}', { status: 429 }) : fetch(url, request)
const Slow = Blocked.with({ WebSocket: null, timeout: 300, ...(refuses && { fetch: busy }) })

const [ann, bob] = [Slow, WebSocket].map(WebSocketPolyfill => {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(url, 'slow', doc, { WebSocketPolyfill, disableBc: true })
  return { doc, provider, text: doc.getText('content') }
})
await until('both in', () => ann.provider.synced && bob.provider.synced, 60_000)
const write = count => { for (let i = 0; i < count; i++) ann.text.insert(ann.text.length, 'x') }
let letters = refuses ? 30 : 600
write(letters)
// And goes on, while that is being taken.
const typing = setInterval(() => { write(1); letters++ }, 100)
await until('much of it', () => bob.text.length >= (refuses ? 30 : 400), 60_000)
clearInterval(typing)
await until('all of it', () => bob.text.length === letters, 60_000)
console.log(JSON.stringify({ letters: letters - bob.text.length, codes: told.codes }))
process.exit(0)
