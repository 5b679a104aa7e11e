import { find, h, join, me, others, tinted } from './room.js'

const { awareness, doc } = join('chat')
const messages = doc.getArray('messages')
const list = find('#messages')
const form = find('form')

function line({ name, color, text, time }) {
  const at = new Date(Number(time) || 0).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  const who = tinted(h('b', {}, String(name)), color)
  return h('li', { className: name === me.name ? 'mine' : '' }, who, h('time', {}, at), h('p', {}, String(text)))
}

function draw() {
  list.replaceChildren(...messages.toArray().filter((one) => one?.text).map(line))
  find('#empty').hidden = list.childElementCount > 0
  list.hidden = !list.childElementCount
  list.scrollTop = list.scrollHeight
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  const text = form.text.value.trim()
  if (text) messages.push([{ ...me, text, time: Date.now() }])
  form.reset()
  awareness.setLocalStateField('typing', false)
})

// Presence is told to those who are there, and kept nowhere.
form.text.addEventListener('input', () => awareness.setLocalStateField('typing', form.text.value !== ''))
awareness.on('change', () => {
  const names = others(awareness).filter(({ typing }) => typing).map(({ user }) => user.name)
  find('#typing').textContent = names.length ? `${names.join(', ')} typing …` : ''
})

messages.observe(draw)
draw()
