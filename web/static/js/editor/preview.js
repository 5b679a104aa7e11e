// The Markdown preview. marked turns the source into HTML, DOMPurify lets only harmless elements
// through and hands back nodes, which are put in place as nodes. Pictures from elsewhere become
// links: the page loads nothing from strangers.

import { DOMPurify, Marked } from '../../vendor/editor.js'
import { h } from '../dom.js'
import { recall, remember } from '../memory.js'
import { highlight } from './highlight.js'
import { soon } from './pace.js'

const ALLOWED = {
  ALLOWED_TAGS: [
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'p',
    'br',
    'hr',
    'blockquote',
    'ul',
    'ol',
    'li',
    'pre',
    'code',
    'em',
    'strong',
    'del',
    'a',
    'table',
    'thead',
    'tbody',
    'tr',
    'th',
    'td',
    'input',
    'sub',
    'sup',
    'kbd',
    'mark',
    'details',
    'summary'
  ],
  ALLOWED_ATTR: ['href', 'title', 'start', 'type', 'checked', 'disabled', 'align', 'class'],
  // Every other attribute is held against the pattern for addresses.
  ADD_URI_SAFE_ATTR: ['start', 'type', 'checked', 'disabled', 'align'],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|#)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true
}

const escape = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)

// Of the HTML inside Markdown only these bare tags count; the rest is shown as it is written.
const BARE = /^<\/?(?:br|kbd|sub|sup|mark|del|details|summary)\s*\/?>$/i

const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) =>
      text
        .replace(/<!--[^]*?-->/g, '')
        .replace(/<[^>]*>?/g, (tag) => (BARE.test(tag) ? tag : escape(tag))),
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`
  }
})

/** The source as a DocumentFragment that is safe to show. */
export function render(source) {
  const fragment = DOMPurify.sanitize(marked.parse(source), ALLOWED)
  for (const link of fragment.querySelectorAll('a[href]')) {
    link.target = '_blank'
    link.rel = 'noopener noreferrer nofollow'
  }
  // Classes are let through only to learn a fence's language; none of the source's own may dress up
  // the page.
  for (const element of fragment.querySelectorAll('[class]')) {
    const language = element.matches('pre > code')
      ? element.className.match(/^language-(\S+)/)?.[1]
      : undefined
    element.removeAttribute('class')
    if (language) colour(element, language)
  }
  for (const input of fragment.querySelectorAll('input')) {
    if (input.type !== 'checkbox') input.remove()
    else {
      input.disabled = true
      input.setAttribute('aria-label', 'Task')
    }
  }
  return fragment
}

function colour(code, language) {
  const text = code.textContent
  const parts = []
  let done = 0
  for (const [from, to, name] of highlight(text, language)) {
    parts.push(text.slice(done, from), h('span', { class: name }, text.slice(from, to)))
    done = to
  }
  code.replaceChildren(...parts, text.slice(done))
}

// Both sides scroll together, by proportion.
function scrollTogether(source, pane) {
  const follow = () => {
    const part = source.scrollTop / Math.max(1, source.scrollHeight - source.clientHeight)
    pane.scrollTop = part * (pane.scrollHeight - pane.clientHeight)
  }
  source.addEventListener('scroll', follow, { passive: true })
}

/**
 * A preview beside the source (below 900 px: instead of it): { refresh(), toggle(), shown() }.
 */
export function openPreview({ panes, view }) {
  const article = h('article', { class: 'prose preview', 'aria-label': 'Preview', tabindex: '0' })
  const pane = h('div', { class: 'pane rendered' }, article)
  panes.append(pane)
  let shown = recall('preview') ?? innerWidth >= 900
  const draw = () => {
    if (shown) article.replaceChildren(render(view.state.doc.toString()))
  }
  const apply = () => {
    panes.classList.toggle('with-preview', shown)
    pane.hidden = !shown
    draw()
    view.requestMeasure()
  }
  const toggle = () => {
    shown = !shown
    remember('preview', shown)
    apply()
  }
  scrollTogether(view.scrollDOM, pane)
  apply()
  return { refresh: soon(draw, 120), shown: () => shown, toggle }
}
