// The kinds of document that the page can make, and how each is named and drawn.

export const KINDS = [
  { kind: 'rich', icon: 'fileRich', label: 'Rich text', hint: 'Headings, lists, tables' },
  { kind: 'markdown', icon: 'hash', label: 'Markdown', hint: 'Source with live preview' },
  { kind: 'text', icon: 'fileText', label: 'Plain text', hint: 'Just words' },
  { kind: 'code', icon: 'fileCode', label: 'Code', hint: 'Highlighted source' }
]

const OTHER = { kind: '', icon: 'fileJson', label: 'Data', hint: 'Made by another editor' }

/** The entry for a kind; documents that other editors made have kind "". */
export const kindOf = (kind) => KINDS.find((entry) => entry.kind === kind) ?? OTHER

/** What to call a document: its title, else its name. */
export const titleOf = (doc) => doc.title.trim() || doc.name
