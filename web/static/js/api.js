// The HTTP side of the server: documents by name. Knows nothing of editors or of the page.

/** A failed request: status is the HTTP status, or 0 when the server could not be reached. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

export class Server {
  #url

  /** The page's own server, or the one at `url`, to which `token` says who one is, if anything. */
  constructor(url = '', token = '') {
    this.#url = url
    this.token = token
  }

  /** The JSON that the API answers at a path, null for none. Throws ApiError. */
  async request(path, options = {}) {
    const shown = this.token ? { Authorization: `Bearer ${this.token}` } : {}
    let response
    try {
      response = await fetch(`${this.#url}/api${path}`, {
        credentials: this.#url ? 'omit' : 'same-origin',
        ...options,
        headers: { Accept: 'application/json', ...shown, ...options.headers }
      })
    } catch {
      throw new ApiError(0, 'The server cannot be reached.')
    }
    const body = await response.json().catch(() => null)
    if (!response.ok)
      throw new ApiError(
        response.status,
        body?.error?.message ?? `The server answered ${response.status}.`
      )
    return body
  }

  /** As request(), with a JSON body. */
  send(method, path, body) {
    return this.request(path, {
      method,
      body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json' }
    })
  }
}

/** The page's own. */
export const here = new Server()
export const request = (path, options) => here.request(path, options)
export const send = (method, path, body) => here.send(method, path, body)

/** The path of a document. */
export const at = (name) => `/documents/${encodeURIComponent(name)}`

/**
 * { documents, next }: one page of the list, newest edit first; next is the `after` of the
 * following page, or null.
 */
export function listDocuments({ search = '', after = null, limit = 50 } = {}) {
  const query = new URLSearchParams({ search, limit: String(limit) })
  if (after !== null) query.set('after', after)
  return request(`/documents?${query}`)
}

/**
 * A document { name, title, kind, created, edited, deleted, editors }; ApiError 404 when nobody
 * made it.
 */
export const getDocument = (name) => request(at(name))

/** Make a document; without a name the server chooses one. */
export const createDocument = (fields) => send('POST', '/documents', fields)

export const renameDocument = (name, title) => send('PATCH', at(name), { title })
export const deleteDocument = (name) => request(at(name), { method: 'DELETE' })
export const undeleteDocument = (name) => send('POST', `${at(name)}/undelete`, {})

/** { saving, version, ... }: whether the server can write just now. */
export const status = () => request('/status', { signal: AbortSignal.timeout(2000) })

/** Where the page of a document lives. */
export const documentUrl = (name) => `/d/${encodeURIComponent(name)}`
