// A WebSocket for networks that block WebSocket: the real one where it works, else HTTP requests to
// the same address. Give it to any Yjs provider as its `WebSocketPolyfill`. Knows no dialect.
//
// One QuireSocket is one connection, by one of the two, to its end. It never changes over in
// between: where WebSocket works again, it closes, and its provider comes back by WebSocket and
// syncs, as after any cut. So nothing is lost or doubled by design, whatever is on its way.
//
// Over HTTP batches go up one after the other, each again and again until it is answered; the
// server takes it once. Frames come down in one answer that stays open, or in one answer for each
// poll where something in between holds answers back.

export const DEFAULTS = {
  /** What to try first; null: none. */
  WebSocket: globalThis.WebSocket ?? null,
  fetch: (...request) => globalThis.fetch(...request),
  /** ms in which a WebSocket has to open and to say a first word; after that it is blocked. */
  patience: 3000,
  /** ms: a WebSocket cut before that, CUTS times in a row, is as good as blocked. */
  soon: 10_000,
  /** ms between two requests, and in which keystrokes are gathered: 25 requests a second. */
  pace: 40,
  /** ms until WebSocket is tried again, doubled with each failure up to `climbMost`. */
  climb: 30_000,
  climbMost: 600_000,
  /** ms that a WebSocket has to stay open, to be believed. */
  hold: 8000,
  /** ms without an edit before a connection is given up for a better one. */
  calm: 2000,
  /** ms after which a request that was not answered is sent again, and how often in a row; answers
      that say to wait (429) do not count, for a minute. */
  timeout: 10_000,
  tries: 5,
  /** How many answers of a host are held open at once, by all tabs: over HTTP/1.1 a browser has six
      connections to it. Others ask for what there is every `glance` ms. Infinity behind HTTP/2. */
  streams: globalThis.location ? 4 : Infinity,
  glance: 500
}

const CUTS = 2
/** How whoever is in between ends a WebSocket, with a close frame or without; a server says why. */
const CUT = [1000, 1001, 1005, 1006]
const BATCH = 256 << 10 // bytes of one request,
const FRAMES = 256 // and frames: of more than 100 a second the server takes its time
const REST = 250 // ms, after an answer that says to wait: that is no failed try,
const RESTS = 60_000 // for as long as this
const LIVES = 8 << 10 // bytes of one that goes on when its page has gone: browsers allow 64 KiB in all
const UNACKNOWLEDGED = 8 << 10 // bytes that came, after which the server is told
const COMEBACK = 1012 // "service restart": providers come back
const OCTETS = 'application/octet-stream'
const TOKEN = 'quire.token.'
const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3]

/** What is known of the way to a host: { http, cuts, climb, next }. */
const ways = new Map()

function wayTo(host, climb) {
  if (!ways.has(host)) ways.set(host, { http: false, buffered: false, cuts: 0, climb, next: 0 })
  return ways.get(host)
}

/** Forget what is known of the ways to all hosts: WebSocket is tried first again. */
export const forget = () => ways.clear()

/** Who holds an answer open, where there are no locks. */
const held = new Set()

/** One of `most` places for answers of a host that are held open: resolves to what gives it back, or
    to null when all are taken. */
async function place(host, most) {
  if (most === Infinity) return () => {}
  for (let n = 0; n < most; n++) {
    const free = await taken(`quire-socket ${host} ${n}`)
    if (free) return free
  }
  return null
}

const taken = (name) =>
  new Promise((resolve) => {
    const alone = () => resolve(held.has(name) ? null : held.add(name) && (() => held.delete(name)))
    const { locks } = globalThis.navigator ?? {}
    if (!locks) return alone()
    const hold = (lock) => (lock ? new Promise((free) => resolve(free)) : resolve(null))
    // A page without an origin of its own has none.
    locks.request(name, { ifAvailable: true }, hold).catch(alone)
  })

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function closeEvent(code, reason, wasClean) {
  const event = new Event('close')
  return Object.assign(event, { code, reason, wasClean })
}

export class QuireSocket extends EventTarget {
  static CONNECTING = CONNECTING
  static OPEN = OPEN
  static CLOSING = CLOSING
  static CLOSED = CLOSED
  static options = DEFAULTS

  /** A QuireSocket with other options: `QuireSocket.with({ climb: 60_000 })`. */
  static with(options) {
    return class extends this {
      static options = { ...super.options, ...options }
    }
  }

