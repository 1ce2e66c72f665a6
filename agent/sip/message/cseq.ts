/** The CSeq header field (RFC 3261 20.16). */
import { isBlank } from './header-lines.ts'
import { METHODS, methodAt } from './methods.ts'

export interface CSeq {
  number: number
  method: string
}

/** Digits, blanks, and a word. By hand: every message needs it. */
export function parseCSeq(value: string | undefined): CSeq | undefined {
  if (value === undefined) return undefined
  let end = 0
  let number = 0
  for (let code = value.charCodeAt(0); code >= 48 && code <= 57; code = value.charCodeAt(++end))
    number = number * 10 + code - 48
  let start = end
  while (isBlank(value.charCodeAt(start))) start++
  if (end === 0 || number >= 2 ** 32 || start === end) return undefined
  const method = METHODS[methodAt(value, start)] ?? value.slice(start)
  return /^\S+$/.test(method) ? { number, method } : undefined
}
