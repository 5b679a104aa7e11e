// Counts words for the line at the foot of the page.

const WORD = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]|[\p{L}\p{N}_]+(?:['’.-][\p{L}\p{N}_]+)*/gu

/**
 * Words as a reader counts them: "don't" and "re-read" are one, every Chinese or Japanese character
 * is one.
 */
export function words(text) {
  let number = 0
  for (const _ of text.matchAll(WORD)) number++
  return number
}
