// Other people's carets and selections in CodeMirror, and telling them ours. y-codemirror.next has
// such a plugin; this one shows names as the rich-text editor does, takes only cleaned states, and
// works positions out once per change.

import { Annotation, TextDecoration, ViewPlugin, WidgetType, Y } from '../../vendor/editor.js'
import { tint } from './tints.js'

const peersMoved = Annotation.define()

class CaretWidget extends WidgetType {
  constructor(user, carets) {
    super()
    this.user = user
    this.carets = carets
  }

  eq({ user }) {
    return (
      user.client === this.user.client &&
      user.name === this.user.name &&
      user.color === this.user.color
    )
  }
  toDOM() {
    return this.carets.element(this.user)
  }
  ignoreEvent() {
    return true
  }
}

/** Where a client's caret is: { anchor, head } as indexes, or null when it is not in this text. */
export function caretRange(text, cursor) {
  if (!cursor) return null
  const [anchor, head] = [cursor.anchor, cursor.head].map((json) => {
    const found = Y.createAbsolutePositionFromRelativePosition(
      Y.createRelativePositionFromJSON(json),
      text.doc
    )
    return found?.type === text ? found.index : null
  })
  return anchor === null || head === null ? null : { anchor, head }
}

function decorations(state, text, presence, carets) {
  const ranges = []
  const end = state.doc.length
  for (const [client, { user, cursor }] of presence.getStates()) {
    const range = client === presence.clientID ? null : caretRange(text, cursor)
    if (range === null) continue
    const [anchor, head] = [Math.min(range.anchor, end), Math.min(range.head, end)]
    if (anchor !== head)
      ranges.push(
        TextDecoration.mark({ class: `remote-selection ${tint(user.color)}` }).range(
          Math.min(anchor, head),
          Math.max(anchor, head)
        )
      )
    ranges.push(
      TextDecoration.widget({
        widget: new CaretWidget(user, carets),
        side: head > anchor ? -1 : 1
      }).range(head)
    )
  }
  return TextDecoration.set(ranges, true)
}

/** Extension: draw the carets of `presence` in a view bound to the Y.Text. */
export function textCarets(text, presence, carets) {
  class Plugin {
    constructor(view) {
      this.view = view
      this.decorations = decorations(view.state, text, presence, carets)
      this.listener = ({ added, updated, removed }) => {
        if ([...added, ...updated, ...removed].some((client) => client !== presence.clientID))
          view.dispatch({ annotations: peersMoved.of(true) })
      }
      presence.on('change', this.listener)
    }

    update(update) {
      const told = update.transactions.some((transaction) => transaction.annotation(peersMoved))
      if (update.docChanged || told)
        this.decorations = decorations(update.state, text, presence, carets)
      if (update.docChanged || update.selectionSet || update.focusChanged) this.tell(update)
    }

    // A caret stays where it was when the window loses focus, so that others still see where one
    // works.
    tell({ state, view }) {
      if (!view.hasFocus) return
      const { anchor, head } = state.selection.main
      const at = (index) => Y.createRelativePositionFromTypeIndex(text, index)
      presence.setLocalStateField('cursor', { anchor: at(anchor), head: at(head) })
    }

    destroy() {
      presence.off('change', this.listener)
    }
  }
  return ViewPlugin.fromClass(Plugin, { decorations: (plugin) => plugin.decorations })
}
