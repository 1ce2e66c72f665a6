/** Where the fields stand in the header lines of a message. It is looked for in every message: nothing here makes an object but the result. */
import { bitOf, isNamed, LETTERS, lower } from './header-names.ts'

/** Where the values begin that every message is asked for; -1: there is none. */
export interface Places extends Record<Place, number> {
  /** A bit for each name that is there; two names may share one. */
  names: number
  /** Those of them that came more than once. */
  again: number
  /** The first that came again, but for Via. */
  doubled: Place | undefined
}

const PLACES = ['via', 'from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length'] as const
type Place = (typeof PLACES)[number]

export function nowhere(): Places {
  return {
    names: 0,
    again: 0,
    doubled: undefined,
    via: -1,
    from: -1,
    to: -1,
    'call-id': -1,
    cseq: -1,
    'max-forwards': -1,
    'content-length': -1,
  }
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
  const key = placeNamed(text, position, length)
  if (key === undefined) return
  if (places[key] < 0) places[key] = valueStart(text, colon, next)
  else if (key !== 'via') places.doubled ??= key
}

function placeNamed(text: string, name: number, length: number): Place | undefined {
  if (length === 1) return SHORT.get(lower(text, name))
  const names = LONG[length]
  if (names) for (const each of names) if (isNamed(text, name, each)) return each
  return undefined
}

/** By their length. */
const LONG: ReadonlyArray<readonly Place[] | undefined> = Array.from({ length: 15 }, (_, length) =>
  PLACES.filter((name) => name.length === length),
)

/** By the code of the compact form's letter. */
const SHORT: ReadonlyMap<number, Place> = new Map(
  PLACES.flatMap((name) => {
    const letter = LETTERS.get(name)
    return letter === undefined ? [] : [[letter, name]]
  }),
)
