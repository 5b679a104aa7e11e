// y-websocket 4 and Yjs 14, by the names of Yjs 13, for the stories of tests/node.
import * as Y from '@y/y'

export { WebsocketProvider } from '@y/websocket'
export const Array = Y.Type

export class Doc extends Y.Doc {
  getText (name) { return this.get(name) }
  getArray (name) { return this.get(name) }

  getMap (name) {
    const map = this.get(name)
    return { set: (key, value) => map.setAttr(key, value), has: key => map.hasAttr(key) }
  }
}
