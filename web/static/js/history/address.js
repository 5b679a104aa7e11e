// The address while one looks at the past: #rev=225 or #rev=201..225, and the way back out of it.

import { readAddress, writeAddress } from './moments.js'

/** Browsers take it amiss when an address changes many times a second. */
const CALM = 300

const plain = () => location.pathname + location.search
const depth = () => history.state?.past ?? 0

/** For an element, whose page has the address for itself. */
export const NO_ADDRESS = { target: null, set() {}, leave() {} }

export class Address {
  #timer = null

  /** `moved(target)` is called when one goes back or forward, with null for the present. */
  constructor(moved) {
    addEventListener('popstate', () => {
      clearTimeout(this.#timer)
      moved(readAddress(location.hash))
    })
  }

  /** What the address asks for: { from, to } or null. */
  get target() {
    return readAddress(location.hash)
  }

  /** The whole address of a target. */
  of(target) {
    return location.origin + plain() + writeAddress(target)
  }

  /** Go to a target: as a place of its own that Back leaves, or instead of the present one. */
  set(target, far) {
    clearTimeout(this.#timer)
    const write = () => {
      const state = { past: depth() + (far ? 1 : 0) }
      history[far ? 'pushState' : 'replaceState'](state, '', plain() + writeAddress(target))
    }
    if (far) write()
    else this.#timer = setTimeout(write, CALM)
  }

  /** Back to the present, as if one had gone back step by step. */
  leave() {
    clearTimeout(this.#timer)
    if (this.target === null) return
    if (depth() > 0) history.go(-depth())
    else history.replaceState(null, '', plain())
  }
}
