// A server that comes up between the try by WebSocket and the one by HTTP: that is no blocked network.
// usage: node restarted.mjs http://SERVER
import WebSocket from 'ws'
import * as Y from 'yjs'
import { WebsocketProvider } from 'yws3'
import { QuireSocket } from '../../web/static/client/quire-socket.js'
import { until } from './stories.mjs'

let tries = 0
class Early extends WebSocket { // the first one comes a moment too early: nobody listens there
  constructor (url, ...given) { super(++tries === 1 ? 'ws://127.0.0.1:1/' : url, ...given) }
}
const ways = []
class Told extends QuireSocket.with({ WebSocket: Early }) {
  constructor (...given) {
    super(...given)
    this.addEventListener('open', () => ways.push(this.transport))
  }
}
const doc = new Y.Doc()
const url = process.argv[2].replace('http', 'ws') + '/sync'
const provider = new WebsocketProvider(url, 'restarted', doc, { WebSocketPolyfill: Told, disableBc: true })
await until('synced', () => provider.synced)
console.log(JSON.stringify(ways))
process.exit(0)
