// Says when something was, the way people do. Times are milliseconds since the epoch.

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
const long = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const longer = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'long',
  year: 'numeric'
})
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })

/** "just now", "12 min ago", "3 h ago", "yesterday 14:05", "Tuesday", "4 Mar", "4 Mar 2024". */
export function relativeTime(time, now = Date.now()) {
  const ago = now - time
  if (ago < MINUTE) return 'just now'
  if (ago < HOUR) return `${Math.floor(ago / MINUTE)} min ago`
  const midnight = new Date(now).setHours(0, 0, 0, 0)
  if (time >= midnight) return `${Math.floor(ago / HOUR)} h ago`
  if (time >= midnight - DAY) return `yesterday ${clock.format(time)}`
  if (time >= midnight - 5 * DAY) return weekday.format(time)
  return new Date(time).getFullYear() === new Date(now).getFullYear()
    ? day.format(time)
    : date.format(time)
}

export const exactTime = (time) => exact.format(time)
export const clockTime = (time) => clock.format(time)
export const dateOf = (time) => date.format(time)

/** "Today", "Yesterday", "Sunday, 22 November", "22 November 2024". */
export function dayName(time, now = Date.now()) {
  const midnight = new Date(now).setHours(0, 0, 0, 0)
  if (time >= midnight && time < midnight + DAY) return 'Today'
  if (time < midnight && time >= midnight - DAY) return 'Yesterday'
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear()
  return (sameYear ? long : longer).format(time)
}

/** "18:10 - 19:09" as it is written here; one of them where they are the same. */
export const clockRange = (began, ended) => clock.formatRange(began, ended)