  CONNECTING = CONNECTING
  OPEN = OPEN
  CLOSING = CLOSING
  CLOSED = CLOSED
  onopen = null
  onmessage = null
  onclose = null
  onerror = null
  binaryType = 'blob'
  extensions = ''
  readyState = CONNECTING
  /** 'websocket' or 'http'; null while that is not known. */
  transport = null
  #protocol = ''
  #protocols
  #options
  #way
  #carrier = null

  constructor(url, protocols = []) {
    super()
    const absolute = new URL(url, globalThis.location?.href)
    absolute.protocol = absolute.protocol.replace('http', 'ws')
    this.url = absolute.href
    this.#protocols = [protocols].flat()
    this.#options = this.constructor.options
    this.#way = wayTo(absolute.host, this.#options.climb)
    if (this.#options.WebSocket && !this.#way.http) this.#native()
    else this.#http()
  }

  get protocol() {
    return this.#protocol
  }

  get bufferedAmount() {
    return this.#carrier?.bufferedAmount ?? 0
  }

  send(data) {
    if (this.readyState === CONNECTING)
      throw new DOMException('Still in CONNECTING state.', 'InvalidStateError')
    if (this.readyState === OPEN) this.#carrier.send(data)
  }

  close(code = 1000, reason = '') {
    if (this.readyState >= CLOSING) return
    this.readyState = CLOSING
    this.#carrier.close(code, reason)
  }

  #native() {
    const { WebSocket, patience, soon } = this.#options
    const way = this.#way
    const socket = new WebSocket(this.url, this.#protocols)
    socket.binaryType = 'arraybuffer'
    this.#carrier = socket
    let opened = 0
    let timer = setTimeout(() => blocked(), patience)
    let refused = false
    const done = () => {
      clearTimeout(timer)
      socket.onopen = socket.onmessage = socket.onclose = null
      socket.onerror = () => {} // Node's has to be heard
    }
    const blocked = () => {
      done()
      socket.close()
      if (this.readyState === CLOSING) this.#closed(1006, '', false)
      else if (!opened) this.#http(refused)
      else {
        // What was sent may have got lost: the provider comes back, by HTTP, and syncs.
        this.#onHttp()
        this.#closed(1006, 'WebSocket is silent', false)
      }
    }
    socket.onerror = () => {}
    socket.onopen = () => {
      opened = Date.now()
      this.transport = 'websocket'
      this.#protocol = socket.protocol
      clearTimeout(timer)
      timer = setTimeout(() => blocked(), 10 * patience)
      const { send } = socket
      socket.send = (data) => {
        clearTimeout(timer)
        timer = setTimeout(() => blocked(), patience)
        socket.send = send
        socket.send(data)
      }
      this.#opened()
    }
    socket.onmessage = ({ data }) => {
      clearTimeout(timer)
      this.#message(data)
    }
    socket.onclose = ({ code, reason, wasClean }) => {
      if (!opened && this.readyState === CONNECTING) {
        refused = true
        return blocked()
      }
      done()
      const early = Date.now() - opened < soon
      const ours = this.readyState !== OPEN // an early end of our own says nothing of the way
      if (early && !ours && CUT.includes(code)) {
        if (++way.cuts >= CUTS) this.#onHttp()
      } else if (!early || !ours) way.cuts = 0
      this.#closed(code, reason, wasClean)
    }
  }

  #onHttp() {
    const way = this.#way
    way.http = true
    way.cuts = 0
    way.next = Date.now() + way.climb
  }

  /** `refused`: WebSocket was, a moment ago; by a server that was down it is, too. */
  #http(refused = false) {
    const line = new Line(this.url, this.#protocols, this.#options, this.#way, {
      open: async () => {
        // Only now is it known that the host can be reached, and WebSocket cannot; unless it has
        // just come up.
        if (refused && !this.#way.http && (await this.#works(0)))
          return line.close(COMEBACK, 'WebSocket works', true)
        if (!this.#way.http) this.#onHttp()
        this.transport = 'http'
        this.#opened()
        this.#climb(line)
      },
      message: (data) => this.#message(data),
      close: (code, reason, wasClean) => this.#closed(code, reason, wasClean)
    })
    this.#carrier = line
    line.open()
  }

