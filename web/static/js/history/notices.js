// What is said where there is nothing of the past to draw.

import { h } from '../dom.js'

const button = (label, run, primary = false) =>
  h('button', { type: 'button', class: primary ? 'button primary' : 'button', onclick: run }, label)
const back = (close) => button('Back to the document', close)

export const tellEmpty = (view, close) =>
  view.tell(
    'past',
    'No edits yet',
    'As soon as somebody writes, every edit is kept here, with who made it and when.',
    back(close)
  )

/** A link means an edit that there is not; `latest()` shows what happened last. */
export const tellGone = (view, seq, head, latest, close) =>
  view.tell(
    'alert',
    'There is no such moment',
    `This link means edit ${seq.toLocaleString('en')}, and the last one is ${head.toLocaleString('en')}.`,
    button('Latest changes', latest, true),
    back(close)
  )

export const tellError = (view, error, again, close) =>
  view.tell(
    error.status === 0 ? 'offline' : 'alert',
    'This cannot be shown just now',
    error.message,
    button('Try again', again, true),
    back(close)
  )
