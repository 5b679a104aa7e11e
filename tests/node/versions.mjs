// Stories told by BlockNote's own history, unmodified, in a DOM without a screen: its endpoints are
// those of /client/quire-versions.js. usage: node versions.mjs http://HOST:PORT 'JSON of tokens'
import { JSDOM } from 'jsdom'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { equal, tellAll, until } from './stories.mjs'

const [, , server, given = '{}'] = process.argv
const tokens = JSON.parse(given)
const { fetch } = globalThis
const { window } = new JSDOM('<!doctype html>', { pretendToBeVisual: true, url: 'http://localhost/' })
const GLOBALS = ['window', 'document', 'navigator', 'Node', 'Element', 'HTMLElement', 'Text', 'Range', 'DOMParser', 'MutationObserver', 'MutationRecord',
  'KeyboardEvent', 'MouseEvent', 'getSelection', 'getComputedStyle', 'requestAnimationFrame', 'cancelAnimationFrame']
for (const name of GLOBALS) Object.defineProperty(globalThis, name, { value: window[name], configurable: true, writable: true })

const { BlockNoteEditor } = await import('blocknote55')
const { VersioningExtension } = await import('blocknote55/extensions')
const { createYjsVersioningAdapter, withCollaboration } = await import('blocknote55/yjs')
const { WebsocketProvider } = await import('yws3')
const { quireVersions, restoredByServer } = await import('../../web/static/client/quire-versions.js')
const open = new Set()

class Editor {
  constructor (name, level = 'write', options = {}) {
    this.doc = new Y.Doc()
    const params = tokens[level] ? { token: tokens[level] } : {}
    this.provider = new WebsocketProvider(server.replace('http', 'ws') + '/sync', name, this.doc, { WebSocketPolyfill: WebSocket, disableBc: true, params })
    const collaboration = { fragment: this.doc.getXmlFragment('blocks'), user: { name: 'Ann', color: '#ff0000' }, provider: this.provider }
    this.endpoints = quireVersions({ server, document: name, token: () => tokens[level], author: 'Ann', Y, fetch, ...options })
    this.editor = BlockNoteEditor.create(withCollaboration({
      collaboration,
      extensions: [VersioningExtension(editor => ({ ...restoredByServer(createYjsVersioningAdapter(editor, collaboration)), endpoints: this.endpoints }))]
    }))
    this.editor.mount(window.document.createElement('div'))
    open.add(this)
  }

  get history () { return this.editor.getExtension(VersioningExtension) }
  get text () { return this.editor.document.map(block => (block.content ?? []).map(({ text }) => text).join('')).filter(Boolean).join('|') }
  get names () { return this.history.store.state.snapshots.map(({ name }) => name ?? '') }
  synced () { return until('synced', () => this.provider.synced) }
  says (text) { return until(`"${text}"`, () => this.text === text) }
  write (text) { this.editor.replaceBlocks(this.editor.document, [{ type: 'paragraph', content: text }]) }
  leave () {
    open.delete(this)
    this.provider.destroy()
    this.editor.unmount()
    this.doc.destroy()
  }
}

let number = 0
const fresh = () => `block/notes ${++number}`
const opened = async (level, options) => {
  const editor = new Editor(fresh(), level, options)
  await editor.synced()
  return editor
}
const fails = async (status, work) => {
  const error = await work.then(() => null, error => error)
  equal([error?.name, error?.status], ['VersionsError', status])
}