  /** Try WebSocket now and then, and go over to it when nobody types. */
  async #climb(line) {
    const way = this.#way
    const { WebSocket, climbMost, calm } = this.#options
    while (WebSocket && this.readyState === OPEN) {
      if (way.http && Date.now() < way.next) {
        await wait(Math.min(way.next - Date.now(), 1000))
        continue
      }
      if (way.http) {
        way.next = Date.now() + way.climb // meanwhile no other socket of this page tries
        if (!(await this.#works())) {
          way.climb = Math.min(way.climb * 2, climbMost)
          way.next = Date.now() + way.climb
          continue
        }
        way.http = false
      }
      if (line.quietSince(calm)) return line.close(COMEBACK, 'WebSocket works again', true)
      await wait(calm / 4)
    }
  }

  /** Whether a WebSocket opens, stays, and carries frames both ways: those that close it. */
  #works(hold = this.#options.hold) {
    const { WebSocket, patience } = this.#options
    return new Promise((resolve) => {
      const socket = new WebSocket(this.url, this.#protocols)
      let asked = false
      let timer = setTimeout(() => end(false), patience)
      const end = (works) => {
        clearTimeout(timer)
        socket.onopen = socket.onclose = null
        if (!works) socket.close()
        resolve(works)
      }
      socket.onerror = () => {}
      socket.onclose = ({ wasClean }) => end(asked && wasClean)
      socket.onopen = () => {
        clearTimeout(timer)
        timer = setTimeout(() => {
          asked = true
          socket.close(1000)
          timer = setTimeout(() => end(false), patience)
        }, hold)
      }
    })
  }

  #opened() {
    if (this.readyState !== CONNECTING) return
    this.readyState = OPEN
    this.#tell('open', new Event('open'))
  }

  #message(data) {
    if (this.readyState !== OPEN) return
    const shown = this.binaryType === 'blob' && typeof data !== 'string' ? new Blob([data]) : data
    this.#tell('message', new MessageEvent('message', { data: shown }))
  }

  #closed(code, reason, wasClean) {
    if (this.readyState === CLOSED) return
    const failed = this.readyState === CONNECTING || !wasClean
    this.readyState = CLOSED
    if (failed) this.#tell('error', new Event('error'))
    this.#tell('close', closeEvent(code, reason, wasClean))
  }

  #tell(kind, event) {
    this[`on${kind}`]?.(event)
    this.dispatchEvent(event)
  }
}

/** One connection by HTTP: see collab.web.fallback for the wire. */
class Line {
  #url
  #headers = {}
  #options
  #way
  #on
  #id = ''
  #number = 0
  #after = 0 // the last frame that came,
  #told = 0 // and the last one that the server was told of
  #unacknowledged = 0 // bytes
  #queue = [] // frames to be sent
  #sending = false
  #spoke = 0 // when something was sent or came
  #last = 0 // when the last request went out,
  #next = 0 // and when the next one may
  #over = false
  #stop = new AbortController()
  bufferedAmount = 0

  constructor(url, protocols, options, way, on) {
    const address = new URL(url)
    address.protocol = address.protocol.replace('ws', 'http')
    const offered = protocols.find((one) => one.startsWith(TOKEN))
    // A token never stands in the address of a request: those end up in logs.
    const token = address.searchParams.get('token') ?? offered?.slice(TOKEN.length)
    address.searchParams.delete('token')
    if (token) this.#headers.Authorization = `Bearer ${token}`
    this.#url = address.href
    this.#options = options
    this.#way = way
    this.#on = on
  }

