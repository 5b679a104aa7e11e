// Does work less often than it is asked for: soon, or in the next frame.

/** Run `work` a moment after it is first asked for, once for all that ask meanwhile. */
export function soon(work, ms = 180) {
  let timer = null
  return () => {
    timer ??= setTimeout(() => {
      timer = null
      work()
    }, ms)
  }
}

/** Run `work` in the next frame, however often it is asked for before that. */
export function oncePerFrame(work) {
  let due = false
  return () => {
    if (due) return
    due = true
    requestAnimationFrame(() => {
      due = false
      work()
    })
  }
}
