// The service worker: lets a page that was open before open again while the server is out of reach,
// so that edits kept in IndexedDB can be seen and go on. The network always comes first; a copy is
// only used when it does not answer. It never touches /api or /sync.

const CACHE = 'quire-page'
const DOCUMENT = '/d/'

// Every document has the same page; one copy serves them all.
const keyOf = (url) => (url.pathname.startsWith(DOCUMENT) ? DOCUMENT : url.pathname)

const ours = (request, url) =>
  request.method === 'GET' &&
  url.origin === self.location.origin &&
  (url.pathname.startsWith('/static/') ||
    (request.mode === 'navigate' && (url.pathname === '/' || url.pathname.startsWith(DOCUMENT))))

async function answer(request, url) {
  const cache = await caches.open(CACHE)
  let response = null
  try {
    response = await fetch(request)
    if (response.ok && !response.redirected) await cache.put(keyOf(url), response.clone())
    if (response.status < 502) return response
  } catch {
    /* the server cannot be reached */
  }
  return (await cache.match(keyOf(url))) ?? response ?? Response.error()
}

// What a page or one of our modules names in its text: files under /static/.
function links(text, base) {
  const named = [...text.matchAll(/(?:href|src)="([^"$]+)"|from '([^']+)'/g)].map(
    (match) => new URL(match[1] ?? match[2], base)
  )
  return named.filter(
    (url) => url.origin === self.location.origin && url.pathname.startsWith('/static/')
  )
}

// Keep both pages and all that they are made of. Our modules are read for their imports; vendor/
// has none.
async function keepAll() {
  const cache = await caches.open(CACHE)
  const seen = new Set()
  const keep = async (url) => {
    if (seen.has(url.pathname)) return
    seen.add(url.pathname)
    const response = await fetch(url)
    if (!response.ok) return
    const readable =
      !url.pathname.includes('/vendor/') &&
      /html|javascript/.test(response.headers.get('Content-Type'))
    const text = readable ? await response.clone().text() : ''
    await cache.put(keyOf(url), response)
    await Promise.all(links(text, url).map(keep))
  }
  await Promise.all(
    ['/', `${DOCUMENT}any`].map((path) => keep(new URL(path, self.location.origin)))
  )
}

self.addEventListener('install', (event) => {
  self.skipWaiting()
  event.waitUntil(keepAll())
})
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))
self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  if (ours(event.request, url)) event.respondWith(answer(event.request, url))
})
