// y-websocket with a token that does not count, several times, and then with one that does.
// usage: node refused.mjs PACKAGE http://HOST:PORT TOKEN
// Prints the codes with which it was sent away, and the shortest time between two of them, in ms.
import WebSocket from 'ws'
import { until, yWebsocket } from './stories.mjs'

const [, , packageName, server, token] = process.argv
globalThis.WebSocket = WebSocket
const { WebsocketProvider, Doc } = await yWebsocket(packageName)
const provider = new WebsocketProvider(server.replace('http', 'ws') + '/sync', 'refused', new Doc(), { disableBc: true, params: { token: 'wrong' } })
const codes = []
const times = []
provider.on('connection-close', event => {
  codes.push(event.code)
  times.push(performance.now())
})
await until('refusals', () => codes.length >= 6 || !provider.shouldConnect)
const pace = Math.min(...times.slice(1).map((time, i) => time - times[i]))
provider.params.token = token
provider.connect()
await until('in', () => provider.synced)
console.log(JSON.stringify({ codes, pace }))
process.exit(0)
