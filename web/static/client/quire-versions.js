// The history of a document as BlockNote's own panel asks for it: its `VersioningEndpoints`, over
// Quire's HTTP API. Knows no editor, and no Yjs but that which it is given.
//
// A version is the number of an edit: a pause without a name has the id "225", a name for the same
// edit "225-TIME". They are two, for a panel keeps what it once showed of an id. The server keeps
// every edit, and one gets a name when somebody names it.

const SERVER = new URL('..', import.meta.url).href
const UPDATE = 'application/octet-stream'

/** What the server said to a request that it did not do: `status` is that of HTTP. */
export class VersionsError extends Error {
  constructor(status, message) {
    super(message)
    this.name = 'VersionsError'
    this.status = status
  }
}

/** For `catch`: gives the value if that is what went wrong. */
const unless = (status, value) => (error) => {
  if (error.status !== status) throw error
  return value
}

const seqOf = (snapshot) => {
  const seq = /^\d+/.exec(typeof snapshot.id === 'string' ? snapshot.id : '')
  if (seq === null) throw new VersionsError(400, 'This is no version of the history.')
  return Number(seq[0])
}

const named = (versions) =>
  versions.map((version) => ({ ...version, id: `${version.seq}-${version.time}` }))

const shown = ({ id, name, author, time }) => ({
  id,
  name,
  createdAt: time,
  updatedAt: time,
  by: author ? [author] : undefined
})

/** What they call a moment that nobody gave a name. */
const unnamed = (seq) => `Version ${seq}`

/**
 * The endpoints for document `document`.
 *
 * `token`    who one is, where there are users; or a function that gives it, and is asked each time
 * `author`   what others are shown, where nobody knows who one is
 * `Y`        the Yjs of the editor: with it `create` names what the editor shows, in any case;
 *            without it what of that has come to the server
 * `format`   of contents: 1, or 2 for @blocknote/core/y, which takes a `Y`
 * `limit`    how many pauses are listed between those that have a name, 500 at most
 * `current`  BlockNote's `CURRENT_VERSION_ID`: the panel's row that leads back to what is there now
 * `server`   its address, if it is not the one that this file came from
 */
