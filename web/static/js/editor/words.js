// Counts words and characters for the line at the foot of the page.

const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}_]+(?:['’.-][\p{L}\p{N}_]+)*/gu

/** Words as a reader counts them: "don't" and "re-read" are one, every Chinese or Japanese character is one. */
export function words (text) {
  let number = 0
  for (const _ of text.matchAll(WORD)) number++ // eslint-disable-line no-unused-vars
  return number
}

/** Run `work` once the caller has been quiet for a moment. */
export function whenQuiet (work, ms = 180) {
  let timer = null
  return () => {
    clearTimeout(timer)
    timer = setTimeout(work, ms)
  }
}
