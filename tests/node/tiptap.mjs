// Stories told by TiptapCollabProvider, unmodified: its versions are Quire's.
// usage: node tiptap.mjs http://HOST:PORT 'JSON of tokens' [blocked]
// "blocked": what it takes for WebSocket is QuireSocket.
import WebSocket from 'ws'
import * as Y from 'yjs'
import { equal, tellAll, until } from './stories.mjs'

const [, , server, given = '{}', blocked] = process.argv
const tokens = JSON.parse(given)
globalThis.WebSocket = blocked ? (await import('./blocked.mjs')).Blocked : WebSocket // it asks for none other
const { TiptapCollabProvider } = await import('hoc2')
const open = new Set()

class Editor {
  constructor (name, level = 'write', options = {}) {
    this.doc = new Y.Doc()
    this.text = this.doc.getText('content')
    this.events = []
    this.provider = new TiptapCollabProvider({
      baseUrl: server.replace('http', 'ws') + '/sync', name, document: this.doc, token: tokens[level],
      onStateless: ({ payload }) => this.events.push(JSON.parse(payload)), ...options
    })
    open.add(this)
  }

  get name () { return this.provider.configuration.name }
  get socket () { return this.provider.configuration.websocketProvider }
  get names () { return this.provider.getVersions().map(version => version.name) }
  synced () { return until('synced', () => this.provider.synced) }
  saved () { return until('all saved', () => this.provider.synced && !this.provider.hasUnsyncedChanges) }
  says (text) { return until(`"${text}"`, () => this.text.toString() === text) }
  lists (...names) { return until(`versions ${names}`, () => JSON.stringify(this.names) === JSON.stringify(names)) }

  // The event that answers what was just asked.
  async hears (event) {
    const heard = () => this.events.findIndex(said => said.event === event)
    await until(event, () => heard() >= 0)
    return this.events.splice(0, heard() + 1).at(-1)
  }

  leave () {
    open.delete(this)
    const { socket } = this
    this.provider.destroy()
    socket.destroy()
    this.doc.destroy()
  }
}

