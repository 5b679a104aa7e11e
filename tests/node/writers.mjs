// Tiptap and BlockNote editors with their own bindings to Yjs, in a DOM without a screen, and somebody
// who edits with them at random. Everything is drawn from a seeded generator.
import { JSDOM } from 'jsdom'
import * as Y from 'yjs'

console.log = console.warn = console.error // stdout is for answers

// The editors look for a browser when they are loaded.
const { window } = new JSDOM('<!doctype html>', { pretendToBeVisual: true, url: 'http://localhost/' })
const GLOBALS = ['window', 'document', 'navigator', 'Node', 'Element', 'HTMLElement', 'Text', 'Range', 'DOMParser', 'MutationObserver', 'MutationRecord', 'Event',
  'KeyboardEvent', 'MouseEvent', 'getSelection', 'getComputedStyle', 'requestAnimationFrame', 'cancelAnimationFrame']
for (const name of GLOBALS) Object.defineProperty(globalThis, name, { value: window[name], configurable: true, writable: true })

const { BlockNoteEditor } = await import('@blocknote/core')
const { Editor } = await import('@tiptap/core')
const { Collaboration } = await import('@tiptap/extension-collaboration')
const { TaskItem, TaskList } = await import('@tiptap/extension-list')
const { TableKit } = await import('@tiptap/extension-table')
const { StarterKit } = await import('@tiptap/starter-kit')
const { CellSelection } = await import('@tiptap/pm/tables')
const { TextSelection } = await import('@tiptap/pm/state')

const WORDS = ['a', 'b ', 'Ωmega', 'hello ', 'né', '漢字', '😀', '👩‍👩‍👧', 'line of text ', 'x\ny']
const COLORS = ['default', 'red', 'blue', 'yellow']
const MARKS = {
  bold: () => null,
  italic: () => null,
  strike: () => null,
  underline: () => null,
  code: () => null,
  link: dice => ({ href: `https://example.org/${dice.below(3)}` }),
  textColor: dice => ({ stringValue: dice.pick(COLORS) }),
  backgroundColor: dice => ({ stringValue: dice.pick(COLORS) })
}
const KEYS = ['Enter', 'Enter', 'Enter', 'Backspace', 'Delete', 'Tab', 'Shift-Tab', 'Shift-Enter']

/** Where text can be typed: not within a surrogate pair. */
const places = (doc) => {
  const found = []
  doc.descendants((node, at) => {
    if (!node.isTextblock) return
    const text = node.textBetween(0, node.content.size, null, ' ')
    for (let n = 0; n <= node.content.size; n++) if (!/[\ud800-\udbff]/.test(text.charAt(n - 1))) found.push(at + 1 + n)
  })
  return found.length > 0 ? found : [0]
}

/** What one does in any editor: type, press keys, format, delete, paste. */
class Writer {
  constructor (client, dice, ids) {
    this.dice = dice
    this.ids = ids
    this.doc = new Y.Doc()
    this.doc.clientID = client
    this.own = []
    this.doc.on('update', (update, origin) => { if (origin !== 'remote') this.own.push(update) })
    this.fragment = this.doc.getXmlFragment('x')
  }

  edit () {
    this.number()
    this.plugin('y-undo').undoManager.stopCapturing() // which looks at the clock otherwise
    const { dice } = this
    const roll = dice.below(100)
    if (roll < 30) this.type()
    else if (roll < 38) this.erase()
    else if (roll < 52) this.press(dice.pick(KEYS))
    else if (roll < 62) this.format()
    else if (roll < 68) this.paste()
    else if (roll < 72) this.undo(dice.chance(0.7))
    else this.arrange()
  }

  /** BlockNote numbers new blocks on from here, instead of at random. */
  number () { window.__TEST_OPTIONS = this.ids }

  plugin (name) {
    const { state } = this.view
    return state.plugins.find(({ key }) => key.startsWith(name)).getState(state)
  }

  /** A range of text, mostly a short one. */
  range () {
    const { dice } = this
    const all = places(this.view.state.doc)
    const at = dice.below(all.length)
    return [all[at], all[Math.min(all.length - 1, at + dice.below(dice.chance(0.2) ? 60 : 8))]]
  }

