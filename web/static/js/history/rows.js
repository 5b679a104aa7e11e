// Draws a list of rows, and draws it again where it has changed only: while somebody plays a long
// document, most of it stays as it is. A row is { key, make, place? }: make() gives its nodes, one at
// least, and place(nodes) puts on them what may differ between equal rows.

/** Bring the children of `holder` from the rows that patch() gave before to `rows`. */
export function patch(holder, drawn, rows) {
  const most = Math.min(drawn.length, rows.length)
  let head = 0
  while (head < most && drawn[head].key === rows[head].key) head++
  let tail = 0
  while (tail < most - head && drawn.at(-1 - tail).key === rows.at(-1 - tail).key) tail++
  const behind = tail > 0 ? drawn.at(-tail).nodes[0] : null
  for (const { nodes } of drawn.slice(head, drawn.length - tail))
    for (const node of nodes) node.remove()
  const fresh = rows
    .slice(head, rows.length - tail)
    .map(({ key, make }) => ({ key, nodes: make() }))
  const fragment = document.createDocumentFragment()
  fragment.append(...fresh.flatMap(({ nodes }) => nodes))
  holder.insertBefore(fragment, behind)
  const all = [...drawn.slice(0, head), ...fresh, ...drawn.slice(drawn.length - tail)]
  rows.forEach(({ place }, at) => place?.(all[at].nodes))
  return all
}
