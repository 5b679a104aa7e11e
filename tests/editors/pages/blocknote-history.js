import { CURRENT_VERSION_ID, VersioningExtension } from '@blocknote/core/extensions'
import { createYjsVersioningAdapter, withCollaboration } from '@blocknote/core/yjs'
import { BlockNoteView } from '@blocknote/mantine'
import '@blocknote/mantine/style.css'
import { BlockNoteViewEditor, useCreateBlockNote, useExtensionState, VersioningSidebar } from '@blocknote/react'
import { createElement as h } from 'react'
import { createRoot } from 'react-dom/client'
import * as Y from 'yjs'

export async function show (parent, doc, provider, user, { server, document, token }) {
  const { quireVersions, restoredByServer } = await import(`${server}/client/quire-versions.js`)
  const collaboration = { provider, fragment: doc.getXmlFragment('default'), user }
  const endpoints = quireVersions({ document, token, author: user.name, Y, current: CURRENT_VERSION_ID })
  const history = VersioningExtension((editor) => ({
    ...restoredByServer(createYjsVersioningAdapter(editor, collaboration)),
    endpoints
  }))
  const Page = () => {
    const editor = useCreateBlockNote(withCollaboration({ collaboration, extensions: [history] }))
    const shown = useExtensionState(VersioningExtension, { editor, selector: (state) => state.previewedSnapshotId })
    return h(BlockNoteView, { editor, editable: shown === undefined, renderEditor: false, className: 'bn-editor-with-history' },
      h(BlockNoteViewEditor), h(VersioningSidebar))
  }
  createRoot(parent).render(h(Page))
}
