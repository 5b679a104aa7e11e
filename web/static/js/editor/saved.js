// Words for the state of a document: one pure function from facts to what the pill says. Every
// sentence must be true.

import { count } from '../dom.js'

/**
 * session: { facts, unsaved, keeps, kept, saved }, viewOnly: the page shows it without an editor. Answers
 * { state, text, detail }: state is one of opening, saved, saving, stuck, offline, view, closed.
 */
export function describe(session, viewOnly = false) {
  const { facts, unsaved } = session
  if (facts.closed)
    return { state: 'closed', text: 'Closed', detail: 'The server has closed this document.' }
  if (!facts.connected) return offline(session)
  if (!facts.synced)
    return { state: 'opening', text: 'Opening', detail: 'Reading the document from the server.' }
  if (unsaved > 0 && facts.stuck) return stuck(session)
  if (viewOnly && unsaved === 0)
    return {
      state: 'view',
      text: 'View only',
      detail: 'Changes by others appear here as they happen.'
    }
  if (session.saved)
    return { state: 'saved', text: 'Saved', detail: 'Every edit is on the server’s disk.' }
  return {
    state: 'saving',
    text: unsaved > 0 ? `Saving ${unsaved}` : 'Saving',
    detail: 'Waiting for the server to say that it is on disk.'
  }
}

function offline({ facts, unsaved, keeps, kept }) {
  if (!facts.everSynced && unsaved === 0 && !facts.tried)
    return { state: 'opening', text: 'Connecting', detail: 'Looking for the server.' }
  if (unsaved === 0) {
    return {
      state: 'offline',
      text: 'Offline',
      detail:
        'You can go on writing. Edits are kept in this browser and sent when the server is back.',
      short: 'Offline'
    }
  }
  const edits = count(unsaved, 'edit')
  if (keeps && !kept) {
    return {
      state: 'offline',
      text: `Offline, keeping ${edits}`,
      detail: 'They are on their way into this browser’s storage: stay a moment.',
      short: `Offline · ${unsaved}`
    }
  }
  if (keeps) {
    return {
      state: 'offline',
      text: `Offline, ${edits} kept here`,
      detail: 'Kept in this browser, even over a reload, and sent when the server is back.',
      short: `Offline · ${unsaved}`
    }
  }
  return {
    state: 'stuck',
    text: `Offline, ${edits} only in this tab`,
    detail:
      'This browser lets the page store nothing. Keep this tab open until the server is back.',
    short: `Offline · ${unsaved}`
  }
}

function stuck({ facts, unsaved, keeps }) {
  const edits = count(unsaved, 'edit')
  const kept = keeps ? 'They are kept in this browser meanwhile.' : 'Do not close this tab.'
  const why =
    facts.serverSaving === false ? 'the server cannot write' : 'no receipt from the server'
  return {
    state: 'stuck',
    text: `Not saved yet: ${why}, ${edits}`,
    detail: `The server has not confirmed ${edits}. ${kept}`,
    short: `Not saved · ${unsaved}`
  }
}
