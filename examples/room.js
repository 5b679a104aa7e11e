// What the examples share: who one is, the document, and who else is there.
import { WebsocketProvider, Y } from '/static/vendor/editor.js' // from npm: yjs and y-websocket

const NAMES = ['Otter', 'Heron', 'Badger', 'Lynx', 'Wren', 'Marten', 'Seal', 'Finch', 'Hare', 'Stork']
const COLORS = ['#0b7a6f', '#6741d9', '#b3450b', '#1f56c4', '#a61e4d', '#4d7c0f', '#86198f', '#92600a']
const any = (list) => list[Math.floor(Math.random() * list.length)]

export const me = { name: `${any(NAMES)} ${Math.floor(Math.random() * 90) + 10}`, color: any(COLORS) }
export const find = (selector) => document.querySelector(selector)

/** An element with properties and children; text is only ever set as text. */
export function h(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

/** An element in somebody's colour. */
export function tinted(element, color) {
  element.style.setProperty('--tint', String(color)) // style="..." would be against the policy
  return element
}

/** The document of an example: `#team` in the address is a room of its own. */
export function join(example) {
  const name = `examples/${example}/${decodeURIComponent(location.hash.slice(1)) || 'lobby'}`
  const doc = new Y.Doc()
  const url = `${location.origin.replace(/^http/, 'ws')}/sync`
  const provider = new WebsocketProvider(url, name, doc)
  const { awareness } = provider
  awareness.setLocalStateField('user', me)
  awareness.on('change', () => {
    const names = others(awareness).map(({ user }) => tinted(h('span', { className: 'person' }, user.name), user.color))
    find('#people').replaceChildren(...names)
  })
  provider.on('status', ({ status }) => {
    find('#state').textContent = status === 'connected' ? 'Connected' : 'Connecting'
    find('#state').dataset.state = status
  })
  addEventListener('hashchange', () => location.reload())
  return { Y, awareness, doc, name, provider }
}

/** What the others say of themselves: whatever is no person is left out. */
export function others(awareness) {
  const states = [...awareness.getStates()].filter(([client]) => client !== awareness.clientID)
  return states.map(([client, state]) => ({ client, ...state })).filter(({ user }) => typeof user?.name === 'string')
}
