// Links in rich text: the field in which one writes an address, and the small bar that shows where
// a link leads.

import { Extension } from '../../vendor/editor.js'
import { h, icon, iconButton } from '../dom.js'
import { openPanel } from '../menu.js'

const SCHEMES = ['http:', 'https:', 'mailto:', 'tel:']

/**
 * The address as a URL that may be followed, or null: "example.org" becomes https, "javascript:" is
 * refused.
 */
export function safeLink(text) {
  const address = text.trim()
  if (address === '' || /\s/.test(address)) return null
  try {
    const url = new URL(
      /^[a-z][a-z0-9+.-]*:/i.test(address) && !/^[^/]*:\d/.test(address)
        ? address
        : `https://${address}`
    )
    return SCHEMES.includes(url.protocol) ? url.href : null
  } catch {
    return null
  }
}

// Something to hang the panel on: the place where the selection begins.
const atCaret = (editor) => {
  const { left, top, bottom } = editor.view.coordsAtPos(editor.state.selection.from)
  return {
    getBoundingClientRect: () => new DOMRect(left, top, 0, bottom - top),
    getRootNode: () => editor.view.dom.getRootNode(),
    hasAttribute: () => false,
    focus: () => editor.view.focus()
  }
}

/** Ask for the address of the selected text, or of the link at the caret. */
export function editLink(editor) {
  editor.commands.extendMarkRange('link')
  const input = h('input', {
    class: 'input',
    placeholder: 'Paste or type a link',
    value: editor.getAttributes('link').href ?? '',
    'aria-label': 'Link address',
    inputmode: 'url',
    autocomplete: 'off',
    spellcheck: 'false'
  })
  const form = h(
    'form',
    { class: 'link-form' },
    input,
    h('button', { class: 'button primary' }, 'Apply')
  )
  const panel = openPanel(atCaret(editor), form, { label: 'Link' })
  input.select()
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const href = safeLink(input.value)
    if (href === null && input.value.trim() !== '')
      return input.setAttribute('aria-invalid', 'true')
    panel.close()
    setLink(editor, href)
  })
}

function setLink(editor, href) {
  editor.view.focus()
  const chain = editor.chain()
  if (href === null) return chain.unsetLink().run()
  if (!editor.state.selection.empty) return chain.setLink({ href }).run()
  return chain
    .insertContent({
      type: 'text',
      text: href.replace(/^(https?:\/\/|mailto:|tel:)/, '').replace(/\/$/, ''),
      marks: [{ type: 'link', attrs: { href } }]
    })
    .unsetMark('link')
    .run()
}

function bubbleFor(editor, address) {
  const change = iconButton('pencil', 'Change link', { onclick: () => editLink(editor) })
  const remove = () => {
    editor.view.focus()
    editor.chain().extendMarkRange('link').unsetLink().run()
  }
  const away = iconButton('unlink', 'Remove link', { onclick: remove })
  const props = { class: 'link-bubble', hidden: true, role: 'group', 'aria-label': 'Link' }
  const bubble = h('div', props, icon('external'), address, change, away)
  // A press on it must not take the focus from the text, or it would hide before the click.
  bubble.addEventListener('mousedown', (event) => event.preventDefault())
  return bubble
}

function hrefAtCaret(editor) {
  if (!editor.state.selection.empty || !editor.isActive('link')) return null
  return safeLink(editor.getAttributes('link').href ?? '')
}

function placeBubble(bubble, editor, sheet) {
  const box = sheet.getBoundingClientRect()
  const at = editor.view.coordsAtPos(editor.state.selection.from)
  const most = sheet.clientWidth - bubble.offsetWidth - 8
  bubble.style.top = `${at.bottom - box.top + 6}px`
  bubble.style.left = `${Math.max(8, Math.min(at.left - box.left - 20, most))}px`
}

/** Show a bar below the link that the caret is in: follow it, change it, take it away. */
export function linkBubble(editor, sheet) {
  const address = h('a', { target: '_blank', rel: 'noopener noreferrer nofollow' })
  const bubble = bubbleFor(editor, address)
  sheet.append(bubble)
  const draw = () => {
    const here = editor.isFocused || bubble.contains(bubble.getRootNode().activeElement)
    const href = here ? hrefAtCaret(editor) : null
    bubble.hidden = href === null
    if (href === null) return
    address.href = href
    address.textContent = href.replace(/^https?:\/\//, '').replace(/\/$/, '')
    placeBubble(bubble, editor, sheet)
  }
  editor.on('transaction', draw)
  editor.on('focus', draw)
  editor.on('blur', ({ event }) => {
    if (!bubble.contains(event.relatedTarget)) bubble.hidden = true
  })
  editor.view.dom.addEventListener('click', follow)
}

// With Ctrl or Cmd a click follows the link; without, it only puts the caret there.
function follow(event) {
  const link = event.target.closest('a[href]')
  const wanted = link && (event.ctrlKey || event.metaKey)
  const href = wanted ? safeLink(link.getAttribute('href')) : null
  if (href) open(href, '_blank', 'noopener')
}

/** The keys that Tiptap leaves free. */
export const LinkKeys = Extension.create({
  name: 'linkKeys',
  addKeyboardShortcuts() {
    return {
      'Mod-k': () => {
        editLink(this.editor)
        return true
      },
      'Mod-\\': () => this.editor.chain().unsetAllMarks().clearNodes().run()
    }
  }
})
