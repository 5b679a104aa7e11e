// The icons that vendor/icons.js lacks, drawn here in its style: [[tag, attributes], ...].

const fill = { fill: 'currentColor' }
const bar = (x) => ['rect', { ...fill, x, y: '5', width: '4', height: '14', rx: '1' }]
const STAR = 'm12 3.2 2.7 5.6 6.1.8-4.5 4.3 1.1 6.1-5.4-3-5.4 3 1.1-6.1-4.5-4.3 6.1-.8z'

export const past = [
  ['path', { d: 'M3.6 12a8.4 8.4 0 1 0 2.7-6.2L3.6 8.4' }],
  ['path', { d: 'M3.6 3.6v4.8h4.8' }],
  ['path', { d: 'M12 7.6V12l3.2 2' }]
]
export const play = [['path', { ...fill, d: 'M8 5.2v13.6L18.6 12z' }]]
export const pause = [bar('6'), bar('14')]
export const star = [['path', { d: STAR }]]
export const starred = [['path', { ...fill, d: STAR }]]
export const up = [['path', { d: 'm6 15 6-6 6 6' }]]
export const person = [
  ['circle', { cx: '12', cy: '8', r: '3.7' }],
  ['path', { d: 'M4.8 20c.6-3.8 3.5-6 7.2-6s6.6 2.2 7.2 6' }]
]
export const share = [
  ['circle', { cx: '18', cy: '5.5', r: '2.6' }],
  ['circle', { cx: '6', cy: '12', r: '2.6' }],
  ['circle', { cx: '18', cy: '18.5', r: '2.6' }],
  ['path', { d: 'm8.3 10.7 7.4-4M8.3 13.3l7.4 4' }]
]
