// The strip that says that one may not be in the document any more, above what it was: nothing of
// one's own is taken away, and can be copied.

import { show } from '../dialogs.js'
import { byId, count, h, icon, iconButton } from '../dom.js'
import { invitationForm } from '../enter.js'
import { toast } from '../toast.js'

const button = (label, run, kind = '') =>
  h('button', { type: 'button', class: `button ${kind}`, onclick: run }, label)

function useInvitation() {
  const dialog = h('dialog', { 'aria-labelledby': 'invitation-title' })
  dialog.append(
    h(
      'div',
      { class: 'dialog-head' },
      h('h2', { id: 'invitation-title' }, 'Use an invitation'),
      iconButton('close', 'Close', { onclick: () => dialog.close(), 'data-tip': null })
    ),
    h('p', { class: 'text' }, 'Paste the link that you were sent.'),
    invitationForm()
  )
  show(dialog)
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text)
    toast('Copied')
  } catch {
    toast('This browser lets nothing be copied by a button: select it and copy it yourself.')
  }
}

/** Keep the strip as `session` is; `text()` is what the document says. */
export function showEnded(session, text) {
  const words = h('p', {})
  const strip = h(
    'section',
    { class: 'ended', role: 'alert', hidden: true },
    icon('lock'),
    words,
    h(
      'div',
      {},
      button('Copy the text', () => copy(text())),
      button('Use an invitation', useInvitation, 'primary')
    )
  )
  byId('tools').after(strip)
  session.onChange(({ ended, unsaved, keeps, facts }) => {
    if (strip.hidden === ended) {
      strip.hidden = !ended
      document.body.classList.toggle('has-ended', ended)
    }
    if (!ended) return
    // 4403 may be about what one did, too: then one may come again.
    const over = facts.level === 'none' || facts.closed.code === 4401
    const title = over ? 'Your access has ended.' : 'You were sent away.'
    const [were, them] = unsaved === 1 ? ['was', 'it'] : ['were', 'them']
    const kept = keeps ? `This browser keeps ${them}.` : `Only this tab has ${them}.`
    const own = unsaved > 0 ? ` ${count(unsaved, 'edit')} of yours ${were} not taken. ${kept}` : ''
    const said = `${facts.closed.reason ?? ''}${own}`.trim()
    if (words.dataset.said === title + said) return
    words.dataset.said = title + said
    words.replaceChildren(h('b', {}, title), ` ${said}`)
  })
}
