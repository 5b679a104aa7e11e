// The account: who one is, and the way out.

import { signOut, unsentEdits, who } from './access.js'
import { avatar } from './avatars.js'
import { confirmDialog } from './dialogs.js'
import { count, h } from './dom.js'
import { identityPanel, me, onIdentity, shownName } from './identity.js'
import { openPanel } from './menu.js'
import { toast } from './toast.js'

async function leave() {
  const unsent = unsentEdits()
  const sure =
    unsent === 0 ||
    (await confirmDialog({
      title: `Sign out and lose ${count(unsent, 'edit')}?`,
      text:
        'They have not reached the server, ' +
        'and signing out takes your documents out of this browser.',
      action: 'Sign out',
      danger: true
    }))
  if (!sure) return
  try {
    await signOut()
  } catch (error) {
    toast(`Not signed out: ${error.message}`)
  }
}

const wayOut = () =>
  h('button', { type: 'button', class: 'button sign-out', onclick: leave }, 'Sign out')

/** A button of one's own avatar, in `place`, that opens the account. */
export function accountButton(place) {
  const button = avatar(me, {
    onclick: () =>
      openPanel(button, identityPanel(who.users && who.user ? wayOut() : null), {
        label: 'Who you are'
      })
  })
  button.setAttribute('aria-haspopup', 'dialog')
  button.dataset.tip = 'You'
  // The button stays, for the popover hangs on it.
  const draw = () => {
    const label = `you are ${shownName()}. ${who.name ? 'Your account' : 'Change name or colour'}`
    const fresh = avatar(me, { label })
    button.replaceChildren(...fresh.childNodes)
    button.style.cssText = fresh.style.cssText
    button.setAttribute('aria-label', fresh.getAttribute('aria-label'))
  }
  onIdentity(draw)
  draw()
  place.replaceChildren(button)
}
