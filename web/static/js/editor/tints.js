// Classes for coloured backgrounds. CodeMirror writes what a mark is given as attributes, and the
// page's Content-Security-Policy allows no style attributes; rules that a script adds are allowed.

const sheet = new CSSStyleSheet()
const known = new Set()

/** Have them count in the document, or in a shadow root. */
export function tintsCountIn(around) {
  if (!around.adoptedStyleSheets.includes(sheet)) around.adoptedStyleSheets.push(sheet)
}

/**
 * The class of a light background of a #rrggbb colour. Of each channel 16 steps count: so there are
 * 4,096 rules at the most, however many colours the others choose.
 */
export function tint(color) {
  const steps = (color[1] + color[3] + color[5]).toLowerCase()
  const name = `tint-${steps}`
  if (!known.has(name)) {
    known.add(name)
    const full = [...steps].map((step) => step + step).join('')
    sheet.insertRule(`.${name} { background-color: #${full}2e }`)
  }
  return name
}
