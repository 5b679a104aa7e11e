// The polyfill for stories told where WebSocket is blocked; short times, from the environment.
import WebSocket from 'ws'
import { QuireSocket } from '../../web/static/client/quire-socket.js'

const options = JSON.parse(process.env.QUIRE_SOCKET ?? '{}')
export const told = { http: 0, websocket: 0, codes: [] }

export class Blocked extends QuireSocket.with({ WebSocket, patience: 400, soon: 4000, ...options }) {
  constructor (...given) {
    super(...given)
    this.addEventListener('open', () => told[this.transport]++)
    this.addEventListener('close', ({ code }) => told.codes.push(code))
  }

  // As Node's WebSocket has them, for stories in which connections break.
  terminate () { this.close() }
  get _socket () { return { destroy: () => this.close() } }
}
