const find = (selector) => document.querySelector(selector)
const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/examples/echo/socket`)

function show(who, text) {
  const line = document.createElement('li')
  line.className = who
  line.textContent = text
  find('#said').append(line)
  find('#said').hidden = false
  find('#empty').hidden = true
  find('#said').scrollTop = find('#said').scrollHeight
}

socket.addEventListener('open', () => {
  find('#state').textContent = 'Connected'
  find('#state').dataset.state = 'connected'
})
socket.addEventListener('close', () => {
  find('#state').textContent = 'Closed: reload the page'
  delete find('#state').dataset.state
})
socket.addEventListener('message', ({ data }) => show('theirs', data))

find('form').addEventListener('submit', (event) => {
  event.preventDefault()
  const text = find('input').value.trim()
  if (!text || socket.readyState !== WebSocket.OPEN) return
  socket.send(text)
  show('mine', text)
  find('form').reset()
})