const everybody = {
  async 'a version is made, shown, named otherwise and gone back to' () {
    const ann = await opened()
    const bob = new Editor(ann.provider.roomname)
    ann.write('First')
    const first = await ann.history.create({ name: 'Draft' }) // what was typed just now is in it
    equal([first.name, first.by], ['Draft', ['Ann']])
    ann.write('Second')
    await bob.says('Second')
    const second = await bob.history.create()
    equal(second.name.startsWith('Version '), true)
    await bob.history.list()
    equal(bob.names.slice(0, 2), [second.name, 'Draft'])
    await bob.history.previewSnapshot(first.id)
    await bob.says('First')
    equal(ann.text, 'Second')
    bob.history.exitPreview()
    await bob.says('Second')
    await bob.history.rename(first.id, 'Chapter 1/2?')
    await ann.history.list()
    equal(ann.names.includes('Chapter 1/2?'), true)
    await ann.history.restore(first.id)
    for (const editor of [ann, bob]) await editor.says('First')
    await ann.history.restore(second.id)
    for (const editor of [ann, bob]) await editor.says('Second')
  },

  async 'what others do meanwhile stays, and each pause can be gone back to' () {
    const ann = await opened()
    const bob = new Editor(ann.provider.roomname)
    ann.write('First')
    await bob.says('First')
    await ann.endpoints.create(ann.doc.getXmlFragment('blocks'), { name: 'Draft' })
    await ann.history.list()
    equal(ann.names, ['Draft']) // the pause that there was has a name
    bob.write('Second')
    await ann.says('Second')
    const [last] = await ann.history.list()
    equal([typeof last.id, last.name], ['string', undefined])
    await ann.history.rename(last.id, 'Draft') // which is taken
    await ann.history.list()
    equal(ann.names.sort(), ['Draft', 'Draft (2)'])
  },

  async 'several names of one moment are several versions' () {
    const ann = await opened()
    ann.write('First')
    const versions = []
    for (const name of ['One', 'Two', 'One']) versions.push(await ann.history.create({ name }))
    equal(new Set(versions.map(({ id }) => id)).size, 3)
    await ann.history.list()
    equal(ann.names.sort(), ['One', 'One (2)', 'Two'])
    await ann.history.rename(versions[1].id, 'Zwei')
    await ann.history.remove(versions[2].id)
    equal(ann.names.sort(), ['One', 'Zwei'])
    await ann.history.rename(versions[1].id, '')
    await ann.history.list()
    equal(ann.names.sort(), ['One', `Version ${parseInt(versions[1].id)}`])
  },

  async 'a panel is opened before anybody has begun, and leads back to what is there now' () {
    const current = Symbol('current')
    const ann = await opened('write', { current })
    equal((await ann.history.list()).map(({ id }) => id), [current])
    ann.write('First')
    await ann.history.create({ name: 'Draft' })
    equal([(await ann.history.list())[0].id === current, ann.names], [true, ['', 'Draft']])
    equal(await new Editor(fresh()).history.list(), [])
  },

  async 'a pause that is named is another version, and left alone it has no name' () {
    const ann = await opened()
    ann.write('First')
    const bob = new Editor(ann.provider.roomname)
    await bob.says('First')
    const [pause] = await bob.history.list()
    await bob.history.rename(pause.id) // the panel does so when its field loses the focus
    await bob.history.rename(pause.id, '')
    await bob.history.list()
    equal(bob.names, [''])
    await bob.history.rename(pause.id, 'One')
    await bob.history.rename(pause.id, 'Two') // before it is listed again
    await bob.history.rename(pause.id)
    const [version] = await bob.history.list()
    equal([bob.names, version.id === pause.id], [['Two'], false])
  },

  async 'what cannot be is told' () {
    const ann = await opened()
    await fails(404, ann.endpoints.getContent({ id: '7' }))
    ann.write('First')
    await ann.history.create({ name: 'Draft' })
    await fails(404, ann.endpoints.getContent({ id: '99999' }))
    await fails(404, ann.endpoints.restore(null, { id: '99999' }))
    await fails(400, ann.endpoints.getContent({ id: Symbol('current') }))
    await fails(400, ann.history.create({ name: 'x'.repeat(300) }))
    await fails(400, ann.endpoints.remove({ id: '99999' }))
    equal(ann.text, 'First')
  },

  async 'contents in the other format, and without a Yjs' () {
    const ann = await opened()
    ann.write('First')
    const { id } = await ann.history.create({ name: 'Draft' })
    const doc = new Y.Doc()
    Y.applyUpdateV2(doc, await new Editor(ann.provider.roomname, 'write', { format: 2 }).endpoints.getContent({ id }))
    equal(doc.getXmlFragment('blocks').toString().includes('First'), true)
    const plain = new Editor(ann.provider.roomname, 'write', { Y: null })
    await plain.says('First')
    equal((await plain.history.create({ name: 'Plain' })).name, 'Plain')
  }
}

const withKeys = {
  async 'who may read looks, who may comment names, who may write goes back' () {
    const ann = await opened()
    ann.write('First')
    const { id } = await ann.history.create({ name: 'Draft' })
    const [rae, cem] = ['read', 'comment'].map(level => new Editor(ann.provider.roomname, level, { Y: null }))
    for (const editor of [rae, cem]) {
      await editor.says('First')
      await editor.history.list()
      await editor.history.previewSnapshot(id)
      editor.history.exitPreview()
      await fails(403, editor.history.restore(id))
    }
    await cem.history.create({ name: 'By Cem' })
    await fails(403, rae.history.create({ name: 'By Rae' }))
    const stranger = quireVersions({ server, document: ann.provider.roomname, fetch })
    await fails(401, stranger.list())
  }
}

await tellAll({ ...everybody, ...(tokens.write ? withKeys : {}) }, open)
