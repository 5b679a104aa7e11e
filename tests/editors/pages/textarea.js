import { TextAreaBinding } from 'y-textarea'

export function show (parent, doc, provider, user) {
  const area = document.createElement('textarea')
  area.id = 'content' // the same for everybody: carets go by it
  parent.append(area)
  new TextAreaBinding(doc.getText('content'), area, { // eslint-disable-line no-new
    awareness: provider.awareness,
    clientName: user.name,
    color: { r: 11, g: 122, b: 111 }
  })
  return area
}
