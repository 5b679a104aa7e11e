// HTML from the clipboard. The page's Content-Security-Policy allows no style attributes and no
// handlers, and browsers complain of either as soon as they read HTML, in whatever document: so both
// get other names first. Office programs write bold and italic as styles; those are set by script,
// which is allowed, before the editor looks at them. What is let in is for the editor's schema to
// say, not for this.

import { DOMParser, Extension, Plugin } from '../../vendor/editor.js'

const SHEETS = /<style\b[^]*?(?:<\/style\s*>|$)/gi
const TAGS = /<[a-z](?:[^>"']|"[^"]*"|'[^']*')*>|<[a-z][^>]*>/gi
const ARMED = /([\s"'/])(style|on[a-z]+)(?=\s*=)/gi

/** HTML with `data-style` for each `style`, `data-onclick` for each `onclick`, and no <style>. */
export const disarmed = (html) =>
  html.replace(SHEETS, '').replace(TAGS, (tag) => tag.replace(ARMED, '$1data-$2'))

class ClipboardParser extends DOMParser {
  parseSlice(dom, options) {
    for (const element of dom.querySelectorAll('[data-style]'))
      if (element.style) element.style.cssText = element.dataset.style
    return super.parseSlice(dom, options)
  }
}

export const Paste = Extension.create({
  name: 'pastedStyles',
  addProseMirrorPlugins() {
    const { schema } = this.editor
    return [
      new Plugin({
        props: {
          transformPastedHTML: disarmed,
          clipboardParser: new ClipboardParser(schema, DOMParser.schemaRules(schema))
        }
      })
    ]
  }
})