export function quireVersions({
  document,
  token = '',
  author = '',
  Y = null,
  format = 1,
  limit = 50,
  current = null,
  server = SERVER,
  fetch = (...request) => globalThis.fetch(...request)
}) {
  const documents = `${server.replace(/\/$/, '')}/api/documents`
  const base = `${documents}/${encodeURIComponent(document)}`

  async function ask(method, path, body, type = 'application/json') {
    const shownToken = typeof token === 'function' ? await token() : token
    const headers = { Accept: body === undefined ? type : 'application/json' }
    if (shownToken) headers.Authorization = `Bearer ${shownToken}`
    if (method !== 'GET') headers['Content-Type'] = type
    const data = body === undefined || type === UPDATE ? body : JSON.stringify(body)
    const answer = await fetch(path === null ? documents : base + path, {
      method,
      headers,
      body: data
    })
    if (answer.ok) return answer
    const said = await answer.json().catch(() => null)
    throw new VersionsError(answer.status, said?.error?.message ?? `${answer.status} of the server.`)
  }

  const read = async (path) => (await ask('GET', path)).json()
  const update = async (path) =>
    new Uint8Array(await (await ask('GET', path, undefined, UPDATE)).arrayBuffer())
  const write = async (method, path, body) => (await ask(method, path, body)).json()
  const query = author ? `?author=${encodeURIComponent(author)}` : ''
  const by = author ? { author } : {}

  /** The named version that a snapshot is, by whatever name now; undefined when it has none. One
   * that was a pause when it was listed has still that id in the panel. */
  async function find(snapshot) {
    const { versions } = await read('/versions')
    return named(versions).find(({ id, seq }) => [id, String(seq)].includes(snapshot.id))
  }

  /** The first name that nobody has given: with a number behind it, if need be. */
  async function free(name) {
    const taken = new Set((await read('/versions')).versions.map((version) => version.name))
    for (let number = 1; ; number++) {
      const tried = number === 1 ? name : `${name} (${number})`
      if (!taken.has(tried)) return tried
    }
  }

  /** Sends what of a Yjs document is not on the server. */
  async function send(doc) {
    const nothing = new Uint8Array([0, 0])
    const known = await update('/content').catch(unless(404, nothing))
    const missing = Y.diffUpdate(Y.encodeStateAsUpdate(doc), Y.encodeStateVectorFromUpdate(known))
    const sent = () => ask('POST', `/updates${query}`, missing, UPDATE)
    if ((await sent().catch(unless(404, null))) !== null) return
    // Its first edit is on its way: without that there is no document yet.
    await ask('POST', null, { name: document }).catch(unless(409, null))
    await sent()
  }

  /** Gives an edit a name, or one more. */
  async function name(given, seq) {
    const wanted = { name: await free(given || unnamed(seq)), at: String(seq), ...by }
    const version = await write('POST', '/versions', wanted)
    const { versions } = await read('/versions')
    return shown(named(versions).find((one) => one.name === version.name))
  }

  async function getContent(snapshot) {
    const content = await update(`/history/${seqOf(snapshot)}`)
    return format === 2 ? Y.convertUpdateFormatV1ToV2(content) : content
  }

  return {
    /** All that have a name, and the last pauses; newest first. None of what nobody has begun. */
    async list() {
      const nothing = { versions: [], stretches: [] }
      const { versions, stretches } = await read(`/history?limit=${limit}`).catch(
        unless(404, nothing)
      )
      const all = named(versions)
      const known = new Set(all.map(({ seq }) => seq))
      const pauses = stretches.filter(({ last }) => !known.has(last))
      const listed = [
        ...all.map(shown),
        ...pauses.map(({ last, author, ended }) =>
          shown({ id: String(last), author, time: ended })
        )
      ].sort((a, b) => b.createdAt - a.createdAt)
      if (current === null) return listed
      const newest = listed[0]?.createdAt ?? Date.now()
      return [{ id: current, createdAt: newest, updatedAt: newest }, ...listed]
    },

    /** Names what the editor shows. */
    async create(fragment, options) {
      if (Y !== null && fragment?.doc) await send(fragment.doc)
      const { head } = await read('/history?limit=1')
      return name(options?.name, head)
    },

    getContent,

    /** One more edit, on the server: it comes to all editors as any other does. */
    async restore(_doc, snapshot) {
      const content = await getContent(snapshot)
      await write('POST', '/restore', { to: String(seqOf(snapshot)), ...by })
      return content
    },

    /** Another name, or the first one; a number instead of it, if it is "". Undefined is what the
     * panel gives when somebody was in its field and left it as it was. */
    async rename(snapshot, given) {
      if (given === undefined) return
      const version = await find(snapshot)
      const seq = seqOf(snapshot)
      if (version === undefined) return given ? void (await name(given, seq)) : undefined
      const wanted = given || unnamed(seq)
      if (wanted === version.name) return
      const path = `/versions/${encodeURIComponent(version.name)}`
      await write('PATCH', path, { name: await free(wanted) })
    },

    /** Takes the name away: the edit stays. */
    async remove(snapshot) {
      const version = await find(snapshot)
      if (version === undefined) {
        throw new VersionsError(400, 'Only names can be taken away: every edit is kept.')
      }
      await ask('DELETE', `/versions/${encodeURIComponent(version.name)}`)
    }
  }
}

/**
 * The adapter of `createYjsVersioningAdapter` (@blocknote/core/yjs) for endpoints that restore on
 * the server: it would refuse to restore, and there is nothing left to do.
 */
export const restoredByServer = (adapter) => ({
  ...adapter,
  preview: { ...adapter.preview, applyRestore() {} }
})