  select (from, to = from) {
    const { state } = this.view
    this.view.dispatch(state.tr.setSelection(TextSelection.create(state.doc, from, to)))
  }

  type () {
    const [from] = this.range()
    this.view.dispatch(this.view.state.tr.insertText(this.dice.pick(WORDS), from))
  }

  erase () {
    this.select(...this.range())
    this.view.dispatch(this.view.state.tr.deleteSelection())
  }

  press (keys) {
    this.select(...(this.dice.chance(0.8) ? [this.range()[0]] : this.range()))
    const [key, shift] = keys.split('-').reverse()
    const event = new window.KeyboardEvent('keydown', { key, shiftKey: shift === 'Shift', bubbles: true, cancelable: true })
    this.view.someProp('handleKeyDown', handle => handle(this.view, event))
  }

  format () {
    const { schema, tr } = this.view.state
    const name = this.dice.pick(Object.keys(MARKS).filter(name => name in schema.marks))
    const [from, to] = this.range()
    const mark = schema.marks[name].create(MARKS[name](this.dice))
    this.view.dispatch(this.dice.chance(0.7) ? tr.addMark(from, to, mark) : tr.removeMark(from, to, mark.type))
  }

  paste () {
    const slice = this.view.state.doc.slice(...this.range())
    const { dom } = this.view.serializeForClipboard(slice)
    this.select(...this.range())
    this.view.pasteHTML(dom.innerHTML, { clipboardData: { getData: () => '', types: [], files: [] }, preventDefault () {} })
  }

  /** What this document did by itself since it was last asked. */
  made () {
    const { own } = this
    this.own = []
    return own
  }
}

export class Tiptap extends Writer {
  constructor (...args) {
    super(...args)
    this.editor = new Editor({
      element: document.createElement('div'),
      extensions: [StarterKit.configure({ undoRedo: false }), TaskList, TaskItem.configure({ nested: true }), TableKit, Collaboration.configure({ fragment: this.fragment })],
      editorProps: { handleScrollToSelection: () => true }
    })
    this.view = this.editor.view
  }

  undo (back) { this.editor.commands[back ? 'undo' : 'redo']() }

  /** What only Tiptap's commands do, at some place. */
  arrange () {
    const { dice, editor } = this
    this.select(...(dice.chance(0.6) ? [this.range()[0]] : this.range()))
    if (dice.chance(0.15)) return this.move()
    if (dice.chance(0.1)) return this.merge()
    const level = dice.below(3) + 1
    const commands = [
      c => c.setNode('heading', { level }), c => c.setNode('paragraph'), c => c.toggleBulletList(), c => c.toggleOrderedList(),
      c => c.toggleTaskList(), c => c.sinkListItem('listItem'), c => c.liftListItem('listItem'), c => c.sinkListItem('taskItem'),
      c => c.liftListItem('taskItem'), c => c.updateAttributes('taskItem', { checked: dice.chance(0.7) }),
      c => c.updateAttributes('taskItem', { checked: true }), c => c.toggleCodeBlock({ language: dice.pick(['js', 'py', null]) }),
      c => c.toggleBlockquote(), c => c.setHorizontalRule(), c => c.insertTable({ rows: 2, cols: level, withHeaderRow: dice.chance(0.5) }),
      c => c.addRowAfter(), c => c.addRowBefore(), c => c.deleteRow(), c => c.addColumnAfter(), c => c.deleteColumn(),
      c => c.toggleHeaderRow(), c => c.setCellAttribute('colwidth', [100 * level]), c => c.splitCell(), c => c.clearNodes(),
      c => c.joinBackward(), c => c.deleteTable(), c => c.splitListItem(dice.pick(['listItem', 'taskItem'])), c => c.selectParentNode()
    ]
    dice.pick(commands)(editor.commands)
  }

  /** A block of the document to another place in it. */
  move () {
    const { doc, tr } = this.view.state
    const at = (index) => { let sum = 0; for (let n = 0; n < index; n++) sum += tr.doc.child(n).nodeSize; return sum }
    const from = this.dice.below(doc.childCount)
    const node = doc.child(from)
    tr.delete(at(from), at(from) + node.nodeSize)
    this.view.dispatch(tr.insert(at(this.dice.below(tr.doc.childCount + 1)), node))
  }

