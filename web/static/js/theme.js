// Light, dark, or as the system says; remembered, and the same in every tab. boot.js applies it
// before first paint.

import { iconButton, icon } from './dom.js'
import { onRecall } from './memory.js'

const NEXT = { system: 'light', light: 'dark', dark: 'system' }
const LOOK = {
  system: ['system', 'Theme: as the system'],
  light: ['sun', 'Theme: light'],
  dark: ['moon', 'Theme: dark']
}
const system = matchMedia('(prefers-color-scheme: dark)')

// Stored as a bare word, which boot.js reads without parsing.
function stored() {
  try {
    return localStorage.getItem('quire:theme') ?? 'system'
  } catch {
    return 'system'
  }
}

let theme = LOOK[stored()] ? stored() : 'system'

function apply() {
  const dark = theme === 'dark' || (theme === 'system' && system.matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
}

/** A button that steps through the three themes. */
export function themeButton() {
  const button = iconButton('system', '')
  const draw = () => {
    const [name, label] = LOOK[theme]
    button.replaceChildren(icon(name))
    button.setAttribute('aria-label', label)
    button.dataset.tip = label
    apply()
  }
  button.addEventListener('click', () => {
    theme = NEXT[theme]
    try {
      if (theme === 'system') localStorage.removeItem('quire:theme')
      else localStorage.setItem('quire:theme', theme)
    } catch {
      /* not remembered, still applied */
    }
    draw()
  })
  onRecall('theme', () => {
    theme = LOOK[stored()] ? stored() : 'system'
    draw()
  })
  system.addEventListener('change', draw)
  draw()
  return button
}
