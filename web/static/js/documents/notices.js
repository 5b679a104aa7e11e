// What the list says where it has no documents to show.

import { h, icon } from '../dom.js'
import { KINDS } from '../kinds.js'
import { makeDocument } from './actions.js'

const notice = (name, title, words, ...more) =>
  h(
    'section',
    { class: 'notice' },
    h('span', { class: 'badge' }, icon(name)),
    h('h1', {}, title),
    h('p', {}, words),
    more
  )

const choice = (label, run) =>
  h(
    'div',
    { class: 'choices' },
    h('button', { type: 'button', class: 'button', onclick: run }, label)
  )

const starter = ({ kind, icon: name, label, hint }) =>
  h(
    'button',
    { type: 'button', class: 'starter', onclick: () => makeDocument(kind) },
    icon(name),
    h('b', {}, label),
    h('small', {}, hint)
  )

export const inviteToWrite = () =>
  notice(
    'filePlus',
    'Write something together',
    'Start a document, send its link to somebody, and type at the same time. ' +
      'When the page says Saved, it is on disk.',
    h('div', { class: 'starters' }, KINDS.map(starter))
  )

/** For somebody who may make no documents. */
export const tellNothingShared = () =>
  notice(
    'share',
    'Nothing is shared with you now',
    'Documents appear here as soon as you may read them.'
  )

export const tellNotFound = (search, clear) =>
  notice(
    'search',
    `Nothing found for “${search}”`,
    'The search looks in titles and names.',
    choice('Clear the search', clear)
  )

export const tellError = (message, again) =>
  notice('offline', 'The documents cannot be read', message, choice('Try again', again))