  async open() {
    try {
      const answer = await this.#ask('POST', { 'Content-Type': 'application/json' }, '{}')
      this.#id = (await answer.json()).connection
    } catch (error) {
      return this.#end(error.close ?? 1006, error.message)
    }
    if (this.#over) return this.#leave()
    globalThis.addEventListener?.('pagehide', this.#hidden)
    await this.#on.open()
    if (!this.#over) this.#hear()
  }

  send(data) {
    const bytes =
      typeof data === 'string'
        ? new TextEncoder().encode(data)
        : new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength).slice()
    this.#queue.push(bytes)
    this.bufferedAmount += bytes.length
    this.#spoke = Date.now()
    if (!this.#sending) this.#say()
  }

  /** Over, when all that was said has arrived; `back`: the peer is to come back. */
  async close(code, reason, back = false) {
    while (this.#id && !this.#over && (this.#sending || this.#queue.length > 0)) await wait(10)
    if (this.#over) return
    this.#end(code, reason, true)
    if (this.#id) await this.#leave(back)
  }

  quietSince(ms) {
    return !this.#sending && this.#queue.length === 0 && Date.now() - this.#spoke >= ms
  }

  /** The page goes: what it typed last goes up with the goodbye, behind what is on its way. */
  #hidden = () => {
    if (this.#over) return
    const rest = this.#sending || this.#queue.length > 0 ? this.#batch() : null
    this.#end(1001, 'the page went away', true)
    this.#leave(false, rest)
  }

  #leave(back = false, batch = null) {
    const headers = { ...this.#headers, 'Quire-Connection': this.#id }
    if (back || batch) headers['Quire-Leave'] = back ? 'back' : 'gone'
    if (batch) {
      headers['Content-Type'] = OCTETS
      headers['Quire-Number'] = String(++this.#number)
    }
    return this.#options
      .fetch(this.#url, {
        method: batch ? 'POST' : 'DELETE',
        headers,
        body: batch ?? undefined,
        credentials: 'same-origin',
        keepalive: !batch || batch.length <= LIVES
      })
      .catch(() => {})
  }

  /** Send what is to be said, batch by batch, until there is nothing. */
  async #say() {
    this.#sending = true
    const { pace } = this.#options
    try {
      // A keystroke after a pause waits for its own echoes only; in a flow, for the next ones.
      await wait(Date.now() - this.#last > 6 * pace ? 5 : pace)
      while (this.#queue.length > 0 && !this.#over) {
        await this.#turn()
        await this.#post(this.#batch())
      }
    } finally {
      this.#said()
    }
  }

  /** Goes on with what has come up meanwhile: the server waits for word of what it sent. */
  #said() {
    this.#sending = false
    if (this.#over) return
    if (this.#queue.length > 0) this.#say()
    else if (this.#unacknowledged > UNACKNOWLEDGED) this.#acknowledge()
  }

  /** Waits until one more request is not too many: those that speak and those that ask take turns. */
  async #turn() {
    const now = Date.now()
    const at = Math.max(now, this.#next)
    this.#next = at + this.#options.pace
    if (at > now) await wait(at - now)
  }

  /** As many frames as go into one batch; one that is too large goes in pieces. */
  #batch() {
    const parts = []
    let size = 0
    while (this.#queue.length > 0 && size < BATCH && parts.length < 3 * FRAMES) {
      const frame = this.#queue[0]
      const piece = frame.subarray(0, BATCH - size)
      const more = piece.length < frame.length
      parts.push(Uint8Array.of(more ? 1 : 0), varUint(piece.length), piece)
      size += piece.length
      this.bufferedAmount -= piece.length
      if (more) this.#queue[0] = frame.subarray(piece.length)
      else this.#queue.shift()
    }
    return concat(parts)
  }

  async #post(body) {
    const number = String(++this.#number)
    await this.#persist('POST', () => {
      this.#told = this.#after
      this.#unacknowledged = 0
      return { 'Content-Type': OCTETS, 'Quire-Number': number, 'Quire-After': String(this.#after) }
    }, body)
  }

  /** Ask until there is an answer; ends the connection when there is none to be had. */
  async #persist(method, headers, body) {
    const began = Date.now()
    for (let failures = 0; !this.#over; ) {
      try {
        return await this.#ask(method, headers(), body)
      } catch (error) {
        if (this.#over) return null
        const rests = error.busy && Date.now() - began < RESTS
        if (!rests) failures++
        if (error.close || !error.again || failures >= this.#options.tries) {
          this.#end(error.close ?? 1006, error.message)
          return null
        }
        await wait(rests ? REST : Math.min(100 * 2 ** failures, 2000))
      }
    }
    return null
  }

  /** Hear what the server says, answer by answer. */
  async #hear() {
    let failures = 0
    let heard = Date.now()
    while (!this.#over) {
      const { tries } = this.#options
      await this.#turn()
      if (this.#over) return
      const began = this.#after
      try {
        await this.#fetch()
        failures = 0
        heard = Date.now()
      } catch (error) {
        if (this.#over) return
        if (error.close || error.again === false) return this.#end(error.close ?? 1006, error.message)
        const rests = error.busy && Date.now() - heard < RESTS
        if (!rests) failures = this.#after > began ? 0 : failures + 1
        if (failures >= tries) return this.#end(1006, 'the server cannot be reached')
        await wait(rests ? REST : Math.min(50 * 2 ** failures, 2000))
      }
    }
  }

  async #fetch() {
    const free = await place(new URL(this.#url).host, this.#options.streams)
    try {
      if (!this.#over) await this.#get(!free ? 'glance' : this.#way.buffered ? 'poll' : 'stream')
    } finally {
      free?.()
    }
    if (!free && !this.#over) await wait(this.#options.glance)
  }

  async #get(mode) {
    const streams = mode === 'stream'
    const stop = new AbortController()
    const abort = () => stop.abort()
    this.#stop.signal.addEventListener('abort', abort)
    // A stream begins at once, and a poll ends after 20 s: or something holds them up.
    let timer = setTimeout(abort, streams ? this.#options.patience : 20_000 + this.#options.timeout)
    this.#told = this.#after
    this.#unacknowledged = 0
    let begun = false
    try {
      const headers = { 'Quire-After': String(this.#after), 'Quire-Mode': mode }
      const answer = await this.#ask('GET', headers, undefined, stop.signal)
      if (!streams || !answer.body) return this.#read(new Uint8Array(await answer.arrayBuffer()))
      let rest = new Uint8Array(0)
      for (const reader = answer.body.getReader(); ; ) {
        const { done, value } = await reader.read()
        if (done) break
        clearTimeout(timer)
        begun = true
        // The server says something every 15 s.
        timer = setTimeout(abort, 30_000)
        rest = this.#read(rest.length > 0 ? concat([rest, value]) : value)
        if (this.#unacknowledged > UNACKNOWLEDGED && !this.#sending) this.#acknowledge()
      }
    } catch (error) {
      if (stop.signal.aborted && streams && !begun) {
        this.#way.buffered = true // from now on by polls
        return
      }
      throw error
    } finally {
      clearTimeout(timer)
      this.#stop.signal.removeEventListener('abort', abort)
      if (!streams || begun) stop.abort()
    }
  }

  /** Says how far it has come, by a batch of nothing. */
  async #acknowledge() {
    this.#sending = true
    try {
      await this.#turn()
      await this.#post(new Uint8Array(0))
    } finally {
      this.#said()
    }
  }

  /** Takes the records that are there; returns the bytes of one that has not come wholly. */
  #read(bytes) {
    let at = 0
    const number = () => {
      let value = 0
      let scale = 1
      for (;;) {
        if (at >= bytes.length) throw SHORT
        const byte = bytes[at++]
        value += (byte & 127) * scale
        if (byte < 128) return value
        scale *= 128
      }
    }
    const some = () => {
      const size = number()
      if (at + size > bytes.length) throw SHORT
      at += size
      return bytes.slice(at - size, at)
    }
    for (;;) {
      const start = at
      if (at >= bytes.length) return new Uint8Array(0)
      try {
        const kind = number()
        if (kind === 1) this.#frame(number(), some())
        else if (kind === 2) return this.#end(number(), new TextDecoder().decode(some()))
      } catch (error) {
        if (error !== SHORT) throw error
        return bytes.slice(start)
      }
    }
  }

  #frame(number, frame) {
    if (number !== this.#after + 1) return // it came before
    this.#after = number
    this.#unacknowledged += frame.length
    this.#on.message(frame.buffer)
  }

  async #ask(method, headers, body, signal) {
    this.#last = Date.now()
    const stop = signal ?? AbortSignal.timeout(this.#options.timeout)
    let answer
    try {
      answer = await this.#options.fetch(this.#url, {
        method,
        headers: {
          ...this.#headers,
          ...(this.#id && { 'Quire-Connection': this.#id }),
          ...headers
        },
        body,
        keepalive: body !== undefined && body.length <= LIVES,
        signal: stop,
        cache: 'no-store',
        credentials: 'same-origin',
        redirect: 'error',
        referrerPolicy: 'no-referrer'
      })
    } catch {
      throw Object.assign(new Error('the server cannot be reached'), { again: true })
    }
    if (answer.ok) return answer
    const told = await answer.json().catch(() => null)
    throw Object.assign(new Error(told?.error?.message ?? `HTTP ${answer.status}`), {
      close: Number(answer.headers.get('Quire-Close')) || undefined,
      busy: answer.status === 429,
      again: answer.status >= 500 || answer.status === 429 || answer.status === 408
    })
  }

  #end(code, reason, wasClean = code !== 1006) {
    if (this.#over) return new Uint8Array(0)
    this.#over = true
    this.#stop.abort()
    globalThis.removeEventListener?.('pagehide', this.#hidden)
    this.#on.close(code, reason, wasClean)
    return new Uint8Array(0)
  }
}

const SHORT = Symbol('more bytes have to come')

function varUint(number) {
  const bytes = []
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number & 127) | 128)
  return Uint8Array.from([...bytes, number])
}

function concat(parts) {
  const whole = new Uint8Array(parts.reduce((size, { length }) => size + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
