/** Where the fields stand in the header lines of a message. It is looked for in every message: nothing here makes an object but the result. */
import { bitOf, isNamed, LETTERS, lower } from './header-names.ts'

/** The fields that every message is asked for. */
const ASKED = ['via', 'from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length'] as const

/** By their names, their places in `Places.at`. */
export const PLACE = { via: 0, from: 1, to: 2, 'call-id': 3, cseq: 4, 'max-forwards': 5, 'content-length': 6 } as const

export interface Places {
  /** Where the values begin, by `PLACE`; -1: there is none. */
  readonly at: number[]
  /** A bit for each name that is there; two names may share one. */
  names: number
  /** Those of them that came more than once. */
  again: number
  /** The first that came again, but for Via. */
  doubled: string | undefined
}

export function nowhere(): Places {
  return { at: [-1, -1, -1, -1, -1, -1, -1], names: 0, again: 0, doubled: undefined }
}

const CR = 13

export function isBlank(code: number): boolean {
  return code === 32 || code === 9
}

export function isSpace(code: number): boolean {
  return code === 32 || code === 9 || code === CR
}

export function lineAfter(text: string, position: number, end: number): number {
  const newline = text.indexOf('\n', position)
  return newline < 0 || newline >= end ? end : newline + 1
}

export function nameEnd(text: string, position: number, colon: number): number {
  let end = colon
  while (end > position && isBlank(text.charCodeAt(end - 1))) end--
  return end
}

export function valueStart(text: string, colon: number, next: number): number {
  let start = colon + 1
  while (start < next && isBlank(text.charCodeAt(start))) start++
  return start
}

/**
 * Writes down where the value begins, when it is the first of one of the fields that every message is asked for. A line that is no header is
 * passed over: the rest of the message may be all that is needed.
 */
export function notePlace(text: string, position: number, next: number, places: Places): void {
  const colon = text.indexOf(':', position)
  if (colon <= position || colon >= next) return
  const length = nameEnd(text, position, colon) - position
  const bit = bitOf(lower(text, position), length)
  places.again |= places.names & bit
  places.names |= bit
  const place = placeNamed(text, position, length)
  if (place < 0) return
  if ((places.at[place] ?? -1) < 0) places.at[place] = valueStart(text, colon, next)
  else if (place !== PLACE.via) places.doubled ??= ASKED[place]
}

/** -1: it is none of those that every message is asked for. */
function placeNamed(text: string, name: number, length: number): number {
  if (length === 1) return SHORT[lower(text, name)] ?? -1
  const places = LONG[length]
  if (places) for (const place of places) if (isNamed(text, name, ASKED[place])) return place
  return -1
}

type Place = (typeof PLACE)[keyof typeof PLACE]

/** By their length. */
const LONG: ReadonlyArray<readonly Place[] | undefined> = Array.from({ length: 15 }, (_, length) =>
  ASKED.filter((name) => name.length === length).map((name) => PLACE[name]),
)

/** By the code of the compact form's letter. */
const SHORT: readonly number[] = Array.from({ length: 128 }, (_, code) =>
  ASKED.findIndex((name) => LETTERS.get(name) === code),
)
