// How soon an idle client that comes back is seen, and how soon one that dies is missed.
// usage: node coming.mjs http://HOST:PORT PACKAGE websocket|http
// Tells it in one line of JSON: ms from its new connection until another one sees it, `back`, and
// from its death until the other one does not see it any more, `gone`.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { QuireSocket } from '../../web/static/client/quire-socket.js'
import { until } from './stories.mjs'

const [, , server, packageName, transport, name = `coming ${process.pid}`] = process.argv
globalThis.WebSocket = WebSocket
const SYNC = server.replace('http', 'ws') + '/sync'
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
const doc = new Y.Doc()

if (process.send) {
  let cable = true
  const sockets = new Set()
  class Cable extends WebSocket {
    constructor (url, ...more) {
      super(cable ? url : 'ws://127.0.0.1:9', ...more)
      sockets.add(this)
      this.addEventListener('open', () => process.send(Date.now()))
    }
  }
  class Requests extends QuireSocket.with({
    WebSocket: null, fetch: (...request) => cable ? fetch(...request) : Promise.reject(new Error('no cable')), tries: 1
  }) {
    constructor (...given) {
      super(...given)
      this.addEventListener('open', () => process.send(Date.now()))
    }
  }
  const WebSocketPolyfill = transport === 'http' ? Requests : Cable
  const providers = await import(packageName)
  const provider = packageName.startsWith('hoc')
    ? new providers.HocuspocusProvider({
      websocketProvider: new providers.HocuspocusProviderWebsocket({ url: SYNC, WebSocketPolyfill }),
      name, document: doc, token: packageName === 'hoc2' ? null : ''
    })
    : new providers.WebsocketProvider(SYNC, name, doc, { WebSocketPolyfill, disableBc: true })
  provider.attach?.()
  provider.awareness.setLocalStateField('user', { name: 'Bob' })
  process.on('message', plugged => {
    cable = plugged
    if (!cable) for (const socket of sockets) socket.terminate()
  })
} else {
  const { WebsocketProvider } = await import('yws3')
  const provider = new WebsocketProvider(SYNC, name, doc, { WebSocketPolyfill: WebSocket, disableBc: true })
  const sees = () => [...provider.awareness.getStates().values()].some(({ user }) => user?.name === 'Bob')
  const bob = fork(fileURLToPath(import.meta.url), [server, packageName, transport, name])
  process.on('exit', () => bob.kill('SIGKILL'))
  let connected = 0
  bob.on('message', when => { connected = when })
  await until('Bob is here', sees)
  bob.send(false)
  await until('Bob is away', () => !sees(), 40_000)
  await pause(2000)
  connected = 0
  bob.send(true)
  await until('Bob is back', () => connected > 0 && sees(), 40_000)
  const back = Date.now() - connected
  await pause(500)
  const died = Date.now()
  bob.kill('SIGKILL')
  await until('Bob is missed', () => !sees(), 40_000)
  console.log(JSON.stringify({ back, gone: Date.now() - died }))
  process.exit(0)
}
