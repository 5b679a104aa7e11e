// Eight documents over HTTP, where there are six connections to a host, as in a browser.
// usage: node six.mjs http://HOST:PORT; prints how connections ended meanwhile, and how they asked, as JSON
import http from 'node:http'
import { Readable } from 'node:stream'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { WebsocketProvider } from 'yws3'
import { Blocked, told } from './blocked.mjs'
import { typeTogether, until } from './stories.mjs'

const [, , server] = process.argv
const agent = new http.Agent({ keepAlive: true, maxSockets: 6 })
const modes = {}
let streaming // the number of a document whose answer is held open

const bySix = (url, { method, headers, body, signal }) => new Promise((resolve, reject) => {
  const mode = headers['Quire-Mode']
  if (mode) modes[mode] = (modes[mode] ?? 0) + 1
  if (mode === 'stream') streaming = Number(/six-(\d)/.exec(url)[1])
  const request = http.request(url, { method, headers, agent, signal }, answer => {
    const { statusCode: status } = answer
    if (status === 204) answer.resume()
    resolve(new Response(status === 204 ? null : Readable.toWeb(answer), { status, headers: answer.headers }))
  })
  request.on('error', reject)
  request.end(body)
})

const Six = Blocked.with({ WebSocket: null, fetch: bySix, streams: 4, glance: 100, timeout: 3000 })

class Editor {
  constructor (name, WebSocketPolyfill) {
    const doc = new Y.Doc()
    this.text = doc.getText('content')
    this.provider = new WebsocketProvider(server.replace('http', 'ws') + '/sync', name, doc, { WebSocketPolyfill, disableBc: true })
  }

  says (text) { return until(`"${text}"`, () => this.text.toString() === text) }
}

const pairs = [...Array(8).keys()].map(n => [new Editor(`six-${n}`, Six), new Editor(`six-${n}`, WebSocket)])
await until('all in', () => pairs.flat().every(({ provider }) => provider.synced))
await Promise.all(pairs.map(typeTogether))
// One that goes leaves its place to another one.
pairs.splice(streaming, 1)[0][0].provider.destroy()
const streams = modes.stream
await until('another stream', () => modes.stream > streams)
await Promise.all(pairs.map(async ([ann, bob]) => {
  bob.text.insert(0, 'Well: ')
  await ann.says('Well: > Hello world')
}))
console.log(JSON.stringify({ codes: told.codes, streams: modes.stream, glances: modes.glance > 4 }))
process.exit(0)
