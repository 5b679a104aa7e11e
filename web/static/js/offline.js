// Starts the service worker (sw.js), which keeps the page's own files, so that it opens without the
// server, too. Only on https and localhost: elsewhere browsers have no service workers and a reload
// needs the server.

/** Resolves to true once a reload would work offline, false where it cannot. */
export async function keepForOffline() {
  if (!('serviceWorker' in navigator)) return false
  try {
    await navigator.serviceWorker.register('/sw.js')
    await navigator.serviceWorker.ready
    return true
  } catch {
    return false
  }
}
