// Clients of y-websocket and y-sweet do nothing for more than a minute of a clock that runs four times
// as fast.
// usage: node idle.mjs ws://HOST:PORT/sync. One line of JSON a story: {"story", "ok", "error"}.
const FOLD = 4
const { now } = Date
const [setTimer, setTicker] = [setTimeout, setInterval]
const began = now()
Date.now = () => began + (now() - began) * FOLD
globalThis.setTimeout = (call, wait, ...rest) => setTimer(call, wait / FOLD, ...rest)
globalThis.setInterval = (call, wait, ...rest) => setTicker(call, wait / FOLD, ...rest)

// Not before the clock runs fast: lib0 keeps the Date.now that it finds.
const Y = await import('yjs')
const { default: WebSocket, WebSocketServer } = await import('ws')
const { createYjsProvider } = await import('@y-sweet/client')
const packages = { yws1: await import('yws1'), yws2: await import('yws2'), yws3: await import('yws3') }

const LONG = 70_000 // ms of the fast clock; clients hang up after 30 s of silence
const STALL = 2_500 // ms between two looks, of which there should be one each 500
const FORGETFUL = 40_000 // ms in which a client may forget another one because of a stall
const server = process.argv[2]

const pass = (ms) => new Promise(resolve => setTimeout(resolve, ms))
const until = async (what, condition) => {
  for (const begin = Date.now(); !condition(); await pass(100)) {
    if (Date.now() - begin > 100_000) throw new Error(`${what} did not come about`)
  }
}

const ySweet = (doc, docId, base) => createYjsProvider(doc, docId, async () => ({ docId, url: `${base}/d/${docId}/ws` }), { WebSocketPolyfill: WebSocket, showDebuggerLink: false })

const connect = (version, url) => {
  const doc = new Y.Doc()
  const provider = version === 'ysweet'
    ? ySweet(doc, 'idle-ysweet', url.replace(/sync$/, 'y-sweet'))
    : new packages[version].WebsocketProvider(url, `idle ${version}`, doc, { WebSocketPolyfill: WebSocket, disableBc: true })
  provider.hungUp = 0
  provider.on('connection-close', () => provider.hungUp++)
  return provider
}

const stories = {
  /** Somebody who shows no presence, so that nobody has anything to say. */
  async mute (version) {
    const provider = connect(version, server)
    provider.awareness.setLocalState(null)
    await until('synced', () => provider.synced)
    await pass(LONG)
    if (provider.hungUp > 0 || !provider.wsconnected) throw new Error('it was silent for too long')
  },

  async 'two who see each other' (version) {
    const pair = [connect(version, server), connect(version, server)]
    pair.forEach((provider, n) => provider.awareness.setLocalStateField('user', { name: `idle ${n}` }))
    const see = () => pair.every(provider => pair.every(other => provider.awareness.getStates().has(other.doc.clientID)))
    await until('presence', see)
    let [begin, last, stood, restarts] = [Date.now(), Date.now(), 0, 0]
    for (; last - begin < LONG; await pass(500)) {
      if (Date.now() - last > STALL) stood = Date.now()
      last = Date.now()
      if (see()) continue
      // When the whole machine has stood still they may well forget each other: begin again.
      if (last - stood > FORGETFUL || ++restarts > 5) throw new Error('somebody vanished')
      await until('presence', see)
      begin = last = Date.now()
    }
    if (pair.some(provider => provider.hungUp > 0) && !restarts) throw new Error('it was silent for too long')
  },

  /** The control: a server that says nothing is left. */
  async 'a server that is silent' (version) {
    const silent = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await new Promise(resolve => silent.once('listening', resolve))
    const provider = connect(version, `ws://127.0.0.1:${silent.address().port}`)
    await until('hanging up', () => provider.hungUp > 0)
    silent.close()
  }
}

// y-sweet's client never leaves a server that has not said a word.
const told = version => Object.entries(stories).filter(([story]) => version !== 'ysweet' || story !== 'a server that is silent')
await Promise.all([...Object.keys(packages), 'ysweet'].flatMap(version => told(version).map(async ([story, tell]) => {
  let error = null
  try { await tell(version) } catch (caught) { error = String(caught.stack) }
  console.log(JSON.stringify({ story: `${version}: ${story}`, ok: error === null, error }))
})))
process.exit(0)
