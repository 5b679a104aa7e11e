// The page's own style sheets, for shadow roots: loaded once, shared by all elements of a page. They
// are sheets that a script makes, which no Content-Security-Policy has to allow.

const SHEETS = ['tokens', 'base', 'editor', 'prose', 'code', 'history', 'element']

// What the page says of its root the element says of itself; whoever uses it may say otherwise. And
// what counts is not how wide the window is, but how wide the element.
const forHost = (css) =>
  css
    .replaceAll(':root[data-theme="dark"]', ':host([data-dark])')
    .replaceAll(':root', ':host')
    .replaceAll('@media (max-width', '@container (max-width')

async function load(name) {
  const answer = await fetch(new URL(`../../css/${name}.css`, import.meta.url))
  const sheet = new CSSStyleSheet()
  return sheet.replace(forHost(await answer.text()))
}

let loading = null

/** The sheets, in order. */
export const styles = () => (loading ??= Promise.all(SHEETS.map(load)))
