import { find, h, join, others, tinted } from './room.js'

const { awareness, doc } = join('board')
const moves = doc.getArray('moves') // the squares, in order: X begins
const LINES = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]]
const squares = [...Array(9).keys()].map((at) => h('button', { onclick: () => move(at), onfocus: () => look(at), onmouseenter: () => look(at) }))
find('#board').append(...squares)

// Two may move at once: what everybody makes of the list is the same, and the second move does not count.
function game() {
  const cells = Array(9).fill('')
  let turn = 'X'
  const won = () => LINES.find(([a, b, c]) => cells[a] && cells[a] === cells[b] && cells[b] === cells[c])
  for (const { at, by } of moves.toArray().filter((one) => typeof one?.at === 'number')) {
    if (cells[at] !== '' || by !== turn || won()) continue
    cells[at] = turn
    turn = turn === 'X' ? 'O' : 'X'
  }
  return { cells, turn, line: won(), full: cells.every(Boolean) }
}

function draw() {
  const { cells, turn, line, full } = game()
  squares.forEach((square, at) => {
    square.textContent = cells[at]
    square.className = line?.includes(at) ? 'won' : cells[at].toLowerCase()
    square.setAttribute('aria-label', `Row ${Math.floor(at / 3) + 1}, column ${(at % 3) + 1}: ${cells[at] || 'free'}`)
  })
  find('#turn').textContent = line ? `${cells[line[0]]} has won` : full ? 'A draw' : `It is ${turn}’s turn`
  find('#empty').hidden = cells.some(Boolean)
  // Presence: where the others are. A cheer is a message for those who are there, and nobody else.
  for (const { client, user, look: at, cheer } of others(awareness)) {
    squares[at]?.append(tinted(h('span', { className: 'eyes', title: user.name }), user.color))
    if (cheer && heard.has(client) && heard.get(client) !== cheer.n) find('#cheers').textContent = `${user.name}: ${cheer.what}`
    heard.set(client, cheer?.n)
  }
}

function move(at) {
  const { cells, turn, line } = game()
  if (!cells[at] && !line) moves.push([{ at, by: turn }])
}

const look = (at) => awareness.setLocalStateField('look', at)
find('#board').addEventListener('keydown', ({ key }) => {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -3, ArrowDown: 3 }[key]
  squares[squares.indexOf(document.activeElement) + step]?.focus()
})
find('#again').addEventListener('click', () => moves.delete(0, moves.length))

const heard = new Map()
for (const button of document.querySelectorAll('.row span button'))
  button.addEventListener('click', () => awareness.setLocalStateField('cheer', { what: button.textContent, n: Math.random() }))
awareness.on('change', draw)
draw(moves.observe(draw))