let number = 0
const fresh = () => `tiptap-${++number}`
const pair = async (...levels) => {
  const name = fresh()
  const editors = [new Editor(name, levels[0]), new Editor(name, levels[1])]
  await Promise.all(editors.map(editor => editor.synced()))
  return editors
}
const ask = async (method, path, body) => {
  const headers = { 'Content-Type': 'application/json' }
  if (tokens.admin) headers.Authorization = `Bearer ${tokens.admin}`
  const answer = await fetch(`${server}/api/documents/${path}`, { method, headers, body: body && JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`)
  return answer.status === 204 ? null : answer.json()
}

const everybody = {
  async 'a version is made, shown and gone back to' () {
    const [ann, bob] = await pair()
    ann.text.insert(0, 'Hello')
    ann.provider.createVersion('Draft')
    const { version } = await ann.hears('version.created')
    await bob.lists('Draft')
    const [listed] = bob.provider.getVersions()
    equal([listed.version, typeof listed.date, Math.abs(Date.now() - listed.date) < 60_000], [version, 'number', true])
    bob.text.insert(5, ' world')
    await ann.says('Hello world')
    for (let i = 0; i < 3; i++) bob.provider.previewVersion(version) // each waits until the one before was taken
    for (let i = 0; i < 2; i++) await bob.hears('version.preview')
    const shown = await bob.hears('version.preview')
    const doc = new Y.Doc()
    Y.applyUpdate(doc, Uint8Array.from(atob(shown.ydoc), letter => letter.charCodeAt(0)))
    equal([shown.version, doc.getText('content').toString()], [version, 'Hello'])
    bob.provider.revertToVersion(version)
    equal((await bob.hears('document.reverted')).version, version)
    for (const editor of [ann, bob]) await editor.says('Hello')
    equal((await ask('GET', `${ann.name}/content`)).content, 'Hello')
    await until('the way forward', () => ann.names.length === 3)
    bob.provider.revertToVersion(ann.provider.getVersions()[1].version)
    for (const editor of [ann, bob]) await editor.says('Hello world')
    await until('the current one', () => ann.doc.getMap('__tiptapcollab__config').get('currentVersion') > version)
  },

  async 'what others type meanwhile, offline too, stays' () {
    const [ann, bob] = await pair()
    ann.text.insert(0, 'one')
    ann.provider.createVersion('One')
    const { version } = await ann.hears('version.created')
    ann.text.insert(3, ' two')
    await bob.says('one two')
    bob.socket.disconnect()
    await until('offline', () => bob.socket.status === 'disconnected')
    bob.text.insert(0, 'zero ')
    ann.provider.revertToVersion(version)
    await ann.hears('document.reverted')
    bob.socket.connect()
    for (const editor of [ann, bob]) await editor.says('zero one')
  },

  async 'versions of any other way are listed, also for who comes later' () {
    const [ann] = await pair()
    ann.text.insert(0, 'Hello')
    await ann.saved()
    ann.provider.createVersion('Mine')
    await ann.lists('Mine')
    await ask('POST', `${ann.name}/versions`, { name: 'Theirs', at: '1' })
    await ann.lists('Mine', 'Theirs')
    await ask('PATCH', `${ann.name}/versions/Mine`, { name: 'Ours' })
    await until('renamed', () => ann.names.includes('Ours') && ann.names.length === 2)
    await ask('DELETE', `${ann.name}/versions/Theirs`)
    await ann.lists('Ours')
    const late = new Editor(ann.name)
    await late.lists('Ours')
    const { versions } = await ask('GET', `${ann.name}/versions`)
    const seen = late.provider.getVersions().map(({ name, version, date }) => [name, version, date])
    equal(versions.map(({ name, seq, time }) => [name, seq, time]), seen)
  },

  async 'what cannot be done is told to who asked, and all go on' () {
    const [ann, bob] = await pair()
    ann.provider.createVersion()
    equal((await ann.hears('error')).status, 404)
    ann.text.insert(0, 'Hello')
    await ann.saved()
    ann.provider.previewVersion(1000)
    equal((await ann.hears('error')).action, 'version.preview')
    ann.provider.revertToVersion(1000)
    equal((await ann.hears('error')).action, 'document.revert')
    for (const text of ['hello', '{"action":"version.delete"}', '{"action":"version.preview"}']) {
      ann.provider.sendStateless(text)
      equal((await ann.hears('error')).status, 400)
    }
    await bob.says('Hello')
    bob.text.insert(5, '!')
    await ann.says('Hello!')
    equal([bob.events, ann.names], [[], []])
  },

  async 'where that is switched on a pause is a version, without a name' () {
    const [ann, bob] = await pair()
    ann.provider.enableAutoVersioning()
    ann.text.insert(0, 'Hello')
    await ann.saved()
    await until('switched on', () => bob.provider.isAutoVersioning())
    for (const editor of [ann, bob]) editor.leave()
    const cem = new Editor(ann.name)
    await until('a version', () => cem.provider.getVersions().length === 1)
    const [{ version, date, ...more }] = cem.provider.getVersions()
    equal([typeof date, more], ['number', {}])
    cem.text.insert(0, 'NO ')
    cem.provider.revertToVersion(version)
    await cem.hears('document.reverted')
    await cem.says('Hello')
  },

  async 'its comments, people and settings stay' () {
    const [ann, bob] = await pair()
    ann.text.insert(0, 'Hello')
    ann.provider.createVersion('Draft')
    const { version } = await ann.hears('version.created')
    bob.leave()
    const cem = new Editor(ann.name, 'write', { user: 'cem' })
    await cem.says('Hello')
    const { id } = cem.provider.createThread({ data: { where: 'here' } })
    cem.provider.addComment(id, { content: 'Why?', data: {} })
    cem.provider.enableAutoVersioning()
    cem.text.insert(5, ' world')
    await ann.says('Hello world')
    ann.provider.revertToVersion(version)
    await ann.hears('document.reverted')
    await cem.says('Hello')
    for (const editor of [ann, cem]) {
      await until('all of it', () => editor.provider.isAutoVersioning() && editor.provider.getThread(id)?.comments.length === 1)
      equal([...editor.doc.getMap('__tiptapcollab__users').keys()], ['cem'])
    }
  }
}

const withKeys = {
  async 'who may read looks, who may comment names, who may write goes back' () {
    const [ann, rae] = await pair('write', 'read')
    const cem = new Editor(ann.name, 'comment')
    await cem.synced()
    ann.text.insert(0, 'Hello')
    await ann.saved()
    cem.provider.createVersion('By Cem')
    const { version } = await cem.hears('version.created')
    await rae.lists('By Cem')
    ann.text.insert(5, '!')
    await rae.says('Hello!')
    rae.provider.previewVersion(version)
    await rae.hears('version.preview')
    rae.provider.createVersion('By Rae')
    equal((await rae.hears('error')).status, 403)
    for (const editor of [rae, cem]) {
      editor.provider.revertToVersion(version)
      const { status, action } = await editor.hears('error')
      equal([status, action], [403, 'document.revert'])
    }
    equal((await ask('GET', `${ann.name}/content`)).content, 'Hello!')
    equal([ann.events, ann.names], [[], ['By Cem']])
    ann.provider.revertToVersion(version)
    await ann.hears('document.reverted')
    await rae.says('Hello')
  }
}

await tellAll({ ...everybody, ...(tokens.write ? withKeys : {}) }, open)
