import { find, h, join, me } from './room.js'

const { doc, name } = join('scores')
const goals = doc.getArray('goals')
const moment = find('#moment')
const history = `/api/documents/${encodeURIComponent(name)}/history`
let replaying = 0 // which replay; 0 is live

function draw(shown) {
  const sound = shown.filter((goal) => goal?.side === 'home' || goal?.side === 'away')
  for (const side of ['home', 'away']) find(`#${side}`).textContent = sound.filter((goal) => goal.side === side).length
  const lines = sound.map(({ side, minute, by }) =>
    h('li', {}, h('time', {}, `${Number(minute) || 0}′`), ` Goal for ${side === 'home' ? 'Rovers' : 'United'}, says ${by}`))
  find('#events').replaceChildren(...lines.reverse())
  find('#events').hidden = !lines.length
  find('#empty').hidden = lines.length > 0
}

const live = () => !replaying && draw(goals.toArray())
for (const button of document.querySelectorAll('[data-goal]'))
  button.addEventListener('click', () => {
    const minute = Math.min(90, goals.length * 7 + Math.ceil(Math.random() * 7))
    goals.push([{ side: button.dataset.goal, minute, by: me.name }])
  })

async function show(seq) {
  const turn = replaying
  const answer = await (await fetch(`${history}/${seq}`)).json()
  if (turn === replaying) draw(answer.content?.goals ?? [])
}

async function replay() {
  const { head = 0 } = await (await fetch(`${history}?limit=1`)).json()
  const turn = ++replaying
  moment.max = head
  moment.disabled = find('#live').disabled = false
  for (moment.value = 0; turn === replaying; moment.value++) {
    await show(moment.value)
    if (Number(moment.value) >= head) break
    await new Promise((done) => setTimeout(done, 700))
  }
}

find('#play').addEventListener('click', replay)
moment.addEventListener('input', () => { replaying++; show(moment.value) })
find('#live').addEventListener('click', () => {
  replaying = 0
  moment.disabled = find('#live').disabled = true
  live()
})
goals.observe(live)
live()
