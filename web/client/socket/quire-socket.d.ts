export interface QuireSocketOptions {
  /** What to try first; null: HTTP alone. */
  WebSocket: typeof WebSocket | null
  fetch: typeof fetch
  /** ms in which a WebSocket has to open and to say a first word; after that it is blocked. */
  patience: number
  /** ms: a WebSocket cut before that, two times in a row, is as good as blocked. */
  soon: number
  /** ms between two requests, and in which keystrokes are gathered. */
  pace: number
  /** ms until WebSocket is tried again, doubled with each failure up to `climbMost`. */
  climb: number
  climbMost: number
  /** ms that a WebSocket has to stay open, to be believed. */
  hold: number
  /** ms without an edit before a connection is given up for a better one. */
  calm: number
  /** ms after which a request that was not answered is sent again, and how often in a row; answers
      that say to wait (429) do not count, for a minute. */
  timeout: number
  tries: number
  /** How many answers of a host are held open at once, by all tabs: over HTTP/1.1 a browser has six
      connections to it. Others ask for what there is every `glance` ms. Infinity behind HTTP/2. */
  streams: number
  glance: number
}

export const DEFAULTS: QuireSocketOptions

/** Forget what is known of the ways to all hosts: WebSocket is tried first again. */
export function forget(): void

/** A WebSocket, and where that is blocked the same by HTTP. */
export class QuireSocket extends EventTarget {
  static readonly CONNECTING: 0
  static readonly OPEN: 1
  static readonly CLOSING: 2
  static readonly CLOSED: 3
  static options: QuireSocketOptions
  /** The same with other options. */
  static with(options: Partial<QuireSocketOptions>): typeof QuireSocket

  readonly CONNECTING: 0
  readonly OPEN: 1
  readonly CLOSING: 2
  readonly CLOSED: 3
  readonly url: string
  readonly protocol: string
  readonly extensions: string
  readonly readyState: number
  readonly bufferedAmount: number
  /** What it is; null while that is not known. */
  readonly transport: 'websocket' | 'http' | null
  binaryType: BinaryType
  onopen: ((event: Event) => void) | null
  onmessage: ((event: MessageEvent) => void) | null
  onclose: ((event: CloseEvent) => void) | null
  onerror: ((event: Event) => void) | null

  constructor(url: string | URL, protocols?: string | string[])
  send(data: string | ArrayBuffer | ArrayBufferView): void
  close(code?: number, reason?: string): void
}
