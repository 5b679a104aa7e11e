// What files of stories share. A story is a function that throws when it does not come out.

const PATIENCE = 20_000

/** Resolves when `condition` holds, looking whenever something moves. */
export const until = (what, condition, patience = PATIENCE) => new Promise((resolve, reject) => {
  const begin = performance.now()
  const look = () => {
    const value = condition()
    if (value) return resolve(performance.now() - begin)
    if (performance.now() - begin > patience) return reject(new Error(`${what} did not come about in ${patience} ms`))
    setTimeout(look, 5)
  }
  look()
})

export const equal = (actual, expected) => {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${a} is not ${b}`)
}

/** A version of y-websocket, with the Yjs that it is for: { WebsocketProvider, Doc, Array }. */
export const yWebsocket = async packageName => packageName === 'yws4'
  ? await import('../node4/yjs13.mjs')
  : { ...await import('yjs'), ...await import(packageName) }

/** One edit of an editor { name, made, doc, tokens, text }: a token of its own, and a letter, anywhere. */
export const editAnywhere = (editor, below = most => Math.floor(Math.random() * most)) => {
  const { name, made, doc, tokens, text } = editor
  const token = `${name}.${made.length + 1}`
  made.push(token)
  doc.transact(() => {
    tokens.insert(below(tokens.length + 1), [token])
    text.insert(below(text.length + 1), 'x')
  })
}

/** A story of two in one document. */
export const typeTogether = async ([ann, bob]) => {
  ann.text.insert(0, 'Hello')
  await bob.says('Hello')
  bob.text.insert(5, ' world')
  ann.text.insert(0, '> ')
  await ann.says('> Hello world')
  await bob.says('> Hello world')
}

/** Tells all of them, one line of JSON each: {"story", "ok", "error"}; `open` are who still has to leave. */
export const tellAll = async (stories, open) => {
  for (const [story, tell] of Object.entries(stories)) {
    let error = null
    try { await tell() } catch (caught) { error = String(caught?.stack ?? caught) }
    for (const editor of [...open]) editor.leave()
    console.log(JSON.stringify({ story, ok: error === null, error }))
  }
  process.exit(0)
}
