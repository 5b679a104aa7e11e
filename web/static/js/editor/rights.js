// Keeps what one may do with an open document up to date: asks the server when something hints at
// a change, and once a minute. Tells the session; draws nothing.

import { become, may, readSession, who } from '../access.js'
import { soon } from './pace.js'

const MINUTE = 60_000
/** What the server says twice within this time, in ms, is not asked about again. */
const CALM = 30_000

/**
 * Follow the rights of document `name` for `session`; `another()` is called when one is somebody
 * else now: what this page holds is not theirs.
 */
export function followRights(name, session, another) {
  let reopened = -Infinity
  const look = soon(async () => {
    const fresh = await readSession(name).catch(() => null)
    if (fresh === null) return
    const { closed } = session.facts
    if (!may(fresh.level, 'read')) return session.learn({ level: 'none' })
    if (fresh.user !== who.user || fresh.tenant !== who.tenant) return another()
    const raised = !may(session.facts.level, 'write') && may(fresh.level, 'write')
    if (JSON.stringify(fresh) !== JSON.stringify(who)) become(fresh, name)
    session.learn({ level: fresh.level, ...(raised ? { denied: null } : {}) })
    if (closed?.code === 4401 && performance.now() - reopened > CALM) {
      reopened = performance.now()
      session.reopen()
    }
  })
  let before = {}
  session.onChange(({ facts: { connected, denied, closed } }) => {
    const now = { connected, denied, closed }
    const hint = Object.keys(now).some((fact) => now[fact] && now[fact] !== before[fact])
    before = now
    if (hint) look()
  })
  const seen = () => document.hidden || look()
  setInterval(seen, MINUTE)
  document.addEventListener('visibilitychange', seen)
}
