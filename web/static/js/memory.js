// What this browser remembers between visits (localStorage): small strings and JSON under "quire:".
// Storage may be switched off or full; then nothing is remembered and nothing breaks.

const key = (name) => `quire:${name}`

let owner = ''

/** Names of what belongs to the documents of one user begin with `prefix` from now on. */
export function ownedBy(prefix) {
  owner = prefix
}

/** The name under which something is remembered that belongs to a user's documents. */
export const owned = (name) => `${owner}${name}`

/** What this browser's copy of a document is called in IndexedDB. */
export const copyOf = (name) => `quire${owner || '/'}${name}`

/** The remembered value, or null. */
export function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(key(name)))
  } catch {
    return null
  }
}

/** Remember a JSON value; null forgets it. */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(key(name))
    else localStorage.setItem(key(name), JSON.stringify(value))
  } catch {
    /* see the first lines */
  }
}

/** Call listener(value) when another tab of this browser changes the value. */
export function onRecall(name, listener) {
  addEventListener('storage', (event) => {
    if (event.key === key(name)) listener(recall(name))
  })
}

/**
 * What follows `prefix` in the names of everything remembered: recallAll('unsent:') lists
 * documents.
 */
export function recallAll(prefix) {
  try {
    return Object.keys(localStorage)
      .filter((name) => name.startsWith(key(prefix)))
      .map((name) => name.slice(key(prefix).length))
  } catch {
    return []
  }
}

/** Forget everything whose name begins so. */
export function forgetAll(prefix) {
  for (const rest of recallAll(prefix)) remember(prefix + rest, null)
}
