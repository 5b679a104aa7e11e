import { Collaboration, CollaborationCaret, Editor, Placeholder, StarterKit } from '/static/vendor/editor.js'
import { find, h, join, me, tinted } from './room.js'

const { doc, name, provider } = join('document')
find('#page').href = `/d/${encodeURIComponent(name)}`

const caret = (user) => tinted(h('span', { className: 'caret' }, h('span', { className: 'flag' }, String(user.name))), user.color)

new Editor({
  element: find('#sheet'),
  autofocus: true,
  injectCSS: false, // the policy allows no inline styles: examples.css has what is needed
  extensions: [
    StarterKit.configure({ undoRedo: false, trailingNode: false }), // undo is Collaboration's own
    Placeholder.configure({ placeholder: 'Write something, and open this page in a second window.' }),
    Collaboration.configure({ document: doc }),
    CollaborationCaret.configure({ provider, user: me, render: caret, selectionRender: () => ({ class: 'selected' }) })
  ],
  editorProps: { attributes: { 'aria-label': 'Text', role: 'textbox', 'aria-multiline': 'true' } }
})
