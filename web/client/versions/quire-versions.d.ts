export interface QuireVersionsOptions {
  /** The name of the document. */
  document: string
  /** Who one is, where there are users; a function is asked each time. */
  token?: string | (() => string | Promise<string>)
  /** What others are shown, where nobody knows who one is. */
  author?: string
  /** The Yjs of the editor: with it `create` names what the editor shows, in any case. */
  Y?: {
    encodeStateAsUpdate(doc: any): Uint8Array
    encodeStateVectorFromUpdate(update: Uint8Array): Uint8Array
    diffUpdate(update: Uint8Array, vector: Uint8Array): Uint8Array
    convertUpdateFormatV1ToV2(update: Uint8Array): Uint8Array
  } | null
  /** Of contents: 1 for @blocknote/core/yjs; 2, which takes a `Y`, for @blocknote/core/y. */
  format?: 1 | 2
  /** How many pauses are listed between those that have a name, 500 at most. */
  limit?: number
  /** BlockNote's `CURRENT_VERSION_ID`: the panel's row that leads back to what is there now. */
  current?: symbol | null
  /** Its address, if it is not the one that the file came from. */
  server?: string
  fetch?: typeof fetch
}

/** As BlockNote has it: `id` is the number of an edit, with a time behind it where it has a name; or
 * what was given as `current`. */
export interface Snapshot {
  id: any
  name?: string
  createdAt: number
  updatedAt: number
  by?: string[]
}

/** BlockNote's `VersioningEndpoints`. */
export interface QuireVersions {
  list(): Promise<Snapshot[]>
  create(content: any, options?: { name?: string }): Promise<Snapshot>
  getContent(snapshot: { id: any }): Promise<Uint8Array>
  restore(content: any, snapshot: { id: any }): Promise<Uint8Array>
  rename(snapshot: { id: any }, name?: string): Promise<void>
  remove(snapshot: { id: any }): Promise<void>
}

/** What the server said to a request that it did not do: `status` is that of HTTP. */
export class VersionsError extends Error {
  readonly status: number
  constructor(status: number, message: string)
}

export function quireVersions(options: QuireVersionsOptions): QuireVersions

/** The adapter of @blocknote/core/yjs, for endpoints that restore on the server. */
export function restoredByServer<Adapter extends { preview: object }>(adapter: Adapter): Adapter
