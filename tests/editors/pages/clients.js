// Providers as their readmes have them: (sync, name, doc, token, heard, connect) -> provider. What is
// `heard`: close codes of its connections, and reasons. `connect`: at once, else the editor does it.
// Those in -http are where WebSocket is blocked: they are given QuireSocket, which there goes by HTTP.
import { createYjsProvider } from '@y-sweet/client'
import { HocuspocusProvider as Hocuspocus2 } from 'hoc2'
import { HocuspocusProvider as Hocuspocus3 } from 'hoc3'
import { HocuspocusProvider as Hocuspocus4 } from 'hoc4'
import { WebsocketProvider as YWebsocket1 } from 'yws1'
import { WebsocketProvider as YWebsocket2 } from 'yws2'
import { WebsocketProvider as YWebsocket3 } from 'yws3'
import { QuireSocket } from '../../../web/static/client/quire-socket.js'

const blocked = { WebSocketPolyfill: QuireSocket.with({ WebSocket: null }) }

const yWebsocket = (Provider, options = {}) => (sync, name, doc, token, heard, connect) => {
  const provider = new Provider(sync, name, doc, { connect, params: token ? { token } : {}, ...options })
  provider.on('connection-close', (event) => event && heard.push(event.code))
  return provider
}

const hocuspocus = (Provider, options = {}) => (url, name, document, token, heard, connect) => new Provider({
  url,
  name,
  document,
  connect, // version 2
  autoConnect: connect,
  ...(token ? { token } : {}),
  ...options,
  onAuthenticationFailed: ({ reason }) => heard.push(reason)
})

const ySweet = (options = {}) => (sync, docId, doc, token, heard, connect) => {
  const url = `${sync.replace(/sync$/, 'y-sweet')}/d/${docId}/ws`
  const auth = async () => ({ docId, url, ...(token ? { token } : {}) })
  const provider = createYjsProvider(doc, docId, auth, { connect, showDebuggerLink: false, ...options })
  provider.on('connection-close', (event) => event && heard.push(event.code))
  return provider
}

export const clients = {
  yws1: yWebsocket(YWebsocket1),
  yws2: yWebsocket(YWebsocket2),
  yws3: yWebsocket(YWebsocket3),
  hoc2: hocuspocus(Hocuspocus2),
  hoc3: hocuspocus(Hocuspocus3),
  hoc4: hocuspocus(Hocuspocus4),
  hoc4session: hocuspocus(Hocuspocus4, { sessionAwareness: true }),
  ysweet: ySweet(),
  'yws3-http': yWebsocket(YWebsocket3, blocked),
  'hoc4-http': hocuspocus(Hocuspocus4, blocked),
  'ysweet-http': ySweet(blocked)
}
