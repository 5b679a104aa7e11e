// The strip below the past: play, step, and a slider over all edits, coloured by who made them, with
// the named versions on it. Knows moments as numbers only.

import { h, icon, iconButton } from '../dom.js'
import { labelOf } from './moments.js'

/** Edits a second at 1x, and how many seconds the whole may take at that pace. */
const PACE = 12
const WHOLE = 120
/** The longest time between two pictures that counts: a slow server slows the play. */
const FRAME = 125
const SLOWEST = 900

const SPEEDS = [1, 4, 16]

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export class Player {
  element
  slider = h('input', {
    type: 'range',
    min: '1',
    max: '1',
    step: '1',
    class: 'past-slider',
    'aria-label': 'Moment'
  })
  playing = false
  #acts
  #play = iconButton('play', 'Play', { class: 'icon-button play', 'data-keys': 'Space' })
  #band = h('div', { class: 'past-band', 'aria-hidden': 'true' })
  #stars = h('div', { class: 'past-stars', 'aria-hidden': 'true' })
  #says = h('span', { class: 'past-says', 'aria-hidden': 'true' })
  #speed = 1
  #speeds
  #head = 1

  /** `acts`: { go(seq): Promise, step(by, fine) }; go() resolves when the moment is drawn. */
  constructor(acts) {
    this.#acts = acts
    this.slider.addEventListener('input', () => {
      this.pause()
      acts.go(Number(this.slider.value))
    })
    this.#play.addEventListener('click', () => this.toggle())
    this.#speeds = SPEEDS.map((speed) => this.#speedButton(speed))
    this.element = h(
      'section',
      { class: 'past-player', 'aria-label': 'Playback' },
      this.#play,
      iconButton('right', 'Earlier', {
        class: 'icon-button earlier',
        'data-keys': '\u2190',
        onclick: () => acts.step(-1, false)
      }),
      h('div', { class: 'past-track' }, this.#band, this.slider, this.#stars),
      iconButton('right', 'Later', { 'data-keys': '\u2192', onclick: () => acts.step(1, false) }),
      this.#says,
      h('div', { class: 'past-speeds', role: 'group', 'aria-label': 'Speed' }, this.#speeds)
    )
  }

  #speedButton(speed) {
    const choose = () => {
      this.#speed = speed
      for (const other of this.#speeds)
        other.setAttribute('aria-pressed', String(other.textContent === `${speed}\u00d7`))
    }
    return h(
      'button',
      {
        type: 'button',
        class: 'speed',
        'aria-pressed': String(speed === 1),
        'aria-label': `${speed} times`,
        onclick: choose
      },
      `${speed}\u00d7`
    )
  }

  /**
   * What there is: `pieces` [{ first, last, color }] of the band, `versions` [{ seq, name }].
   */
  set({ head, pieces, versions }) {
    this.#head = Math.max(head, 1)
    this.slider.max = String(this.#head)
    this.slider.disabled = head < 1
    this.#play.disabled = head < 2
    const part = (seq) => `${((100 * seq) / this.#head).toFixed(3)}%`
    const stops = pieces.map(
      ({ first, last, color }) => `${color} ${part(first - 1)} ${part(last)}`
    )
    // What has not been loaded yet has no colour.
    const rest = `transparent ${part((pieces[0]?.first ?? 1) - 1)}`
    this.#band.style.backgroundImage =
      stops.length > 0 ? `linear-gradient(90deg, ${[rest, ...stops].join(', ')})` : ''
    this.#stars.replaceChildren(
      ...versions
        .filter(({ seq }) => seq > 0)
        .map((version) => {
          const { seq } = version
          const go = () => this.#acts.go(seq)
          const star = h(
            'button',
            {
              type: 'button',
              tabindex: '-1',
              class: 'past-star',
              'data-tip': labelOf(version),
              onclick: go
            },
            icon('starred')
          )
          star.style.left = part(seq)
          return star
        })
    )
  }

  /** Show where one is; `words` say it. */
  at(seq, words) {
    if (this.slider.getRootNode().activeElement !== this.slider || Number(this.slider.value) !== seq)
      this.slider.value = String(seq)
    this.slider.setAttribute('aria-valuetext', words)
    this.slider.style.setProperty(
      '--at',
      `${(100 * Math.max(0, seq - 1)) / Math.max(1, this.#head - 1)}%`
    )
    this.#says.textContent = `${seq.toLocaleString('en')} of ${this.#head.toLocaleString('en')}`
  }

  toggle() {
    if (this.playing) this.pause()
    else this.#run()
  }

  pause() {
    this.playing = false
    this.#draw()
  }

  #draw() {
    const [name, label] = this.playing ? ['pause', 'Pause'] : ['play', 'Play']
    this.#play.replaceChildren(icon(name))
    this.#play.setAttribute('aria-label', label)
    this.#play.dataset.tip = label
  }

  async #run() {
    this.playing = true
    this.#draw()
    let at = Number(this.slider.value)
    if (at >= this.#head) at = 0
    let last = performance.now()
    while (this.playing && at < this.#head) {
      const now = performance.now()
      const pace = Math.max(PACE, this.#head / WHOLE) * this.#speed
      at = Math.min(this.#head, at + (Math.min(now - last, SLOWEST) / 1000) * pace)
      last = now
      if (Math.ceil(at) >= 1) await this.#acts.go(Math.ceil(at))
      await after(Math.max(0, FRAME - (performance.now() - now)))
    }
    this.pause()
  }
}
