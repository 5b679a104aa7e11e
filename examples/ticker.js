import { find, h, join } from './room.js'

const { doc, name } = join('ticker')
const prices = doc.getMap('prices')
const rows = new Map()
const KEPT = 120 // prices in a line
find('pre').textContent = `python examples/ticker.py ${location.origin} ${name}`

function graph() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', `0 0 ${KEPT} 30`)
  svg.setAttribute('preserveAspectRatio', 'none')
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'polyline')
  svg.append(path)
  return { svg, path }
}

function row(symbol) {
  const { svg, path } = graph()
  const price = h('td', { className: 'number' })
  const change = h('td', { className: 'number' })
  const element = h('tr', {}, h('th', { scope: 'row' }, symbol), price, change, h('td', {}, svg))
  rows.set(symbol, { element, price, change, path, past: [] })
  find('tbody').replaceChildren(...[...rows.keys()].sort().map((key) => rows.get(key).element))
  return rows.get(symbol)
}

function draw(symbol) {
  const value = prices.get(symbol)
  if (typeof value !== 'number') return
  const { element, price, change, path, past } = rows.get(symbol) ?? row(symbol)
  past.push(value)
  if (past.length > KEPT) past.shift()
  const [low, high] = [Math.min(...past), Math.max(...past)]
  const percent = (value / past[0] - 1) * 100
  price.textContent = value.toFixed(2)
  change.textContent = `${percent < 0 ? '▼' : '▲'} ${Math.abs(percent).toFixed(2)} %`
  element.dataset.trend = percent < 0 ? 'down' : 'up'
  const heights = past.map((one, at) => `${at},${28 - ((one - low) / (high - low || 1)) * 26}`)
  path.setAttribute('points', heights.join(' '))
  find('table').hidden = false
  find('#empty').hidden = true
}

prices.observe(({ keysChanged }) => keysChanged.forEach(draw))
