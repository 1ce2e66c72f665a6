/** Names of header fields: their long and compact forms (RFC 3261 7.3.3), compared without making text. */

/** RFC 3261 7.3.3 and the registry that followed it. */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
}

/** The other way: the code of the one letter that stands for a name. */
export const LETTERS = new Map(Object.entries(COMPACT).map(([letter, name]) => [name, letter.charCodeAt(0)]))

/** The long form of a header's name in lower case. */
export function headerKey(name: string): string {
  const lower = name.toLowerCase()
  return (lower.length === 1 ? COMPACT[lower] : undefined) ?? lower
}

export function lower(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 65 && code <= 90 ? code + 32 : code
}

export function isNamed(text: string, start: number, key: string): boolean {
  for (let at = 0; at < key.length; at++) if (lower(text, start + at) !== key.charCodeAt(at)) return false
  return true
}

/** By the first letter of a name and its length. */
export function bitOf(letter: number, length: number): number {
  return 1 << ((letter * 5 + length) & 31)
}