  merge () {
    const cells = []
    const { doc, tr } = this.view.state
    doc.descendants((node, at, parent) => { if (parent.type.name === 'tableRow') cells.push(at) })
    if (cells.length < 2) return
    const first = this.dice.below(cells.length - 1)
    const [a, b] = [cells[first], cells[first + 1]].map(at => doc.resolve(at))
    if (a.node(a.depth - 1) !== b.node(b.depth - 1)) return
    this.view.dispatch(tr.setSelection(new CellSelection(a, b)))
    this.editor.commands.mergeCells()
  }

  destroy () { this.editor.destroy() }
}

export class BlockNote extends Writer {
  constructor (...args) {
    super(...args)
    this.number()
    this.editor = BlockNoteEditor.create({
      collaboration: { fragment: this.fragment, user: { name: 'Ann', color: '#ff0000' } },
      _tiptapOptions: { editorProps: { handleScrollToSelection: () => true } }
    })
    this.editor.mount(document.createElement('div'))
    this.view = this.editor.prosemirrorView
  }

  undo (back) { back ? this.editor.undo() : this.editor.redo() }

  block () {
    const { dice } = this
    const type = dice.pick(['paragraph', 'heading', 'bulletListItem', 'numberedListItem', 'checkListItem', 'toggleListItem', 'quote', 'codeBlock', 'divider', 'table', 'image'])
    if (type === 'divider') return { type }
    if (type === 'image') return { type, props: { url: 'https://example.org/a.png', caption: dice.pick(WORDS) } }
    if (type === 'table') {
      const cells = () => Array.from({ length: 2 }, () => dice.pick(WORDS))
      return { type, content: { type: 'tableContent', rows: Array.from({ length: dice.below(2) + 1 }, () => ({ cells: cells() })) } }
    }
    const children = dice.chance(0.2) ? [{ type: 'paragraph', content: dice.pick(WORDS) }] : []
    return { type, props: this.props(type), content: dice.pick(WORDS), children }
  }

  props (type) {
    const { dice } = this
    if (type === 'codeBlock') return { language: dice.pick(['javascript', 'python']) }
    const props = { textColor: dice.pick(COLORS), backgroundColor: dice.pick(COLORS), textAlignment: dice.pick(['left', 'center', 'right']) }
    if (type === 'heading') props.level = dice.below(3) + 1
    if (type === 'checkListItem') props.checked = dice.chance(0.5)
    return props
  }

  /** What BlockNote's own interface does with its blocks. */
  arrange () {
    const { dice, editor } = this
    const all = []
    editor.forEachBlock(block => all.push(block))
    const block = dice.pick(all)
    const text = Array.isArray(block.content)
    const roll = dice.below(100)
    if (roll < 22) editor.insertBlocks([this.block()], block, dice.pick(['before', 'after']))
    else if (roll < 40) editor.updateBlock(block, { props: block.type === 'divider' ? {} : this.props(block.type) })
    else if (roll < 54 && text) editor.updateBlock(block, { type: dice.pick(['paragraph', 'heading', 'bulletListItem', 'checkListItem', 'quote', 'codeBlock']) })
    else if (roll < 60) editor.removeBlocks([block])
    else if (roll < 64) editor.replaceBlocks([block], [this.block(), this.block()])
    else if (block.type === 'table' && roll < 80) this.grow(block)
    else if (text || dice.chance(0.5)) {
      if (text) editor.setTextCursorPosition(block, dice.pick(['start', 'end']))
      dice.pick([() => editor.moveBlocksUp(), () => editor.moveBlocksDown(), () => editor.nestBlock(), () => editor.nestBlock(), () => editor.unnestBlock()])()
    }
  }

  grow (block) {
    const rows = block.content.rows
    if (rows.length > 1 && this.dice.chance(0.4)) rows.splice(this.dice.below(rows.length), 1)
    else rows.splice(this.dice.below(rows.length + 1), 0, { cells: rows[0].cells.map(() => this.dice.pick(WORDS)) })
    this.editor.updateBlock(block, { type: 'table', content: { type: 'tableContent', rows } })
  }

  destroy () { this.editor.unmount() }
}
