// y-websocket and Hocuspocus' provider in one document: each writes a word, and reads the other's.
// usage: node both.mjs http://HOST:PORT/PREFIX TOKEN DOCUMENT; prints the text in the end
import WebSocket from 'ws'
import * as Y from 'yjs'
import { until } from './stories.mjs'

const [, , server, token, name] = process.argv
globalThis.WebSocket = WebSocket
const { WebsocketProvider } = await import('yws3')
const { HocuspocusProvider } = await import('hoc4')
const url = server.replace('http', 'ws') + '/sync'
const [ann, bob] = [new Y.Doc(), new Y.Doc()]
const first = new WebsocketProvider(url, name, ann, { WebSocketPolyfill: WebSocket, disableBc: true, params: { token } })
const second = new HocuspocusProvider({ url, name, document: bob, token, WebSocketPolyfill: WebSocket })
await until('both in', () => first.synced && second.synced)
ann.getText('content').insert(0, 'y-websocket ')
bob.getText('content').insert(bob.getText('content').length, 'Hocuspocus ')
const said = doc => doc.getText('content').toString()
await until('both', () => said(ann) === said(bob) && ['y-websocket', 'Hocuspocus'].every(word => said(ann).includes(word)))
await until('all saved', () => !second.hasUnsyncedChanges)
console.log(said(ann))
process.exit(0)
