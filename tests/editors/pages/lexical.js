import { LexicalCollaboration } from '@lexical/react/LexicalCollaborationContext'
import { CollaborationPlugin } from '@lexical/react/LexicalCollaborationPlugin'
import { LexicalComposer } from '@lexical/react/LexicalComposer'
import { ContentEditable } from '@lexical/react/LexicalContentEditable'
import { LexicalErrorBoundary } from '@lexical/react/LexicalErrorBoundary'
import { RichTextPlugin } from '@lexical/react/LexicalRichTextPlugin'
import { createElement as h } from 'react'
import { createRoot } from 'react-dom/client'

export function show (parent, doc, provider, user) {
  const providerFactory = (id, docs) => { docs.set(id, doc); return provider }
  const config = { namespace: 'notes', editorState: null, onError (error) { throw error } }
  createRoot(parent).render(h(LexicalCollaboration, null, h(LexicalComposer, { initialConfig: config },
    h(RichTextPlugin, { contentEditable: h(ContentEditable), ErrorBoundary: LexicalErrorBoundary }),
    h(CollaborationPlugin, { id: 'main', providerFactory, shouldBootstrap: false, username: user.name })
  )))
}
