// Words for the state of a document: one pure function from facts to what the pill says. Every
// sentence must be true.

import { count } from '../dom.js'

/**
 * session: { facts, unsaved, keeps, kept, saved, forbids, ended }, viewOnly: the page shows it
 * without an editor.
 * Answers { state, text, detail, short?, reason?, via? }: state is one of opening, saved, saving, stuck,
 * offline, view, closed; reason is the server's own word; via is how, where that is not WebSocket.
 */
export function describe(session, viewOnly = false) {
  const { connected, transport } = session.facts
  const via = connected && transport === 'http' ? 'HTTP' : undefined
  return { ...stateOf(session, viewOnly), via }
}

function stateOf(session, viewOnly) {
  const { facts, unsaved } = session
  if (session.ended) return ended(session)
  if (facts.closed)
    return { state: 'closed', text: 'Closed', detail: 'The server has closed this document.' }
  if (!facts.connected) return offline(session)
  if (!facts.synced)
    return { state: 'opening', text: 'Opening', detail: 'Reading the document from the server.' }
  if (session.forbids !== null) return denied(session)
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

function offline({ facts, unsaved, keeps, kept, forbids }) {
  if (!facts.everSynced && unsaved === 0 && !facts.tried)
    return { state: 'opening', text: 'Connecting', detail: 'Looking for the server.' }
  if (unsaved === 0) {
    return {
      state: 'offline',
      text: 'Offline',
      detail:
        forbids === null
          ? 'You can go on writing. Edits are kept in this browser and sent when the server is back.'
          : 'View only, as this browser last saw it.'
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

// One may not be here any more.
function ended({ facts, unsaved, keeps }) {
  const detail = facts.closed.reason || 'Your access has ended.'
  if (unsaved === 0) return { state: 'closed', text: 'Access ended', detail }
  return {
    state: 'closed',
    text: `Access ended, ${count(unsaved, 'edit')} ${keeps ? 'kept here' : 'only in this tab'}`,
    detail: `${detail} Copy what matters of what you wrote.`,
    short: `Ended · ${unsaved}`
  }
}

// The server shows the document and takes no edits.
function denied({ forbids, unsaved, keeps }) {
  const reason = forbids || 'The server takes no edits of this document.'
  if (unsaved === 0) return { state: 'view', text: 'View only', detail: reason, reason }
  const edits = count(unsaved, 'edit')
  const [were, them] = unsaved === 1 ? ['was', 'it'] : ['were', 'them']
  const kept = keeps
    ? `This browser keeps ${them}, and sends ${them} when the document can be edited again.`
    : 'Only this tab has them: copy what matters before you close it.'
  return {
    state: 'view',
    text: `View only, ${edits} ${keeps ? 'kept here' : 'only in this tab'}`,
    detail: `${reason} ${edits} of yours ${were} not taken. ${kept}`,
    short: `View only · ${unsaved}`,
    reason
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
